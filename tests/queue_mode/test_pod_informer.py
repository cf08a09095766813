"""One watch for all, in virtual time: how it begins, breaks, ends, and that nobody misses a change."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.facts import NodeSeen, Pod, PodChange, PodScope, PodSeen
from nth.errors import ClusterError, Expired, Throttled, Unreachable
from nth.ports import Cluster
from nth.queue_mode.pod_informer import BURST_SECONDS, LINGER_SECONDS, PAUSE_SECONDS, PodInformer
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Connection, Link, Request
from nth.simulation.objects import NAMESPACE, MachineSpec, PodTemplate, WorkloadSpec
from tests.queue_mode.shared import shared

SCOPES = (
    PodScope(node_name="a"),
    PodScope(node_name="b"),
    PodScope(namespace=NAMESPACE),
    PodScope(namespace=NAMESPACE, label_selector="app in (web,db)"),
    PodScope(),
)
RELIST_SECONDS = 0.1


class Follower:
    """Lists and watches one scope, and lists again when the watch is lost, as a session does."""

    def __init__(self, cluster: Cluster, scope: PodScope) -> None:
        self.cluster = cluster
        self.scope = scope
        self.pods: dict[str, Pod] = {}
        self.lists = 0
        self.errors: list[ClusterError] = []

    async def run(self) -> None:
        while True:
            try:
                listed = await self.cluster.list_pods(self.scope)
                self.lists += 1
                self.pods = {pod.ref.uid: pod for pod in listed.pods}
                async with aclosing(self.cluster.watch_pods(self.scope, listed.resource_version)) as changes:
                    async for change in changes:
                        self.hear(change)
            except ClusterError as error:
                self.errors.append(error)
            await asyncio.sleep(RELIST_SECONDS)

    def hear(self, change: PodChange) -> None:
        if isinstance(change, PodSeen):
            self.pods[change.pod.ref.uid] = change.pod
        else:
            del self.pods[change.ref.uid]


class Scene:
    """A cluster with two nodes and some pods, and a client whose watches are one."""

    def __init__(self, cluster: SimulatedCluster, connection: Connection, pods: PodInformer) -> None:
        self.cluster = cluster
        self.connection = connection
        self.pods = pods
        self.tasks: list[asyncio.Task[None]] = []

    async def follow(self, *scopes: PodScope) -> list[Follower]:
        followers = [Follower(self.pods, scope) for scope in scopes]
        self.tasks += [asyncio.create_task(follower.run()) for follower in followers]
        await asyncio.sleep(0.1)
        return followers

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)
        self.tasks.clear()

    def asked(self, verb: str) -> list[Request]:
        return [request for request in self.connection.requests if request.verb == verb]

    def right(self, follower: Follower) -> bool:
        scope = follower.scope
        wanted = {
            pod.ref.uid: pod
            for pod in self.cluster.pods
            if scope.node_name in ("", pod.node_name)
            and (not scope.label_selector or pod.labels["app"] in ("web", "db"))
        }
        return follower.pods == wanted


def workload(name: str, replicas: int) -> WorkloadSpec:
    template = PodTemplate(ready_seconds=0.3, stop_seconds=(0.5, 1.0))
    return WorkloadSpec(name=name, replicas=replicas, template=template)


def play(scenario: Callable[[Scene], Coroutine[object, object, None]], link: Link | None = None) -> None:
    async def main(clock: VirtualClock) -> None:
        cluster = SimulatedCluster(clock)
        for name in "ab":
            cluster.add_node(MachineSpec(name=name))
        for name in ("web", "db", "other"):
            cluster.add_workload(workload(name, 2))
        await cluster.come_to_rest()
        connection = cluster.connect(link)
        async with shared(connection) as pods:
            scene = Scene(cluster, connection, pods)
            await scenario(scene)
            await scene.leave()

    run(main)


def test_all_watches_are_one_and_everybody_hears_what_concerns_him() -> None:
    async def scenario(scene: Scene) -> None:
        followers = await scene.follow(*SCOPES, *SCOPES)
        scene.cluster.scale("web", 5)
        scene.cluster.scale("db", 0)
        await asyncio.sleep(3)
        assert all(scene.right(follower) for follower in followers)
        assert {len(follower.pods) for follower in followers} > {5, 7}
        assert [request.what for request in scene.asked("watch_pods")] == [""]
        assert len(scene.asked("list_pods")) == len(followers)
        assert [follower.lists for follower in followers] == [1] * len(followers)

    play(scenario)


def test_the_shared_watch_begins_where_the_first_list_ends() -> None:
    async def scenario(scene: Scene) -> None:
        started_at = asyncio.get_running_loop().time()
        followers = await scene.follow(*SCOPES)
        lists = [request.at for request in scene.asked("list_pods")]
        # All wait for the first, and then go together.
        assert [round(at - lists[0], 3) for at in lists] == [0.0] + [0.005] * 4
        assert asyncio.get_running_loop().time() - started_at == pytest.approx(0.1)
        assert [follower.errors for follower in followers] == [[]] * 5

    play(scenario)


def test_a_first_list_that_fails_holds_the_others_up_once() -> None:
    refused: list[str] = []

    def refuse(request: Request) -> ClusterError | None:
        if request.verb == "list_pods" and len(refused) < 3:
            refused.append(request.what)
            return Throttled("busy")
        return None

    async def scenario(scene: Scene) -> None:
        followers = await scene.follow(*SCOPES)
        await asyncio.sleep(0.5)
        # Those who waited asked at the same time, whatever came of the first.
        times = [
            round(request.at - scene.asked("list_pods")[0].at, 3) for request in scene.asked("list_pods")
        ]
        assert times[:5] == [0.0] + [times[1]] * 4
        assert 0 < times[1] < 0.005
        assert sorted(len(follower.errors) for follower in followers) == [0, 0, 1, 1, 1]
        scene.cluster.scale("web", 3)
        await asyncio.sleep(3)
        assert all(scene.right(follower) for follower in followers)

    play(scenario, Link(before=refuse))


def test_a_first_list_that_is_given_up_holds_nobody_up() -> None:
    async def scenario(scene: Scene) -> None:
        first = asyncio.create_task(scene.pods.list_pods(SCOPES[0]))
        await asyncio.sleep(0)
        second = asyncio.create_task(scene.pods.list_pods(SCOPES[1]))
        await asyncio.sleep(0.001)
        first.cancel()
        assert len((await second).pods) > 0
        (follower,) = await scene.follow(SCOPES[1])
        assert follower.errors == []

    play(scenario)


@pytest.mark.parametrize("error", [Unreachable("reset", retry_after_seconds=2), Expired("too old")])
def test_when_it_breaks_all_hear_why_list_again_and_miss_nothing(error: ClusterError) -> None:
    async def scenario(scene: Scene) -> None:
        followers = await scene.follow(*SCOPES)
        await asyncio.sleep(5)
        scene.connection.break_watches(error)
        # Nobody watches at this moment.
        scene.cluster.scale("web", 4)
        await asyncio.sleep(3)
        for follower in followers:
            (heard,) = follower.errors
            assert (type(heard), str(heard)) == (type(error), str(error))
            assert heard.retry_after_seconds == error.retry_after_seconds
            assert heard is not error
            assert scene.right(follower)
            assert follower.lists == 2
        assert len(scene.asked("watch_pods")) == 2

    play(scenario)


def test_a_watch_that_breaks_at_once_is_not_begun_more_than_once_a_second() -> None:
    def refuse(request: Request) -> ClusterError | None:
        return Unreachable("reset") if request.verb == "watch_pods" else None

    async def scenario(scene: Scene) -> None:
        followers = await scene.follow(*SCOPES)
        await asyncio.sleep(10 * PAUSE_SECONDS)
        assert 9 <= len(scene.asked("watch_pods")) <= 11
        assert all(len(follower.errors) <= 11 for follower in followers)

    play(scenario, Link(before=refuse))


def test_it_ends_some_time_after_its_last_subscriber_and_begins_anew_when_needed() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.follow(*SCOPES)
        await asyncio.sleep(3 * LINGER_SECONDS)
        await scene.leave()
        await asyncio.sleep(LINGER_SECONDS - 1)
        # Whoever comes in time finds it running.
        await scene.follow(SCOPES[0])
        await asyncio.sleep(3 * LINGER_SECONDS)
        assert len(scene.asked("watch_pods")) == 1
        await scene.leave()
        listed = await scene.pods.list_pods(SCOPES[0])
        await asyncio.sleep(LINGER_SECONDS + 1)
        with pytest.raises(Expired):
            await anext(scene.pods.watch_pods(SCOPES[0], listed.resource_version))
        (follower,) = await scene.follow(SCOPES[0])
        scene.cluster.scale("web", 0)
        await asyncio.sleep(2)
        assert scene.right(follower)
        assert follower.errors == []
        assert len(scene.asked("watch_pods")) == 2

    play(scenario)


def test_a_list_that_nobody_follows_starts_nothing_that_lasts() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.pods.list_pods(SCOPES[0])
        await asyncio.sleep(LINGER_SECONDS + 1)
        await scene.follow(SCOPES[0])
        assert len(scene.asked("watch_pods")) == 2

    play(scenario)


def test_a_selector_that_is_not_ours_has_a_watch_of_its_own() -> None:
    async def scenario(scene: Scene) -> None:
        (follower,) = await scene.follow(PodScope(namespace=NAMESPACE, label_selector="app!=other"))
        scene.cluster.scale("web", 3)
        await asyncio.sleep(2)
        assert scene.right(follower)
        assert len(follower.pods) == 5
        assert "default app!=other" in [request.what for request in scene.asked("watch_pods")]

    play(scenario)


def test_before_and_after_it_runs_each_watch_is_one_of_its_own() -> None:
    async def scenario(scene: Scene) -> None:
        scene.pods = PodInformer(scene.connection)
        followers = await scene.follow(*SCOPES[:2])
        running = asyncio.create_task(scene.pods.run())
        shared_followers = await scene.follow(*SCOPES[2:])
        assert [request.what for request in scene.asked("watch_pods")] == ["a", "b", ""]
        running.cancel()
        await asyncio.wait([running])
        await asyncio.sleep(1)
        assert [str(error) for follower in shared_followers for error in follower.errors] == [
            "the shared watch of pods was stopped"
        ] * 3
        scene.cluster.scale("web", 0)
        await asyncio.sleep(2)
        assert all(scene.right(follower) for follower in (*followers, *shared_followers))
        assert len(scene.asked("watch_pods")) == 6

    play(scenario)


def test_an_error_of_our_own_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Strange(Connection):
        broken = 1

        async def watch_pods(self, scope: PodScope, resource_version: str) -> AsyncGenerator[PodChange, None]:
            if self.broken:
                Strange.broken -= 1
                raise ValueError("no such thing")
            async with aclosing(super().watch_pods(scope, resource_version)) as changes:
                async for change in changes:
                    yield change

    async def scenario(scene: Scene) -> None:
        scene.connection.__class__ = Strange
        followers = await scene.follow(*SCOPES)
        await asyncio.sleep(3)
        scene.cluster.scale("web", 0)
        await asyncio.sleep(2)
        assert all(scene.right(follower) for follower in followers)
        # Those whose first list was still under way began with the next one.
        assert [len(follower.errors) for follower in followers] == [1, 0, 0, 0, 0]

    with caplog.at_level(logging.ERROR, "nth.queue_mode"):
        play(scenario)
    (record,) = caplog.records
    assert "begins anew" in record.message


def test_changes_of_pods_elsewhere_come_in_bursts_and_those_of_a_node_at_once() -> None:
    class Timed(Follower):
        def hear(self, change: PodChange) -> None:
            super().hear(change)
            heard_at.setdefault(self.scope, set()).add(asyncio.get_running_loop().time())

    heard_at: dict[PodScope, set[float]] = {}

    async def scenario(scene: Scene) -> None:
        followers = [Timed(scene.pods, scope) for scope in (*SCOPES[:2], SCOPES[3])]
        scene.tasks += [asyncio.create_task(follower.run()) for follower in followers]
        await asyncio.sleep(0.5)
        began_at = asyncio.get_running_loop().time()
        for number in range(5):
            scene.cluster.scale("web", 3 + number)
            await asyncio.sleep(BURST_SECONDS / 20)
        await asyncio.sleep(0.2)
        assert all(scene.right(follower) for follower in followers)
        on_nodes, elsewhere = heard_at[SCOPES[0]] | heard_at[SCOPES[1]], heard_at[SCOPES[3]]
        assert min(on_nodes) < began_at + BURST_SECONDS / 4
        assert [round(at - min(on_nodes), 3) for at in elsewhere] == [BURST_SECONDS]
        assert len(on_nodes) > 1

    play(scenario)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("web", "db", "other")), st.integers(0, 4)),  # scaled
        st.sampled_from(SCOPES),  # somebody follows
        st.sampled_from((0.001, 0.02, 0.5, 2.0, 12.0)),  # time passes
        st.sampled_from((Unreachable("reset"), Expired("too old"))),  # watches break
        st.none(),  # history is forgotten, all pods' storage is compacted
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(STEPS, st.lists(st.sampled_from((0.001, 0.01, 0.2, 1.0)), min_size=1, max_size=20))
def test_whatever_the_interleaving_all_end_with_the_right_picture(
    steps: list[object], latencies: list[float]
) -> None:
    count = 0

    def latency_seconds(_: Request) -> float:
        nonlocal count
        count += 1
        return latencies[count % len(latencies)]

    async def scenario(scene: Scene) -> None:
        followers: list[Follower] = []
        for step in steps:
            match step:
                case (str(name), int(replicas)):
                    scene.cluster.scale(name, replicas)
                case PodScope():
                    followers += await scene.follow(step)
                case float():
                    await asyncio.sleep(step)
                case ClusterError():
                    scene.connection.break_watches(step)
                case _:
                    scene.cluster.forget_history()
        await asyncio.sleep(10)
        assert all(scene.right(follower) for follower in followers)

    play(scenario, Link(latency_seconds=latency_seconds))


def test_what_is_not_about_lists_and_watches_passes() -> None:
    async def scenario(scene: Scene) -> None:
        pods = scene.pods
        first, second = scene.cluster.pods_of("web")
        changes = pods.watch_nodes((await pods.list_nodes()).resource_version)
        asked: tuple[Awaitable[object], ...] = (
            pods.read_node("a"),
            pods.find_node(name="a", instance_id=""),
            pods.evict_pod(first.ref, grace_seconds=7, deadline_at=5.0),
            pods.delete_pod(second.ref, grace_seconds=8, deadline_at=6.0),
            pods.list_budgets(NAMESPACE),
        )
        for each in asked:
            await each
        scene.cluster.set_ready("a", False)
        async with aclosing(changes):
            assert isinstance(await anext(changes), NodeSeen)
        assert [(request.verb, request.deadline_at) for request in scene.connection.requests] == [
            ("list_nodes", None),
            ("read_node", None),
            ("find_node", None),
            ("evict_pod", 5.0),
            ("delete_pod", 6.0),
            ("list_budgets", None),
            ("watch_nodes", None),
        ]

    play(scenario)
