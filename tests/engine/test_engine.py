"""The engine through everything that can go wrong around it: kills, outages, conflicts, defects."""

import asyncio
import logging
from collections import Counter

import pytest

from nth.core.facts import Node, NodePatch, Pod, PodList, PodRef, PodScope
from nth.core.node.node_annotation import RECORD_ANNOTATION
from nth.core.notices.events import Noticed, RebalanceRecommendation, SpotInterruption, Withdrawn
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    NodeChangeRefused,
    NodeMarked,
    NoticeReceived,
    PodCameBack,
    PodLeft,
    ReplacementEnded,
    SessionEnded,
    SessionResumed,
    Told,
    Trouble,
    TroubleOver,
)
from nth.engine.engine import Engine
from nth.errors import ClusterError, Conflict, Forbidden, Rejected, Unreachable
from nth.simulation.connection import Request
from nth.simulation.objects import MachineSpec, PodTemplate, Toleration, WorkloadSpec
from tests.core.samples import SPOT_TAINT
from tests.worlds import (
    VICTIM,
    WORKLOADS,
    Passing,
    Process,
    Stage,
    lists,
    play,
)

# Faults of the API server


def drained(stage: Stage, process: Process) -> bool:
    ended = [report.drained for report in process.reports(DrainEnded)]
    return stage.movable() == () and ended == [True] and set(stage.evicted.values()) == {1}


def test_an_api_server_that_is_gone_for_20_s_in_the_middle_of_a_drain() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(2)
        assert len(stage.evicted) == 6
        gone_at = stage.clock.now()
        stage.cluster.set_outage(gone_at, gone_at + 20)
        await asyncio.sleep(60)
        assert drained(stage, process)
        assert [trouble.what for trouble in process.reports(Trouble)] == ["the Kubernetes API server"]
        (over,) = process.reports(TroubleOver)
        assert over.seconds == pytest.approx(20, abs=2.5)
        # Its tier came when the others had gone, which nobody could see meanwhile.
        last_at = max(told.at for told in process.told if isinstance(told.report, EvictionAccepted))
        assert gone_at + 20 < last_at < gone_at + 20 + 2.5
        assert stage.running_elsewhere() == {"web": 4, "db": 2, "late": 1}
        assert len(process.reports(ReplacementEnded)) == 1

    late = WorkloadSpec(name="late", template=PodTemplate(priority_class="system-cluster-critical"))
    play(story, workloads=(*WORKLOADS, late))


def test_an_api_server_that_is_gone_between_two_evictions() -> None:
    async def story(stage: Stage) -> None:
        evictions = 0

        def after(request: Request) -> ClusterError | None:
            nonlocal evictions
            evictions += request.verb == "evict_pod"
            if request.verb == "evict_pod" and evictions == 2:
                stage.cluster.set_outage(stage.clock.now(), stage.clock.now() + 20)
            return None

        process = stage.process(after=after)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(15)
        assert len(stage.evicted) == 2
        await asyncio.sleep(45)
        assert drained(stage, process)
        assert len(process.reports(Trouble)) == len(process.reports(TroubleOver)) == 1
        assert stage.running_elsewhere() == {"web": 4, "db": 2}

    play(story)


def test_an_api_server_that_is_gone_when_the_notice_comes() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        now = stage.clock.now()
        stage.cluster.set_outage(now, now + 20)
        stage.cloud.interrupt(now + 121)
        await asyncio.sleep(19.5)
        assert process.connection.writes != ()
        assert not stage.is_cordoned()
        await asyncio.sleep(3)
        assert stage.is_cordoned()
        await asyncio.sleep(20)
        assert drained(stage, process)

    play(story)


def test_conflicts_on_every_patch_for_a_while() -> None:
    async def story(stage: Stage) -> None:
        until_at = stage.clock.now() + 6

        def before(request: Request) -> ClusterError | None:
            busy = request.verb == "patch_node" and stage.clock.now() < until_at
            return Conflict("409: the object has been modified") if busy else None

        process = stage.process(before=before)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(30)
        assert stage.node.unschedulable
        assert SPOT_TAINT in stage.taints
        assert drained(stage, process)
        patches = [request for request in process.connection.requests if request.verb == "patch_node"]
        assert 3 < len(patches) < 60

    play(story, "--taint-node")


