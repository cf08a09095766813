"""`nth restore` against the simulated cluster, after real sessions."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from nth.core.facts import NodePatch
from nth.core.node.node_annotation import THE_ORIGINALS_MANAGER
from nth.errors import ClusterError, Forbidden
from nth.restore.arguments import told
from nth.restore.restorer import TRIES, Outcome, Restored, Restorer, Way
from nth.simulation.connection import Link, Request
from tests.core.samples import SPOT_TAINT
from tests.worlds import VICTIM, Stage, marks, play

MARKED = ("--taint-node", "--exclude-from-load-balancers")
DO = Way()
FORCE = Way(force=True)


async def restore(
    stage: Stage, *names: str, way: Way = DO, link: Link | None = None
) -> tuple[list[Restored], list[str]]:
    """Returns what is said of each node (of all, without names), and the writes."""
    connection = stage.cluster.connect(link)
    restorer = Restorer(connection, stage.clock, way)
    said = [one async for one in (restorer.nodes(names) if names else restorer.all_nodes())]
    return said, [request.what for request in connection.writes]


async def interrupted(stage: Stage) -> None:
    """A Spot interruption that a handler has begun with; then it is uninstalled."""
    process = stage.process()
    await asyncio.sleep(2)
    stage.cloud.interrupt(stage.clock.now() + 120)
    await asyncio.sleep(10)
    process.die()
    await process.killed()
    assert stage.is_cordoned()


def outcomes(said: list[Restored]) -> dict[str, Outcome]:
    return {one.node_name: one.outcome for one in said}


def test_all_nodes_are_as_they_were_before_the_handler() -> None:
    async def story(stage: Stage) -> None:
        before = {node.name: node for node in stage.cluster.nodes}
        await interrupted(stage)
        said, writes = await restore(stage, way=FORCE)
        assert writes == [VICTIM]
        assert outcomes(said) == {
            VICTIM: Outcome.RESTORED,
            "two": Outcome.UNTOUCHED,
            "three": Outcome.UNTOUCHED,
        }
        (text,) = [one.text for one in said if one.node_name == VICTIM]
        assert text == (
            "took back the cordon, the taint aws-node-termination-handler/spot-itn, "
            "the label node.kubernetes.io/exclude-from-external-load-balancers and the record"
        )
        await asyncio.sleep(1)  # Meanwhile the control plane takes back its own taint of a cordoned node.
        for node in stage.cluster.nodes:
            assert marks(node) == marks(before[node.name])
            assert node.annotations == before[node.name].annotations
        assert (await restore(stage))[1] == [], "once is enough"

    play(story, *MARKED)


def test_a_node_whose_interruption_stands_is_skipped_without_force() -> None:
    async def story(stage: Stage) -> None:
        await interrupted(stage)
        marked = stage.node
        for names in ((), (VICTIM,)):
            said, writes = await restore(stage, *names)
            assert writes == []
            assert outcomes(said)[VICTIM] is Outcome.SKIPPED
            (text,) = [one.text for one in said if one.node_name == VICTIM]
            assert text.startswith("skipped: Spot interruption of 2026-11-22T08:32:0")
            assert text.endswith(
                " still stands: a handler that runs would mark the node again; --force ignores that"
            )
        assert stage.node == marked

    play(story, *MARKED)


def test_after_the_deadline_the_interruption_stands_no_more() -> None:
    async def story(stage: Stage) -> None:
        await interrupted(stage)
        await asyncio.sleep(60)
        assert outcomes((await restore(stage, VICTIM))[0]) == {VICTIM: Outcome.SKIPPED}
        # Only the record counts: the machine itself is left out of this test.
        later = Restorer(stage.cluster.connect(), _At(stage.clock.now() + 61), DO)
        assert [one.outcome async for one in later.nodes([VICTIM])] == [Outcome.RESTORED]
        assert not stage.is_cordoned()

    play(story)


class _At:
    """A clock that shows one instant."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> float:
        return self._at


def test_a_dry_run_says_the_same_and_changes_nothing() -> None:
    async def story(stage: Stage) -> None:
        await interrupted(stage)
        marked = stage.node
        (would,), writes = await restore(stage, VICTIM, way=Way(force=True, dry_run=True))
        assert writes == []
        assert stage.node == marked
        (did,), _ = await restore(stage, VICTIM, way=FORCE)
        assert would.text.replace("would take back", "took back") == did.text

    play(story, *MARKED)


