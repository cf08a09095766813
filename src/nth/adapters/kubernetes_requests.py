"""Requests to the Kubernetes API server: whole answers, lists page by page, watches.

One request for one call, within a time limit and the request budget. It never tries a write again:
the caller decides how to go on after an error. Only a watch that the server ends is taken up
again. It knows neither the paths nor the meaning of the answers.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

import httpx2
import msgspec

from nth.adapters.kubernetes_errors import Body, Status, decoded, error_of_answer, error_of_status, translated
from nth.adapters.kubernetes_objects import ObjectList, StoredObject, WatchEvent
from nth.adapters.request_budget import RequestBudget, RequestClass
from nth.errors import Expired, Unreachable
from nth.report.metrics.histogram import REQUEST_BOUNDS, Histogram

REQUEST_SECONDS = 5.0
WATCH_SECONDS = 15
WATCH_SLACK_SECONDS = 3.0
"""How much later than promised a watch may end before its connection counts as dead."""
WATCH_PAUSE_SECONDS = 1.0
"""The pause between two starts of a watch, should a server end each at once."""
FIRST_PAGE = 50
MAX_PAGE = 500
PAGE_BYTES = 3 << 20
"""The most that a page should have, by the size of those before it. An object may have 1.5 MiB."""
SHRINK = 5
"""After a page that was too long to be read, a page is smaller by this factor."""
MAX_ANSWER_BYTES = 8 << 20
"""The most that is read of an answer, or of one event of a watch."""
LIST_TRIES = 3

Query = dict[str, str]
T = TypeVar("T")
F = TypeVar("F")
Stored = TypeVar("Stored", bound=StoredObject)


@dataclass(slots=True)
class PageSize:
    """Chooses the next page's `limit`, so that a list costs little memory however big its objects are.

    A pod may be 1.5 MB, and a namespace may have thousands. Lists of objects of the usual size take one
    request, or few: the first page is small, and the size of its objects decides about the next.
    """

    limit: int = FIRST_PAGE

    def seen(self, objects: int, size_bytes: int) -> None:
        """Learn that a page had so many objects and so many bytes."""
        if objects and size_bytes:
            self.limit = max(1, min(MAX_PAGE, PAGE_BYTES * objects // size_bytes))

    def shrink(self) -> bool:
        """Ask for less after a page that was too long; False if a page is one object already."""
        if self.limit == 1:
            return False
        self.limit = max(1, self.limit // SHRINK)
        return True


class TooLong(Unreachable):
    """There is an answer, and it is too long to be read."""


@dataclass(slots=True, kw_only=True)
class ApiServer:
    """The API server behind one client and one budget, which all its users share."""

    client: httpx2.AsyncClient
    budget: RequestBudget
    now: Callable[[], float] = time.time
    request_seconds: float = REQUEST_SECONDS
    watch_seconds: int = WATCH_SECONDS
    watch_slack_seconds: float = WATCH_SLACK_SECONDS
    requests_seen: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Answers by (verb, status code); code 0 = no answer."""
    seconds_seen: dict[str, Histogram] = field(default_factory=dict)
    """The server's seconds, by verb; of a watch until it began."""
    last_answer_at: float | None = None
    """When the server last answered without a server error."""

    async def close(self) -> None:
        """Close the connections; no request may follow."""
        await self.client.aclose()

    async def ask(
        self,
        request_class: RequestClass,
        verb: str,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        content: object = None,
        content_type: str = "application/json",
        deadline_at: float | None = None,
    ) -> Body:
        """Send one request when the budget allows it, and return the whole answer; any `ClusterError`.

        Within a class the earliest deadline (epoch seconds) goes first, and those without one last.
        """
        async with self.budget.turn(
            request_class, deadline_at=math.inf if deadline_at is None else deadline_at
        ):
            # Built only now: a thousand requests in the line would be megabytes.
            body = None if content is None else msgspec.json.encode(content)
            request = self.client.build_request(
                method,
                path,
                params=query,
                content=body,
                headers={"Content-Type": content_type} if body else None,
            )
            _, answer = await self._send(verb, request, f"{verb} {path}")
        return answer

    async def list_all(
        self,
        path: str,
        query: Query,
        kind: type[ObjectList[T]],
        fact_of: Callable[[T], F],
        *,
        cached: bool = False,
        request_class: RequestClass = RequestClass.READ,
    ) -> tuple[list[F], str]:
        """Returns all objects as facts, and the resource version of the list; any `ClusterError`.

        Page by page, all of one snapshot; no more than a page of them is held as the server sent it. If the
        snapshot is forgotten between two pages (410), the list begins anew, a few times.
        https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
        """
        for _ in range(LIST_TRIES - 1):
            try:
                return await self._list_once(path, query, kind, fact_of, cached, request_class)
            except Expired:
                cached = False
        return await self._list_once(path, query, kind, fact_of, cached, request_class)

    async def _list_once(
        self,
        path: str,
        query: Query,
        kind: type[ObjectList[T]],
        fact_of: Callable[[T], F],
        cached: bool,
        request_class: RequestClass,
    ) -> tuple[list[F], str]:
        facts: list[F] = []
        pages, token = PageSize(), ""
        while True:
            # Version 0 means the cache's version, and that list comes in one piece, however long it is.
            position = {"resourceVersion": "0"} if cached else {"limit": str(pages.limit)}
            position |= {"continue": token} if token else {}
            try:
                answer = await self.ask(request_class, "list", "GET", path, query={**query, **position})
            except TooLong:
                if not cached and not pages.shrink():
                    raise
                cached = False
                continue
            page = decoded(answer, kind, path)
            items = page.items or ()
            facts += map(fact_of, items)
            token, version = page.metadata.next_page, page.metadata.resource_version
            if not token:
                return facts, version
            pages.seen(len(items), len(answer))
            # Otherwise two pages would be held while the next one comes.
            del answer, page, items

    async def watch(
        self, path: str, query: Query, kind: type[Stored], resource_version: str
    ) -> AsyncGenerator[tuple[str, Stored], None]:
        """Yield ADDED, MODIFIED or DELETED, and the object, after that resource version; any `ClusterError`.

        It goes on until it is closed (`contextlib.aclosing`), which gives its connection back at once.
        """
        loop = asyncio.get_running_loop()
        while True:
            next_start_at = loop.time() + WATCH_PAUSE_SECONDS
            async with aclosing(self._watch_once(path, query, kind, resource_version)) as events:
                async for event, found in events:
                    resource_version = found.metadata.resource_version
                    if event != "BOOKMARK":
                        yield event, found
            await asyncio.sleep(next_start_at - loop.time())

    async def _watch_once(
        self, path: str, query: Query, kind: type[Stored], resource_version: str
    ) -> AsyncGenerator[tuple[str, Stored], None]:
        """Yield (type, object) of one watch request until the server ends it as asked; any `ClusterError`."""
        asked = query | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(self.watch_seconds),
        }
        what = f"watch {path}"
        request = self.client.build_request("GET", path, params=asked)
        # The budget counts only its begin: a watch must not keep other requests waiting.
        async with self.budget.turn(RequestClass.READ):
            # Only now: the wait for the budget is no silence of the server.
            silent_at = asyncio.get_running_loop().time() + self.watch_seconds + self.watch_slack_seconds
            response, _ = await self._send("watch", request, what)
        try:
            lines = _lines(response.aiter_bytes())
            while True:
                with translated(what):
                    async with asyncio.timeout_at(silent_at):
                        line = await anext(lines, b"")
                if not line:
                    return
                yield _event(line, kind, what)
        finally:
            await response.aclose()

    async def _send(self, verb: str, request: httpx2.Request, what: str) -> tuple[httpx2.Response, Body]:
        """Returns the answer and its body (a watch's stays open); counts it, and raises if it is not 2xx."""
        code, asked_at = 0, time.perf_counter()
        body: Body | None = b""
        try:
            with translated(what):
                async with asyncio.timeout(self.request_seconds):
                    response = await self.client.send(request, stream=True)
                    if verb != "watch" or not response.is_success:
                        body = await _body(response)
            code = response.status_code
        finally:
            self.requests_seen[verb, code] += 1
            if verb not in self.seconds_seen:
                self.seconds_seen[verb] = Histogram(REQUEST_BOUNDS)
            self.seconds_seen[verb].observe(time.perf_counter() - asked_at)
        if code < 500:
            self.last_answer_at = self.now()
        if not response.is_success:
            raise error_of_answer(code, body or b"", response.headers.get("Retry-After"), what)
        if body is None:
            raise TooLong(f"{what}: the answer is longer than {MAX_ANSWER_BYTES >> 20} MiB")
        return response, body


async def _body(response: httpx2.Response) -> Body | None:
    """Returns the body, read piece by piece; None if it is too long, and its rest is not read."""
    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                return None
    finally:
        await response.aclose()
    return body


def _event(line: bytes, kind: type[Stored], what: str) -> tuple[str, Stored]:
    event = decoded(line, WatchEvent, what)
    if event.type == "ERROR":
        status = decoded(event.object, Status, what)
        raise error_of_status(status, status.code, None, what)
    return event.type, decoded(event.object, kind, what)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield whole lines, cut at line feeds only: JSON may hold characters that Unicode calls line ends.

    A line that the connection's end cuts off is dropped.
    """
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_ANSWER_BYTES:
            raise ValueError(f"a line of over {MAX_ANSWER_BYTES >> 20} MiB")
        for line in lines:
            yield line
