"""What waits to be posted to one target, and its delivery: bounded, with retries, and in nobody's way.

The posts of one session go out one after the other, so that a receiver hears of its phases in their
order. Log lines name the target and its host, never the URL, headers or body: these may be secrets.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from nth.ports import Clock
from nth.report.webhook.post_retries import PostAnswer, pause_seconds
from nth.report.webhook.stats import TargetStats
from nth.report.webhook.target import Target

logger = logging.getLogger("nth.webhook")

MAX_QUEUED = 1000
MAX_QUEUED_BYTES = 4 * 1024 * 1024
MAX_IN_FLIGHT = 4


class Poster(Protocol):
    """Posts to one URL."""

    async def post(self, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
        """Once, within a time limit of its own; it raises nothing."""
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


class TargetQueue:
    """The posts to one target. `jitter` gives numbers in [0, 1) that spread the pauses between tries."""

    def __init__(self, target: Target, poster: Poster, clock: Clock, jitter: Callable[[], float]) -> None:
        self.target = target
        self.stats = TargetStats(target.name)
        self._poster = poster
        self._clock = clock
        self._jitter = jitter
        self._waiting: deque[Post] = deque()
        self._waiting_bytes = 0
        self._busy: set[str] = set()
        """Sessions that have a post in flight."""
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._told_full = False

    def put(self, post: Post) -> None:
        """Take it in. If there is no room, the oldest makes it: what has just happened matters more."""
        self._waiting.append(post)
        self._waiting_bytes += len(post.body)
        while len(self._waiting) > MAX_QUEUED or self._waiting_bytes > MAX_QUEUED_BYTES:
            self._drop(self._waiting[0])
            self._tell_full()
        self._count()
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._news.clear()
                while (post := self._next()) is not None:
                    self._busy.add(post.session_id)
                    self._count()
                    tasks.create_task(self._deliver(post), name=f"webhook {self.target.name}")
                await self._news.wait()

    async def flush(self, seconds: float) -> None:
        """Wait until all is delivered, at most that long; the rest is dropped. `run` has to be running."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            left = self.stats.queued + self.stats.in_flight
            while self._waiting:
                self._drop(self._waiting[0])
            self._count()
            logger.warning(
                "Webhook Error: Notifications are not sent, time is up", extra=self._fields(number=left)
            )

    def failed(self, phase: str, error: Exception) -> None:
        """A post could not even be made."""
        self.stats.failed += 1
        logger.warning(
            "Webhook Error: Template execution failed", extra=self._fields(phase=phase, reason=str(error))
        )

    def _next(self) -> Post | None:
        """The oldest whose session has none in flight."""
        if len(self._busy) >= MAX_IN_FLIGHT:
            return None
        post = next((post for post in self._waiting if post.session_id not in self._busy), None)
        if post is not None:
            self._take_out(post)
        return post

    def _take_out(self, post: Post) -> None:
        self._waiting.remove(post)
        self._waiting_bytes -= len(post.body)
        self._told_full &= bool(self._waiting)

    def _drop(self, post: Post) -> None:
        self._take_out(post)
        self.stats.dropped += 1

    def _tell_full(self) -> None:
        if not self._told_full:
            self._told_full = True
            logger.warning("Webhook Error: Too much is waiting, dropping the oldest", extra=self._fields())

    def _count(self) -> None:
        self.stats.queued, self.stats.in_flight = len(self._waiting), len(self._busy)
        if self._waiting or self._busy:
            self._idle.clear()
        else:
            self._idle.set()

    async def _deliver(self, post: Post) -> None:
        try:
            answer = await self._post_with_tries(post)
            self._tell(post, answer)
        except asyncio.CancelledError:
            self.stats.dropped += 1
            raise
        except Exception:
            self.stats.failed += 1
            logger.exception("Webhook Error: the handler itself failed", extra=self._fields())
        finally:
            self._busy.discard(post.session_id)
            self._count()
            self._news.set()

    async def _post_with_tries(self, post: Post) -> PostAnswer:
        headers = {"Idempotency-Key": post.key, **self.target.headers}
        for number in range(1, self.target.tries):
            answer = await self._post_once(post, headers)
            if answer.ok or not answer.may_pass:
                return answer
            self.stats.retried += 1
            now = self._clock.now()
            await asyncio.sleep(pause_seconds(answer, number, jitter=self._jitter(), now=now))
        return await self._post_once(post, headers)

    async def _post_once(self, post: Post, headers: Mapping[str, str]) -> PostAnswer:
        began_at = self._clock.now()
        answer = await self._poster.post(post.body, headers)
        self.stats.tried(answer.status, max(0.0, self._clock.now() - began_at))
        return answer

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
        return {"fields": {"target": self.target.name, "host": self.target.host, **more}}
