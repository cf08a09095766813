"""The HTTP server of the probes and of `/metrics`: a few pages, and no more HTTP than they need.

Healthy: the loops that do the work still turn (a hung event loop does not answer at all, which the
kubelet counts as a failure). Ready: the services that the work depends on have answered lately.
https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import h11

from nth.core.visible import json_text

logger = logging.getLogger("nth.health")

READINESS_PATH = "/readyz"
METRICS_PATH = "/metrics"
REQUEST_SECONDS = 1.0
ANSWER_SECONDS = 5.0
MAX_HEADER_BYTES = 8 * 1024
JSON = "application/json"

Check = Callable[[], list[str]]
"""Returns the problems in words; empty = all is well."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request."""

    status: int
    body: bytes
    content_type: str = JSON


Page = Callable[[], Answer]


def probe_pages(*, endpoint: str, alive: Check, ready: Check) -> dict[str, Page]:
    """Returns the pages of the liveness endpoint and of READINESS_PATH."""
    return {
        endpoint: lambda: _checked("health", alive),
        READINESS_PATH: lambda: _checked("ready", ready),
    }


def metrics_page(exposition: Callable[[], bytes], content_type: str) -> dict[str, Page]:
    """Returns the page of METRICS_PATH."""
    return {METRICS_PATH: lambda: Answer(200, exposition(), content_type)}


def _checked(name: str, check: Check) -> Answer:
    problems = check()
    if problems:
        return Answer(503, json_text({name: "; ".join(problems)}).encode())
    return Answer(200, json_text({name: "OK"}).encode())


class PageServer:
    """Answers GET on these paths. It may serve on several ports."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = pages

    async def serve(
        self, host: str | None, port: int, *, started: Callable[[int], None] | None = None
    ) -> None:
        """Serve until cancelled; `started` is called with the port. OSError: the port is taken."""
        server = await asyncio.start_server(self._handle, host, port, limit=MAX_HEADER_BYTES)
        async with server:
            if started is not None:
                started(server.sockets[0].getsockname()[1])
            await server.serve_forever()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES)
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await _request(connection, reader)
            if request is not None:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._answer(connection, request, writer)
        except (TimeoutError, OSError, h11.ProtocolError):
            pass  # A peer that does not speak HTTP, or went away, is no problem of ours.
        finally:
            writer.close()

    async def _answer(
        self, connection: h11.Connection, request: h11.Request, writer: asyncio.StreamWriter
    ) -> None:
        answer = self._respond(request.method, request.target)
        headers = [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            ("Connection", "close"),
        ]
        response = connection.send(h11.Response(status_code=answer.status, headers=headers))
        writer.write((response or b"") + (b"" if request.method == b"HEAD" else answer.body))
        await writer.drain()

    def _respond(self, method: bytes, target: bytes) -> Answer:
        if method not in (b"GET", b"HEAD"):
            return Answer(405, b'{"error":"only GET"}')
        page = self._pages.get(target.split(b"?")[0].decode("latin-1"))
        if page is None:
            return Answer(404, b'{"error":"no such path"}')
        try:
            return page()
        except Exception:
            logger.exception("a page could not be made, because the handler itself failed")
            return Answer(500, b'{"error":"the handler itself failed"}')


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """Returns the request's head; None if the peer closed before it was whole."""
    while not isinstance(event := connection.next_event(), h11.Request):
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(await reader.read(MAX_HEADER_BYTES))
    return event
