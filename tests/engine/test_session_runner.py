"""What the shell around one session does by itself: order, timers, watches, and what may go wrong there."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from itertools import pairwise

import pytest

from nth.core.decisions import Decision, Input, NodeNews, PodsChanged, PodsListed, Woken
from nth.core.facts import PodChange, PodGone, PodList, PodRef, PodScope
from nth.core.node.phases import Phase
from nth.core.node.session import Session, SessionRules
from nth.core.notices.events import Noticed, RebalanceRecommendation, SpotInterruption, Withdrawn
from nth.core.reports import EvictionAccepted, SessionEnded, Told
from nth.engine.session_runner import RELIST_SECONDS, Outward, SessionRunner
from nth.errors import Forbidden, Unreachable
from nth.ports import Cluster
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Connection
from nth.simulation.objects import MachineSpec, WorkloadSpec
from tests.core.samples import a_node
from tests.worlds import Passing


class Scene:
    """One node, two pods, and a runner about it."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.cluster = SimulatedCluster(clock)
        self.cluster.add_node(MachineSpec(name="one"))
        self.cluster.add_workload(WorkloadSpec(name="web", replicas=2))
        self.connection: Connection = self.cluster.connect()
        self.told: list[Told] = []
        self.outward: list[Outward] = []

    def runner(self, cluster: Cluster | None = None) -> SessionRunner[Session]:
        session = Session("one", "session-1", SessionRules(), self.clock.now())
        return SessionRunner(
            session, cluster or self.connection, self.clock, self.told.append, outward=self.outward.append
        )

    def spot(self) -> Noticed:
        event = SpotInterruption(event_id="spot-1", action="terminate", interrupted_at=self.clock.now() + 120)
        return Noticed(event=event)


def play(story: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock)
        await scene.cluster.come_to_rest()
        await story(scene)

    run(main)


REBALANCE = Noticed(event=RebalanceRecommendation(event_id="rebalance-1", noticed_at=0))


def test_it_is_idle_only_while_nothing_is_under_way() -> None:
    async def story(scene: Scene) -> None:
        runner = scene.runner()
        running = asyncio.create_task(runner.run())
        runner.put(scene.spot())
        await asyncio.sleep(1)
        assert not runner.idle.is_set()
        scene.cluster.add_node(MachineSpec(name="two"))
        await asyncio.sleep(15)
        assert runner.idle.is_set()
        assert runner.session.phase is Phase.DRAINED
        assert not running.done()
        running.cancel()

    play(story)


def test_it_ends_with_its_session_and_leaves_no_task() -> None:
    async def story(scene: Scene) -> None:
        runner = scene.runner()
        running = asyncio.create_task(runner.run())
        runner.put(scene.spot())
        await asyncio.sleep(1)
        runner.put(Withdrawn(event_id="spot-1", reason="it is over"))
        await running
        assert runner.session.phase is Phase.ENDED
        assert runner.idle.is_set()
        assert scene.told[-1].report == SessionEnded(reason="all events are over")
        assert {(told.session_id, told.node_name) for told in scene.told} == {("session-1", "one")}
        assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("follow")] == []

    play(story)


def test_notices_that_come_too_late_are_given_back() -> None:
    async def story(scene: Scene) -> None:
        runner = scene.runner()
        running = asyncio.create_task(runner.run())
        runner.put(REBALANCE)
        await asyncio.sleep(1)
        runner.put(Withdrawn(event_id="rebalance-1", reason="it is over"))
        await running
        late = scene.spot()
        runner.put(Woken())
        runner.put(late)
        node = a_node()
        runner.put(NodeNews(None))
        runner.put(NodeNews(node))
        assert runner.unheard() == ([late], node)
        assert runner.unheard() == ([], None)

    play(story)


def test_an_ended_session_does_not_wait_for_a_request_that_hangs() -> None:
    class Hanging(Passing):
        async def evict_pod(
            self, ref: object, *, grace_seconds: int | None, deadline_at: float | None = None
        ) -> None:
            await asyncio.sleep(10)

    async def story(scene: Scene) -> None:
        runner = scene.runner(Hanging(scene.connection))
        running = asyncio.create_task(runner.run())
        runner.put(scene.spot())
        await asyncio.sleep(1)
        ended_at = scene.clock.now()
        runner.put(Withdrawn(event_id="spot-1", reason="it is over"))
        await running
        assert scene.clock.now() - ended_at < 1

    play(story)


def test_a_lost_watch_is_begun_again_with_growing_pauses() -> None:
    asked_at: list[float] = []

    class Unlistable(Passing):
        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            asked_at.append(asyncio.get_running_loop().time())
            raise Unreachable("refused")

    async def story(scene: Scene) -> None:
        runner = scene.runner(Unlistable(scene.connection))
        running = asyncio.create_task(runner.run())
        runner.put(scene.spot())
        await asyncio.sleep(9)
        running.cancel()
        pauses = [later - earlier for earlier, later in pairwise(asked_at)]
        assert pauses[:6] == pytest.approx([*RELIST_SECONDS, RELIST_SECONDS[-1]])

    play(story)