def test_what_is_not_ours_stays_and_is_named() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.change_node(
            "two", NodePatch({"spec": {"unschedulable": True}}), manager="kubectl-cordon"
        )
        taint = {"key": SPOT_TAINT, "effect": "NoSchedule"}
        taints = [
            taint,
            {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"},
        ]
        stage.cluster.change_node("three", NodePatch({"spec": {"taints": taints}}))
        said, _ = await restore(stage, "two", "three", "two")
        assert [one.text for one in said] == [
            "nothing to take back; it stays cordoned, which kubectl-cordon set",
            "took back the taint aws-node-termination-handler/spot-itn; the taint "
            "node.kubernetes.io/out-of-service stays, because no record shows that a handler set it",
        ]
        assert stage.cluster.node("two").unschedulable

    play(story)


def test_A19_a_node_that_the_original_has_left_cordoned() -> None:
    async def story(stage: Stage) -> None:
        before = stage.cluster.node("two")
        labels = {
            f"aws-node-termination-handler/{name}": "1795336200" for name in ("action-time", "event-id")
        }
        labels["aws-node-termination-handler/action"] = "UncordonAfterReboot"
        body = {"metadata": {"labels": labels}, "spec": {"unschedulable": True}}
        stage.cluster.change_node("two", NodePatch(body), manager=THE_ORIGINALS_MANAGER)
        ((one,), _) = await restore(stage, "two")
        assert one.outcome is Outcome.RESTORED
        await asyncio.sleep(1)
        assert marks(stage.cluster.node("two")) == marks(before)

    play(story)


def test_a_change_by_others_meanwhile_is_kept() -> None:
    async def story(stage: Stage) -> None:
        await interrupted(stage)
        theirs = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
        changes = iter([[theirs]])

        def before(request: Request) -> ClusterError | None:
            if request.verb == "patch_node" and (new := next(changes, None)):
                old = [{"key": key, "effect": effect} for key, effect in stage.taints.items()]
                stage.cluster.change_node(VICTIM, NodePatch({"spec": {"taints": [*old, *new]}}))
            return None

        ((one,), writes) = await restore(stage, VICTIM, way=FORCE, link=Link(before=before))
        assert one.outcome is Outcome.RESTORED
        assert writes == [VICTIM, VICTIM]
        await asyncio.sleep(1)
        assert stage.taints == {"dedicated": "NoSchedule"}
        assert not stage.is_cordoned()

    play(story, *MARKED)


def test_a_node_that_others_change_all_the_time_is_left_and_named() -> None:
    async def story(stage: Stage) -> None:
        await interrupted(stage)

        def before(request: Request) -> ClusterError | None:
            if request.verb == "patch_node":
                stage.cluster.change_node(VICTIM, NodePatch({"metadata": {"labels": {"at": str(len(seen))}}}))
                seen.append(request)
            return None

        seen: list[Request] = []
        ((one,), _) = await restore(stage, VICTIM, way=FORCE, link=Link(before=before))
        assert one.outcome is Outcome.FAILED
        assert one.text == f"failed: others changed the node {TRIES} times meanwhile"
        assert len(seen) == TRIES

    play(story)


def test_one_that_fails_does_not_keep_the_others() -> None:
    async def story(stage: Stage) -> None:
        await interrupted(stage)
        spec = {"spec": {"taints": [{"key": SPOT_TAINT, "effect": "NoSchedule"}]}}
        stage.cluster.change_node("two", NodePatch(spec))

        def before(request: Request) -> ClusterError | None:
            refused = request.verb == "patch_node" and request.what == VICTIM
            return Forbidden("nodes is forbidden") if refused else None

        said, _ = await restore(stage, "none", VICTIM, "two", way=FORCE, link=Link(before=before))
        assert outcomes(said) == {
            "none": Outcome.FAILED,
            VICTIM: Outcome.FAILED,
            "two": Outcome.RESTORED,
        }
        assert said[0].text == "failed: there is no such node"
        assert said[1].text == "failed: nodes is forbidden"

    play(story)


def test_a_list_that_is_refused_is_an_error_of_the_whole() -> None:
    async def story(stage: Stage) -> None:
        with pytest.raises(Forbidden):
            await restore(stage, link=Link(before=lambda request: Forbidden("nodes is forbidden")))

    play(story)


# The lines and the exit code


async def each(*outcomes_: Outcome) -> AsyncIterator[Restored]:
    for number, outcome in enumerate(outcomes_):
        yield Restored(f"n{number}", outcome, "took back \x1b[31m" + "the label a/b, " * 9)


@pytest.mark.parametrize(
    ("outcomes_", "code"),
    [
        ((), 0),
        ((Outcome.RESTORED, Outcome.UNTOUCHED), 0),
        ((Outcome.RESTORED, Outcome.SKIPPED), 1),
        ((Outcome.FAILED, Outcome.RESTORED), 1),
    ],
)
@pytest.mark.parametrize("quiet", [True, False])
def test_the_exit_code_says_whether_anything_is_left(
    outcomes_: tuple[Outcome, ...], code: int, quiet: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asyncio.run(told(each(*outcomes_), quiet=quiet)) == code
    out = capsys.readouterr().out
    assert max((len(line) for line in out.splitlines()), default=0) <= 80
    assert "\x1b" not in out
    shown = [line for line in out.splitlines() if line.startswith("n")]
    assert len(shown) == sum(one is not Outcome.UNTOUCHED or not quiet for one in outcomes_)


def test_all_nodes_end_with_their_counts(capsys: pytest.CaptureFixture[str]) -> None:
    counted = (Outcome.UNTOUCHED, Outcome.RESTORED, Outcome.SKIPPED, Outcome.UNTOUCHED)
    asyncio.run(told(each(*counted), quiet=True))
    assert capsys.readouterr().out.splitlines()[-1] == "4 nodes: 1 restored, 2 untouched, 1 skipped"
    asyncio.run(told(each(), quiet=True))
    assert capsys.readouterr().out == "0 nodes\n"
