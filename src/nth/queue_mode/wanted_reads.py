"""Asks a controller once for several sessions that want to know at the same time how many pods it wants.

In a storm the pods of one Deployment may leave forty nodes, whose deadlines are the same.
"""

import asyncio
import math
from dataclasses import dataclass, field
from typing import Protocol

from nth.core.facts import Controller, Wanted
from nth.errors import ClusterError
from nth.queue_mode.outage_log import anew

FRESH_SECONDS = 2.0
"""An answer counts for so long for all that ask."""


class Asker(Protocol):
    """The one verb that is needed of `ports.Cluster`."""

    async def read_wanted(self, namespace: str, controller: Controller) -> Wanted | None:
        """Returns how many pods it wants."""
        ...


@dataclass(slots=True)
class _Answer:
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    fresh_until: float = -math.inf
    answer: Wanted | ClusterError | None = None


class WantedReads:
    """The last answers, as long as they are fresh."""

    def __init__(self, cluster: Asker) -> None:
        self._cluster = cluster
        self._answers: dict[str, _Answer] = {}

    async def read_wanted(self, namespace: str, controller: Controller) -> Wanted | None:
        """Returns how many pods the controller wants; any `ClusterError`."""
        now = asyncio.get_running_loop().time()
        for uid, old in list(self._answers.items()):
            if old.fresh_until < now and not old.asking.locked():
                del self._answers[uid]
        one = self._answers.setdefault(controller.uid, _Answer())
        async with one.asking:
            if one.fresh_until < now:
                try:
                    one.answer = await self._cluster.read_wanted(namespace, controller)
                except ClusterError as error:
                    one.answer = error
                one.fresh_until = asyncio.get_running_loop().time() + FRESH_SECONDS
        if isinstance(one.answer, ClusterError):
            raise anew(one.answer)
        return one.answer
