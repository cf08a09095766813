"""Hooks first, then messages; and each once."""

import asyncio
from dataclasses import dataclass, field

import pytest

from nth.core.lifecycle.hook_messages import Outcome
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch, AsgTermination, Event, Prolonged, SpotInterruption
from nth.core.queue.message_refs import Ref
from nth.errors import AwsError, AwsUnreachable
from nth.queue_mode.identity import Proof
from nth.queue_mode.messages_in_hand import Desk, key_of
from nth.queue_mode.settlement import Settlement
from tests.queue_mode.office import QUEUE, Notes

REF = Ref(QUEUE, "message-1")
SPOT = SpotInterruption(event_id="spot", action="terminate", interrupted_at=120, instance_id="i-1")


def an_action(token: str = "t") -> LifecycleAction:
    return LifecycleAction(group="g", hook="h", token=token, instance_id="i-1")


HOOK = AsgTermination(event_id="hook", instance_id="i-1", action=an_action(), noticed_at=5, deadline_at=600)


@dataclass(slots=True)
class FakeHooks:
    """Notes what is asked; `ended` is what is over already."""

    begun: list[tuple[LifecycleAction, float, float | None]] = field(default_factory=list)
    settled: list[tuple[LifecycleAction, bool]] = field(default_factory=list)
    abandoned: list[LifecycleAction] = field(default_factory=list)
    proofs: dict[LifecycleAction, Proof | None] = field(default_factory=dict, compare=False)
    ended: Outcome | None = None

    def begin(
        self,
        action: LifecycleAction,
        *,
        noticed_at: float,
        deadline_at: float | None = None,
        proof: Proof | None = None,
        known_as: LifecycleAction | None = None,
    ) -> Outcome | None:
        self.proofs[action] = proof
        self.begun.append((action, noticed_at, deadline_at))
        return self.ended

    def settle(
        self,
        action: LifecycleAction,
        *,
        launching: bool = False,
        proof: Proof | None = None,
        known_as: LifecycleAction | None = None,
    ) -> Outcome | None:
        self.proofs[action] = proof
        self.settled.append((action, launching))
        return self.ended

    def abandon(self, action: LifecycleAction) -> None:
        self.abandoned.append(action)


class Scene:
    def __init__(self) -> None:
        self.notes = Notes()
        self.desk = Desk({QUEUE: self.notes})
        self.released: list[str] = []
        self.prolonged: list[tuple[str, Prolonged]] = []
        self.asked: list[tuple[str, str]] = []
        self.settlement = Settlement(
            self.desk,
            released=self.released.append,
            prolong=lambda name, notice: self.prolonged.append((name, notice)),
            prove=self.prove,
        )
        self.hooks = FakeHooks()
        self.settlement.hooks = self.hooks

    async def prove(self, node_name: str, instance_id: str) -> AwsError | None:
        self.asked.append((node_name, instance_id))
        return AwsUnreachable("not proven")

    def receive(self, event: Event) -> None:
        self.desk.open(REF, {key_of(event)})
        self.desk.assign("node-1", event)
        self.settlement.engage("node-1", event)


@pytest.mark.parametrize("drained", [True, False])
def test_an_event_without_hook_is_settled_by_deleting_its_message(drained: bool) -> None:
    scene = Scene()
    scene.receive(SPOT)
    assert scene.notes.settled == []
    scene.settlement.settle("node-1", SPOT, drained=drained)
    assert scene.notes.settled == [REF.message_id]
    assert scene.hooks == FakeHooks()


def test_Q16_the_hook_is_completed_before_the_message_is_deleted() -> None:
    scene = Scene()
    scene.receive(HOOK)
    assert scene.hooks.begun == [(HOOK.action, 5, 600)]
    scene.settlement.settle("node-1", HOOK, drained=True)
    assert (scene.hooks.settled, scene.notes.settled) == ([(HOOK.action, False)], [])
    scene.settlement.hook_done(HOOK.action, Outcome.COMPLETED)
    assert scene.notes.settled == [REF.message_id]


def test_a_hook_that_is_over_already_holds_up_no_message() -> None:
    scene = Scene()
    scene.receive(HOOK)
    scene.hooks.ended = Outcome.GONE
    scene.settlement.settle("node-1", HOOK, drained=True)
    assert scene.notes.settled == [REF.message_id]


def test_a_hook_for_which_nobody_drained_is_not_completed() -> None:
    """CORDON_ONLY: the original completes it all the same, and the instance dies with its pods."""
    scene = Scene()
    scene.receive(HOOK)
    scene.settlement.settle("node-1", HOOK, drained=False)
    assert (scene.hooks.settled, scene.hooks.abandoned) == ([], [HOOK.action])
    assert scene.notes.settled == [REF.message_id]


def test_needs_W12_another_replica_that_takes_the_node_keeps_its_hooks_waiting() -> None:
    scene = Scene()
    scene.receive(HOOK)
    scene.settlement.let_go("another")
    assert scene.hooks.abandoned == []
    scene.settlement.let_go("node-1")
    assert scene.hooks.abandoned == [HOOK.action]
    assert scene.released == ["another", "node-1"]
    assert scene.notes.settled == []


