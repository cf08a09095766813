"""Checks whether the events in a node's record are over, before any replica continues them.

A record may be as old as a message: its handler was down while the machine was stopped and started again.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol

from nth.core.facts import Node
from nth.core.node.node_annotation import NodeRecord
from nth.core.notices.events import Event, Withdrawn
from nth.core.queue.staleness import LeftAlone, Over, Stands, Verdict
from nth.core.times import soonest
from nth.ports import Clock

logger = logging.getLogger("nth.queue_mode.recorded")

AGAIN_SECONDS = 30.0
"""The pause before a refused question is asked anew."""

Question = tuple[str, tuple[str, ...]]
"""The UID of a node, and the ids of the events in its record."""


class News(Protocol):
    """`old_news.OldNews`."""

    def concerns(self, event: Event) -> bool: ...

    def waits_until(self, event: Event) -> float | None: ...

    async def verdict(self, event: Event, node: Node | None, *, until_at: float | None = None) -> Verdict: ...


@dataclass(slots=True)
class _Answer:
    until_at: float
    over: tuple[Withdrawn, ...] | None
    """None: the record is not to be continued."""


class RecordedNews:
    """Checks records. `run` comes first; a caller looks again from time to time."""

    def __init__(self, news: News, clock: Clock) -> None:
        self._news = news
        self._clock = clock
        self._asking: dict[str, Question] = {}
        self._answers: dict[Question, _Answer] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await asyncio.get_running_loop().create_future()

    def over(self, node: Node, record: NodeRecord) -> tuple[Withdrawn, ...] | None:
        """Returns the recorded events that are over; None: it is not known yet, and it is being asked."""
        events = tuple(seen.event for seen in record.events)
        if not any(self._news.concerns(event) for event in events):
            return ()
        question = (node.uid, tuple(event.event_id for event in events))
        answer = self._answers.get(question)
        if answer is not None and self._clock.now() < answer.until_at:
            return answer.over
        if node.name not in self._asking and self._tasks is not None:
            self._asking[node.name] = question
            self._tasks.create_task(self._ask(question, node, events), name=f"record of {node.name}")
        return None

    async def _ask(self, question: Question, node: Node, events: tuple[Event, ...]) -> None:
        try:
            over = await self._judge(node, events)
        except Exception:
            logger.exception("old events could not be checked, because the handler itself failed")
            over = None
        finally:
            del self._asking[node.name]
        now = self._clock.now()
        self._answers = {each: answer for each, answer in self._answers.items() if now < answer.until_at}
        self._answers[question] = _Answer(now + AGAIN_SECONDS, over)

    async def _judge(self, node: Node, events: tuple[Event, ...]) -> tuple[Withdrawn, ...] | None:
        """Returns the events that are over; None: left alone. The nearest limit holds for all answers."""
        until_at = soonest(*(self._news.waits_until(event) for event in events))
        verdicts = await asyncio.gather(
            *(self._news.verdict(event, node, until_at=until_at) for event in events)
        )
        left = [each for each in verdicts if isinstance(each, LeftAlone)]
        if left and not any(isinstance(each, Stands) for each in verdicts):
            fields = {"node": node.name, "reason": left[0].reason}
            logger.warning(
                "A record is left alone for now; AWS is asked about it again", extra={"fields": fields}
            )
            return None
        return tuple(
            Withdrawn(event_id=event.event_id, reason=verdict.reason)
            for event, verdict in zip(events, verdicts, strict=True)
            if isinstance(verdict, Over)
        )
