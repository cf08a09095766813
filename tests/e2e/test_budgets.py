"""Budgets that never yield, graces and finalizers against a deadline; and what an undo leaves alone.

Most of it takes as long as a deadline does, so that is played once, with three handlers side by side:
`forceful` may do all, `polite` lacks the rule to delete pods, `calm` has heard of no deadline.
"""

import asyncio
import math
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from nth.core.drain.pod_eviction import BLOCKED_RETRY_SECONDS, STIRRED_RETRY_SECONDS
from nth.core.facts import Pod
from nth.core.times import utc_text
from testbed.bed import RealBed
from testbed.control_plane import ControlPlane
from testbed.rights import POLITE_HANDLER
from tests.contract.bed import BudgetSpec, Workload
from tests.e2e.handler import Line
from tests.e2e.proxy import Asked
from tests.e2e.stage import DRAINED, FORCED, QUICK, Stage, ours_on, staged, taint_keys

NOTICE_SECONDS = 25.0
RESERVE_SECONDS = 5.0
"""The setting's default."""
GRACE_SECONDS = 5
LATE_SECONDS = 1.0
"""How late a pod may be forced: timers, requests and a shared machine."""
NEVER = {"aws-node-termination-handler/force": "never"}
FORBIDDEN = "No permission to delete pods"
REFUSED = "Pod may not be evicted now"
NOT_DRAINED = "Node is not drained"


def _held(name: str, **annotations: str) -> Workload:
    return Workload(
        name=name,
        annotations=annotations,
        grace_seconds=GRACE_SECONDS,
        ready_after_seconds=0.1,
        stops_after_seconds=QUICK,
    )