def test_watches_that_expire() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(2)
        for _ in range(10):
            stage.cluster.forget_history()
            process.connection.break_watches(Unreachable("the connection was reset"))
            await asyncio.sleep(1)
        await asyncio.sleep(20)
        assert drained(stage, process)
        (ended,) = process.reports(ReplacementEnded)
        assert ended.missing == ()

    play(story)


def test_a_pod_that_is_recreated_with_the_same_name_is_not_taken_for_the_old_one() -> None:
    async def story(stage: Stage) -> None:
        # It tolerates everything and may run nowhere else: its successors have its name and come back.
        (old,) = stage.movable()
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(100)
        (back,) = stage.movable()
        assert (back.ref.name, back.deleting_until_at) == (old.ref.name, None)
        assert back.ref != old.ref
        left = [left.pod.ref for left in process.reports(PodLeft)]
        assert left[0] == old.ref
        assert len(set(left)) == 3
        assert back.ref not in left
        assert stage.evicted == {"default/stuck-0": 3}
        assert [(each.pod.ref == back.ref, each.goes) for each in process.reports(PodCameBack)] == [
            (False, True),
            (False, True),
            (True, False),
        ]

    template = PodTemplate(
        node_selector={"kubernetes.io/hostname": VICTIM}, tolerations=(Toleration(),), stop_seconds=(1.0, 1.0)
    )
    stuck = WorkloadSpec(name="stuck", kind="StatefulSet", template=template)
    play(story, workloads=(stuck,))


def test_needs_W32_a_taint_that_is_refused_holds_back_neither_cordon_nor_eviction() -> None:
    class NoTaints(Passing):
        async def patch_node(self, name: str, patch: NodePatch, *, deadline_at: float | None = None) -> Node:
            spec = patch.body.get("spec")
            if isinstance(spec, dict) and "taints" in spec:
                raise Rejected("patch node one: 422: denied by policy no-taints")
            return await super().patch_node(name, patch, deadline_at=deadline_at)

    async def story(stage: Stage) -> None:
        process = stage.process(around=NoTaints)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(40)
        assert stage.node.unschedulable
        assert SPOT_TAINT not in stage.taints
        assert RECORD_ANNOTATION in stage.node.annotations
        assert drained(stage, process)
        told = process.reports(NodeChangeRefused)
        assert [SPOT_TAINT in refused.what for refused in told] == [True] * len(told)
        assert told
        marked_at = min(told.at for told in process.told if isinstance(told.report, NodeMarked))
        assert marked_at < process.told[0].at + 1

    play(story, "--taint-node")


def test_without_the_right_to_patch_nodes_the_pods_are_still_moved() -> None:
    async def story(stage: Stage) -> None:
        def before(request: Request) -> ClusterError | None:
            return Forbidden('403: nodes "one" is forbidden') if request.verb == "patch_node" else None

        pods = stage.movable()
        process = stage.process(before=before)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(110)
        assert not stage.node.unschedulable
        # Nothing keeps the scheduler from putting new pods here, so nobody can promise an empty node.
        moved = {pod.ref.uid for pod in pods}
        assert moved <= {report.pod.ref.uid for report in process.reports(EvictionAccepted)}
        assert not moved & {pod.ref.uid for pod in stage.movable()}
        assert len(process.reports(NodeChangeRefused)) <= 3
        assert process.reports(NodeChangeRefused)

    play(story, "--taint-node")


def test_a_finalizer_that_never_goes_is_told_with_its_reason() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(119)
        (ended,) = process.reports(DrainEnded)
        (left,) = ended.left
        assert str(left.ref).startswith("default/held-")
        assert "example.com/hold" in left.reason
        assert stage.evicted[str(left.ref)] == 1

    held = WorkloadSpec(name="held", template=PodTemplate(finalizers=("example.com/hold",)))
    play(story, workloads=(*WORKLOADS, held))


def test_A14_needs_W7_only_what_begins_a_watch_is_listed_from_the_cache() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(40)
        assert drained(stage, process)
        of_node = [request.cached for request in lists(process.connection) if request.what == VICTIM]
        assert of_node == [True, False]
        assert [r.cached for r in lists(process.connection) if r.what != VICTIM] == [True, True]

    play(story, "--use-apiserver-cache")


