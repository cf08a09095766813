"""Keeps a condition and an annotation on nodes that are being reclaimed: a listener, in nobody's way.

A change is written two seconds later, together with all else that has changed by then: so a node is
written seldom, and its cordon, which should meet no other writer, comes first.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from nth.core.node.phases import GONE, HANDED_OVER, TAKEN
from nth.core.reports import NoticeReceived, NoticeWithdrawn, SessionEnded, SessionResumed, Told
from nth.errors import Missing
from nth.ports import Clock
from nth.report.chronicle import Chronicle
from nth.report.node_condition import NodeCondition, condition_of, status_patch
from nth.reporters.best_effort import BestEffort, WriteStats

logger = logging.getLogger("nth.node_condition")

LAG_SECONDS = 2.0
RETRY_SECONDS = 5.0
MAX_TRIES = 5
MAX_NODES = 1000
"""At once; of more, the oldest are no longer followed."""
PLACE = "nodes/status"


class StatusWriter(Protocol):
    """Patches a node's status. Any `ClusterError`."""

    async def patch(self, node_name: str, body: Mapping[str, object]) -> None: ...


@dataclass(slots=True)
class _Followed:
    """One node that is being reclaimed."""

    session_id: str
    chronicle: Chronicle
    written: NodeCondition | None = None
    """What it says by now, as far as we know."""
    due_at: float | None = None
    tries: int = 0
    """Failed, in a row."""
    over: bool = False
    """The session has ended, and the node is in service again."""
    gone: bool = False
    """There is no such node any more."""


class NodeConditions:
    """A listener; one writes at a time."""

    def __init__(self, writer: StatusWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._nodes: dict[str, _Followed] = {}
        self._effort = BestEffort("Node conditions", logger, clock)
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def stats(self) -> WriteStats:
        """What became of the writes."""
        return self._effort.stats

    @property
    def followed(self) -> int:
        """How many nodes are being reclaimed."""
        return len(self._nodes)

    def __call__(self, told: Told) -> None:
        """Take in what a session tells."""
        one = self._nodes.get(told.node_name)
        if one is None or one.session_id != told.session_id:
            one = self._begin(told, one)
        if one is None:
            return
        one.chronicle.take(told)
        if isinstance(told.report, SessionEnded):
            if told.report.reason in (GONE, HANDED_OVER, TAKEN):
                # There is no node any more, or another replica goes on.
                del self._nodes[told.node_name]
                return
            one.over = True
        one.tries = 0
        self._schedule(one, LAG_SECONDS)

    def _begin(self, told: Told, before: _Followed | None) -> _Followed | None:
        """Only a session's first words begin an interruption, or its end after a restart."""
        first = isinstance(told.report, NoticeReceived | SessionResumed | NoticeWithdrawn)
        if not told.session_id or not first:
            return None
        if before is None and len(self._nodes) >= MAX_NODES:
            del self._nodes[next(iter(self._nodes))]
        written = None if before is None else before.written
        one = self._nodes[told.node_name] = _Followed(told.session_id, Chronicle(told.at), written)
        return one

    def _schedule(self, one: _Followed, seconds: float) -> None:
        if one.due_at is None:
            one.due_at = self._clock.now() + seconds
            self._idle.clear()
            self._news.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            self._news.clear()
            due = self._next()
            if due is None:
                self._idle.set()
                await self._news.wait()
                continue
            node_name, due_at = due
            wait_seconds = due_at - self._clock.now()
            if wait_seconds <= 0:
                await self._write(node_name, self._nodes[node_name])
                continue
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def flush(self, seconds: float) -> None:
        """Write at once what is known, within so long. `run` has to be running."""
        for one in self._nodes.values():
            if one.due_at is not None:
                one.due_at = self._clock.now()
        self._news.set()
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            left = sum(one.due_at is not None for one in self._nodes.values())
            self.stats.dropped += left
            text = "Node conditions are not written, time is up"
            logger.warning(text, extra={"fields": {"number": left}})

    def _next(self) -> tuple[str, float] | None:
        """Which node is due first, and when."""
        due = ((name, one.due_at) for name, one in self._nodes.items() if one.due_at is not None)
        return min(due, key=lambda item: item[1], default=None)

    async def _write(self, node_name: str, one: _Followed) -> None:
        one.due_at = None
        now = self._clock.now()
        report = one.chronicle.report(one.session_id, node_name, now)
        condition = condition_of(report, over=one.over)
        before = one.written
        if condition != before and not self._effort.is_refused(PLACE):
            changed = before is None or before.interrupted is not condition.interrupted
            body = status_patch(condition, at=now, changed=changed)
            error = await self._effort.write(PLACE, self._writer.patch(node_name, body))
            if error is None:
                one.written = condition
            self._look(one, error)
        if one.gone or (one.over and one.due_at is None):
            self._forget(node_name, one)

    def _look(self, one: _Followed, error: Exception | None) -> None:
        """If it failed, try again, within bounds: a condition that is wrong by now should not stay."""
        one.gone = isinstance(error, Missing)
        one.tries = 0 if error is None else one.tries + 1
        if error is not None and not one.gone and one.tries < MAX_TRIES:
            self._schedule(one, RETRY_SECONDS)

    def _forget(self, node_name: str, one: _Followed) -> None:
        if self._nodes.get(node_name) is one:
            del self._nodes[node_name]
