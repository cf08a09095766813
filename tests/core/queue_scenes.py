"""A session in each of its phases in queue mode, for stories that begin there."""

from collections.abc import Callable
from dataclasses import replace

from nth.core.node.phases import Phase
from nth.core.notices.events import RebalanceRecommendation, Withdrawn
from nth.core.policy import Level, Policy
from tests.core.fleet_samples import ARN, health, risk, spot_warning
from tests.core.queue_world import QUEUE_RULES, QueueWorld
from tests.core.samples import a_pod

CORDON_FOR_RISK = replace(QUEUE_RULES, policy=Policy(levels={RebalanceRecommendation: Level.CORDON}))
AT_START = replace(QUEUE_RULES, policy=Policy(scheduled_at_start=True))
ENTERED_SECONDS = 10.015
"""By then each scene is in its phase; where a request is under way, its answer comes 5 ms later."""


def waiting() -> QueueWorld:
    world = QueueWorld([a_pod()], rules=AT_START, lag_seconds=0.001)
    world.notice(health())
    return world


def marking() -> QueueWorld:
    world = QueueWorld([a_pod()], lag_seconds=0.001)
    world.notice(spot_warning(), seconds=10)
    return world


def cordoned() -> QueueWorld:
    world = QueueWorld([a_pod()], rules=CORDON_FOR_RISK, lag_seconds=0.001)
    world.notice(risk())
    return world


def draining() -> QueueWorld:
    world = QueueWorld([a_pod()], stop_seconds=lambda _: 25.0, lag_seconds=0.001)
    world.notice(spot_warning())
    return world


def drained() -> QueueWorld:
    world = QueueWorld([a_pod()], lag_seconds=0.001)
    world.notice(spot_warning())
    return world


def undoing() -> QueueWorld:
    world = QueueWorld([a_pod()], lag_seconds=0.001)
    world.notice(health())
    # The node has to be read first, which takes 10 ms.
    world.notice(Withdrawn(event_id=ARN, reason="cancelled"), seconds=10)
    return world


SCENES: dict[Phase, Callable[[], QueueWorld]] = {
    Phase.WAITING: waiting,
    Phase.MARKING: marking,
    Phase.CORDONED: cordoned,
    Phase.DRAINING: draining,
    Phase.DRAINED: drained,
    Phase.UNDOING: undoing,
}


def play(phase: Phase) -> QueueWorld:
    """A story that has just come to that phase."""
    world = SCENES[phase]()
    world.run(ENTERED_SECONDS)
    assert world.session.phase is phase
    return world
