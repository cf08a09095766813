"""One kept-alive connection, against a server that keeps to HTTP and one that does not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from nth.adapters.http1 import Answer, Http1Connection, HttpError
from tests.servers.http import Reply, Request, Server, serving

Scene = Callable[[Http1Connection, Server], Awaitable[None]]


def play(scene: Scene, *replies: Reply, host: str = "127.0.0.1", path: str = "") -> None:
    """Run a scene against a server that gives these replies in turn, and the last one for ever."""
    left = list(replies)

    async def main() -> None:
        async with serving(lambda request: left.pop(0) if len(left) > 1 else left[0], host=host) as server:
            connection = Http1Connection(server.url + path)
            try:
                await scene(connection, server)
            finally:
                connection.close()
                await asyncio.sleep(0)

    asyncio.run(main())


async def get(connection: Http1Connection) -> Answer:
    return await connection.request("GET", "/doc", [("X-One", "1")])


def test_request_and_answer() -> None:
    async def scene(connection: Http1Connection, server: Server) -> None:
        assert await get(connection) == Answer(201, {"content-length": "2", "x-two": "2"}, b"hi")
        authority = server.url.removeprefix("http://")
        headers = (("host", authority), ("accept", "*/*"), ("x-one", "1"))
        assert server.requests == [Request(method="GET", path="/doc", headers=headers)]

    play(scene, Reply(status=201, body=b"hi", headers=(("X-Two", "2"),)))


def test_ipv6_and_a_path_in_front() -> None:
    async def scene(connection: Http1Connection, server: Server) -> None:
        await get(connection)
        assert server.url.startswith("http://[::1]:")
        assert server.requests[0].path == "/prefix/doc"
        assert server.requests[0].header("host") == [server.url.removeprefix("http://")]

    play(scene, Reply(), host="::1", path="/prefix/")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=b"[1,2]"), id="length"),
        pytest.param(Reply(status=404, body=b"[1,2]"), id="404 with a body"),
        pytest.param(
            Reply(
                raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"
            ),
            id="chunked",
        ),
        pytest.param(
            Reply(
                raw=b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]",
            ),
            id="with an answer in between",
        ),
    ],
)
def test_W29_whole_answers_leave_the_connection_open(reply: Reply) -> None:
    async def scene(connection: Http1Connection, server: Server) -> None:
        for _ in range(3):
            assert (await get(connection)).body == b"[1,2]"
        assert server.connections == 1

    play(scene, reply)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=b"x", headers=(("Connection", "close"),)), id="announced close"),
        pytest.param(Reply(raw=b"HTTP/1.0 200 OK\r\n\r\nx", close=True), id="HTTP 1.0"),
        pytest.param(
            Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1"), id="more than said"
        ),
    ],
)
def test_a_connection_that_cannot_be_used_again_is_not(reply: Reply) -> None:
    async def scene(connection: Http1Connection, server: Server) -> None:
        for _ in range(2):
            assert (await get(connection)).body == b"x"
        assert server.connections == 2

    play(scene, reply)


def test_connection_that_the_server_closes_on_the_next_request_is_replaced() -> None:
    async def scene(connection: Http1Connection, server: Server) -> None:
        assert (await get(connection)).body == b"1"
        assert (await get(connection)).body == b"2"
        assert (server.connections, len(server.requests)) == (2, 3)

    play(scene, Reply(body=b"1"), Reply(raw=b"", close=True), Reply(body=b"2"))


def test_new_connection_that_the_server_closes_is_an_error_and_not_tried_for_ever() -> None:
    async def scene(connection: Http1Connection, server: Server) -> None:
        await get(connection)
        with pytest.raises(HttpError, match=r"^the connection was closed without an answer$"):
            await get(connection)
        assert len(server.requests) == 3

    play(scene, Reply(), Reply(raw=b"", close=True))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(body=b"abcdef", cut_at=3), "the answer was cut off"),
        (
            Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Le", close=True),
            "the connection was closed without an answer",
        ),
        (Reply(body=b"x" * 65_537), "the answer is larger than 65536 bytes"),
        (Reply(raw=b"SSH-2.0-OpenSSH\r\n\r\n"), "the answer is not HTTP"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "the answer is not HTTP"),
    ],
    ids=["cut off", "cut off in the head", "too large", "not HTTP", "no chunk"],
)
def test_W14_what_is_no_whole_answer_is_an_error_and_the_next_one_is_not_affected(
    reply: Reply, reason: str
) -> None:
    async def scene(connection: Http1Connection, server: Server) -> None:
        with pytest.raises(HttpError, match=f"^{reason}$"):
            await get(connection)
        assert (await get(connection)).body == b"good"
        assert server.connections == 2

    play(scene, reply, Reply(body=b"good"))


def test_answer_given_up_is_not_taken_for_the_next_one() -> None:
    async def scene(connection: Http1Connection, server: Server) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(get(connection), 0.05)
        assert (await get(connection)).body == b"good"
        assert server.connections == 2

    play(scene, Reply(hang=True), Reply(body=b"good"))


def test_close_and_go_on() -> None:
    async def scene(connection: Http1Connection, server: Server) -> None:
        await get(connection)
        connection.close()
        connection.close()
        await get(connection)
        assert server.connections == 2

    play(scene, Reply())


def test_nobody_listens() -> None:
    async def main() -> None:
        async with serving(lambda request: Reply()) as server:
            pass
        with pytest.raises(HttpError, match=r"^connection refused$"):
            await get(Http1Connection(server.url))

    asyncio.run(main())


def test_host_that_cannot_be_one() -> None:
    with pytest.raises(HttpError, match=r"^no such host$"):
        asyncio.run(get(Http1Connection("http://a..b")))
