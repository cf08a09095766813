"""The simulation's AWS as a stage for the contract, in virtual time."""

import asyncio
from collections.abc import Mapping

from nth.core.notices.aws_facts import LifecycleAction
from nth.ports import Clock
from nth.simulation.aws import SimulatedAws
from nth.simulation.clock import run
from nth.simulation.lifecycle import HookSpec
from tests.contract.aws_stage import MAX_RECEIVE_COUNT, Scenario


class SimulatedStage:
    """Each verb is one of the simulation's own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.aws = SimulatedAws(clock)
        connection = self.aws.connect()
        dead_letters = self.aws.create_queue("dead")
        self._url = self.aws.create_queue(dead_letters=dead_letters, max_receive_count=MAX_RECEIVE_COUNT)
        self.queue = connection.queue(self._url)
        self.dead_letters = connection.queue(dead_letters)
        self.missing_queue = connection.queue(f"{self._url}-is-not-there")
        self.instances = connection.instances
        self.hooks = connection.hooks

    def now(self) -> float:
        return self._clock.now()

    async def send(self, body: str) -> str:
        return self.aws.send(self._url, body)

    async def add_instance(
        self,
        instance_id: str,
        *,
        group: str = "",
        private_dns_name: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.aws.add_instance(instance_id, group=group, private_dns_name=private_dns_name, tags=tags)

    async def set_instance_state(self, instance_id: str, state: str) -> None:
        self.aws.terminate_instance(instance_id, state)

    async def start_instance(self, instance_id: str) -> None:
        self.aws.start_instance(instance_id)

    async def put_hook(self, hook: HookSpec) -> None:
        self.aws.put_hook(hook)

    async def begin_termination(self, instance_id: str) -> tuple[LifecycleAction, ...]:
        return self.aws.begin_termination(instance_id)

    async def begin_launch(self, group: str, instance_id: str) -> tuple[LifecycleAction, ...]:
        return self.aws.begin_launch(instance_id, group=group)

    async def state_of(self, instance_id: str) -> str:
        return self.aws.state_of(instance_id)

    async def let_hooks_wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def play_simulated(scenario: Scenario) -> None:
    """In virtual time."""

    async def main(clock: Clock) -> None:
        await scenario(SimulatedStage(clock))

    run(main)
