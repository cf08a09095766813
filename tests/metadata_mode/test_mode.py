"""Metadata mode: its start, its end, and what it says of its health. `test_engine` has SIGTERM."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import pytest

from nth.core.facts import Node
from nth.core.notices.events import AsgTargetState, Event, Notice, Noticed, SpotInterruption
from nth.core.notices.imds import ASG_PATH
from nth.errors import Silent
from nth.metadata_mode.mode import MetadataMode, ModeRules, World
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.objects import MachineSpec
from tests.metadata_mode.fake_service import Answer, FakeService

INSTANCE_ID_PATH = "/latest/meta-data/instance-id"
SILENT_SECONDS = 30.0


def mode_rules(monitors: tuple[type[Event], ...], node_name: str = "one") -> ModeRules:
    return ModeRules(
        node_name=node_name,
        own_pod=("", ""),
        monitors=monitors,
        poll_interval_seconds=1.0,
        shutdown_grace_seconds=0.0,
    )


@dataclass
class Taker:
    """Takes notices, and does nothing about them."""

    notices: list[tuple[str, Notice]] = field(default_factory=list)
    phases: dict[str, int] = field(default_factory=dict)

    def adopt(self, node: Node, booted_at: float | None) -> tuple[str, ...]:
        return ()

    def notice(self, node_name: str, notice: Notice) -> None:
        self.notices.append((node_name, notice))

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def wind_down(self, seconds: float) -> None:
        pass


def asg_notices(*, silent_seconds: float, node_name: str = "one") -> list[tuple[str, str]]:
    """(node, event id) of what is heard of an instance that its Auto Scaling group is taking out."""

    async def main(clock: VirtualClock) -> list[tuple[str, str]]:
        def answer(at: float, body: bytes) -> Answer:
            return Silent("no answer in time") if at < silent_seconds else body

        scripts = {
            INSTANCE_ID_PATH: lambda at: answer(at, b"i-0aaaaaaaaaaaaaaa1"),
            ASG_PATH: lambda at: answer(at, b"Terminated"),
        }
        cluster = SimulatedCluster(clock)
        cluster.add_node(MachineSpec(name="one", instance_id="i-0aaaaaaaaaaaaaaa1"))
        taker = Taker()
        world = World(
            cluster=cluster.connect(),
            metadata=FakeService(clock, scripts),
            clock=clock,
            jitter=lambda: 0.5,
            booted_at=None,
        )
        rules = mode_rules((AsgTargetState,), node_name=node_name)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(MetadataMode(world, rules, taker).run(stop, ping=False))
            await asyncio.sleep(4 * SILENT_SECONDS)
            stop.set()
        return [(name, n.event.event_id) for name, n in taker.notices if isinstance(n, Noticed)]

    return run(main)


def test_needs_W25_an_event_has_the_same_id_whether_or_not_the_service_answered_at_the_start() -> None:
    ((node_name, event_id),) = asg_notices(silent_seconds=0)
    assert node_name == "one"
    assert asg_notices(silent_seconds=SILENT_SECONDS) == [(node_name, event_id)]


def test_needs_W23_a_node_that_is_found_by_its_instance_alone_is_found_when_the_service_answers() -> None:
    ((node_name, _),) = asg_notices(silent_seconds=SILENT_SECONDS, node_name="elsewhere")
    assert node_name == "one"


# Liveness and readiness


class Probed:
    """A mode with a metadata service and an API server that can be switched off, or made to hang."""

    def __init__(
        self, clock: VirtualClock, *, monitors: tuple[type[Event], ...] = (SpotInterruption,)
    ) -> None:
        self.clock = clock
        self.silent = False
        self.hanging = False
        self.cluster = SimulatedCluster(clock)
        self.cluster.add_node(MachineSpec(name="one", instance_id="i-1"))
        world = World(
            cluster=self.cluster.connect(), metadata=self, clock=clock, jitter=lambda: 0.5, booted_at=None
        )
        rules = mode_rules(monitors)
        self.stop = asyncio.Event()
        self.mode = MetadataMode(world, rules, Taker())
        self.task = asyncio.create_task(self.mode.run(self.stop, ping=True))

    async def get(self, path: str) -> bytes | None:
        if self.hanging:
            await asyncio.sleep(3600)
        if self.silent:
            await asyncio.sleep(1)
            raise Silent("no answer in time")
        return None

    def down(self, seconds: float) -> None:
        """The API server, from now on."""
        self.cluster.set_outage(self.clock.now(), self.clock.now() + seconds)

    async def probe_for(self, seconds: float) -> tuple[list[str], list[str]]:
        """What the kubelet sees at the end of that time; it asks every 10 s."""
        for _ in range(int(seconds // 10)):
            await asyncio.sleep(10)
            self.mode.is_alive()
            self.mode.is_ready()
        return self.mode.is_alive(), self.mode.is_ready()


def probed(
    story: Callable[[Probed], Coroutine[object, object, None]],
    monitors: tuple[type[Event], ...] = (SpotInterruption,),
) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Probed(clock, monitors=monitors)
        await story(scene)
        scene.stop.set()
        await scene.task

    run(main)


NO_METADATA = "the metadata service does not answer"
NO_API = "the Kubernetes API server does not answer"


def test_M8_alive_and_ready_while_all_answers() -> None:
    async def story(scene: Probed) -> None:
        assert scene.mode.is_alive() == []
        assert scene.mode.is_ready() == [NO_API, NO_METADATA]
        assert await scene.probe_for(10) == ([], [])
        assert await scene.probe_for(3600) == ([], [])

    probed(story)


def test_M8_a_silent_metadata_service_is_no_reason_to_be_killed_but_not_ready() -> None:
    async def story(scene: Probed) -> None:
        await scene.probe_for(20)
        scene.silent = True
        assert await scene.probe_for(140) == ([], [])
        assert await scene.probe_for(60) == ([], [NO_METADATA])
        assert await scene.probe_for(3600) == ([], [NO_METADATA])
        scene.silent = False
        assert await scene.probe_for(20) == ([], [])

    probed(story)


def test_M8_an_api_server_that_is_gone_is_not_ready() -> None:
    async def story(scene: Probed) -> None:
        await scene.probe_for(20)
        scene.down(600)
        assert await scene.probe_for(80) == ([], [])
        assert await scene.probe_for(140) == ([], [NO_API])
        assert await scene.probe_for(460) == ([], [])

    probed(story)


def test_M8_an_api_server_that_is_gone_from_the_start() -> None:
    async def story(scene: Probed) -> None:
        scene.down(600)
        alive, ready = await scene.probe_for(300)
        assert alive == []
        assert ready == [NO_API, NO_METADATA]
        assert await scene.probe_for(400) == ([], [])

    probed(story)


def test_M8_a_source_that_hangs_is_unhealthy_after_a_while() -> None:
    async def story(scene: Probed) -> None:
        await scene.probe_for(20)
        scene.hanging = True
        assert (await scene.probe_for(50))[0] == []
        alive, _ = await scene.probe_for(20)
        assert alive == ["the metadata service has not been asked for 70 s"]

    probed(story)


def test_M8_with_nothing_to_watch_the_metadata_service_does_not_matter() -> None:
    async def story(scene: Probed) -> None:
        scene.silent = True
        assert await scene.probe_for(600) == ([], [])

    probed(story, monitors=())


def test_without_ping_the_api_server_is_not_asked_while_nothing_happens() -> None:
    async def main(clock: VirtualClock) -> None:
        cluster = SimulatedCluster(clock)
        cluster.add_node(MachineSpec(name="one"))
        connection = cluster.connect()
        world = World(
            cluster=connection,
            metadata=FakeService(clock, {}),
            clock=clock,
            jitter=lambda: 0.5,
            booted_at=None,
        )
        rules = mode_rules((SpotInterruption,))
        stop = asyncio.Event()
        task = asyncio.create_task(MetadataMode(world, rules, Taker()).run(stop, ping=False))
        await asyncio.sleep(3600)
        assert [request.verb for request in connection.requests] == ["find_node"]
        stop.set()
        await task

    run(main)


def test_a_node_that_is_not_there_yet_is_told_once_and_found_later(caplog: pytest.LogCaptureFixture) -> None:
    async def main(clock: VirtualClock) -> None:
        cluster = SimulatedCluster(clock)
        taker = Taker()
        script: dict[str, Callable[[float], Answer]] = {ASG_PATH: lambda at: b"Terminated"}
        world = World(
            cluster=cluster.connect(),
            metadata=FakeService(clock, script),
            clock=clock,
            jitter=lambda: 0.5,
            booted_at=None,
        )
        rules = mode_rules((AsgTargetState,))
        stop = asyncio.Event()
        task = asyncio.create_task(MetadataMode(world, rules, taker).run(stop, ping=False))
        await asyncio.sleep(30)
        assert taker.notices == []
        cluster.add_node(MachineSpec(name="one"))
        await asyncio.sleep(10)
        assert [name for name, _ in taker.notices] == ["one"]
        stop.set()
        await task

    run(main)
    assert len([record for record in caplog.records if "Cannot find our node yet" in record.message]) == 1


def test_a_defect_in_the_engine_ends_the_mode() -> None:
    """Kubernetes starts it again; limping on would be worse."""

    class Broken(Taker):
        async def run(self) -> None:
            await asyncio.sleep(5)
            raise RuntimeError("a defect")

    async def main(clock: VirtualClock) -> None:
        cluster = SimulatedCluster(clock)
        world = World(
            cluster=cluster.connect(),
            metadata=FakeService(clock, {}),
            clock=clock,
            jitter=lambda: 0.5,
            booted_at=None,
        )
        rules = mode_rules(())
        with pytest.raises(ExceptionGroup) as caught:
            await MetadataMode(world, rules, Broken()).run(asyncio.Event(), ping=True)
        assert [repr(error) for error in caught.value.exceptions] == ["RuntimeError('a defect')"]

    run(main)