@pytest.mark.parametrize(("verb", "cost"), [("list", "none can be moved"), ("watch", "up to 5 s late")])
def test_a_missing_right_is_named_once_with_what_it_costs(
    verb: str, cost: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Forbidding(Passing):
        async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList:
            if verb == "list":
                raise Forbidden("list pods: 403")
            return await self.inner.list_pods(scope, cached=cached)

        async def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
            if verb == "watch":
                raise Forbidden("watch pods: 403")
            async for change in self.inner.watch_pods(scope, resource_version):
                yield change

    async def story(scene: Scene) -> None:
        runner = scene.runner(Forbidding(scene.connection))
        running = asyncio.create_task(runner.run())
        runner.put(scene.spot())
        await asyncio.sleep(60)
        running.cancel()

    play(story)
    (line,) = [text for text in caplog.messages if text.startswith("Pods may not be")]
    assert line.startswith(f"Pods may not be {verb}ed")
    assert line.endswith(cost)


def test_a_defect_in_a_watch_costs_the_watch_and_not_the_session(caplog: pytest.LogCaptureFixture) -> None:
    class Defective(Passing):
        times = 0

        async def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
            self.times += 1
            if self.times < 5:
                raise RuntimeError("a defect")
            async for change in self.inner.watch_pods(scope, resource_version):
                yield change

    async def story(scene: Scene) -> None:
        scene.cluster.add_node(MachineSpec(name="two"))
        runner = scene.runner(Defective(scene.connection))
        running = asyncio.create_task(runner.run())
        runner.put(scene.spot())
        await asyncio.sleep(20)
        assert runner.session.phase is Phase.DRAINED
        assert len([told for told in scene.told if isinstance(told.report, EvictionAccepted)]) == 2
        running.cancel()

    play(story)
    assert "watch failed, listing again" in caplog.text


def test_safe_12_a_session_is_told_that_a_watch_was_lost_to_a_defect() -> None:
    """Or it would go on as if it still saw the pods."""

    class Defective(Passing):
        times = 0

        async def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
            self.times += 1
            if self.times == 1:
                raise RuntimeError("a defect")
            async for change in self.inner.watch_pods(scope, resource_version):
                yield change

    async def story(scene: Scene) -> None:
        runner = scene.runner(Defective(scene.connection))
        heard: list[Input] = []
        handle = runner.session.handle

        def listen(given: Input, now: float) -> list[Decision]:
            heard.append(given)
            return handle(given, now)

        runner.session.handle = listen  # type: ignore[method-assign]
        running = asyncio.create_task(runner.run())
        runner.put(scene.spot())
        await asyncio.sleep(5)
        lists = [given.answer for given in heard if isinstance(given, PodsListed)]
        assert [isinstance(answer, Unreachable) for answer in lists[:3]] == [False, True, False]
        assert "a defect" in str(lists[1])
        running.cancel()

    play(story)


def test_it_wakes_the_session_when_it_asked_for_it() -> None:
    """With nobody to say anything, only the timer leads on: a late drain begins in time."""

    async def story(scene: Scene) -> None:
        scene.cluster.add_node(MachineSpec(name="two"))
        runner = scene.runner()
        running = asyncio.create_task(runner.run())
        event = SpotInterruption(event_id="s", action="stop", interrupted_at=scene.clock.now() + 300)
        runner.put(Noticed(event=event))
        await asyncio.sleep(179)
        phases = [runner.session.phase]
        await asyncio.sleep(2)
        phases.append(runner.session.phase)
        assert phases == [Phase.CORDONED, Phase.DRAINING]
        running.cancel()

    play(story)


def test_what_a_watch_tells_without_a_pause_is_one_input() -> None:
    class Bursting(Passing):
        async def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
            if scope.node_name:
                await asyncio.sleep(1)
                for number in range(50):
                    yield PodGone(PodRef("default", f"pod-{number}", f"uid-{number}"))
            await asyncio.get_running_loop().create_future()

    async def story(scene: Scene) -> None:
        runner = scene.runner(Bursting(scene.connection))
        inputs: list[Input] = []
        put = runner.put

        def listening(given: Input) -> None:
            inputs.append(given)
            put(given)

        runner.put = listening  # type: ignore[method-assign]
        running = asyncio.create_task(runner.run())
        runner.put(scene.spot())
        await asyncio.sleep(2)
        (changed,) = [each for each in inputs if isinstance(each, PodsChanged)]
        assert [change.ref.uid for change in changed.changes if isinstance(change, PodGone)] == [
            f"uid-{number}" for number in range(50)
        ]
        running.cancel()

    play(story)
