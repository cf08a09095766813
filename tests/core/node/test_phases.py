"""The table of phases: every transition happens in some story, and nothing else ever does."""

from collections.abc import Callable

import pytest

from nth.core.decisions import Decision
from nth.core.node.phases import (
    AGAIN,
    CALLED_OFF,
    DRAIN_DUE,
    DUE,
    EMPTY,
    GONE,
    HANDED_OVER,
    MARKED,
    MEANINGS,
    NEW,
    OVER,
    TAKEN,
    TRANSITIONS,
    UNDONE,
    Phase,
)
from nth.core.node.session import Session, SessionRules
from nth.core.notices.events import Withdrawn
from nth.core.policy import Policy
from nth.errors import Rejected
from tests.core.queue_scenes import ENTERED_SECONDS, SCENES
from tests.core.samples import T0, a_pod, rebalance, scheduled, spot
from tests.core.world import Fault, World

WAITING, MARKING, CORDONED = Phase.WAITING, Phase.MARKING, Phase.CORDONED
DRAINING, DRAINED, UNDOING, ENDED = Phase.DRAINING, Phase.DRAINED, Phase.UNDOING, Phase.ENDED
HELD = a_pod(finalizers=("held",))
LATE = SessionRules(policy=Policy(scheduled_at_start=True))

NO_SPOT = Withdrawn(event_id="spot-itn-1", reason="x")
NO_REBALANCE = Withdrawn(event_id="rebalance-recommendation-1", reason="x")
NO_SCHEDULED = Withdrawn(event_id="instance-event-1", reason="x")


def _vanish(world: World) -> None:
    world.node = None


def whole_way() -> World:
    world = World([a_pod()])
    world.notice(spot())
    return world


def drain_comes_later() -> World:
    world = World(rules=SessionRules(policy=Policy(node_grace_seconds=60)))
    world.notice(spot())
    world.notice(NO_SPOT, seconds=30)
    return world


def withdrawn_while_waiting() -> World:
    world = World(rules=LATE)
    world.notice(scheduled())
    world.notice(NO_SCHEDULED, seconds=30)
    return world


def withdrawn_while_marking() -> World:
    world = World()
    world.notice(spot())
    world.notice(NO_SPOT, seconds=0.005)
    return world


def withdrawn_while_draining() -> World:
    world = World([HELD])
    world.notice(spot())
    world.notice(NO_SPOT, seconds=10)
    return world


def withdrawn_when_drained() -> World:
    world = World()
    world.notice(spot())
    world.notice(NO_SPOT, seconds=10)
    return world


def called_off() -> World:
    world = World([HELD])
    world.notice(spot(), rebalance())
    world.notice(NO_SPOT, seconds=10)
    return world


def one_more_event() -> World:
    world = World()
    world.notice(spot())
    world.notice(scheduled(), seconds=10)
    return world


def new_while_undoing() -> World:
    world = World()
    world.notice(rebalance())
    world.notice(NO_REBALANCE, seconds=10)
    world.notice(spot(), seconds=10.005)
    return world


def node_vanishes_when_cordoned() -> World:
    world = World()
    world.notice(rebalance())
    world.at(5, lambda: _vanish(world))
    world.notice(scheduled(code="system-maintenance"), seconds=6)
    return world


def node_vanishes_when_drained() -> World:
    world = World()
    world.notice(spot())
    world.at(5, lambda: _vanish(world))
    world.notice(rebalance(), seconds=6)
    return world


def node_vanishes_while_draining() -> World:
    world = World([HELD])
    world.notice(spot())
    world.at(5, lambda: _vanish(world))
    world.notice(rebalance(), seconds=6)
    return world


def node_vanishes_while_marking() -> World:
    world = World()
    _vanish(world)
    world.notice(spot())
    return world


def node_vanishes_while_undoing() -> World:
    world = World()
    world.notice(rebalance())
    world.at(5, lambda: _vanish(world))
    world.notice(NO_REBALANCE, seconds=6)
    return world


