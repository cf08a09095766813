"""Killed after any of its writes to the API server and started again, the handler ends in the same state.

The writes are counted in a run without a kill; then there is one run for each of them and for both
moments: when the server has taken it but its answer is not passed on, and when the answer has been.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import product, starmap
from pathlib import Path

import pytest

from nth.core.facts import Taint
from nth.core.node.node_annotation import ACTION_TIME_LABEL, RECORD_ANNOTATION, NodeRecord
from testbed.bed import RealBed
from tests.contract.bed import BudgetSpec, Workload
from tests.e2e.proxy import Kill
from tests.e2e.stage import QUICK, Stage, ours_on, staged, taint_keys

AT_ONCE = 5
"""So many handlers side by side."""
QUIET_SECONDS = 1.0
"""Nothing more is written when nothing has been for so long."""
FLAGS = (
    "--taint-node",
    "--enable-out-of-service-taint",
    "--exclude-from-load-balancers",
    "--node-termination-grace-period=600",
)
WEB = Workload(name="web", replicas=3, ready_after_seconds=0.2, stops_after_seconds=QUICK)
SLOW_WEB = replace(WEB, stops_after_seconds=(4.0, 5.0))
"""Still terminating when the handler is back."""
AGENT = Workload(name="agent", kind="DaemonSet", ready_after_seconds=0.1, stops_after_seconds=QUICK)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndState:
    """What must be the same, whatever happened on the way."""

    unschedulable: bool
    taints: frozenset[Taint]
    labels: dict[str, str]
    annotations: dict[str, str]
    record: NodeRecord | None
    web_on: tuple[str, ...]
    """On which nodes its Ready pods are."""
    agents_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A run of a story; without `write` nobody is killed."""

    write: int = 0
    passed_on: bool = False

    @property
    def name(self) -> str:
        return f"write-{self.write}-{'after' if self.passed_on else 'before'}-its-answer"


Story = Callable[[Stage, Case], Awaitable[None]]


async def end_state(stage: Stage) -> EndState:
    node, record = await stage.node(), await stage.record()

    def without_name(text: str) -> str:
        return text.replace(stage.name, "stage")

    async def nodes_of(app: str) -> tuple[str, ...]:
        pods = [pod for pod in await stage.bed.pods(f"{stage.name}-{app}") if pod.ready]
        return tuple(sorted(without_name(pod.node_name) for pod in pods if pod.deleting_until_at is None))

    return EndState(
        unschedulable=node.unschedulable,
        taints=frozenset(replace(taint, time_added=None) for taint in node.taints),
        labels={k: without_name(v) for k, v in node.labels.items() if k != ACTION_TIME_LABEL},
        annotations={k: v for k, v in node.annotations.items() if k != RECORD_ANNOTATION},
        record=None if record is None else _timeless(record),
        web_on=await nodes_of("web"),
        agents_on=await nodes_of("agent"),
    )


def _timeless(record: NodeRecord) -> NodeRecord:
    events = tuple(replace(seen, seen_at=0) for seen in record.events)
    return replace(record, session_id="", marked_at=0, events=events)


async def killed_and_started_again(stage: Stage, case: Case) -> None:
    """Between the two the API server is left alone, so that nothing is in flight any more."""
    code = await stage.handler.wait_ended(timeout_seconds=20)
    assert code == -signal.SIGKILL
    assert stage.proxy.writes >= case.write
    await stage.listen()


def arm(stage: Stage, case: Case) -> None:
    """Count the writes from here on."""
    stage.proxy.kill_at(Kill(pid=stage.handler.pid, write=case.write, passed_on=case.passed_on))


async def quiet(stage: Stage) -> None:
    """Until nothing is written any more."""
    writes = -1
    while writes != stage.proxy.writes:
        writes = stage.proxy.writes
        await asyncio.sleep(QUIET_SECONDS)


async def undisturbed(bed: RealBed, folder: Path, story: Story) -> tuple[int, EndState]:
    """How many writes the story takes, and how it ends."""
    async with staged(bed, folder, name="reference") as stage:
        await story(stage, Case())
        await quiet(stage)
        return stage.proxy.writes, await end_state(stage)


async def ends_like(stage: Stage, expected: EndState) -> None:
    async def same() -> bool:
        return await end_state(stage) == expected

    with contextlib.suppress(AssertionError):
        await stage.bed.wait_until(same, timeout_seconds=30)
    assert await end_state(stage) == expected, stage.handler.tail()
    stage.assert_nobody_removed_twice()


async def killed_at_each(writes: int, bed: RealBed, folder: Path, story: Story) -> None:
    """The story with a kill at each of its writes, a few of them side by side."""
    assert writes > 0
    turns = asyncio.Semaphore(AT_ONCE)

    async def play(case: Case) -> None:
        async with turns, staged(bed, folder, name=case.name) as stage:
            await story(stage, case)
            stage.assert_nobody_removed_twice()

    cases = list(starmap(Case, product(range(1, writes + 1), (False, True))))
    outcomes = await asyncio.gather(*map(play, cases), return_exceptions=True)
    failed = {case.name: error for case, error in zip(cases, outcomes, strict=True) if error is not None}
    assert not failed, "\n\n".join(f"killed at {name}: {error!r}" for name, error in failed.items())


