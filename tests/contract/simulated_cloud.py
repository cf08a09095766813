"""The simulation's metadata service as a stage for the contract, in virtual time."""

from collections.abc import Callable, Coroutine
from typing import Protocol, assert_never

from nth.ports import Clock, MetadataService
from nth.simulation import cloud
from nth.simulation.clock import run
from testbed.metadata_mock import AsgTargetState, Hears, ScheduledEvent, SpotNotices


class Stage(Protocol):
    """What a test may let the instance hear."""

    def now(self) -> float:
        """Seconds since the epoch, UTC."""
        ...

    async def hear(self, what: Hears) -> None:
        """From now on the metadata service says this."""
        ...


Scenario = Callable[[Stage, MetadataService], Coroutine[object, object, None]]
Play = Callable[[Scenario], None]
"""Runs a scenario to its end on one kind of metadata service, in the loop that this kind needs."""


class SimulatedStage:
    """A metadata service in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.service = cloud.SimulatedCloud(clock)

    def now(self) -> float:
        return self._clock.now()

    async def hear(self, what: Hears) -> None:
        match what:
            case SpotNotices():
                self._hear_spot(what)
            case ScheduledEvent():
                self.service.schedule(
                    cloud.ScheduledEvent(
                        event_id=what.event_id,
                        code=what.code,
                        not_before_at=what.not_before_at,
                        not_after_at=what.not_after_at,
                        state=what.state,
                    )
                )
            case AsgTargetState():
                self.service.asg_terminate(what.terminated_at)
            case _:
                assert_never(what)

    def _hear_spot(self, what: SpotNotices) -> None:
        if what.interrupted_at is not None:
            at_once_seconds = what.interrupted_at - self.now()
            self.service.interrupt(what.interrupted_at, what.action, notice_seconds=at_once_seconds)
        if what.rebalance_noticed_at is not None:
            self.service.rebalance(what.rebalance_noticed_at)


def play_simulated(scenario: Scenario) -> None:
    """In virtual time."""

    async def main(clock: Clock) -> None:
        stage = SimulatedStage(clock)
        await scenario(stage, stage.service)

    run(main)
