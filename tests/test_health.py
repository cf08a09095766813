"""The probes' server over real sockets on the loopback: exact answers, and peers that misbehave."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

import pytest

from nth.health import MAX_HEADER_BYTES, REQUEST_SECONDS, PageServer, metrics_page, probe_pages

HOST = "127.0.0.1"
TIMEOUT_SECONDS = 5.0


class Probes:
    """A running server, and what it is told to say."""

    def __init__(self, endpoint: str) -> None:
        self.alive: list[str] = []
        self.ready: list[str] = []
        self.port = 0
        self.exposition: list[bytes] = []
        pages = probe_pages(endpoint=endpoint, alive=lambda: self.alive, ready=lambda: self.ready)
        self.server = PageServer(
            pages | metrics_page(lambda: self.exposition[0], "text/plain; version=0.0.4")
        )

    async def send(self, raw: bytes, *, end: bool = False) -> bytes:
        """Everything that comes back for these bytes."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        writer.write(raw)
        if end:
            writer.write_eof()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await reader.read()
        writer.close()
        return answer

    async def ask(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        answer = await self.send(f"{method} {path} HTTP/1.1\r\nHost: probes\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


def serve(story: Callable[[Probes], Coroutine[object, object, None]], endpoint: str = "/healthz") -> None:
    async def main() -> None:
        probes = Probes(endpoint)
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(probes.server.serve(HOST, 0, started=port.set_result))
        probes.port = await port
        await story(probes)
        serving.cancel()
        await asyncio.wait([serving])

    asyncio.run(main())


def test_M8_the_liveness_answer_is_the_originals_to_the_byte() -> None:
    async def story(probes: Probes) -> None:
        answer = await probes.send(b"GET /healthz HTTP/1.1\r\nHost: probes\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert b"content-type: application/json" in head.lower()
        assert body == b'{"health":"OK"}'

    serve(story)


def test_M8_another_endpoint_replaces_the_usual_one() -> None:
    async def story(probes: Probes) -> None:
        assert await probes.ask("/alive") == (200, b'{"health":"OK"}')
        assert (await probes.ask("/healthz"))[0] == 404

    serve(story, "/alive")


def test_readiness_and_liveness_say_what_is_wrong() -> None:
    async def story(probes: Probes) -> None:
        assert await probes.ask("/readyz") == (200, b'{"ready":"OK"}')
        probes.ready = ["no metadata", "no API"]
        assert await probes.ask("/readyz") == (503, b'{"ready":"no metadata; no API"}')
        assert (await probes.ask("/healthz"))[0] == 200
        probes.alive = ["it hangs"]
        assert await probes.ask("/healthz") == (503, b'{"health":"it hangs"}')

    serve(story)


@pytest.mark.parametrize(
    ("path", "method", "status", "body"),
    [
        ("/healthz?verbose=1", "GET", 200, b'{"health":"OK"}'),
        ("/healthz", "HEAD", 200, b""),
        ("/healthz", "POST", 405, b'{"error":"only GET"}'),
        ("/", "GET", 404, b'{"error":"no such path"}'),
        ("/healthz/x", "GET", 404, b'{"error":"no such path"}'),
        ("/metric", "HEAD", 404, b""),
    ],
)
def test_paths_and_methods(path: str, method: str, status: int, body: bytes) -> None:
    async def story(probes: Probes) -> None:
        assert await probes.ask(path, method) == (status, body)

    serve(story)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 2 * MAX_HEADER_BYTES,
    ],
    ids=["TLS", "words", "bad header", "endless header"],
)
def test_garbage_is_refused_and_hurts_nobody(raw: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def story(probes: Probes) -> None:
        # A reset: closed with unread bytes, which the kernel answers so.
        with contextlib.suppress(ConnectionResetError):
            assert await probes.send(raw) == b""
        assert await probes.ask("/healthz") == (200, b'{"health":"OK"}')

    serve(story)
    assert caplog.records == []


def test_a_peer_that_goes_away_in_the_middle_hurts_nobody() -> None:
    async def story(probes: Probes) -> None:
        assert await probes.send(b"GET /heal", end=True) == b""
        assert await probes.ask("/healthz") == (200, b'{"health":"OK"}')

    serve(story)


def test_slow_peers_are_cut_off_and_keep_nobody_waiting() -> None:
    async def story(probes: Probes) -> None:
        loop = asyncio.get_running_loop()
        begun_at = loop.time()
        slow = [asyncio.create_task(probes.send(b"GET /healthz HTTP/1.1\r\n")) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert await probes.ask("/healthz") == (200, b'{"health":"OK"}')
        assert loop.time() - begun_at < REQUEST_SECONDS
        assert await asyncio.gather(*slow) == [b""] * 20
        assert loop.time() - begun_at >= REQUEST_SECONDS

    serve(story)


def test_a_port_that_is_taken_is_an_error() -> None:
    async def story(probes: Probes) -> None:
        with pytest.raises(OSError, match="address already in use"):
            await Probes("/healthz").server.serve(HOST, probes.port)

    serve(story)


def test_M7_metrics_are_served_as_they_are_and_with_their_type() -> None:
    async def story(probes: Probes) -> None:
        probes.exposition = [b"nth_x 1\n" * 20_000]
        answer = await probes.send(b"GET /metrics HTTP/1.1\r\nHost: probes\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert b"content-type: text/plain; version=0.0.4" in head.lower()
        assert body == probes.exposition[0]

    serve(story)


def test_a_page_that_fails_is_an_error_that_is_logged_and_hurts_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(probes: Probes) -> None:
        assert await probes.ask("/metrics") == (500, b'{"error":"the handler itself failed"}')
        assert await probes.ask("/healthz") == (200, b'{"health":"OK"}')

    serve(story)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_M8_one_server_serves_all_its_pages_on_each_port() -> None:
    async def story(probes: Probes) -> None:
        probes.exposition = [b"nth_x 1\n"]
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(probes.server.serve(HOST, 0, started=port.set_result))
        ports = probes.port, await port
        assert ports[0] != ports[1]
        for probes.port in ports:
            assert await probes.ask("/metrics") == (200, b"nth_x 1\n")
            assert await probes.ask("/healthz") == (200, b'{"health":"OK"}')
        serving.cancel()
        await asyncio.wait([serving])

    serve(story)
