"""A receiver of posts, an HTTP and a SOCKS5 proxy on the loopback, for the adapter that posts webhooks."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

from tests.servers.http import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One request as it came in; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """Answers each request with the same reply."""

    reply: Reply = field(default_factory=Reply)
    url: str = ""
    requests: list[Posted] = field(default_factory=list)
    open: int = 0
    """Connections that are open now."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while (request := await read_request(reader)) is not None:
                self.requests.append(request)
                if self.reply.hang:
                    await reader.read()
                    break
                writer.write(self.reply.wire())
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            writer.close()


@dataclass(slots=True)
class Proxy:
    """Forwards absolute URIs, and connects for CONNECT, wherever to; notes the first line of each request."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    refuse: bytes = b""
    """Sent instead of connecting."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await read_request(reader)
            if request is not None:
                await self._pass_on(request, reader, writer)
        writer.close()

    async def _pass_on(
        self, request: Posted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.asked.append(f"{request.method} {request.target}")
        self.credentials.append(request.headers.get("proxy-authorization", ""))
        if self.refuse:
            writer.write(self.refuse)
            await writer.drain()
            return
        tunnel = request.method == "CONNECT"
        place = request.target if tunnel else request.target.split("/")[2]
        host, _, port = place.rpartition(":")
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        if tunnel:
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            path = "/" + request.target.split("/", 3)[3]
            there_writer.write(f"{request.method} {path} HTTP/1.1\r\n".encode())
            there_writer.write("".join(f"{k}: {v}\r\n" for k, v in request.headers.items()).encode())
            there_writer.write(b"\r\n" + request.body)
        try:
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        finally:
            there_writer.transport.abort()


@dataclass(slots=True)
class SocksProxy:
    """Connects to the loopback, whatever the host; notes where to, and with which name and password."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    login: str = ""
    """The name and the password that it wants, with a colon between them; empty: none."""
    answer: bytes = b""
    """Sent instead of connecting."""
    method: int | None = None
    """The only way to log in that it takes; None: as `login` says."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if await self._greeted(reader, writer):
                await self._connect(reader, writer)
        writer.close()

    async def _greeted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        _, number = await reader.readexactly(2)
        wanted = (2 if self.login else 0) if self.method is None else self.method
        if wanted not in await reader.readexactly(number):
            writer.write(b"\x05\xff")
            return False
        writer.write(bytes((5, wanted)))
        if not wanted:
            return True
        await reader.readexactly(1)
        name, password = [(await _counted(reader)).decode() for _ in range(2)]
        self.logins.append(f"{name}:{password}")
        good = self.logins[-1] == self.login
        writer.write(b"\x01" + bytes((not good,)))
        return good

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        *_, kind = await reader.readexactly(4)
        host = await (_counted(reader) if kind == 3 else reader.readexactly({1: 4, 4: 16}[kind]))
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked.append(f"{host.decode() if kind == 3 else ip_address(host)}:{port}")
        if self.answer:
            writer.write(self.answer)
            await writer.drain()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        # In two parts: a reply need not come in one packet.
        writer.write(b"\x05\x00\x00")
        await writer.drain()
        writer.write(b"\x03\x04host\x00\x01")
        try:
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        finally:
            there_writer.transport.abort()


async def _counted(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly((await reader.readexactly(1))[0])


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def read_request(reader: asyncio.StreamReader) -> Posted | None:
    """None: the connection was closed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head.split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Posted(method=method, target=target, headers=headers, body=body)


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:
    """Serve on a free port of the loopback until the block ends; all connections have ended then."""
    tasks: set[asyncio.Task[object]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.append(writer)
        # A task that ends as cancelled is an error to the server.
        with contextlib.suppress(asyncio.CancelledError):
            await serve(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*tasks)
        # Each transport is closed one step later.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