def test_needs_W7_a_list_after_a_lost_watch_is_fresh_and_the_cache_is_off_by_default() -> None:
    async def story(stage: Stage) -> list[bool]:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(1.5)
        process.connection.break_watches(Unreachable("reset"))
        await asyncio.sleep(40)
        assert drained(stage, process)
        return [request.cached for request in lists(process.connection) if request.what == VICTIM]

    assert play(story, "--use-apiserver-cache") == [True, False, False]
    assert play(story) == [False, False, False]


def test_needs_W7_a_cache_that_lags_behind_never_proves_that_a_node_is_empty() -> None:
    """The cache says that the node is empty until the watch has caught up."""

    class Lagging(Passing):
        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            listed = await super().list_pods(scope, cached=cached)
            return PodList((), listed.resource_version) if cached else listed

    async def story(stage: Stage) -> None:
        process = stage.process(around=Lagging)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(60)
        assert stage.movable() == ()
        assert len(stage.evicted) == 6
        (ended,) = process.reports(DrainEnded)
        assert (ended.drained, ended.evicted) == (True, 6)

    play(story, "--use-apiserver-cache")


# Our own defects


@pytest.mark.parametrize("verb", ["patch_node", "list_pods", "evict_pod", "read_node"])
def test_a_request_that_fails_in_our_own_code_is_tried_again(
    verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Stage) -> None:
        failures = Counter[str]()

        class Defective(Passing):
            def _fail(self, name: str) -> None:
                failures[name] += 1
                if name == verb and failures[name] <= 2:
                    raise RuntimeError("a defect")

            async def read_node(self, name: str) -> Node:
                self._fail("read_node")
                return await super().read_node(name)

            async def patch_node(
                self, name: str, patch: NodePatch, *, deadline_at: float | None = None
            ) -> Node:
                self._fail("patch_node")
                return await super().patch_node(name, patch, deadline_at=deadline_at)

            async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
                self._fail("list_pods")
                return await super().list_pods(scope, cached=cached)

            async def evict_pod(
                self, ref: PodRef, *, grace_seconds: int | None, deadline_at: float | None = None
            ) -> None:
                self._fail("evict_pod")
                await super().evict_pod(ref, grace_seconds=grace_seconds, deadline_at=deadline_at)

        process = stage.process(around=Defective)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(60)
        assert drained(stage, process)
        assert process.running
        assert failures[verb] > 2 or verb == "read_node"

    play(story)


def test_a_listener_that_fails_cannot_stop_a_drain() -> None:
    async def story(stage: Stage) -> None:
        def deaf(told: Told) -> None:
            raise RuntimeError("the listener is broken")

        process = stage.process(tell=deaf)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(40)
        assert drained(stage, process)
        assert stage.sessions == 1

    play(story)


def test_a_session_that_fails_is_begun_anew_from_the_node(caplog: pytest.LogCaptureFixture) -> None:
    """A defect in the session itself: an answer that no code expects."""

    class Strange(Passing):
        times = 0

        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            listed = await super().list_pods(scope, cached=cached)
            Strange.times += 1
            return PodList(_none(), "1") if Strange.times == 1 else listed

    async def story(stage: Stage) -> None:
        process = stage.process(around=Strange)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(40)
        assert process.running
        assert stage.movable() == ()
        assert set(stage.evicted.values()) == {1}
        assert len(process.reports(SessionResumed)) <= 1
        assert stage.sessions == 2

    play(story)
    assert any("session failed" in record.message for record in caplog.records)


def test_a_session_that_always_fails_is_begun_anew_ever_less_often() -> None:
    class Strange(Passing):
        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            return PodList(_none(), "1")

    async def story(stage: Stage) -> None:
        process = stage.process(around=Strange)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(60)
        assert process.running
        # After 1, 2 and 5 s, and then every 10 s.
        assert 7 <= stage.sessions <= 10

    play(story)


def test_safe_12_a_session_whose_new_beginning_fails_too_is_begun_once_more() -> None:
    """And nothing else ends for it: not the engine, not the sessions of other nodes."""

    class Strange(Passing):
        times = 0

        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            listed = await super().list_pods(scope, cached=cached)
            Strange.times += 1
            return PodList(_none(), "1") if Strange.times == 1 else listed

    async def story(stage: Stage) -> None:
        begun = 0

        def new_session_id() -> str:
            nonlocal begun
            begun += 1
            if begun in (2, 3):
                raise RuntimeError("a defect")
            return stage.new_session_id()

        connection = stage.cluster.connect()
        engine = Engine(
            Strange(connection),
            stage.clock,
            stage.session_rules,
            tell=lambda _: None,
            new_session_id=new_session_id,
        )
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(0)
        at = stage.clock.now() + 120
        engine.notice(
            VICTIM, Noticed(event=SpotInterruption(event_id="one", action="terminate", interrupted_at=at))
        )
        await asyncio.sleep(30)
        assert not running.done()
        assert begun == 4
        assert stage.node.unschedulable
        assert any(request.verb == "evict_pod" for request in connection.requests)
        running.cancel()

    play(story)