HELD = _held("held")
KEPT = _held("kept", **NEVER)
LONG = Workload(
    name="long", kind="Pod", grace_seconds=600, ready_after_seconds=0.1, stops_after_seconds=QUICK
)
STUCK = Workload(
    name="stuck",
    kind="Pod",
    finalizers=("testbed.invalid/keep",),
    ready_after_seconds=0.1,
    stops_after_seconds=QUICK,
)
DATABASE = Workload(name="db", kind="StatefulSet", ready_after_seconds=0.1, stops_after_seconds=QUICK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What one handler did, and with which pods it began."""

    pods: dict[str, Pod]
    """By workload; each has one."""
    asked: list[Asked]
    lines: list[Line]
    pods_after: tuple[Pod, ...]

    def removals(self, app: str) -> list[Asked]:
        """What was asked for this pod, refused or not."""
        uid = self.pods[app].ref.uid
        return [asked for asked in self.asked if asked.is_pod_removal and asked.pod_uid == uid]

    def deletions(self, app: str) -> list[Asked]:
        return [asked for asked in self.removals(app) if asked.method == "DELETE"]

    def said(self, text: str) -> list[Line]:
        return [line for line in self.lines if text in str(line["message"])]

    def said_of(self, app: str, text: str) -> list[Line]:
        return [line for line in self.said(text) if line.get("pod") == str(self.pods[app].ref)]

    def left(self) -> list[str]:
        """What the last report of an unfinished drain names."""
        left = self.said(NOT_DRAINED)[-1]["left"]
        assert isinstance(left, list)
        return [str(item) for item in left]


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One deadline, three handlers."""

    noticed_at: float
    interrupted_at: float
    forceful: Played
    polite: Played
    calm: Played

    @property
    def latest_at(self) -> float:
        """Of the pods with GRACE_SECONDS."""
        return self.interrupted_at - RESERVE_SECONDS - GRACE_SECONDS


async def _set_up(stage: Stage, *workloads: Workload) -> dict[str, Pod]:
    await stage.set_up(*workloads)
    for name in (HELD.name, KEPT.name):
        app = f"{stage.name}-{name}"
        await stage.bed.set_budget(BudgetSpec(name=app, match_labels={"app": app}, max_unavailable=0))
    return {work.name: (await stage.bed.pods(f"{stage.name}-{work.name}"))[0] for work in workloads}


async def _played(stage: Stage, pods: dict[str, Pod]) -> Played:
    after = await stage.bed.pods_on(stage.doomed)
    return Played(pods=pods, asked=stage.proxy.asked, lines=stage.handler.lines, pods_after=after)


async def _yield(stage: Stage) -> None:
    """Its budget lets the held pod go."""
    app = f"{stage.name}-{HELD.name}"
    await stage.bed.set_budget(BudgetSpec(name=app, match_labels={"app": app}, max_unavailable=1))


async def _play(bed: RealBed, folder: Path) -> Play:
    async with (
        staged(bed, folder, name="forceful") as forceful,
        staged(bed, folder, name="polite", account=POLITE_HANDLER) as polite,
        staged(bed, folder, name="calm") as calm,
    ):
        begun = await asyncio.gather(
            _set_up(forceful, HELD, KEPT, LONG, STUCK, DATABASE),
            _set_up(polite, HELD, KEPT),
            _set_up(calm, HELD, KEPT),
        )
        await asyncio.gather(forceful.listen(), polite.listen(), calm.listen("--enable-rebalance-draining"))
        noticed_at = time.time()
        interrupted_at = math.ceil(noticed_at + NOTICE_SECONDS)
        forceful.say_spot(interrupted_at)
        polite.say_spot(interrupted_at)
        calm.say_rebalance()
        # Past the moment at which the last pod is forced, and its grace.
        await asyncio.sleep(interrupted_at - RESERVE_SECONDS + LATE_SECONDS - time.time())
        await _yield(polite)
        await polite.wait_moved("held", 1)
        stages = (forceful, polite, calm)
        played = [await _played(stage, pods) for stage, pods in zip(stages, begun, strict=True)]
    return Play(
        noticed_at=noticed_at,
        interrupted_at=interrupted_at,
        forceful=played[0],
        polite=played[1],
        calm=played[2],
    )


@pytest.fixture(scope="module")
def play(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Play:
    bed = RealBed(control_plane)
    try:
        return asyncio.run(_play(bed, tmp_path_factory.mktemp("play")))
    finally:
        bed.clear()


def test_a_pod_whose_budget_never_yields_is_forced_at_its_latest_moment(play: Play) -> None:
    (deletion,) = play.forceful.deletions("held")
    assert deletion.status == 200
    # Never longer than what is left, in whole seconds, and a timer comes a moment late.
    assert deletion.grace_seconds == GRACE_SECONDS - 1
    assert play.latest_at <= deletion.at <= play.latest_at + LATE_SECONDS
    assert deletion is play.forceful.removals("held")[-1]
    assert len(play.forceful.said_of("held", FORCED)) == 1
    assert play.forceful.pods["held"].ref not in {pod.ref for pod in play.forceful.pods_after}


def test_a_refused_pod_is_asked_politely_until_then_and_its_moment_is_told(play: Play) -> None:
    *polite, deletion = play.forceful.removals("held")
    assert {asked.status for asked in polite} == {429}
    # About every 5 s, or when something changed in the namespace, but at most once a second. On a busy
    # machine one comes later than it was sent, and the next one seems early: so they are counted together.
    pauses = [after.at - before.at for before, after in pairwise(polite)]
    assert pauses
    assert all(pause < 2 * BLOCKED_RETRY_SECONDS for pause in pauses), pauses
    assert len(polite) <= 1 + (deletion.at - play.noticed_at) / STIRRED_RETRY_SECONDS, pauses
    (told,) = play.forceful.said_of("held", REFUSED)
    assert utc_text(play.latest_at) in str(told["message"])


def test_a_pod_annotated_against_it_is_never_forced(play: Play) -> None:
    assert play.forceful.deletions("kept") == []
    assert {asked.status for asked in play.forceful.removals("kept")} == {429}
    kept = play.forceful.pods["kept"].ref
    (after,) = (pod for pod in play.forceful.pods_after if pod.ref == kept)
    assert (after.ready, after.deleting_until_at) == (True, None)
    (told,) = play.forceful.said_of("kept", REFUSED)
    assert "it will not be forced" in str(told["message"])


def test_a_grace_longer_than_the_notice_is_cut_to_the_time_left(play: Play) -> None:
    (eviction,) = play.forceful.removals("long")
    assert eviction.status == 201
    assert eviction.grace_seconds is not None
    left_seconds = play.interrupted_at - RESERVE_SECONDS - eviction.at
    # Decided a moment before the API server has the request.
    assert left_seconds - 1.5 <= eviction.grace_seconds <= left_seconds + 0.5
    (told,) = play.forceful.said_of("long", "Pod evicted")
    assert "cut from 600 s" in str(told["message"])


def test_a_finalizer_that_never_goes_is_named_as_what_holds_the_pod(play: Play) -> None:
    stuck = play.forceful.pods["stuck"].ref
    assert f"{stuck}: terminating, held by its finalizers testbed.invalid/keep" in play.forceful.left()
    assert len(play.forceful.left()) == 2
    assert not play.forceful.said(DRAINED)
    (eviction,) = play.forceful.removals("stuck")
    assert eviction.status == 201


def test_a_pod_recreated_with_the_same_name_is_not_mistaken_for_the_old_one(play: Play) -> None:
    (eviction,) = play.forceful.removals("db")
    assert eviction.status == 201
    before = play.forceful.pods["db"].ref
    # Any request that names the pod was for the old one.
    asked = [asked for asked in play.forceful.asked if f"/pods/{before.name}" in asked.path]
    assert asked == [eviction]
    assert len(play.forceful.said_of("db", "Pod gone")) == 1
    assert [
        line for line in play.forceful.said("has replaced 1 pod elsewhere") if "db" in str(line["message"])
    ]


def test_without_the_rule_to_delete_it_stays_polite_and_says_so_once(play: Play) -> None:
    assert {asked.status for asked in play.polite.deletions("held")} == {403}
    # Tried twice, because a server that has just started forbids everything for a moment.
    assert len(play.polite.deletions("held")) == 2
    assert len(play.polite.said(FORBIDDEN)) == 1
    assert not play.polite.said(FORCED)
    # It went on asking, and when the budget yielded, the pod went politely.
    assert play.polite.removals("held")[-1].is_eviction
    assert play.polite.removals("held")[-1].status == 201


def test_without_a_deadline_nothing_is_ever_forced(play: Play) -> None:
    assert not play.calm.said(FORCED)
    assert play.calm.deletions("held") == play.calm.deletions("kept") == []
    assert {asked.status for asked in play.calm.removals("held")} == {429}
    assert play.calm.removals("held")[-1].at > play.latest_at
    assert len(play.calm.said_of("held", REFUSED)) == 1
    assert {pod.ref for pod in play.calm.pods_after} == {pod.ref for pod in play.calm.pods.values()}


def test_an_undo_leaves_what_others_did(bed: RealBed, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with staged(bed, tmp_path) as stage:
            await stage.set_up(HELD)
            foreign = [
                {"key": "company.io/before", "effect": "NoSchedule", "value": "v"},
                # One of our keys, but not our doing.
                {"key": "aws-node-termination-handler/scheduled-maintenance", "effect": "PreferNoSchedule"},
            ]
            labels = {"company.io/team": "db", "node.kubernetes.io/exclude-from-external-load-balancers": "x"}
            change = {
                "spec": {"unschedulable": True, "taints": foreign},
                "metadata": {"labels": labels, "annotations": {"company.io/note": "mine"}},
            }
            before = await bed.change_node(stage.doomed, change)
            await stage.listen("--taint-node", "--exclude-from-load-balancers")
            stage.say_maintenance()
            await stage.wait_drained()
            # While we are at it, somebody adds a taint and a label.
            taints = [*foreign, {"key": "company.io/during", "effect": "NoSchedule"}]
            change = {"spec": {"taints": taints}, "metadata": {"labels": {"company.io/during": "yes"}}}
            await bed.change_node(stage.doomed, change)
            stage.say_maintenance("canceled")
            await stage.handler.wait_said("it stays cordoned, because it was before us")
            after = await stage.node()
            assert after.unschedulable
            assert taint_keys(after) == taint_keys(before) | {"company.io/during"}
            assert dict(after.labels) == {**before.labels, "company.io/during": "yes"}
            assert after.annotations == before.annotations
            assert ours_on(after) == ["aws-node-termination-handler/scheduled-maintenance"]

    asyncio.run(scenario())


def test_an_undo_takes_back_our_cordon_and_nothing_of_others(bed: RealBed, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with staged(bed, tmp_path) as stage:
            await stage.set_up(HELD)
            before = await stage.node()
            await stage.listen("--taint-node", "--exclude-from-load-balancers")
            stage.say_maintenance()
            await stage.wait_drained()
            marked = await stage.node()
            assert len(ours_on(marked)) == 5, ours_on(marked)
            taints = [
                {"key": taint.key, "effect": taint.effect, "value": taint.value} for taint in marked.taints
            ]
            foreign = {"key": "company.io/during", "effect": "NoExecute"}
            await bed.change_node(stage.doomed, {"spec": {"taints": [foreign, *taints]}})
            stage.say_maintenance("canceled")
            await stage.handler.wait_said("Node successfully uncordoned")
            after = await stage.node()
            assert not after.unschedulable
            assert taint_keys(after) == {"company.io/during"}
            assert (after.labels, after.annotations) == (before.labels, before.annotations)

    asyncio.run(scenario())
