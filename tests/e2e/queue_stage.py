"""The same stages in queue mode: one handler for several of them, and notices through the queue."""

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from nth.core.facts import Node
from testbed.bed import RealBed
from tests.contract.bed import NodeSpec
from tests.core.queue_samples import spot_message
from tests.e2e.fleet import MANAGED, Fleet, fleet_of
from tests.e2e.hearing import listening_ears
from tests.e2e.lives import Lives
from tests.e2e.played import Scene
from tests.e2e.stage import LISTENS, Stage
from tests.e2e.trials import trial
from tests.servers.aws import AwsServer
from tests.servers.http import Server
from tests.servers.imds import MetadataServer

VALUES = (
    *("enableSqsTerminationDraining=true", "replicas=2"),
    *("emitKubernetesEvents=true", "enableNodeCondition=true"),
)


@dataclass(slots=True, kw_only=True)
class QueueStage(Stage):
    """One node of the fleet. There is no metadata service: the two of `Stage` are never asked."""

    fleet: Fleet

    async def add_node(self, name: str) -> Node:
        """Of an instance of its own, which is called as EC2 calls it."""
        dns = f"{name}.eu-west-1.compute.internal"
        machine = self.fleet.aws.add_instance(tags=MANAGED, private_dns_name=dns)
        self.fleet.instances[name] = machine.instance_id
        spec = NodeSpec(name=name, instance_id=machine.instance_id, labels={"stage": self.name})
        return await self.bed.add_node(spec)

    async def listen(self, *flags: str) -> None:
        """Start the one handler, if no other stage has."""
        if not self.handler.log_file.exists():
            self.handler.start(*flags)
        await self.handler.wait_said(LISTENS)

    def say_spot(self, interrupted_at: float) -> None:
        """A Spot notice of two minutes; the scene may let the machine go before."""
        instance_id = self.fleet.instances[self.doomed]
        self.fleet.say(spot_message(instance_id, time.time(), event_id=f"spot-{self.name}"))


@contextlib.asynccontextmanager
async def queue_scenes(
    bed: RealBed, aws: AwsServer, folder: Path, lives: Lives, *names: str
) -> AsyncIterator[list[Scene]]:
    """Yield scenes that share one handler, which is not started yet."""
    folder = folder / "queue"
    folder.mkdir()
    async with (
        trial(bed, aws, folder, VALUES) as rights,
        listening_ears(bed.plane, *(f"{name}-doomed" for name in names)) as ears,
        fleet_of(bed, aws, folder, account=rights.account) as fleet,
    ):
        (replica,) = fleet.replicas.values()
        replica.handler.developer_mode = False
        stages = [
            QueueStage(
                name=name,
                bed=bed,
                handler=replica.handler,
                proxy=replica.proxy,
                metadata=MetadataServer({}),
                metadata_server=Server(),
                fleet=fleet,
            )
            for name in names
        ]
        yield [Scene(stage=stage, ears=ears, lives=lives) for stage in stages]
