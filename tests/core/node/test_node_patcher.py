"""The Node is brought to what the session wants, whatever the API server answers."""

from dataclasses import replace

import pytest

from nth.core.decisions import Decision, PatchNode, ReadNode, Tell
from nth.core.dry_run.merge_patch import patched
from nth.core.facts import Node, Taint
from nth.core.node.node_annotation import FIELD_MANAGER, RECORD_ANNOTATION, Marks, NodeRecord, Seen, record_of
from nth.core.node.node_marks import Wanted
from nth.core.node.node_patcher import REFUSED_BACKOFF, RETRY_SECONDS, STALE_SECONDS, Goal, NodePatcher
from nth.core.reports import NodeChangeRefused, NodeMarked, NodeRestored, Report, Trouble, TroubleOver
from nth.core.trouble import FORBIDDEN_SECONDS
from nth.errors import (
    AdmissionFailed,
    ClusterError,
    Conflict,
    Denied,
    Forbidden,
    Missing,
    Rejected,
    Throttled,
    Unreachable,
)
from tests.core.samples import T0, a_node, spot

TAINT = Taint("aws-node-termination-handler/spot-itn", "NoSchedule", "spot-itn-1")
RECORD = NodeRecord(session_id="s", marked_at=T0, events=(Seen(spot().event, T0),))
LABEL = "aws-node-termination-handler/event-id"
MARKED = Goal(Wanted(cordon=True, taints=(TAINT,), labels={LABEL: "1"}), RECORD)
CORDONED = Goal(Wanted(cordon=True), RECORD)
UNDONE = Goal(None, NodeRecord(session_id="s"))
FIRST_PAUSE, LONGEST_PAUSE = REFUSED_BACKOFF.first_seconds, REFUSED_BACKOFF.longest_seconds
LOST = Unreachable("timed out")
NO_TAINTS = Rejected("admission policy: no taints")


class Server:
    """A patcher and the API server that it talks to."""

    def __init__(self, node: Node | None = None, marks: Marks | None = None) -> None:
        self.node = node or a_node()
        self.patcher = NodePatcher(marks or Marks(), self.node, T0)
        self.told: list[Report] = []
        self.rounds = 0

    def edit(self, **changes: object) -> None:
        """Somebody writes the node."""
        version = str(int(self.node.resource_version) + 1)
        self.node = replace(self.node, resource_version=version, **changes)  # type: ignore[arg-type]

    def step(self, now: float = T0) -> Decision | None:
        """The next request, if any; what is told is kept."""
        requests = []
        for decision in self.patcher.step(now):
            if isinstance(decision, Tell):
                self.told.append(decision.report)
            else:
                requests.append(decision)
        assert len(requests) <= 1
        return requests[0] if requests else None

    def read(self, now: float = T0) -> None:
        assert self.step(now) == ReadNode()
        self._hear(self.patcher.node_read(self.node, now))

    def patch(self, now: float = T0, error: ClusterError | None = None, *, applied: bool = True) -> None:
        """The next request is a patch; it is applied (or not) and answered."""
        request = self.step(now)
        assert isinstance(request, PatchNode)
        if error is None or (applied and isinstance(error, Unreachable)):
            self.edit(**_fields(patched(self.node, request.patch)))
        self._hear(self.patcher.node_patched(error or self.node, now))

    def _hear(self, decisions: list[Decision]) -> None:
        self.told += [each.report for each in decisions if isinstance(each, Tell)]

    def reach(self, goal: Goal, now: float = T0) -> None:
        self.patcher.aim(goal)
        while (request := self.step(now)) is not None:
            self.rounds += 1
            assert self.rounds < 1_000, "the patcher never settles"
            if isinstance(request, PatchNode):
                self.edit(**_fields(patched(self.node, request.patch)))
                self._hear(self.patcher.node_patched(self.node, now))
            else:
                self._hear(self.patcher.node_read(self.node, now))


def _fields(node: Node) -> dict[str, object]:
    names = ("unschedulable", "cordoned_by", "taints", "labels", "annotations")
    return {name: getattr(node, name) for name in names}


def marked(**changes: object) -> NodeMarked:
    fields: dict[str, object] = {
        "cordoned": True,
        "cordoned_by_us": True,
        "taints": (TAINT.key,),
        "labels": (LABEL,),
        "again": False,
    }
    return NodeMarked(**{**fields, **changes})  # type: ignore[arg-type]


