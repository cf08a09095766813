"""The probes' HTTP server: `/healthz` and `/readyz`, which tell the truth.

Healthy: the loops that do the work still turn (a hung event loop answers nothing at all, which the
kubelet counts as a failure). Ready: what the work depends on has answered lately.
https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

import asyncio
from collections.abc import Callable

import h11
import msgspec

READINESS_PATH = "/readyz"
REQUEST_SECONDS = 1.0
MAX_HEADER_BYTES = 8 * 1024

Check = Callable[[], list[str]]
"""What is wrong, in words; empty = all is well."""


class ProbesServer:
    """Answers GET on the liveness endpoint and on READINESS_PATH."""

    def __init__(self, *, endpoint: str, alive: Check, ready: Check) -> None:
        self._checks = {
            endpoint: ("health", alive),
            READINESS_PATH: ("ready", ready),
        }

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
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._answer(reader, writer)
        except (TimeoutError, OSError, h11.ProtocolError):
            pass  # A peer that does not speak HTTP, or went away, concerns nobody.
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES)
        while not isinstance(event := connection.next_event(), h11.Request):
            if event is not h11.NEED_DATA:
                return
            connection.receive_data(await reader.read(MAX_HEADER_BYTES))
        status, body = self._respond(event.method, event.target)
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        response = connection.send(h11.Response(status_code=status, headers=headers))
        content = b"" if event.method == b"HEAD" else body
        writer.write((response or b"") + content)
        await writer.drain()

    def _respond(self, method: bytes, target: bytes) -> tuple[int, bytes]:
        if method not in (b"GET", b"HEAD"):
            return 405, b'{"error":"only GET"}'
        path = target.split(b"?")[0].decode("latin-1")
        if path not in self._checks:
            return 404, b'{"error":"no such path"}'
        name, check = self._checks[path]
        problems = check()
        if problems:
            return 503, msgspec.json.encode({name: "; ".join(problems)})
        return 200, msgspec.json.encode({name: "OK"})
