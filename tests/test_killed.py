"""Acceptance 5 in virtual time: a handler killed after each write, and the same end all the same."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache

import pytest

from nth.core.facts import Node
from nth.core.policy import OUT_OF_SERVICE_TAINT
from nth.core.reports import (
    DrainEnded,
    NoticeReceived,
    SessionResumed,
)
from nth.errors import ClusterError, Unreachable
from nth.simulation.cloud import ScheduledEvent
from nth.simulation.connection import Request
from tests.worlds import (
    HANDED_IN_SECONDS,
    VICTIM,
    Stage,
    killer,
    marks,
    play,
    record_facts,
)

RESTART_SECONDS = 1.0
FLAGS = ("--taint-node", "--enable-out-of-service-taint", "--exclude-from-load-balancers")
KILLS = {"before the answer": None, "after the answer": HANDED_IN_SECONDS}

Script = Callable[[Stage, "Lives | None"], Awaitable[None]]


class Lives:
    """The lives of one handler: one process, and a new one whenever it has been killed."""

    def __init__(self, stage: Stage, kill_at: int, delay_seconds: float | None) -> None:
        self._stage = stage
        self._after = killer(stage, kill_at, delay_seconds)
        self.booted_at: float | None = None
        self._task = asyncio.create_task(self._live())

    async def _live(self) -> None:
        while True:
            process = self._stage.process(after=self._after, booted_at=self.booted_at)
            await process.killed()
            await asyncio.sleep(RESTART_SECONDS)

    def kill(self) -> None:
        self._stage.processes[-1].die()

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def interrupted(stage: Stage, lives: Lives | None) -> None:
    stage.cloud.interrupt(stage.clock.now() + 122)
    await asyncio.sleep(110)


async def cancelled(stage: Stage, lives: Lives | None) -> None:
    stage.cloud.schedule(ScheduledEvent(event_id="reboot-1", not_before_at=stage.clock.now() + 3600))
    await asyncio.sleep(60)
    stage.cloud.cancel("reboot-1")
    await asyncio.sleep(60)


async def rebooted(stage: Stage, lives: Lives | None) -> None:
    assert lives is not None
    stage.cloud.schedule(ScheduledEvent(event_id="reboot-1", not_before_at=stage.clock.now() + 300))
    await asyncio.sleep(60)
    lives.booted_at = stage.clock.now() + 30
    lives.kill()
    await asyncio.sleep(60)
    stage.cloud.complete("reboot-1")
    await asyncio.sleep(60)


SCRIPTS: dict[str, Script] = {"drain": interrupted, "undo": cancelled, "reboot": rebooted}


@dataclass(frozen=True)
class Outcome:
    """The end state, but for times, versions and ids."""

    node: Node
    record: object
    here: Counter[str]
    """Pods on the node, by app."""
    elsewhere: Counter[str]


@dataclass(frozen=True)
class Run:
    """How a story went."""

    end: Outcome
    evicted: Counter[str]
    """How often each pod's eviction was accepted."""
    writes: int
    processes: int


def end_of(stage: Stage) -> Outcome:
    kinds = Counter(pod.labels["app"] for pod in stage.cluster.pods_on(VICTIM))
    return Outcome(marks(stage.node), record_facts(stage.record), kinds, stage.running_elsewhere())


def run_of(name: str, kill_at: int, delay_seconds: float | None) -> Run:
    """That story, with a kill after that write; 0 = without."""

    async def story(stage: Stage) -> Run:
        lives = Lives(stage, kill_at, delay_seconds)
        await asyncio.sleep(2)
        await SCRIPTS[name](stage, lives)
        await lives.end()
        writes = sum(len(process.connection.writes) for process in stage.processes)
        return Run(end_of(stage), stage.evicted, writes, len(stage.processes))

    return play(story, *FLAGS)


@lru_cache
def uninterrupted(name: str) -> Run:
    return run_of(name, 0, None)


def writes_of(name: str) -> range:
    return range(1, uninterrupted(name).writes + 1)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_life_without_kills_is_as_it_should_be(name: str) -> None:
    run = uninterrupted(name)
    end = run.end
    # The out-of-service taint ends every pod that does not tolerate it.
    assert end.here == ({} if name == "drain" else {"agent": 1})
    assert end.elsewhere == {"web": 4, "db": 2}
    assert len(run.evicted) == 6
    assert set(run.evicted.values()) == {1}
    # Marks, six evictions, the record of the drain; then at least one patch that takes it back.
    assert run.writes >= (8 if name == "drain" else 9)
    assert end.node.unschedulable is (name == "drain")
    assert (end.record is None) is (name != "drain")
    taints = {taint.key for taint in end.node.taints}
    assert (OUT_OF_SERVICE_TAINT.key in taints) is (name == "drain")


@pytest.mark.parametrize("when", KILLS)
@pytest.mark.parametrize(
    ("name", "kill_at"),
    [pytest.param(name, k, id=f"{name}-{k}") for name in SCRIPTS for k in writes_of(name)],
)
def test_killed_after_any_write_the_successor_ends_in_the_same_state(
    name: str, kill_at: int, when: str
) -> None:
    expected = uninterrupted(name)
    run = run_of(name, kill_at, KILLS[when])
    assert run.processes == expected.processes + 1
    assert run.end == expected.end
    assert len(run.evicted) == 6
    assert set(run.evicted.values()) == {1}


def test_a_successor_says_that_it_goes_on_and_keeps_the_session_id() -> None:
    async def story(stage: Stage) -> None:
        lives = Lives(stage, 4, None)
        await asyncio.sleep(2)
        await interrupted(stage, lives)
        await lives.end()
        first, second = stage.processes
        assert first.reports(SessionResumed) == []
        (resumed,) = second.reports(SessionResumed)
        (received,) = first.reports(NoticeReceived)
        assert resumed.event_ids == (received.event.event_id,)
        assert second.reports(NoticeReceived) == []
        assert {told.session_id for told in (*first.told, *second.told)} == {"session-1"}
        assert len(first.reports(DrainEnded)) + len(second.reports(DrainEnded)) == 1

    play(story)


def test_a_successor_of_a_finished_drain_says_nothing_again() -> None:
    async def story(stage: Stage) -> None:
        first = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(40)
        first.die()
        await first.killed()
        before = stage.node
        second = stage.process()
        await asyncio.sleep(40)
        assert second.reports(DrainEnded) == []
        assert second.connection.writes == ()
        assert stage.node == before

    play(story)


@pytest.mark.parametrize("name", ["drain", "undo"])
def test_patches_whose_answers_are_lost_are_known_for_what_they_are(name: str) -> None:
    async def story(stage: Stage) -> Outcome:
        patches = 0

        def after(request: Request) -> ClusterError | None:
            nonlocal patches
            patches += request.verb == "patch_node"
            lost = request.verb == "patch_node" and patches % 2 == 1
            return Unreachable("the answer was cut off") if lost else None

        process = stage.process(after=after)
        await asyncio.sleep(2)
        await SCRIPTS[name](stage, None)
        process.die()
        assert patches > 1
        return end_of(stage)

    assert play(story, *FLAGS) == uninterrupted(name).end
