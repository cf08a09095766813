"""An HTTP proxy on the loopback between a handler and its API server: it notes, misbehaves and kills.

Plain HTTP towards the handler, TLS towards the API server, one connection there for each one here.
It runs in the test's own event loop. It must not know what is being tested.
"""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from testbed.control_plane import ControlPlane
from tests.servers.http import Reply

WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request that has come in, and what was answered."""

    at: float
    method: str
    path: str
    """With its query."""
    body: bytes
    status: int = 0
    """0 = nothing yet."""
    faulty: bool = False
    """The API server has never heard of it."""

    @property
    def is_watch(self) -> bool:
        return "watch=true" in self.path

    @property
    def is_eviction(self) -> bool:
        return self.path.endswith("/eviction")

    @property
    def is_node_patch(self) -> bool:
        return self.method == "PATCH" and self.path.startswith("/api/v1/nodes/")

    @property
    def is_pod_removal(self) -> bool:
        return self.is_eviction or self.method == "DELETE"

    @property
    def accepted(self) -> bool:
        """Something was written."""
        return self.method in WRITES and 200 <= self.status < 300 and not self.faulty

    @property
    def pod_uid(self) -> str:
        """Of an eviction or a deletion."""
        return self._options.preconditions.uid

    @property
    def grace_seconds(self) -> int | None:
        """What an eviction or a deletion asks for; None = the pod's own."""
        return self._options.grace_period_seconds

    @property
    def _options(self) -> "_DeleteOptions":
        if self.is_eviction:
            return msgspec.json.decode(self.body, type=_Eviction).delete_options
        return msgspec.json.decode(self.body, type=_DeleteOptions)


class _Preconditions(msgspec.Struct):
    uid: str


class _DeleteOptions(msgspec.Struct, rename="camel"):
    preconditions: _Preconditions
    grace_period_seconds: int | None = None


class _Eviction(msgspec.Struct, rename="camel"):
    delete_options: _DeleteOptions


Fault = Callable[[Asked], Reply | None]
"""What to answer instead of the API server; None = let it answer."""


def no_fault(_: Asked) -> None:
    """The API server answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """End a process the hard way when it has written something so many times from now on."""

    pid: int
    write: int
    """1 = the next one."""
    passed_on: bool
    """It still gets the answer to that one."""


class Proxy:
    """The way to one API server."""

    def __init__(self, plane: ControlPlane) -> None:
        self.asked: list[Asked] = []
        self.fault: Fault = no_fault
        self.writes = 0
        """Accepted by the API server since the last `kill_at`, or ever."""
        self.killed = False
        self._kill: Kill | None = None
        self._api_port = plane.api_port
        self._tls = ssl.create_default_context(cafile=plane.authority)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def kill_at(self, kill: Kill) -> None:
        """Writes are counted anew from here on."""
        self._kill, self.writes, self.killed = kill, 0, False

    async def open(self) -> None:
        """Listen, always on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Gone: all connections are reset, and new ones are refused until `open`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    def removals(self) -> list[Asked]:
        """Evictions and deletions that the API server took."""
        return [asked for asked in self.asked if asked.is_pod_removal and asked.accepted]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            # Accepted while the server was closing.
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            async with self._upstream() as (up_reader, up_writer):
                while message := await _read_message(reader):
                    head, body = message
                    method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                    asked = Asked(at=time.time(), method=method, path=path, body=body)
                    self.asked.append(asked)
                    if (reply := self.fault(asked)) is not None:
                        asked.status, asked.faulty = reply.status, True
                        if not await _send(reply, reader, writer):
                            return
                        continue
                    up_writer.write(head + body)
                    await self._pass_on(asked, up_reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._tasks.discard(task)

    @contextlib.asynccontextmanager
    async def _upstream(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._api_port, ssl=self._tls)
        self._writers.add(writer)
        try:
            yield reader, writer
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pass_on(
        self, asked: Asked, source: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        parts = _answer_parts(source)
        head = await anext(parts)
        status = int(head.split(b" ", 2)[1])
        if asked.is_watch:
            asked.status = status
            writer.write(head)
            async for part in parts:
                writer.write(part)
                await writer.drain()
            return
        answer = head + b"".join([part async for part in parts])
        asked.status = status
        due = self._due_kill(asked)
        if due is None or due.passed_on:
            writer.write(answer)
            await writer.drain()
        if due is not None:
            os.kill(due.pid, signal.SIGKILL)
            self.killed = True
            raise ConnectionAbortedError("the handler has been killed")

    def _due_kill(self, asked: Asked) -> Kill | None:
        """Whether this was the one; only once."""
        if not asked.accepted:
            return None
        self.writes += 1
        if self._kill is None or self._kill.write != self.writes:
            return None
        due, self._kill = self._kill, None
        return due


@contextlib.asynccontextmanager
async def proxying(plane: ControlPlane) -> AsyncIterator[Proxy]:
    """A proxy until the end of the block."""
    proxy = Proxy(plane)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()


def write_kubeconfig(path: Path, proxy: Proxy, token: str) -> None:
    """The way through the proxy, for the handler."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxy", "cluster": {"server": proxy.url}}],
        "users": [{"name": "handler", "user": {"token": token}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "handler"}}],
        "current-context": "proxy",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))


def status_reply(code: int, *headers: tuple[str, str]) -> Reply:
    """An error as the API server words it."""
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "a fault"}
    return Reply(
        status=code,
        body=json.dumps(document).encode(),
        headers=(("Content-Type", "application/json"), *headers),
    )


async def _read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes] | None:
    """Head and body of the next request; None at the connection's end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    return head, await reader.readexactly(int(_header(head, b"content-length") or 0))


async def _answer_parts(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """An answer as it comes: first its head.

    https://www.rfc-editor.org/rfc/rfc9112#section-7.1
    """
    head = await reader.readuntil(b"\r\n\r\n")
    yield head
    if _header(head, b"transfer-encoding") != b"chunked":
        yield await reader.readexactly(int(_header(head, b"content-length") or 0))
        return
    while True:
        size_line = await reader.readuntil(b"\r\n")
        size = int(size_line, 16)
        yield size_line + await reader.readexactly(size + 2)
        if size == 0:
            return


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.lower().split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key == name:
            return value.strip()
    return b""


async def _send(reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the connection goes on."""
    if reply.hang:
        await reader.read()
        return False
    wire = reply.wire()
    if reply.drip_seconds:
        for byte in wire:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(reply.drip_seconds)
    else:
        writer.write(wire)
        await writer.drain()
    return not (reply.close or reply.cut_at is not None)