def restored(**changes: object) -> NodeRestored:
    fields: dict[str, object] = {
        "uncordoned": True,
        "still_cordoned": False,
        "taints": (TAINT.key,),
        "labels": (LABEL,),
    }
    return NodeRestored(**{**fields, **changes})  # type: ignore[arg-type]


def test_nothing_is_asked_without_a_goal() -> None:
    server = Server()
    assert server.step() is None
    assert server.patcher.wake_at() is None


def test_A11_node_is_marked_with_one_request_if_it_is_known() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch()
    assert server.step() is None
    assert server.patcher.done
    assert server.told == [marked()]
    assert server.node.unschedulable
    assert record_of(server.node) == replace(RECORD, marks=server.patcher.marks)


def test_old_news_of_the_node_are_read_again() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.read(T0 + STALE_SECONDS + 0.1)
    server.patch(T0 + STALE_SECONDS + 0.1)
    assert server.node.unschedulable


def test_one_request_at_a_time() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    assert isinstance(server.step(), PatchNode)
    assert server.step() is None
    assert server.patcher.wake_at() is None


def test_same_goal_again_changes_nothing() -> None:
    server = Server()
    server.reach(MARKED)
    server.patcher.aim(MARKED)
    assert server.patcher.done
    assert server.patcher.wake_at() is None


def test_A10_conflict_is_tried_again_on_the_fresh_node() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.edit(labels={"theirs": "1"})
    server.patch(error=Conflict("somebody else wrote"))
    server.read()
    server.patch()
    assert server.node.labels == {"theirs": "1", LABEL: "1"}


def test_A10_many_conflicts_are_tried_again_ever_slower() -> None:
    server, now = Server(), T0
    server.patcher.aim(MARKED)
    server.patch(error=Conflict("again"))
    for _ in range(4):
        now = max(now, server.patcher.wake_at() or now)
        server.read(now)
        server.patch(now, Conflict("again"))
    assert server.patcher.wake_at() == pytest.approx(now + 0.04)
    assert server.step(now) is None


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(LOST, 0.5), (Throttled("slow down"), 0.5), (Throttled("slow down", retry_after_seconds=4), 4)],
)
def test_silent_server_is_asked_again_after_a_pause(error: ClusterError, seconds: float) -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=error, applied=False)
    assert server.patcher.wake_at() == T0 + seconds
    assert server.step(T0 + seconds - 0.1) is None
    server.read(T0 + seconds)


def test_node_that_cannot_be_read_is_read_again_after_a_pause() -> None:
    server, now = Server(), T0 + STALE_SECONDS + 1
    server.patcher.aim(MARKED)
    assert server.step(now) == ReadNode()
    assert server.patcher.node_read(LOST, now) == []
    assert server.step(now + 0.4) is None
    server.read(now + 0.5)
    server.patch(now + 0.5)
    assert server.node.unschedulable


def test_missing_node_is_told_to_the_session() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=Missing("no such node"))
    assert server.patcher.missing
    assert server.step(T0 + 60) is None
    assert server.patcher.wake_at() is None


# Lost answers


def test_needs_W24_lost_answer_to_an_applied_patch_leaves_the_marks_ours() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=LOST)
    server.read(T0 + 0.5)
    assert server.step(T0 + 0.5) is None
    assert server.patcher.marks == Marks(cordoned=True, taints=(TAINT,), labels={LABEL: "1"})
    assert server.told == [marked()]
    server.reach(UNDONE, T0 + 0.5)
    assert replace(server.node, resource_version="1") == a_node()


def test_needs_W24_lost_answer_to_an_applied_undo_leaves_nothing_ours() -> None:
    """Else a cordon that somebody sets right after would be taken for ours."""
    server = Server()
    server.reach(MARKED)
    server.patcher.aim(UNDONE)
    server.patch(error=LOST)
    server.edit(unschedulable=True, cordoned_by=("kubectl",))
    server.read(T0 + 0.5)
    assert server.step(T0 + 0.5) is None
    assert server.node.unschedulable
    assert server.patcher.marks == Marks()


def test_needs_W24_lost_undo_that_was_not_applied_is_done_again() -> None:
    server = Server()
    server.reach(MARKED)
    server.patcher.aim(UNDONE)
    server.patch(error=LOST, applied=False)
    server.read(T0 + 0.5)
    server.patch(T0 + 0.5)
    assert replace(server.node, resource_version="1") == a_node()


def test_lost_mark_that_was_not_applied_is_done_again() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=LOST, applied=False)
    server.read(T0 + 0.5)
    assert server.patcher.marks == Marks()
    server.patch(T0 + 0.5)
    assert server.told == [marked()]


