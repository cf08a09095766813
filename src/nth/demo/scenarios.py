"""Scripts of AWS's acts in the demo, for the simulated metadata service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nth.simulation.cloud import NOTICE_SECONDS, ScheduledEvent, SimulatedCloud

CALM_SECONDS = 4.0
"""The quiet time at the beginning."""
AFTERMATH_SECONDS = 4.0
"""The time that the demo goes on after the end, so that its last state can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One script."""

    name: str
    about: str
    flags: tuple[str, ...]
    """The handler's flags that it needs."""
    play: Callable[[SimulatedCloud, float], float]
    """(cloud, its begin) -> its end; instants in epoch seconds."""


def _spot(cloud: SimulatedCloud, begin_at: float) -> float:
    interrupted_at = begin_at + NOTICE_SECONDS
    cloud.interrupt(interrupted_at)
    return interrupted_at


def _rebalance_then_spot(cloud: SimulatedCloud, begin_at: float) -> float:
    cloud.rebalance(begin_at)
    return _spot(cloud, begin_at + 15)


def _scheduled_cancelled(cloud: SimulatedCloud, begin_at: float) -> float:
    event = ScheduledEvent(not_before_at=begin_at + 3600, not_after_at=begin_at + 7200)
    cloud.schedule(event, told_at=begin_at)
    cloud.cancel(event.event_id, told_at=begin_at + 40)
    return begin_at + 45


_ALL = (
    Scenario(
        name="spot",
        about="a Spot notice: the machine goes in two minutes",
        flags=("--taint-node",),
        play=_spot,
    ),
    Scenario(
        name="rebalance-then-spot",
        about="a rebalance recommendation cordons, and 15 s later the Spot notice comes",
        flags=("--taint-node", "--enable-rebalance-monitoring"),
        play=_rebalance_then_spot,
    ),
    Scenario(
        name="scheduled-cancelled",
        about="maintenance in an hour, which AWS cancels after 40 s",
        flags=("--taint-node",),
        play=_scheduled_cancelled,
    ),
)
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
