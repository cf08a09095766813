"""Hooks first, then messages; and each once."""

import pytest

from nth.core.lifecycle.hook_messages import Outcome
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch, AsgTermination, Event, Prolonged, SpotInterruption
from nth.core.queue.dispatch_view import Ref
from nth.core.queue.dispatch_words import (
    AbandonHook,
    CompleteHook,
    GiveNotice,
    HookEnded,
    HookProlonged,
    KeepHookWaiting,
    SessionEngaged,
    SessionLetGo,
    SessionSettled,
)
from nth.core.queue.messages_in_hand import key_of
from tests.core.queue.dispatch_world import OTHER, QUEUE, REF, DispatchWorld, a_node

SPOT = SpotInterruption(event_id="spot", action="terminate", interrupted_at=120, instance_id="i-1")


def an_action(token: str = "t") -> LifecycleAction:
    return LifecycleAction(group="g", hook="h", token=token, instance_id="i-1")


HOOK = AsgTermination(event_id="hook", instance_id="i-1", action=an_action(), noticed_at=5, deadline_at=600)


class Scene(DispatchWorld):
    """`ended`: how hooks ended that are over already, as the hooks' keeper answers at once."""

    ended: Outcome | None = None

    def engage(self, node_name: str, event: Event) -> None:
        self.feed(SessionEngaged(node_name, event))

    def settle(self, node_name: str, event: Event, *, drained: bool) -> None:
        self.feed(SessionSettled(node_name, event, drained))
        self._answer()

    def confirm(self, event: Event, *, drained: bool) -> None:
        self.machine.hooks.confirm(event, drained=drained)
        self.decisions += self.machine._context.decided()
        self._answer()

    def hook_done(self, action: LifecycleAction, outcome: Outcome) -> None:
        self.feed(HookEnded(action, outcome))

    def _answer(self) -> None:
        if self.ended is not None and (asked := self.all(CompleteHook)):
            self.hook_done(asked[-1].action, self.ended)

    def receive(self, event: Event) -> None:
        self.tell("node-1", event)
        self.engage("node-1", event)

    @property
    def begun(self) -> list[tuple[LifecycleAction, float, float | None]]:
        waiting = self.all(KeepHookWaiting)
        return [(each.action, each.event.noticed_at, each.event.deadline_at) for each in waiting]

    @property
    def settled(self) -> list[tuple[LifecycleAction, bool]]:
        return [(each.action, isinstance(each.event, AsgLaunch)) for each in self.all(CompleteHook)]

    @property
    def abandoned(self) -> list[LifecycleAction]:
        return [each.action for each in self.all(AbandonHook)]

    @property
    def prolonged(self) -> list[tuple[str, object]]:
        return [(each.node_name, each.notice) for each in self.all(GiveNotice)]

    def unproven(self, action: LifecycleAction) -> str:
        """The node that has to be proven to be the instance before AWS is told, as things are now."""
        asked = [each for each in self.decisions if isinstance(each, KeepHookWaiting | CompleteHook)]
        node_name, event = next((e.unproven, e.event) for e in reversed(asked) if e.action == action)
        return "" if self.machine.hooks.is_told(node_name, event) else node_name


@pytest.mark.parametrize("drained", [True, False])
def test_an_event_without_hook_is_settled_by_deleting_its_message(drained: bool) -> None:
    scene = Scene()
    scene.receive(SPOT)
    assert scene.deleted == []
    scene.settle("node-1", SPOT, drained=drained)
    assert scene.deleted == [REF.message_id]
    assert (scene.begun, scene.settled, scene.abandoned) == ([], [], [])


def test_Q16_the_hook_is_completed_before_the_message_is_deleted() -> None:
    scene = Scene()
    scene.receive(HOOK)
    assert scene.begun == [(HOOK.action, 5, 600)]
    scene.settle("node-1", HOOK, drained=True)
    assert (scene.settled, scene.deleted) == ([(HOOK.action, False)], [])
    scene.hook_done(HOOK.action, Outcome.COMPLETED)
    assert scene.deleted == [REF.message_id]


def test_a_hook_that_is_over_already_holds_up_no_message() -> None:
    scene = Scene()
    scene.receive(HOOK)
    scene.ended = Outcome.GONE
    scene.settle("node-1", HOOK, drained=True)
    assert scene.deleted == [REF.message_id]


def test_a_hook_for_which_nobody_drained_is_not_completed() -> None:
    """CORDON_ONLY: the original completes it all the same, and the instance dies with its pods."""
    scene = Scene()
    scene.receive(HOOK)
    scene.settle("node-1", HOOK, drained=False)
    assert (scene.settled, scene.abandoned) == ([], [HOOK.action])
    assert scene.deleted == [REF.message_id]


def test_needs_W12_another_replica_that_takes_the_node_keeps_its_hooks_waiting() -> None:
    scene = Scene()
    for name in ("another", "node-1"):
        scene.see(a_node(name, f"i-of-{name}", holder=OTHER))
    scene.receive(HOOK)
    scene.feed(SessionLetGo("another"))
    assert (scene.abandoned, len(scene.machine.handoffs)) == ([], 0)
    scene.feed(SessionLetGo("node-1"))
    assert scene.abandoned == [HOOK.action]
    assert [each.event for each in scene.machine.handoffs.due()] == [HOOK]
    assert scene.deleted == []