@pytest.mark.parametrize(
    "text",
    ["not a record", '{"version":1,"session_id":"another","cordoned":true}'],
    ids=["broken", "foreign"],
)
def test_after_a_lost_answer_only_our_own_record_is_believed(text: str) -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=LOST, applied=False)
    server.edit(annotations={RECORD_ANNOTATION: text})
    server.read(T0 + 0.5)
    assert server.patcher.marks == Marks()


# Refusals


def test_needs_W32_refused_taint_holds_nothing_back_and_is_told_once() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=NO_TAINTS)
    server.read()
    server.patch()
    what = f"cordon, taint {TAINT.key}, label {LABEL}, annotation"
    assert server.told == [
        NodeChangeRefused(what=what, reason=str(NO_TAINTS)),
        marked(taints=()),
    ]
    assert server.step() is None
    assert server.patcher.done
    assert server.patcher.wake_at() == T0 + FIRST_PAUSE


def test_needs_W32_refused_taint_is_tried_again_and_again_ever_slower() -> None:
    server, now = Server(), T0
    server.patcher.aim(MARKED)
    server.patch(error=NO_TAINTS)
    server.reach(MARKED)
    pauses = []
    for _ in range(8):
        wake_at = server.patcher.wake_at()
        assert wake_at is not None
        pauses.append(wake_at - now)
        now = wake_at
        server.read(now)
        server.patch(now, NO_TAINTS)
        server.read(now)
        assert server.step(now) is None
    assert pauses == [15, 30, 60, 120, 240, 480, 600, 600]
    assert len(server.told) == 2


def test_needs_W32_taint_that_is_allowed_later_is_set_later() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=NO_TAINTS)
    server.reach(MARKED)
    server.reach(MARKED, T0 + FIRST_PAUSE)
    assert server.node.taints == (TAINT,)
    assert server.told[-1] == marked(again=True)
    assert server.patcher.wake_at() is None


def test_needs_W32_labels_and_record_are_left_out_in_turn() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=NO_TAINTS)
    for _ in range(2):
        server.read()
        server.patch(error=Forbidden("no"))
    server.read()
    server.patch()
    assert server.node == a_node(unschedulable=True, cordoned_by=(FIELD_MANAGER,), resource_version="2")
    assert [told.what for told in server.told if isinstance(told, NodeChangeRefused)] == [
        f"cordon, taint {TAINT.key}, label {LABEL}, annotation",
        f"cordon, label {LABEL}, annotation",
        "cordon, annotation",
    ]
    assert server.patcher.marks == Marks(cordoned=True)


def test_needs_W32_scales_that_ask_for_the_same_are_not_tried() -> None:
    server = Server()
    server.patcher.aim(CORDONED)
    server.patch(error=Rejected("no annotations"))
    server.read()
    server.patch()
    assert server.node == a_node(unschedulable=True, cordoned_by=(FIELD_MANAGER,), resource_version="2")


def test_a_change_that_an_admission_policy_denies_is_made_smaller() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=Denied('nodes "n" is forbidden: ValidatingAdmissionPolicy ...: no taints'))
    server.reach(MARKED)
    assert server.node.unschedulable
    assert [type(told) for told in server.told] == [NodeChangeRefused, NodeMarked]


def test_a_webhook_that_cannot_be_asked_is_waited_for_and_named() -> None:
    dead = AdmissionFailed('Internal error occurred: failed calling webhook "guard": connection refused')
    server = Server()
    server.patcher.aim(MARKED)
    server.patch(error=dead)
    assert server.patcher.wake_at() == T0 + RETRY_SECONDS
    server.read(T0 + RETRY_SECONDS)
    server.patch(T0 + RETRY_SECONDS, error=dead)
    server.read(T0 + 2)
    server.patch(T0 + 2)
    what = "the admission webhook that checks nodes"
    assert server.told == [
        Trouble(what=what, reason=str(dead)),
        TroubleOver(what=what, seconds=2),
        marked(),
    ]


def test_refused_cordon_is_told_once_and_tried_again() -> None:
    server = Server()
    server.patcher.aim(CORDONED)
    server.patch(error=Rejected("no cordons"))
    server.read()
    server.patch(error=Rejected("no cordons"))
    assert server.patcher.refused
    assert server.told[-1] == NodeChangeRefused(what="cordon", reason="no cordons")
    assert server.patcher.wake_at() == T0 + FIRST_PAUSE
    server.reach(CORDONED, T0 + FIRST_PAUSE)
    assert server.node.unschedulable
    assert not server.patcher.refused