def test_a_session_that_fails_before_anything_is_recorded_still_knows_its_notices() -> None:
    class Strange(Passing):
        times = 0

        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            listed = await super().list_pods(scope, cached=cached)
            Strange.times += 1
            return PodList(_none(), "1") if Strange.times == 1 else listed

    async def story(stage: Stage) -> None:
        def before(request: Request) -> ClusterError | None:
            return Forbidden('403: nodes "one" is forbidden') if request.verb == "patch_node" else None

        process = stage.process(around=Strange, before=before)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(20)
        assert stage.record is None
        assert len(process.reports(NoticeReceived)) == 2
        assert len(stage.evicted) >= 6

    play(story)


def _none() -> tuple[Pod, ...]:
    return None  # type: ignore[return-value]


def test_a_session_whose_node_is_gone_is_not_begun_anew(caplog: pytest.LogCaptureFixture) -> None:
    class Strange(Passing):
        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            return PodList(_none(), "1")

    async def story(stage: Stage) -> None:
        process = stage.process(around=Strange)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await stage.cluster.wait_until(lambda: bool(caplog.records))
        stage.cluster.remove_node(VICTIM)
        await asyncio.sleep(5)
        begun, asked = stage.sessions, len(process.connection.requests)
        await asyncio.sleep(30)
        assert (stage.sessions, len(process.connection.requests)) == (begun, asked)
        assert process.running

    play(story)


def test_a_notice_that_comes_while_the_last_session_ends_is_not_lost() -> None:
    async def story(stage: Stage) -> None:
        told: list[Told] = []
        engine = Engine(
            stage.cluster.connect(),
            stage.clock,
            stage.session_rules,
            tell=lambda each: hear(each),
            new_session_id=stage.new_session_id,
        )

        def hear(each: Told) -> None:
            told.append(each)
            if isinstance(each.report, SessionEnded) and stage.sessions == 1:
                engine.notice(VICTIM, noticed("second"))

        running = asyncio.create_task(engine.run())
        await asyncio.sleep(0)
        engine.notice(VICTIM, noticed("first"))
        await asyncio.sleep(5)
        assert stage.node.unschedulable
        engine.notice(VICTIM, Withdrawn(event_id="first", reason="it is over"))
        await asyncio.sleep(5)
        assert stage.sessions == 2
        assert stage.node.unschedulable
        running.cancel()

    def noticed(event_id: str) -> Noticed:
        return Noticed(event=RebalanceRecommendation(event_id=event_id, noticed_at=0))

    play(story)


def test_safe_12_the_notices_of_a_session_that_has_ended_are_not_those_of_the_next() -> None:
    """The node was deleted and made anew while the last session ended; then the next one fails."""

    class FailingLater(Passing):
        lists = 0

        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            listed = await super().list_pods(scope, cached=cached)
            FailingLater.lists += stage_of[0].sessions >= 2
            return PodList(_none(), "1") if FailingLater.lists == 1 else listed

    stage_of: list[Stage] = []

    async def story(stage: Stage) -> None:
        stage_of.append(stage)
        told: list[Told] = []
        engine = Engine(
            FailingLater(stage.cluster.connect()),
            stage.clock,
            stage.session_rules,
            tell=lambda each: hear(each),
            new_session_id=stage.new_session_id,
        )

        def hear(each: Told) -> None:
            told.append(each)
            if isinstance(each.report, SessionEnded) and stage.sessions == 1:
                stage.cluster.add_node(MachineSpec(name=VICTIM))
                engine.notice(VICTIM, noticed("second"))

        running = asyncio.create_task(engine.run())
        await asyncio.sleep(0)
        engine.notice(VICTIM, noticed("first"))
        await asyncio.sleep(5)
        stage.cluster.remove_node(VICTIM)
        engine.node_news(VICTIM, None)
        await asyncio.sleep(20)
        assert FailingLater.lists > 1
        assert stage.sessions >= 3
        later = [each for each in told if each.session_id != told[0].session_id]
        heard = {each.report.event.event_id for each in later if isinstance(each.report, NoticeReceived)}
        assert heard == {"second"}
        assert stage.record is not None
        assert [seen.event.event_id for seen in stage.record.events] == ["second"]
        running.cancel()

    def noticed(event_id: str) -> Noticed:
        at = stage_of[0].clock.now() + 120
        return Noticed(event=SpotInterruption(event_id=event_id, action="terminate", interrupted_at=at))

    play(story)