def test_heartbeats_move_the_deadline_of_the_session_that_drains_for_the_hook() -> None:
    scene = Scene()
    scene.settlement.hook_prolonged(HOOK.action, 900)
    assert scene.prolonged == []
    scene.receive(HOOK)
    scene.settlement.hook_prolonged(HOOK.action, 900)
    assert scene.prolonged == [("node-1", Prolonged(event_id="hook", deadline_at=900))]


def test_two_events_of_the_same_hook_wait_for_its_one_completion() -> None:
    scene = Scene()
    twin = AsgTermination(event_id="twin", instance_id="i-1", action=HOOK.action, noticed_at=5)
    for number, event in enumerate((HOOK, twin)):
        scene.desk.open(Ref(QUEUE, f"m{number}"), {key_of(event)})
        scene.desk.assign("node-1", event)
        scene.settlement.engage("node-1", event)
        scene.settlement.settle("node-1", event, drained=True)
    scene.settlement.hook_done(HOOK.action, Outcome.COMPLETED)
    assert sorted(scene.notes.settled) == ["m0", "m1"]


def test_Q18_a_launch_is_completed_as_a_launch() -> None:
    scene = Scene()
    launch = AsgLaunch(event_id="launch", instance_id="i-1", action=an_action("l"), noticed_at=5)
    scene.settlement.complete(launch)
    assert scene.hooks.settled == [(launch.action, True)]


def test_needs_W17_a_hook_that_is_over_already_is_not_remembered() -> None:
    scene = Scene()
    scene.hooks.ended = Outcome.GONE
    scene.settlement.engage("node", HOOK)
    scene.settlement.hook_prolonged(HOOK.action, 700)
    assert scene.prolonged == []


# What only a record tells

BY_RECORD = LifecycleAction(group="g", hook="h", token="", instance_id="i-1")


def proof_of(scene: Scene, action: LifecycleAction) -> AwsError | None:
    proof = scene.hooks.proofs[action]
    return None if proof is None else asyncio.run(proof())  # type: ignore[arg-type]  # it is a coroutine


def test_safe_1_what_only_a_record_tells_names_the_instance_to_aws_and_is_proven_before() -> None:
    scene = Scene()
    scene.settlement.engage("node-1", HOOK)
    assert scene.hooks.begun == [(BY_RECORD, 5, 600)]
    assert isinstance(proof_of(scene, BY_RECORD), AwsUnreachable)
    assert scene.asked == [("node-1", "i-1")]
    scene.settlement.settle("node-1", HOOK, drained=True)
    assert scene.hooks.settled == [(BY_RECORD, False)]
    assert isinstance(proof_of(scene, BY_RECORD), AwsUnreachable)


def test_safe_1_what_a_message_tells_needs_no_proof_even_if_a_record_told_it_before() -> None:
    scene = Scene()
    scene.receive(HOOK)
    assert scene.hooks.proofs == {HOOK.action: None}
    scene = Scene()
    scene.settlement.engage("node-1", HOOK)
    scene.receive(HOOK)
    assert proof_of(scene, BY_RECORD) is None
    scene.settlement.settle("node-1", HOOK, drained=True)
    assert scene.hooks.settled == [(BY_RECORD, False)]
    scene.settlement.hook_done(BY_RECORD, Outcome.COMPLETED)
    assert scene.notes.settled == [REF.message_id]
    assert scene.asked == []


def test_safe_1_the_message_of_another_node_is_no_proof_and_is_not_deleted() -> None:
    """`node-2` carries a record with the event, and even the instance, of `node-1`."""
    scene = Scene()
    scene.receive(HOOK)
    scene.settlement.engage("node-2", HOOK)
    scene.settlement.settle("node-2", HOOK, drained=True)
    assert scene.hooks.settled == [(BY_RECORD, False)]
    assert isinstance(proof_of(scene, BY_RECORD), AwsUnreachable)
    scene.settlement.hook_done(BY_RECORD, Outcome.COMPLETED)
    scene.settlement.settle("node-2", SPOT, drained=True)
    scene.settlement.settle("node-2", HOOK, drained=False)
    assert scene.notes.settled == []
    assert HOOK.action not in scene.hooks.abandoned


@pytest.mark.parametrize("outcome", [Outcome.COMPLETED, Outcome.GONE])
def test_safe_1_whoever_has_the_message_makes_sure_that_the_hook_is_over(outcome: Outcome) -> None:
    scene = Scene()
    scene.desk.open(REF, {key_of(HOOK)})
    scene.desk.assign("node-1", HOOK)
    scene.settlement.confirm(HOOK, drained=True)
    assert (scene.hooks.settled, scene.notes.settled) == ([(HOOK.action, False)], [])
    assert scene.hooks.proofs == {HOOK.action: None}
    scene.settlement.hook_done(HOOK.action, outcome)
    assert scene.notes.settled == [REF.message_id]


@pytest.mark.parametrize(("event", "drained"), [(SPOT, True), (HOOK, False)])
def test_safe_1_what_another_replica_has_done_is_settled_without_a_hook(event: Event, drained: bool) -> None:
    scene = Scene()
    scene.desk.open(REF, {key_of(event)})
    scene.desk.assign("node-1", event)
    scene.settlement.confirm(event, drained=drained)
    assert (scene.hooks.settled, scene.notes.settled) == ([], [REF.message_id])
