"""An HTTP server on the loopback that does what a test tells it to, wrong things included.

It notes every connection and request. It must not know what is being tested.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came in; header names in lower case, repeated ones kept."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to send, and how to spoil it."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    """Sent as it is, instead of an answer."""
    hang: bool = False
    """Send nothing, and keep the connection."""
    drip_seconds: float = 0.0
    """Wait that long before each byte."""
    cut_at: int | None = None
    """Send so many bytes of the body, then close."""
    close: bool = False
    """Close the connection after it, without saying so."""

    def wire(self) -> bytes:
        if self.raw is not None:
            return self.raw
        lines = [f"HTTP/1.1 {self.status} Whatever", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode() + self.body[: self.cut_at]


Handler = Callable[[Request], Reply]


@dataclass(slots=True)
class Server:
    """A running server."""

    url: str = ""
    handler: Handler = field(default=lambda request: Reply(status=404))
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def asked(self, method: str, path: str) -> list[Request]:
        return [r for r in self.requests if (r.method, r.path) == (method, path)]

    def drop_connections(self) -> None:
        """Close all connections, as a server does with idle ones."""
        for writer in self.writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                if not await _send(self.handler(request), reader, writer):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head.split("\r\n")[:-2]
    method, path, _ = first.split(" ")
    pairs = (line.partition(":") for line in rest)
    headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
    return Request(method=method, path=path, headers=headers)


async def _send(reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the connection goes on."""
    if reply.hang:
        await reader.read()
        return False
    wire = reply.wire()
    if reply.drip_seconds:
        for byte in wire:
            await asyncio.sleep(reply.drip_seconds)
            writer.write(bytes([byte]))
            await writer.drain()
    else:
        writer.write(wire)
        await writer.drain()
    return not (reply.close or reply.cut_at is not None)


@contextlib.asynccontextmanager
async def serving(handler: Handler, *, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    """A server on a free port until the block ends."""
    state = Server(handler=handler)
    server = await asyncio.start_server(state.serve, host, 0)
    port = server.sockets[0].getsockname()[1]
    state.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    try:
        yield state
    finally:
        server.close()
        state.drop_connections()
        # Each handler must see that its connection is closed before the loop ends.
        for _ in range(5):
            await asyncio.sleep(0)