def test_refused_undo_is_tried_again() -> None:
    server = Server()
    server.reach(MARKED)
    server.patcher.aim(UNDONE)
    server.patch(error=Rejected("no undo"))
    assert server.told[-1] == NodeChangeRefused(what="undo what was changed on the node", reason="no undo")
    assert not server.patcher.done
    server.reach(UNDONE, T0 + FIRST_PAUSE)
    assert replace(server.node, resource_version="1") == a_node()


def test_node_that_may_not_be_read_is_called_that() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    now = T0 + STALE_SECONDS + 1
    assert server.step(now) == ReadNode()
    assert server.patcher.node_read(Forbidden("no rule"), now) == []
    now += FORBIDDEN_SECONDS
    assert server.step(now) == ReadNode()
    refused = NodeChangeRefused(what="read the node", reason="no rule")
    assert server.patcher.node_read(Forbidden("no rule"), now) == [Tell(refused)]
    assert server.patcher.refused
    assert server.step(now + FIRST_PAUSE - 1) is None
    assert server.step(now + FIRST_PAUSE) == ReadNode()
    assert server.patcher.node_read(Forbidden("no rule"), now + FIRST_PAUSE) == []


def test_what_an_api_server_forbids_for_a_moment_after_its_start_is_no_refusal() -> None:
    server = Server()
    server.patcher.aim(CORDONED)
    server.patch(error=Forbidden("not yet"))
    server.read()
    server.patch(error=Forbidden("not yet"))
    assert not server.patcher.refused
    assert server.step() is None
    wake_at = server.patcher.wake_at()
    assert wake_at is not None
    assert T0 < wake_at <= T0 + 1
    server.reach(CORDONED, wake_at)
    assert server.patcher.done
    assert server.patcher.cordoned


def test_what_is_still_forbidden_after_that_is_refused() -> None:
    server, now = Server(), T0
    server.patcher.aim(CORDONED)
    while not server.patcher.refused:
        now = max(now, server.patcher.wake_at() or now)
        if server.step(now) == ReadNode():
            server.patcher.node_read(server.node, now)
        else:
            server.patcher.node_patched(Forbidden("no rule"), now)
    assert now == T0 + FORBIDDEN_SECONDS
    assert not server.patcher.cordoned


# Goals that move


def test_goal_that_grows_is_told_as_more() -> None:
    server = Server()
    server.reach(CORDONED)
    server.reach(MARKED)
    assert server.told == [marked(taints=(), labels=()), marked(again=True)]


def test_goal_that_moves_under_way_is_reached_next_and_told_truly() -> None:
    """The answer to the mark arrives after the session has changed its mind."""
    server = Server()
    server.patcher.aim(MARKED)
    request = server.step()
    assert isinstance(request, PatchNode)
    server.patcher.aim(UNDONE)
    server.edit(**_fields(patched(server.node, request.patch)))
    server._hear(server.patcher.node_patched(server.node, T0))
    server.reach(UNDONE)
    assert server.told == [marked(), restored()]
    assert replace(server.node, resource_version="1") == a_node()


def test_undo_under_way_when_a_new_event_comes_is_told_truly() -> None:
    server = Server()
    server.reach(MARKED)
    server.patcher.aim(UNDONE)
    request = server.step()
    assert isinstance(request, PatchNode)
    server.patcher.aim(MARKED)
    server.edit(**_fields(patched(server.node, request.patch)))
    server._hear(server.patcher.node_patched(server.node, T0))
    server.reach(MARKED)
    assert server.told == [marked(), restored(), marked()]
    assert server.node.taints == (TAINT,)


def test_refusal_of_a_mark_is_not_taken_for_one_of_the_undo() -> None:
    server = Server()
    server.patcher.aim(MARKED)
    assert isinstance(server.step(), PatchNode)
    server.patcher.aim(UNDONE)
    server._hear(server.patcher.node_patched(NO_TAINTS, T0))
    assert not server.patcher.refused
    assert server.told == [
        NodeChangeRefused(what=f"cordon, taint {TAINT.key}, label {LABEL}, annotation", reason=str(NO_TAINTS))
    ]


def test_needs_W24_undo_of_a_node_that_somebody_else_had_cordoned() -> None:
    server = Server(a_node(unschedulable=True))
    server.reach(MARKED)
    server.reach(UNDONE)
    assert server.node.unschedulable
    assert server.told == [
        marked(cordoned_by_us=False),
        restored(uncordoned=False, still_cordoned=True),
    ]
