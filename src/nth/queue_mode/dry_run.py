"""Replaces, in a dry run, the parts that would change something in AWS or among the replicas."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from nth.core.notices.aws_facts import EntryFailure, HookTimeouts, LifecycleAction, Message
from nth.ports import LifecycleHooks, Queue


class DryQueue:
    """Receives, and deletes nothing. A message comes again when its visibility timeout is over."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    @property
    def url(self) -> str:
        return self._queue.url

    async def receive(self, *, wait_seconds: int, visibility_seconds: int) -> tuple[Message, ...]:
        return await self._queue.receive(wait_seconds=wait_seconds, visibility_seconds=visibility_seconds)

    async def delete(self, _receipt_handles: Sequence[str]) -> Mapping[str, EntryFailure]:
        return {}

    async def change_visibility(
        self, _receipt_handles: Sequence[str], _seconds: int
    ) -> Mapping[str, EntryFailure]:
        return {}


class DryHooks:
    """Asks how long hooks wait and where instances are, and completes none."""

    def __init__(self, hooks: LifecycleHooks) -> None:
        self._hooks = hooks

    async def complete(self, _action: LifecycleAction, _result: str) -> None:
        pass

    async def heartbeat(self, _action: LifecycleAction) -> None:
        pass

    async def timeouts(self, group: str, hook: str) -> HookTimeouts:
        return await self._hooks.timeouts(group, hook)

    async def states(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        return await self._hooks.states(instance_ids)


class Alone:
    """Replaces `ReplicaWatch`: there are no other replicas, or they do not count."""

    def __init__(self) -> None:
        self.known = asyncio.Event()
        self.known.set()

    def is_alive(self, _identity: str) -> bool:
        return False

    def is_shown_alive(self, _identity: str) -> bool:
        return False

    def others_alive(self) -> tuple[str, ...]:
        return ()

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def release(self) -> None:
        pass
