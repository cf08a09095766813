"""An HTTP server on the loopback that answers as it is told, well or badly.

For what a scripted transport cannot play: connections that are refused, reset, cut off, or silent.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from nth.adapters.kubernetes import KubernetesCluster
from nth.adapters.kubernetes_credentials import Access, new_client
from nth.adapters.kubernetes_requests import ApiServer
from nth.adapters.request_budget import RequestBudget

REQUEST_SECONDS = 1.0

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class FakeApiServer:
    """Answers the first request with the first answer, and so on; the last one stays."""

    answers: list[Answer]
    port: int = 0
    requests: list[str] = field(default_factory=list)
    """`GET /api/v1/pods`, in the order of arrival."""
    connections: int = 0
    serving: set[asyncio.Task[None]] = field(default_factory=set)
    """Held here, or a task that hangs for ever would be collected as garbage."""

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _read_request(reader):
                self.requests.append(" ".join(head.split(" ")[:2]))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                await answer(writer)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    @classmethod
    @asynccontextmanager
    async def running(cls, *answers: Answer) -> AsyncIterator["FakeApiServer"]:
        fake = cls(list(answers))
        server = await asyncio.start_server(fake._accept, "127.0.0.1", 0)
        fake.port = server.sockets[0].getsockname()[1]
        try:
            yield fake
        finally:
            server.close()
            for task in fake.serving:
                task.cancel()
            await asyncio.gather(*fake.serving, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> str:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return ""
    for line in head.lower().splitlines():
        if line.startswith("content-length:"):
            await reader.readexactly(int(line.split(":")[1]))
    return head


def answer(code: int, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    """A whole answer; `body` is bytes, or becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {code} Words", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


def raw(data: bytes, *, then: Answer | None = None) -> Answer:
    """These bytes, and then perhaps something else."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if then:
            await then(writer)

    return send


async def hang(writer: asyncio.StreamWriter) -> None:
    """Says nothing, for ever."""
    await asyncio.Event().wait()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with a TCP reset."""
    writer.transport.abort()
    raise ConnectionAbortedError


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Ends the connection in good order."""
    writer.close()
    raise ConnectionAbortedError


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte of a header, again and again: no read ever times out, and no answer ever comes."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


@asynccontextmanager
async def cluster_at(port: int) -> AsyncIterator[KubernetesCluster]:
    """The adapter, with time limits that a test can wait for."""
    access = Access(server=f"http://127.0.0.1:{port}", auth=None, tls=False)
    client = new_client(access, user_agent="test/1", connect_seconds=REQUEST_SECONDS, keep_alive=2)
    budget = RequestBudget(qps=1000, burst=1000, in_flight=2)
    api = ApiServer(
        client=client,
        budget=budget,
        request_seconds=REQUEST_SECONDS,
        watch_seconds=0,
        watch_slack_seconds=REQUEST_SECONDS,
    )
    cluster = KubernetesCluster(api)
    try:
        yield cluster
    finally:
        await cluster.close()