async def ends_the_same(bed: RealBed, folder: Path, story: Story) -> None:
    """The story without a kill, and then with one at each write."""
    writes, expected = await undisturbed(bed, folder, story)

    async def compared(stage: Stage, case: Case) -> None:
        await story(stage, case)
        await ends_like(stage, expected)

    await killed_at_each(writes, bed, folder, compared)


@pytest.mark.timeout(200)
def test_killed_after_any_write_of_a_drain_it_ends_the_same(bed: RealBed, tmp_path: Path) -> None:
    interrupted_at = time.time() + 600

    async def story(stage: Stage, case: Case) -> None:
        stage.handler.flags = FLAGS
        await stage.set_up(SLOW_WEB, AGENT)
        uids = {pod.ref.uid for pod in await stage.bed.pods(f"{stage.name}-web")}
        await stage.listen()
        arm(stage, case)
        stage.say_spot(interrupted_at)
        if case.write:
            await killed_and_started_again(stage, case)
        await stage.wait_drained()
        await stage.wait_moved("web", WEB.replicas)
        assert {asked.pod_uid for asked in stage.proxy.removals()} == uids

    asyncio.run(ends_the_same(bed, tmp_path, story))


async def drain_for_maintenance(stage: Stage, _: Case) -> None:
    """Up to the moment at which nothing more is written."""
    stage.handler.flags = FLAGS
    await stage.set_up(WEB, AGENT)
    await stage.listen()
    stage.say_maintenance()
    await stage.wait_drained()
    await stage.wait_moved("web", WEB.replicas)
    await quiet(stage)


async def is_restored(stage: Stage) -> bool:
    node = await stage.node()
    return not node.unschedulable and not ours_on(node)


@pytest.mark.timeout(200)
def test_killed_after_any_write_of_an_undo_it_ends_the_same(bed: RealBed, tmp_path: Path) -> None:
    async def story(stage: Stage, case: Case) -> None:
        await drain_for_maintenance(stage, case)
        arm(stage, case)
        stage.say_maintenance("canceled")
        if case.write:
            await killed_and_started_again(stage, case)
        await stage.bed.wait_until(lambda: is_restored(stage))

    asyncio.run(ends_the_same(bed, tmp_path, story))


@pytest.mark.timeout(200)
def test_killed_in_a_drain_that_is_called_off_meanwhile_it_gives_the_node_back(
    bed: RealBed, tmp_path: Path
) -> None:
    async def story(stage: Stage, case: Case) -> None:
        stage.handler.flags = FLAGS
        await stage.set_up(WEB, AGENT)
        before = await stage.node()
        await stage.listen()
        arm(stage, case)
        stage.say_maintenance()
        code = await stage.handler.wait_ended()
        assert code == -signal.SIGKILL
        stage.say_maintenance("canceled")
        await stage.listen()
        await stage.bed.wait_until(lambda: is_restored(stage))
        after = await stage.node()
        assert taint_keys(after) == taint_keys(before)
        assert (after.labels, after.annotations) == (before.labels, before.annotations)

    async def scenario() -> None:
        writes, _ = await undisturbed(bed, tmp_path, drain_for_maintenance)
        await killed_at_each(writes, bed, tmp_path, story)

    asyncio.run(scenario())


@pytest.mark.timeout(120)
def test_killed_after_any_write_of_a_forced_drain_it_forces_once(bed: RealBed, tmp_path: Path) -> None:
    held = replace(SLOW_WEB, replicas=1, grace_seconds=3)
    reserve_seconds, notice_seconds = 2, 14

    async def story(stage: Stage, case: Case) -> None:
        stage.handler.flags = (f"--deadline-reserve-seconds={reserve_seconds}", "--taint-node")
        await stage.set_up(held)
        app = f"{stage.name}-web"
        await bed.set_budget(BudgetSpec(name=app, match_labels={"app": app}, max_unavailable=0))
        (pod,) = await bed.pods(app)
        await stage.listen()
        arm(stage, case)
        interrupted_at = int(time.time()) + notice_seconds
        stage.say_spot(interrupted_at)
        if case.write:
            await killed_and_started_again(stage, case)
        await stage.wait_drained()
        await stage.wait_moved("web", held.replicas)
        (removal,) = stage.proxy.removals()
        assert (removal.method, removal.pod_uid) == ("DELETE", pod.ref.uid)
        assert removal.at >= interrupted_at - reserve_seconds - held.grace_seconds

    async def scenario() -> None:
        writes, _ = await undisturbed(bed, tmp_path, story)
        await killed_at_each(writes, bed, tmp_path, story)

    asyncio.run(scenario())
