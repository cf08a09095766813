"""Who takes whose place."""

from dataclasses import replace

from nth.core.facts import Pod, PodGone, PodRef, PodSeen
from nth.ui.moves import Moves
from tests.report.stories import BILLING, DAEMON, NODE, T0, WEB, a_pod, owner

SECOND_WEB = a_pod("web-5d8f7c9b4-eeeee", owner("web"))
DB = a_pod("db-0", owner("db", "StatefulSet"))


def going(pod: Pod) -> PodSeen:
    return PodSeen(replace(pod, deleting_until_at=T0 + 30, deletion_grace_seconds=30))


def newcomer(of: Pod, name: str, *, ready: bool = False, node_name: str = "other") -> Pod:
    ref = PodRef("shop", name, f"uid-new-{name}")
    return replace(of, ref=ref, ready=ready, node_name=node_name)


def test_a_new_pod_of_the_same_controller_is_the_successor_and_ready_once() -> None:
    moves = Moves(NODE, [WEB, BILLING])
    moves.changed(going(WEB), T0)
    moves.changed(PodSeen(newcomer(WEB, "web-new")), T0 + 1)
    assert moves.successors()[WEB.ref.uid].ready_at is None
    moves.changed(PodSeen(newcomer(WEB, "web-new", ready=True)), T0 + 6)
    moves.changed(PodSeen(newcomer(WEB, "web-new", ready=True)), T0 + 9)
    found = moves.successors()
    assert set(found) == {WEB.ref.uid}
    assert found[WEB.ref.uid].ready_at == T0 + 6
    assert found[WEB.ref.uid].pod.node_name == "other"


def test_two_that_leave_get_one_each() -> None:
    moves = Moves(NODE, [WEB, SECOND_WEB])
    for pod in (WEB, SECOND_WEB):
        moves.changed(going(pod), T0)
    for name in ("web-new-1", "web-new-2"):
        moves.changed(PodSeen(newcomer(WEB, name)), T0 + 1)
    names = [found.pod.ref.name for found in moves.successors().values()]
    assert sorted(names) == ["web-new-1", "web-new-2"]


def test_a_name_that_returns_is_its_own_successor() -> None:
    other = a_pod("db-1", owner("db", "StatefulSet"))
    moves = Moves(NODE, [other, DB])
    moves.changed(PodGone(other.ref), T0)
    moves.changed(PodGone(DB.ref), T0)
    moves.changed(PodSeen(newcomer(DB, "db-0")), T0 + 1)
    assert set(moves.successors()) == {DB.ref.uid}


def test_nobody_takes_the_place_of_a_pod_that_stays() -> None:
    moves = Moves(NODE, [WEB])
    moves.changed(PodSeen(newcomer(WEB, "scaled-up")), T0)
    assert moves.successors() == {}


def test_pods_that_were_there_before_are_nobodys_successors() -> None:
    old = newcomer(WEB, "web-old", ready=True)
    moves = Moves(NODE, [WEB, old])
    moves.changed(going(WEB), T0)
    moves.changed(PodSeen(replace(old, ready=False)), T0 + 1)
    assert moves.successors() == {}


def test_a_successor_that_goes_is_replaced_by_the_next() -> None:
    moves = Moves(NODE, [WEB])
    moves.changed(going(WEB), T0)
    first = newcomer(WEB, "web-new-1", ready=True)
    moves.changed(PodSeen(first), T0 + 1)
    moves.changed(PodGone(first.ref), T0 + 2)
    assert moves.successors() == {}
    moves.changed(PodSeen(newcomer(WEB, "web-new-2", ready=True)), T0 + 3)
    assert moves.successors()[WEB.ref.uid].ready_at == T0 + 3


def test_daemons_and_pods_on_the_same_node_replace_nobody() -> None:
    moves = Moves(NODE, [WEB, DAEMON])
    moves.changed(going(WEB), T0)
    moves.changed(going(DAEMON), T0)
    moves.changed(PodSeen(newcomer(WEB, "web-back", node_name=NODE)), T0 + 1)
    moves.changed(PodSeen(newcomer(DAEMON, "aws-node-new")), T0 + 1)
    assert moves.successors() == {}