# Winding down


def own_pod(grace_seconds: int) -> WorkloadSpec:
    template = PodTemplate(
        node_name=VICTIM, grace_seconds=grace_seconds, stop_seconds=(float(grace_seconds),) * 2
    )
    return WorkloadSpec(name="nth", namespace="kube-system", kind="Pod", template=template)


SLOW = WorkloadSpec(name="slow", template=PodTemplate(grace_seconds=60, stop_seconds=(40.0, 40.0)))
IDENTITY = ("--pod-name=nth", "--pod-namespace=kube-system")


@pytest.mark.parametrize(
    ("flags", "goes_on_seconds"),
    [
        (IDENTITY, 28.0),
        ((*IDENTITY, "--shutdown-grace-period=10"), 10.0),
        ((), 28.0),
        (("--shutdown-grace-period=0",), 0.0),
    ],
    ids=["own pod's grace", "setting", "default", "at once"],
)
def test_P6_sigterm_leaves_a_running_drain_its_grace_and_then_the_successor_finishes(
    flags: tuple[str, ...], goes_on_seconds: float
) -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(5)
        process.terminate()
        terminated_at = stage.clock.now()
        await process.ended()
        assert stage.clock.now() - terminated_at == pytest.approx(goes_on_seconds, abs=0.1)
        assert process.reports(DrainEnded) == []
        successor = stage.process()
        await asyncio.sleep(60)
        assert set(stage.evicted.values()) == {1}
        (ended,) = successor.reports(DrainEnded)
        assert ended.drained

    play(story, *flags, workloads=(own_pod(30), SLOW))


def test_sigterm_waits_no_longer_than_the_drain() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(5)
        process.terminate()
        terminated_at = stage.clock.now()
        await process.ended()
        assert stage.clock.now() - terminated_at < 45
        (ended,) = process.reports(DrainEnded)
        assert ended.drained

    play(story, *IDENTITY, workloads=(own_pod(300), SLOW))


def test_sigterm_reads_how_long_its_own_pod_really_has() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(5)
        (own,) = stage.cluster.pods_of("nth")
        stage.cluster.delete_pod(own.ref, grace_seconds=12)
        process.terminate()
        terminated_at = stage.clock.now()
        await process.ended()
        assert 8.5 < stage.clock.now() - terminated_at < 10.5

    play(story, *IDENTITY, workloads=(own_pod(30), SLOW))


def test_sigterm_takes_no_new_work_and_ends_at_once_when_there_is_none() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        process.terminate()
        stage.cloud.interrupt(stage.clock.now() + 120)
        terminated_at = stage.clock.now()
        await process.ended()
        assert stage.clock.now() - terminated_at < 0.1
        assert process.told == []
        assert process.connection.writes == ()

    play(story)


def test_a_notice_after_the_winding_down_began_is_for_the_successor() -> None:
    async def story(stage: Stage) -> None:
        engine = Engine(
            stage.cluster.connect(),
            stage.clock,
            stage.session_rules,
            tell=lambda told: None,
            new_session_id=stage.new_session_id,
        )
        running = asyncio.create_task(engine.run())
        await engine.wind_down(0)
        event = RebalanceRecommendation(event_id="late", noticed_at=0)
        engine.notice(VICTIM, Noticed(event=event))
        await asyncio.sleep(5)
        assert stage.sessions == 0
        assert not stage.node.unschedulable
        running.cancel()

    play(story)


def test_a_record_that_cannot_be_read_is_told_and_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        broken = NodePatch({"metadata": {"annotations": {RECORD_ANNOTATION: "{"}}})
        stage.cluster.change_node(VICTIM, broken)
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(40)
        assert drained(stage, process)

    with caplog.at_level(logging.WARNING):
        play(story)
    assert [RECORD_ANNOTATION in record.message for record in caplog.records] == [True]
