"""What is said to Auto Scaling on the word of a record, when its proof fails."""

import asyncio

import pytest

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance
from nth.errors import ActionGone, AwsError, AwsRefused, AwsUnreachable, NotProven
from nth.queue_mode.identity import Identity
from nth.simulation.clock import VirtualClock, run
from tests.core.fleet_samples import INSTANCE
from tests.core.samples import a_node

DNS = "ip-10-0-0-1.eu-west-1.compute.internal"
MINE = a_node(name=DNS, provider_id=f"aws:///eu-west-1a/{INSTANCE}")


class Scene:
    """A cluster with one node or none, EC2, and Auto Scaling; each may be silent."""

    def __init__(
        self, node: Node | None, *, over: str | AwsError | None, asked: AwsError | None = None
    ) -> None:
        self.node = node
        self.over = over
        self.asked = asked

    def by_name(self, name: str) -> Node | None:
        return self.node if self.node is not None and self.node.name == name else None

    def claimants(self, instance_id: str) -> tuple[Node, ...]:
        return () if self.node is None else (self.node,)

    async def look_up(self, instance_id: str, *, urgent: bool = False) -> Instance | None:
        if self.asked is not None:
            raise self.asked
        return Instance(instance_id=instance_id, state="running", private_dns_name=DNS)

    async def hook_is_over(self, instance_id: str) -> str:
        if self.over is None:
            await asyncio.sleep(3600)
        if isinstance(self.over, AwsError):
            raise self.over
        return str(self.over)


@pytest.mark.parametrize(
    ("scene", "doubt"),
    [
        (Scene(MINE, over=""), None),
        (Scene(MINE, over="", asked=AwsUnreachable("503")), AwsUnreachable),
        (Scene(None, over=""), NotProven),
        (Scene(None, over=AwsRefused("no permission")), NotProven),
        (Scene(None, over=None), NotProven),
        # Another replica, or the message itself, has had it completed; the machine and its node are gone.
        (Scene(None, over="Auto Scaling does not know the instance any more"), ActionGone),
    ],
)
def test_safe_1_what_cannot_be_proven_is_over_only_if_auto_scaling_says_so(
    scene: Scene, doubt: type[AwsError] | None
) -> None:
    async def main(clock: VirtualClock) -> None:
        found = await Identity(scene, scene, scene.hook_is_over).doubt(DNS, INSTANCE)
        assert type(found) is (doubt or type(None))
        assert clock.now() < 30

    run(main, start_at=0.0)
