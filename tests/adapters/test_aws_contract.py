"""The contract of SQS, EC2 and Auto Scaling, kept by our adapter and moto's server.

The very tests of tests/contract.
"""

import asyncio
import time
from collections.abc import Mapping

import pytest

from nth.adapters.aws import AwsClient
from nth.core.notices.aws_facts import LifecycleAction
from nth.simulation.lifecycle import HookSpec
from tests.adapters.aws_client import Session
from tests.contract.aws_stage import MAX_RECEIVE_COUNT, Play, Scenario
from tests.contract.test_aws_contract import *  # noqa: F403 - the whole suites, also what is added later
from tests.contract.test_sqs_contract import *  # noqa: F403
from tests.servers.aws import AwsServer


class ServedStage:
    """The server process, and the machine's own clock. Only hooks' time can be moved on."""

    def __init__(self, server: AwsServer, client: AwsClient) -> None:
        self._server = server
        self._dead_letters_url = server.create_queue("dead")
        self._url = server.create_queue("queue", dead_letters="dead", max_receive_count=MAX_RECEIVE_COUNT)
        self.queue = client.queue(self._url)
        self.dead_letters = client.queue(self._dead_letters_url)
        self.missing_queue = client.queue(f"{self._url}-is-not-there")
        self.instances = client.instances
        self.hooks = client.hooks

    def now(self) -> float:
        return time.time()

    async def send(self, body: str) -> str:
        (message_id,) = await asyncio.to_thread(self._server.send, self._url, body)
        return message_id

    async def add_instance(
        self,
        instance_id: str,
        *,
        group: str = "",
        private_dns_name: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._server.add_instance(instance_id, group=group, private_dns_name=private_dns_name, tags=tags)

    async def set_instance_state(self, instance_id: str, state: str) -> None:
        self._server.set_instance_state(instance_id, state)

    async def start_instance(self, instance_id: str) -> None:
        self._server.start_instance(instance_id)

    async def put_hook(self, hook: HookSpec) -> None:
        self._server.put_hook(hook)

    async def begin_termination(self, instance_id: str) -> tuple[LifecycleAction, ...]:
        return self._server.begin_termination(instance_id)

    async def begin_launch(self, group: str, instance_id: str) -> tuple[LifecycleAction, ...]:
        return self._server.begin_launch(group, instance_id).actions

    async def state_of(self, instance_id: str) -> str:
        return self._server.state_of(instance_id)

    async def let_hooks_wait(self, seconds: float) -> None:
        self._server.skip(seconds)


@pytest.fixture
def play_aws(aws_server: AwsServer, aws_session: Session) -> Play:
    """In real time, except for hooks."""

    def play(scenario: Scenario) -> None:
        aws_session.run(scenario(ServedStage(aws_server, aws_session.client)))

    return play
