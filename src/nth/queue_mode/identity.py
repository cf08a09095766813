"""Proves that a node is an instance before AWS is called because of a record alone.

`core.queue.identity` decides what proves it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance
from nth.core.queue.identity import claim_against, name_against
from nth.errors import ActionGone, AwsError, AwsUnreachable, NotProven

TIMEOUT_SECONDS = 10.0
"""EC2 is waited for so long; then it is asked again, and Auto Scaling is not called meanwhile."""

Proof = Callable[[], Awaitable[AwsError | None]]
"""Returns None if it is proven, now. It is asked before each heartbeat and completion."""


class Nodes(Protocol):
    """The cluster's nodes (`node_informer.NodeInformer`)."""

    def by_name(self, name: str) -> Node | None: ...

    def claimants(self, instance_id: str) -> tuple[Node, ...]: ...


class Directory(Protocol):
    """EC2's instances, cached (`instances.InstanceDirectory`)."""

    async def look_up(self, instance_id: str, *, urgent: bool = False) -> Instance | None: ...


class Identity:
    """Checks whether the node of that name is the instance of that id.

    `hook_is_over` returns why no termination hook waits for an instance in Auto Scaling; empty: one may.
    """

    def __init__(
        self, nodes: Nodes, directory: Directory, hook_is_over: Callable[[str], Awaitable[str]]
    ) -> None:
        self._nodes = nodes
        self._directory = directory
        self._hook_is_over = hook_is_over

    async def doubt(self, node_name: str, instance_id: str) -> AwsError | None:
        """Returns None: proven. AwsUnreachable: EC2 could not be asked. NotProven: something is against it.

        ActionGone: it cannot be proven any more, and need not be, because nothing waits.
        """
        doubt = await self._doubt(node_name, instance_id)
        if not isinstance(doubt, NotProven):
            return doubt
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                over = await self._hook_is_over(instance_id)
        except (AwsError, TimeoutError):
            return doubt
        return ActionGone(over) if over else doubt

    async def _doubt(self, node_name: str, instance_id: str) -> AwsError | None:
        if against := self._claim_against(node_name, instance_id):
            return _refused(instance_id, against)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._directory.look_up(instance_id, urgent=True)
        except (AwsError, TimeoutError) as error:
            why = str(error) or "no answer in time"
            return AwsUnreachable(f"not sent: EC2 cannot be asked whether the node is {instance_id}: {why}")
        # The cluster may have changed meanwhile.
        if against := self._claim_against(node_name, instance_id):
            return _refused(instance_id, against)
        node = self._nodes.by_name(node_name)
        assert node is not None, "it was there just now"
        against = name_against(node, answer)
        return _refused(instance_id, against) if against else None

    def _claim_against(self, node_name: str, instance_id: str) -> str:
        claimants = self._nodes.claimants(instance_id)
        return claim_against(self._nodes.by_name(node_name), instance_id, claimants)


def _refused(instance_id: str, against: str) -> NotProven:
    text = f"not sent: only a record says that the instance {instance_id} waits, and {against}"
    return NotProven(text)
