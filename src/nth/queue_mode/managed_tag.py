"""Counts the instances that have the managed tag, and the nodes of ours among them.

EC2 is asked only when the counts were read since, never more often than each 30 s, and no reader waits:
it gets the last answer.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from nth.errors import AwsError
from nth.ports import Clock
from nth.queue_mode.outage_log import OutageLog

logger = logging.getLogger("nth.queue_mode.tagged")

PAUSE_SECONDS = 30.0
"""The original's interval."""


class TagSearch(Protocol):
    """EC2 (`adapters.aws.Ec2Instances`)."""

    async def tagged(self, key: str, value: str | None) -> frozenset[str]:
        """Returns the ids of all instances with that tag, and value if one is given; any `AwsError`."""
        ...


class TaggedInstances:
    """Counts by `managed_tag`: `key` or `key=value`; `of_nodes`: the instance ids of the cluster's nodes."""

    def __init__(
        self, search: TagSearch, clock: Clock, managed_tag: str, *, of_nodes: Callable[[], set[str]]
    ) -> None:
        key, equals, value = managed_tag.partition("=")
        self._tag = (key, value if equals else None)
        self._search = search
        self._of_nodes = of_nodes
        self._found: frozenset[str] | None = None
        self._looked = asyncio.Event()
        self._trouble = OutageLog(
            logger, clock, began="EC2 cannot be asked for tagged instances", over="EC2 names them again"
        )

    def counts(self) -> tuple[int, int] | None:
        """Returns (instances, nodes), as of the last answer and the nodes of now; None = no answer yet."""
        self._looked.set()
        if self._found is None:
            return None
        return len(self._found), len(self._found & self._of_nodes())

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self._looked.wait()
            self._looked.clear()
            await self._ask()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self) -> None:
        try:
            self._found = await self._search.tagged(*self._tag)
        except AwsError as error:
            # The last answer is no longer true: better no figure than an old one.
            self._found = None
            self._trouble.failed("DescribeInstances", error)
        else:
            self._trouble.worked("DescribeInstances")
