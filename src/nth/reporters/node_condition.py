"""Keeps a condition and an annotation on nodes that are being reclaimed: a listener that delays nothing.

A change is written two seconds later, together with all else that has changed by then: so a node is
written seldom, and its cordon, which should meet no other writer, comes first.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nth.core.node.phases import GONE, HANDED_OVER, TAKEN
from nth.core.reports import NoticeReceived, NoticeWithdrawn, SessionEnded, SessionResumed, Told
from nth.errors import Missing
from nth.ports import Clock
from nth.report.builder import Interruption
from nth.report.node_condition import NodeCondition, condition_of, status_patch
from nth.reporters.best_effort import BestEffort
from nth.reporters.outbox import Outbox, Rules

logger = logging.getLogger("nth.node_condition")

LAG_SECONDS = 2.0
RETRY_SECONDS = 5.0
MAX_TRIES = 5
MAX_NODES = 1000
"""At once; beyond that the oldest are no longer followed."""
PLACE = "nodes/status"

RULES = Rules(items=MAX_NODES, counts_in_flight=False, late="Node conditions are not written, time is up")


class StatusWriter(Protocol):
    """Patches a node's status. Any `ClusterError`."""

    async def patch(self, node_name: str, body: Mapping[str, object]) -> None: ...


@dataclass(slots=True)
class _Followed:
    """One node that is being reclaimed."""

    interruption: Interruption
    written: NodeCondition | None = None
    """The condition on the node, as far as it is known."""
    waits: bool = False
    """True while it is in the outbox."""
    tries: int = 0
    """Counts failures in a row."""
    over: bool = False
    """True if the session has ended and the node is in service again."""
    gone: bool = False
    """True if there is no such node any more."""

    @property
    def node_name(self) -> str:
        return self.interruption.node_name


class NodeConditions(Outbox[_Followed]):
    """A listener; one writes at a time."""

    def __init__(self, writer: StatusWriter, clock: Clock) -> None:
        super().__init__(RULES, logger)
        self._writer = writer
        self._clock = clock
        self._nodes: dict[str, _Followed] = {}
        self._effort = BestEffort("Node conditions", logger, clock, self.stats)

    @property
    def followed(self) -> int:
        """Returns how many nodes are being reclaimed."""
        return len(self._nodes)

    def __call__(self, told: Told, interruption: Interruption | None) -> None:
        """Take a session's report."""
        one = self._nodes.get(told.node_name)
        if interruption is not None and (one is None or one.interruption is not interruption):
            one = self._begin(told, interruption, one)
        if interruption is None or one is None:
            return
        if isinstance(told.report, SessionEnded):
            if told.report.reason in (GONE, HANDED_OVER, TAKEN):
                # There is no node any more, or another replica continues.
                self._forget(one)
                return
            one.over = True
        one.tries = 0
        self._schedule(one, LAG_SECONDS)

    def _begin(self, told: Told, interruption: Interruption, before: _Followed | None) -> _Followed | None:
        """Returns the new entry; None if the report neither begins nor resumes nor withdraws anything."""
        if not isinstance(told.report, NoticeReceived | SessionResumed | NoticeWithdrawn):
            return None
        if before is not None:
            self._forget(before)
        elif len(self._nodes) >= MAX_NODES:
            self._forget(next(iter(self._nodes.values())))
        written = None if before is None else before.written
        one = self._nodes[told.node_name] = _Followed(interruption, written)
        return one

    def _schedule(self, one: _Followed, seconds: float) -> None:
        """Queue the node, unless it waits; changes until then are written together."""
        if not one.waits and self._nodes.get(one.node_name) is one:
            one.waits = True
            self.put(one, after_seconds=seconds)

    async def send(self, items: Sequence[_Followed]) -> None:
        """Write the condition, unless the node has it already."""
        (one,) = items
        one.waits = False
        now = self._clock.now()
        condition = condition_of(one.interruption.report(now), over=one.over)
        before = one.written
        if condition != before and not self._effort.is_refused(PLACE):
            changed = before is None or before.interrupted is not condition.interrupted
            body = status_patch(condition, at=now, changed=changed)
            error = await self._effort.write(PLACE, self._writer.patch(one.node_name, body))
            if error is None:
                one.written = condition
            self._look(one, error)
        if one.gone or (one.over and not one.waits):
            self._forget(one)

    def _look(self, one: _Followed, error: Exception | None) -> None:
        """Schedule another try after a failure, within bounds: an outdated condition should not stay."""
        one.gone = isinstance(error, Missing)
        one.tries = 0 if error is None else one.tries + 1
        if error is not None and not one.gone and one.tries < MAX_TRIES:
            self._schedule(one, RETRY_SECONDS)

    def _forget(self, one: _Followed) -> None:
        if self._nodes.get(one.node_name) is one:
            del self._nodes[one.node_name]
            self.take_back(one)
