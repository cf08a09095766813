"""Replaces, in a dry run, the parts that would change something in AWS or among the replicas."""

import asyncio
from collections.abc import Mapping, Sequence

from nth.core.notices.aws_facts import EntryFailure, LifecycleAction
from nth.ports import LifecycleHooks, Queue


class DryQueue:
    """Receives, and deletes nothing. A message comes again when its visibility timeout is over."""

    def __init__(self, queue: Queue) -> None:
        self.url = queue.url
        self.receive = queue.receive

    async def delete(self, _receipt_handles: Sequence[str]) -> Mapping[str, EntryFailure]:
        return {}

    async def change_visibility(
        self, _receipt_handles: Sequence[str], _seconds: int
    ) -> Mapping[str, EntryFailure]:
        return {}


class DryHooks:
    """Asks how long hooks wait and where instances are, and completes none."""

    def __init__(self, hooks: LifecycleHooks) -> None:
        self.timeouts = hooks.timeouts
        self.states = hooks.states

    async def complete(self, _action: LifecycleAction, _result: str) -> None:
        pass

    async def heartbeat(self, _action: LifecycleAction) -> None:
        pass


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