def taken(phase: Phase) -> Callable[[], World]:
    def taken_story() -> World:
        world = SCENES[phase]()
        world.at(ENTERED_SECONDS, world.seize)
        return world

    return named(taken_story, f"taken_while_{phase.value}")


def handed_over(phase: Phase) -> Callable[[], World]:
    def handed_over_story() -> World:
        world = SCENES[phase]()
        world.at(ENTERED_SECONDS, world.hand_over)
        return world

    return named(handed_over_story, f"handed_over_while_{phase.value}")


def gone(phase: Phase) -> Callable[[], World]:
    def gone_story() -> World:
        world = SCENES[phase]()
        world.at(ENTERED_SECONDS, world.vanish)
        return world

    return named(gone_story, f"a_watch_says_that_it_is_gone_while_{phase.value}")


def named(story: Callable[[], World], name: str) -> Callable[[], World]:
    story.__name__ = name
    return story


STORIES: dict[Callable[[], World], set[tuple[Phase, str]]] = {
    whole_way: {(WAITING, DUE), (MARKING, MARKED), (CORDONED, DRAIN_DUE), (DRAINING, EMPTY)},
    drain_comes_later: {(CORDONED, OVER), (UNDOING, UNDONE)},
    withdrawn_while_waiting: {(WAITING, OVER), (UNDOING, UNDONE)},
    withdrawn_while_marking: {(MARKING, OVER)},
    withdrawn_while_draining: {(DRAINING, OVER)},
    withdrawn_when_drained: {(DRAINED, OVER)},
    called_off: {(DRAINING, CALLED_OFF)},
    one_more_event: {(DRAINED, AGAIN)},
    new_while_undoing: {(UNDOING, NEW)},
    node_vanishes_when_cordoned: {(CORDONED, DRAIN_DUE), (DRAINING, GONE)},
    node_vanishes_when_drained: {(DRAINED, GONE)},
    node_vanishes_while_draining: {(DRAINING, GONE)},
    node_vanishes_while_marking: {(MARKING, GONE)},
    node_vanishes_while_undoing: {(UNDOING, GONE)},
    **{taken(phase): {(phase, TAKEN)} for phase in SCENES},
    **{handed_over(phase): {(phase, HANDED_OVER)} for phase in SCENES},
    **{gone(phase): {(phase, GONE)} for phase in SCENES},
}


class Watched(Session):
    """A session that notes each transition it makes."""

    made: list[tuple[Phase, str]]

    def _trigger(self, now: float) -> str | None:
        trigger = super()._trigger(now)
        if trigger is not None and self._moving:
            self.made.append((self.phase, trigger))
        return trigger

    _moving = False

    def _move(self, now: float) -> list[Decision]:
        self._moving = True
        try:
            return super()._move(now)
        finally:
            self._moving = False


def played(story: Callable[[], World]) -> list[tuple[Phase, str]]:
    world = story()
    made: list[tuple[Phase, str]] = []
    watched = Watched(world.session.node_name, "watched", world.session._rules, T0)
    watched.made = made
    world.session = watched
    world.run(150)
    return made


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_story_makes_these_transitions_and_only_such_of_the_table(story: Callable[[], World]) -> None:
    made = played(story)
    assert STORIES[story] <= set(made)
    assert set(made) <= set(TRANSITIONS)


def test_every_transition_of_the_table_happens() -> None:
    made = {each for story in STORIES for each in played(story)}
    assert made == set(TRANSITIONS)


def test_cordoned_node_that_vanishes_ends_the_session() -> None:
    def never_tainted(request: object, now: float) -> Fault | None:
        taints = "'taints'" in str(request)
        return Fault(Rejected("no taints")) if taints else None

    world = World(faults=never_tainted)
    world.notice(rebalance())
    world.at(5, lambda: _vanish(world))
    world.notice(rebalance("rebalance-recommendation-2"), seconds=6)
    world.run(150)
    assert world.phases[-2:] == [CORDONED, ENDED]


def test_every_phase_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Phase)


def test_every_phase_but_the_end_leads_on() -> None:
    assert {phase for phase, _ in TRANSITIONS} == set(Phase) - {ENDED}
    assert set(TRANSITIONS.values()) == set(Phase)
