"""Delivers the posts to one target: bounded, with retries, and delaying nothing.

The posts of one session go out one after the other, so that a receiver hears of its phases in their
order. Log lines name the target and its host, never the URL, headers or body: these may be secrets.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nth.ports import Clock
from nth.report.webhook.post_retries import PostAnswer, pause_seconds
from nth.report.webhook.target import Target
from nth.reporters.outbox import Outbox, Rules

logger = logging.getLogger("nth.webhook")

MAX_QUEUED = 1000
MAX_QUEUED_BYTES = 4 * 1024 * 1024
MAX_IN_FLIGHT = 4


class Poster(Protocol):
    """Posts to one URL."""

    async def post(self, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
        """Returns the answer to one request, within a time limit of its own; it raises nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One request, ready to be sent."""

    session_id: str
    node_name: str
    phase: str
    key: str
    """The same for every try."""
    body: bytes


class TargetQueue(Outbox[Post]):
    """The posts to one target. `jitter` gives numbers in [0, 1) that spread the pauses between tries."""

    def __init__(self, target: Target, poster: Poster, clock: Clock, jitter: Callable[[], float]) -> None:
        self._about_target = {"target": target.name, "host": target.host}
        rules = Rules(
            items=MAX_QUEUED,
            size=MAX_QUEUED_BYTES,
            senders=MAX_IN_FLIGHT,
            full="Webhook Error: Too much is waiting, dropping the oldest",
            late="Webhook Error: Notifications are not sent, time is up",
            fields=self._about_target,
        )
        super().__init__(rules, logger)
        self.target = target
        self._poster = poster
        self._clock = clock
        self._jitter = jitter

    def post(self, post: Post) -> None:
        """Queue a post."""
        self.put(post, size=len(post.body), group=post.session_id)

    def failed(self, phase: str, error: Exception) -> None:
        """Count and log a post that could not be made."""
        self.stats.failed += 1
        logger.warning(
            "Webhook Error: Template execution failed", extra=self._fields(phase=phase, reason=str(error))
        )

    async def send(self, items: Sequence[Post]) -> None:
        """Post it, with as many tries as the target has."""
        (post,) = items
        try:
            self._tell(post, await self._post_with_tries(post))
        except Exception:
            self.stats.failed += 1
            logger.exception("Webhook Error: the handler itself failed", extra=self._fields())

    async def _post_with_tries(self, post: Post) -> PostAnswer:
        headers = {"Idempotency-Key": post.key, **self.target.headers}
        for number in range(1, self.target.tries):
            answer = await self._poster.post(post.body, headers)
            if answer.ok or not answer.may_pass:
                return answer
            self.stats.retried += 1
            now = self._clock.now()
            await asyncio.sleep(pause_seconds(answer, number, jitter=self._jitter(), now=now))
        return await self._poster.post(post.body, headers)

    def _tell(self, post: Post, answer: PostAnswer) -> None:
        # The texts are the original's, for users and their scripts look for them.
        about = {"session": post.session_id, "node": post.node_name, "phase": post.phase}
        if answer.ok:
            self.stats.sent += 1
            logger.info("Webhook Success: Notification Sent!", extra=self._fields(**about))
            return
        self.stats.failed += 1
        if answer.status:
            text = "Webhook Error: Received Non-Successful Status Code"
            logger.warning(text, extra=self._fields(status_code=answer.status, **about))
        else:
            logger.warning(
                "Webhook Error: Client Do failed", extra=self._fields(reason=answer.reason, **about)
            )

    def _fields(self, **more: object) -> dict[str, object]:
        return {"fields": {**self._about_target, **more}}
