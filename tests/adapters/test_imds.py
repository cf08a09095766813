"""The metadata client against servers that behave and servers that do not."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from nth.adapters.imds import GET_SECONDS, Imds
from nth.errors import MetadataError, Silent
from nth.simulation.clock import START_AT, run
from tests.servers.http import Handler, Reply, Server, serving
from tests.servers.imds import TOKEN_HEADER, TOKEN_PATH, MetadataServer

DOCUMENT = "/latest/meta-data/spot/instance-action"
SPEED = 8.0
"""Virtual seconds a real one: 2 s of silence take 250 ms, many times what the loopback needs."""


@dataclass
class Clock:
    at: float = START_AT

    def now(self) -> float:
        return self.at


@dataclass
class Bench:
    """One client and one server."""

    imds: Imds
    server: Server
    clock: Clock

    async def failure(self) -> str:
        with pytest.raises(Silent) as caught:
            await self.imds.get(DOCUMENT)
        return str(caught.value)


@contextlib.asynccontextmanager
async def bench(handler: Handler, *, tries: int = 1, host: str = "127.0.0.1") -> AsyncIterator[Bench]:
    clock = Clock()
    async with serving(handler, host=host) as server:
        imds = Imds(server.url, clock, tries=tries, jitter=lambda: 0.5)
        try:
            yield Bench(imds, server, clock)
        finally:
            await imds.close()


def play(
    scene: Callable[[Bench], Awaitable[None]],
    handler: Handler,
    *,
    tries: int = 1,
    host: str = "127.0.0.1",
    slow: bool = False,
) -> None:
    """Run a scene; `slow` where it waits for time limits, which then pass faster than real time."""

    async def main(*_: object) -> None:
        async with bench(handler, tries=tries, host=host) as given:
            await scene(given)

    if slow:
        run(main, speed=SPEED)
    else:
        asyncio.run(main())


def ordinary(body: bytes | Reply = b"{}") -> MetadataServer:
    return MetadataServer(documents={DOCUMENT: body})


def in_turn(replies: list[Reply]) -> Handler:
    """Tokens, and to questions these replies one after the other."""
    return lambda request: Reply(body=b"token") if request.method == "PUT" else replies.pop(0)


def test_S9_document_is_read_with_a_token_that_was_asked_for_with_its_ttl() -> None:
    async def scene(given: Bench) -> None:
        assert await given.imds.get(DOCUMENT) == b'{"action":"stop"}'
        put, get = given.server.requests
        assert (put.method, put.path) == ("PUT", TOKEN_PATH)
        assert put.header(f"{TOKEN_HEADER}-ttl-seconds") == ["3600"]
        assert get.header(TOKEN_HEADER) == ["token-1=="]

    play(scene, ordinary(b'{"action":"stop"}'))


def test_needs_W29_many_polls_of_documents_and_404s_use_one_connection_and_one_token() -> None:
    handler = ordinary()

    async def scene(given: Bench) -> None:
        for _ in range(10):
            assert await given.imds.get(DOCUMENT) == b"{}"
            assert await given.imds.get("/latest/meta-data/nothing") is None
        assert given.server.connections == 1
        assert handler.issued == 1

    play(scene, handler)


def test_concurrent_questions_take_turns_on_the_one_connection() -> None:
    async def scene(given: Bench) -> None:
        answers = await asyncio.gather(*(given.imds.get(DOCUMENT) for _ in range(5)))
        assert answers == [b"{}"] * 5
        assert given.server.connections == 1

    play(scene, ordinary())


def test_ipv6_endpoint_and_a_path_in_front() -> None:
    handler = MetadataServer(documents={"/prefix/doc": b"x"}, tokens_required=False)

    async def scene(given: Bench) -> None:
        imds = Imds(f"{given.server.url}/prefix/", given.clock, tries=1, jitter=lambda: 0.0)
        assert given.server.url.startswith("http://[::1]:")
        assert await imds.get("/doc") == b"x"
        assert given.server.requests[-1].header("host") == [given.server.url.removeprefix("http://")]
        await imds.close()

    play(scene, handler, host="::1")


def test_connection_closed_between_polls_is_no_failure() -> None:
    async def scene(given: Bench) -> None:
        assert await given.imds.get(DOCUMENT) == b"{}"
        given.server.drop_connections()
        await asyncio.sleep(0.05)
        assert await given.imds.get(DOCUMENT) == b"{}"
        assert given.server.connections == 2

    play(scene, ordinary(), slow=True)


def test_connection_that_the_server_closes_on_the_next_request_is_no_failure() -> None:
    replies = [Reply(body=b"1"), Reply(raw=b"", close=True), Reply(body=b"2")]

    async def scene(given: Bench) -> None:
        assert await given.imds.get(DOCUMENT) == b"1"
        assert await given.imds.get(DOCUMENT) == b"2"
        assert given.server.connections == 2
        assert len(given.server.asked("GET", DOCUMENT)) == 3

    play(scene, in_turn(replies))


def test_new_connection_that_the_server_closes_too_is_a_failure() -> None:
    replies = [Reply(), Reply(raw=b"", close=True), Reply(raw=b"", close=True)]

    async def scene(given: Bench) -> None:
        await given.imds.get(DOCUMENT)
        assert await given.failure() == "the connection was closed without an answer"
        assert replies == []

    play(scene, in_turn(replies))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(
            Reply(
                raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"
            ),
            id="chunked",
        ),
        pytest.param(
            Reply(raw=b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]"),
            id="with an answer in between",
        ),
        pytest.param(Reply(body=b"[1,2]", headers=(("Content-Encoding", "gzip"),)), id="not unpacked"),
    ],
)
def test_needs_W29_whole_answers_leave_the_connection_open(reply: Reply) -> None:
    async def scene(given: Bench) -> None:
        for _ in range(3):
            assert await given.imds.get(DOCUMENT) == b"[1,2]"
        assert given.server.connections == 1

    play(scene, ordinary(reply))


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
    async def scene(given: Bench) -> None:
        for _ in range(2):
            assert await given.imds.get(DOCUMENT) == b"x"
        assert given.server.connections == 2

    play(scene, ordinary(reply))


def test_close_and_go_on() -> None:
    async def scene(given: Bench) -> None:
        assert await given.imds.get(DOCUMENT) == b"{}"
        await given.imds.close()
        await given.imds.close()
        assert await given.imds.get(DOCUMENT) == b"{}"
        assert given.server.connections == 2

    play(scene, ordinary())


def test_only_the_headers_that_are_needed_and_no_cookies_are_sent() -> None:
    async def scene(given: Bench) -> None:
        for _ in range(2):
            await given.imds.get(DOCUMENT)
        authority = given.server.url.removeprefix("http://")
        for get in given.server.asked("GET", DOCUMENT):
            assert sorted(get.headers) == [
                ("accept", "*/*"),
                ("host", authority),
                (TOKEN_HEADER.lower(), "token-1=="),
            ]

    play(scene, ordinary(Reply(body=b"{}", headers=(("Set-Cookie", "a=b"),))))


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)

    async def scene(given: Bench) -> None:
        assert await given.imds.get(DOCUMENT) == b"{}"

    play(scene, ordinary())


# --- tokens


def test_S9_token_is_renewed_15_s_before_its_end() -> None:
    handler = ordinary()

    async def scene(given: Bench) -> None:
        await given.imds.get(DOCUMENT)
        given.clock.at += 3584
        await given.imds.get(DOCUMENT)
        assert handler.issued == 1
        given.clock.at += 1
        await given.imds.get(DOCUMENT)
        assert handler.issued == 2
        assert given.server.requests[-1].header(TOKEN_HEADER) == ["token-2=="]

    play(scene, handler)


def test_S9_token_lives_as_long_as_the_service_says() -> None:
    handler = ordinary()
    handler.ttl_seconds = 60

    async def scene(given: Bench) -> None:
        await given.imds.get(DOCUMENT)
        given.clock.at += 45
        await given.imds.get(DOCUMENT)
        assert handler.issued == 2

    play(scene, handler)


def test_S9_while_no_new_token_can_be_had_the_old_one_serves_to_its_end() -> None:
    handler = ordinary()

    async def scene(given: Bench) -> None:
        await given.imds.get(DOCUMENT)
        handler.token_reply = Reply(status=503)
        given.clock.at += 3590
        assert await given.imds.get(DOCUMENT) == b"{}"
        given.clock.at += 10
        assert await given.failure() == "it answered 401; no token: it answered 503 to the request for one"
        handler.token_reply = None
        assert await given.imds.get(DOCUMENT) == b"{}"

    play(scene, handler)


def test_needs_W31_one_401_is_answered_with_a_fresh_token_in_a_clean_header() -> None:
    handler = ordinary()

    async def scene(given: Bench) -> None:
        await given.imds.get(DOCUMENT)
        handler.valid = "revoked"
        assert await given.imds.get(DOCUMENT) == b"{}"
        assert [r.header(TOKEN_HEADER) for r in given.server.asked("GET", DOCUMENT)] == [
            ["token-1=="],
            ["token-1=="],
            ["token-2=="],
        ]
        assert given.server.connections == 1

    play(scene, handler)


def test_needs_W31_401_for_ever_costs_two_questions_a_poll_and_is_silence() -> None:
    async def scene(given: Bench) -> None:
        for _ in range(2):
            assert await given.failure() == "it answered 401"
        assert len(given.server.asked("GET", DOCUMENT)) == 4
        assert len(given.server.asked("PUT", TOKEN_PATH)) == 4

    play(scene, ordinary(Reply(status=401)), tries=3)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 500, 501])
def test_S9_needs_W31_without_a_token_imdsv1_is_used_with_one_warning(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    handler = ordinary()
    handler.tokens_required = False
    handler.token_reply = Reply(status=status)

    async def scene(given: Bench) -> None:
        for _ in range(5):
            assert await given.imds.get(DOCUMENT) == b"{}"
        assert given.server.requests[-1].header(TOKEN_HEADER) == []
        assert len(given.server.asked("PUT", TOKEN_PATH)) == 1
        assert given.server.connections == 1

    play(scene, handler)
    assert [(r.name, r.levelname) for r in caplog.records] == [("nth.imds", "WARNING")]
    assert caplog.messages == [
        f"Falling back to IMDSv1: no token, it answered {status} to the request for one"
    ]


def test_needs_W31_a_page_instead_of_a_token_is_no_token() -> None:
    handler = ordinary()
    handler.tokens_required = False
    handler.token_reply = Reply(body=b"<html>\n hello</html>")

    async def scene(given: Bench) -> None:
        assert await given.imds.get(DOCUMENT) == b"{}"
        assert given.server.requests[-1].header(TOKEN_HEADER) == []

    play(scene, handler)


def test_S9_a_token_is_asked_for_again_later_and_the_way_back_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    handler = ordinary()
    handler.tokens_required = False
    handler.token_reply = Reply(status=403)

    async def scene(given: Bench) -> None:
        await given.imds.get(DOCUMENT)
        given.clock.at += 301
        await given.imds.get(DOCUMENT)
        handler.token_reply = None
        await given.imds.get(DOCUMENT)
        assert len(given.server.asked("PUT", TOKEN_PATH)) == 2
        given.clock.at += 301
        await given.imds.get(DOCUMENT)
        assert given.server.requests[-1].header(TOKEN_HEADER) == ["token-1=="]

    play(scene, handler)
    ours = [record for record in caplog.records if record.name == "nth.imds"]
    assert [record.levelname for record in ours] == ["WARNING", "INFO"]
    assert ours[-1].message == "Back to IMDSv2: the metadata service gives tokens again"


def test_needs_W31_imdsv1_switched_off_under_way_is_met_with_a_token_at_once() -> None:
    handler = ordinary()
    handler.tokens_required = False
    handler.token_reply = Reply(status=404)

    async def scene(given: Bench) -> None:
        assert await given.imds.get(DOCUMENT) == b"{}"
        handler.tokens_required, handler.token_reply = True, None
        assert await given.imds.get(DOCUMENT) == b"{}"

    play(scene, handler)


def test_needs_W31_token_that_times_out_names_the_hop_limit_and_falls_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = ordinary()
    handler.tokens_required = False
    handler.token_reply = Reply(hang=True)

    async def scene(given: Bench) -> None:
        assert await given.imds.get(DOCUMENT) == b"{}"
        before = asyncio.get_running_loop().time()
        assert await given.imds.get(DOCUMENT) == b"{}"
        assert asyncio.get_running_loop().time() - before < 1.0

    play(scene, handler, slow=True)
    (message,) = caplog.messages
    assert message.startswith("Falling back to IMDSv1: no token, no answer in time (a pod outside the host")
    assert "hop limit of at least 2" in message


def test_needs_W31_token_that_times_out_where_tokens_are_required_names_the_hop_limit() -> None:
    handler = ordinary()
    handler.token_reply = Reply(hang=True)

    async def scene(given: Bench) -> None:
        reason = await given.failure()
        assert reason.startswith(
            "it answered 401; no token: no answer in time (a pod outside the host network"
        )
        assert await given.failure() == reason
        assert len(given.server.asked("PUT", TOKEN_PATH)) == 2

    play(scene, handler, slow=True)


# --- bad answers


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(Reply(status=400), "it answered 400", id="400"),
        pytest.param(
            Reply(status=403),
            "it answered 403 (access to the metadata service is off for this instance, "
            "or a firewall answers)",
            id="403",
        ),
        pytest.param(Reply(status=302, headers=(("Location", "/"),)), "it answered 302", id="redirect"),
        pytest.param(Reply(status=429), "it answered 429", id="429"),
        pytest.param(Reply(status=500), "it answered 500", id="500"),
        pytest.param(Reply(status=503, body=b"x" * 9000), "it answered 503", id="503"),
        pytest.param(Reply(body=b'{"action": "te', cut_at=5), "the answer was cut off", id="truncated"),
        pytest.param(
            Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Le", close=True),
            "the connection was closed without an answer",
            id="truncated head",
        ),
        pytest.param(
            Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "the answer is not HTTP",
            id="no chunk",
        ),
        pytest.param(Reply(body=b"x" * 65_537), "the answer is larger than 65536 bytes", id="too large"),
        pytest.param(Reply(raw=b"SSH-2.0-OpenSSH\r\n\r\n"), "the answer is not HTTP", id="not HTTP"),
        pytest.param(Reply(raw=b"", close=True), "the connection was closed without an answer", id="closed"),
    ],
)
def test_needs_W14_bad_answer_is_silence_and_the_next_poll_is_not_affected(reply: Reply, reason: str) -> None:
    handler = ordinary(reply)

    async def scene(given: Bench) -> None:
        assert await given.failure() == reason
        assert await given.failure() == reason
        handler.documents[DOCUMENT] = b"{}"
        assert await given.imds.get(DOCUMENT) == b"{}"

    play(scene, handler)


def test_largest_allowed_answer_is_read() -> None:
    async def scene(given: Bench) -> None:
        assert await given.imds.get(DOCUMENT) == b"x" * 65_536

    play(scene, ordinary(b"x" * 65_536))


def test_nobody_listens() -> None:
    async def scene(given: Bench) -> None:
        async with serving(ordinary()) as gone:
            url = gone.url
        imds = Imds(url, given.clock, tries=3, jitter=lambda: 0.0)
        with pytest.raises(Silent, match=r"^connection refused$"):
            await imds.get(DOCUMENT)

    play(scene, ordinary(), slow=True)


@pytest.mark.parametrize(
    "reply", [pytest.param(Reply(hang=True), id="silent"), pytest.param(Reply(drip_seconds=0.5), id="drip")]
)
def test_S10_an_answer_that_takes_more_than_2_s_is_silence(reply: Reply) -> None:
    handler = ordinary(reply)

    async def scene(given: Bench) -> None:
        before = asyncio.get_running_loop().time()
        assert await given.failure() == "no answer in time"
        assert 2.0 <= asyncio.get_running_loop().time() - before < 3.0
        # What is left of the late answer must not be taken for the next one.
        handler.documents[DOCUMENT] = b"{}"
        assert await given.imds.get(DOCUMENT) == b"{}"
        assert given.server.connections == 2

    play(scene, handler, slow=True)


def test_S10_a_silent_service_costs_no_more_than_4_s_a_poll_and_names_the_hop_limit() -> None:
    async def scene(given: Bench) -> None:
        for _ in range(2):
            before = asyncio.get_running_loop().time()
            assert (await given.failure()).startswith("no answer in time (a pod outside the host network")
            assert asyncio.get_running_loop().time() - before < GET_SECONDS + 1

    play(scene, lambda request: Reply(hang=True), tries=100, slow=True)


def test_S10_busy_service_is_tried_again_after_short_pauses() -> None:
    replies = [Reply(status=503), Reply(status=500), Reply(body=b"{}")]

    async def scene(given: Bench) -> None:
        before = asyncio.get_running_loop().time()
        assert await given.imds.get(DOCUMENT) == b"{}"
        # Pauses of 0.1 and 0.2 s.
        assert 0.3 <= asyncio.get_running_loop().time() - before < 1.0

    play(scene, in_turn(replies), tries=3, slow=True)


@pytest.mark.parametrize("tries", [1, 3])
def test_S10_metadata_tries_is_how_often_it_is_asked(tries: int) -> None:
    async def scene(given: Bench) -> None:
        assert await given.failure() == "it answered 503"
        assert len(given.server.asked("GET", DOCUMENT)) == tries

    play(scene, ordinary(Reply(status=503)), tries=tries, slow=True)


def test_what_will_not_change_in_a_moment_is_not_tried_again() -> None:
    async def scene(given: Bench) -> None:
        assert "403" in await given.failure()
        assert len(given.server.asked("GET", DOCUMENT)) == 1

    play(scene, ordinary(Reply(status=403)), tries=3)


def test_host_that_cannot_be_one_is_silence() -> None:
    async def scene(given: Bench) -> None:
        imds = Imds("http://a..b", given.clock, tries=1, jitter=lambda: 0.0)
        with pytest.raises(MetadataError, match="no such host"):
            await imds.get(DOCUMENT)

    play(scene, ordinary())
