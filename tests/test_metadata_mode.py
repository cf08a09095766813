"""What metadata mode makes of a metadata service that is silent at its start."""

import asyncio
from dataclasses import dataclass, field

from nth.core.events import AsgTargetState, Notice, Noticed
from nth.core.facts import Node
from nth.core.imds_documents import ASG_PATH
from nth.errors import Silent
from nth.metadata_mode import MetadataMode, ModeRules, World
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.objects import MachineSpec
from tests.sources.fake_service import Answer, FakeService

INSTANCE_ID_PATH = "/latest/meta-data/instance-id"
SILENT_SECONDS = 30.0


@dataclass
class Taker:
    """Takes notices, and does nothing about them."""

    notices: list[tuple[str, Notice]] = field(default_factory=list)

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
        rules = ModeRules(
            node_name=node_name,
            own_pod=("", ""),
            monitors=(AsgTargetState,),
            poll_interval_seconds=1.0,
            shutdown_grace_seconds=0.0,
        )
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(MetadataMode(world, rules, taker).run(stop, ping=False))
            await asyncio.sleep(4 * SILENT_SECONDS)
            stop.set()
        return [(name, n.event.event_id) for name, n in taker.notices if isinstance(n, Noticed)]

    return run(main)


def test_W25_an_event_has_the_same_id_whether_or_not_the_service_answered_at_the_start() -> None:
    ((node_name, event_id),) = asg_notices(silent_seconds=0)
    assert node_name == "one"
    assert asg_notices(silent_seconds=SILENT_SECONDS) == [(node_name, event_id)]


def test_W23_a_node_that_is_found_by_its_instance_alone_is_found_when_the_service_answers() -> None:
    ((node_name, _),) = asg_notices(silent_seconds=SILENT_SECONDS, node_name="elsewhere")
    assert node_name == "one"