def test_heartbeats_move_the_deadline_of_the_session_that_drains_for_the_hook() -> None:
    scene = Scene()
    scene.feed(HookProlonged(HOOK.action, 900))
    assert scene.prolonged == []
    scene.receive(HOOK)
    scene.feed(HookProlonged(HOOK.action, 900))
    assert scene.prolonged == [("node-1", Prolonged(event_id="hook", deadline_at=900))]


def test_two_events_of_the_same_hook_wait_for_its_one_completion() -> None:
    scene = Scene()
    twin = AsgTermination(event_id="twin", instance_id="i-1", action=HOOK.action, noticed_at=5)
    for number, event in enumerate((HOOK, twin)):
        scene.tell("node-1", event, Ref(QUEUE, f"m{number}"))
        scene.engage("node-1", event)
        scene.settle("node-1", event, drained=True)
    scene.hook_done(HOOK.action, Outcome.COMPLETED)
    assert sorted(scene.deleted) == ["m0", "m1"]


@pytest.mark.parametrize("how", ["not drained", "let go"])
def test_a_session_that_gives_up_a_hook_leaves_it_to_whoever_else_waits_for_it(how: str) -> None:
    """Found by the property test: the other event's message stayed in hand until the process ended."""
    scene = Scene()
    scene.receive(HOOK)
    twin = AsgTermination(event_id="twin", instance_id="i-1", action=HOOK.action, noticed_at=5)
    scene.machine.in_hand.open(Ref(QUEUE, "of the twin"), {key_of(twin)})
    # Its node has left meanwhile.
    scene.machine.hooks.give_up(twin)
    if how == "let go":
        scene.feed(SessionLetGo("node-1"))
    else:
        scene.settle("node-1", HOOK, drained=False)
    assert scene.abandoned == []
    scene.hook_done(HOOK.action, Outcome.COMPLETED)
    assert "of the twin" in scene.deleted
    assert len(scene.machine.hooks) == 0


def test_Q18_a_launch_is_completed_as_a_launch() -> None:
    scene = Scene()
    launch = AsgLaunch(event_id="launch", instance_id="i-1", action=an_action("l"), noticed_at=5)
    scene.machine.hooks.give_up(launch)
    scene.decisions += scene.machine._context.decided()
    assert scene.settled == [(launch.action, True)]


def test_needs_W17_a_hook_that_is_over_already_is_not_remembered() -> None:
    scene = Scene()
    scene.sight.over = {BY_RECORD}
    scene.engage("node", HOOK)
    scene.feed(HookProlonged(BY_RECORD, 700))
    assert (scene.begun, scene.prolonged) == ([], [])
    assert len(scene.machine.hooks) == 0


# What only a record tells

BY_RECORD = LifecycleAction(group="g", hook="h", token="", instance_id="i-1")


def test_safe_1_what_only_a_record_tells_names_the_instance_to_aws_and_is_proven_before() -> None:
    scene = Scene()
    scene.engage("node-1", HOOK)
    assert scene.begun == [(BY_RECORD, 5, 600)]
    assert scene.unproven(BY_RECORD) == "node-1"
    scene.settle("node-1", HOOK, drained=True)
    assert scene.settled == [(BY_RECORD, False)]
    assert scene.unproven(BY_RECORD) == "node-1"


def test_safe_1_what_a_message_tells_needs_no_proof_even_if_a_record_told_it_before() -> None:
    scene = Scene()
    scene.receive(HOOK)
    assert [(each.action, each.unproven) for each in scene.all(KeepHookWaiting)] == [(HOOK.action, "")]
    scene = Scene()
    scene.engage("node-1", HOOK)
    scene.receive(HOOK)
    assert scene.unproven(BY_RECORD) == ""
    scene.settle("node-1", HOOK, drained=True)
    assert scene.settled == [(BY_RECORD, False)]
    scene.hook_done(BY_RECORD, Outcome.COMPLETED)
    assert scene.deleted == [REF.message_id]


def test_safe_1_the_message_of_another_node_is_no_proof_and_is_not_deleted() -> None:
    """`node-2` carries a record with the event, and even the instance, of `node-1`."""
    scene = Scene()
    scene.receive(HOOK)
    scene.engage("node-2", HOOK)
    scene.settle("node-2", HOOK, drained=True)
    assert scene.settled == [(BY_RECORD, False)]
    assert scene.unproven(BY_RECORD) == "node-2"
    scene.hook_done(BY_RECORD, Outcome.COMPLETED)
    scene.settle("node-2", SPOT, drained=True)
    scene.settle("node-2", HOOK, drained=False)
    assert scene.deleted == []
    assert HOOK.action not in scene.abandoned


@pytest.mark.parametrize("outcome", [Outcome.COMPLETED, Outcome.GONE])
def test_safe_1_whoever_has_the_message_makes_sure_that_the_hook_is_over(outcome: Outcome) -> None:
    scene = Scene()
    scene.tell("node-1", HOOK)
    scene.confirm(HOOK, drained=True)
    assert (scene.settled, scene.deleted) == ([(HOOK.action, False)], [])
    assert scene.unproven(HOOK.action) == ""
    scene.hook_done(HOOK.action, outcome)
    assert scene.deleted == [REF.message_id]


@pytest.mark.parametrize(("event", "drained"), [(SPOT, True), (HOOK, False)])
def test_safe_1_what_another_replica_has_done_is_settled_without_a_hook(event: Event, drained: bool) -> None:
    scene = Scene()
    scene.tell("node-1", event)
    scene.confirm(event, drained=drained)
    assert (scene.settled, scene.deleted) == ([], [REF.message_id])
