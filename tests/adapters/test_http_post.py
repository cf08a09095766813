"""Posting over real sockets: directly, through a proxy, and when something is wrong with the other side."""

import asyncio
import contextlib
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nth import __version__
from nth.adapters.http_post import HttpPost
from nth.report.webhook.post_retries import PostAnswer
from tests.servers.http import Reply
from tests.servers.posts import Proxy, Receiver, SocksProxy, listening
from tests.servers.tls import loopback

HEADERS = {"Content-type": "application/json", "Idempotency-Key": "k-1"}
BODY = '{"text": "für später"}'.encode()
SECRET = "/services/T000/B000/secret"


@contextlib.asynccontextmanager
async def receiver(reply: Reply | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    state = Receiver(reply=reply or Reply())
    async with listening(state.serve, tls) as port:
        state.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{SECRET}"
        yield state


@contextlib.asynccontextmanager
async def a_proxy(refuse: bytes = b"") -> AsyncIterator[Proxy]:
    state = Proxy(refuse=refuse)
    async with listening(state.serve) as port:
        state.url = f"http://127.0.0.1:{port}"
        yield state


async def post(
    url: str, proxy: str = "", *, seconds: float = 5.0, tls: ssl.SSLContext | None = None
) -> PostAnswer:
    return await HttpPost(url, proxy, seconds=seconds, tls=tls).post(BODY, HEADERS)


def no_secret_in(answer: PostAnswer) -> bool:
    return "secret" not in answer.reason and "services" not in answer.reason


def test_W1_post_arrives_with_headers_and_body() -> None:
    async def scene() -> None:
        async with receiver() as server:
            assert await post(server.url) == PostAnswer(status=200)
            (request,) = server.requests
            assert (request.method, request.target, request.body) == ("POST", SECRET, BODY)
            assert request.headers["content-type"] == "application/json"
            assert request.headers["idempotency-key"] == "k-1"
            assert request.headers["content-length"] == str(len(BODY))

    asyncio.run(scene())


def test_W4_a_post_names_its_sender_unless_a_header_of_the_setting_does() -> None:
    async def scene() -> None:
        async with receiver() as server:
            await post(server.url)
            await HttpPost(server.url).post(BODY, {**HEADERS, "user-agent": "ours"})
            first, second = server.requests
            assert first.headers["user-agent"] == f"aws-node-termination-handler/{__version__}"
            assert second.headers["user-agent"] == "ours"

    asyncio.run(scene())


def test_status_and_retry_after_are_what_the_receiver_says() -> None:
    async def scene() -> None:
        async with receiver(Reply(status=429, headers=(("Retry-After", "7"),))) as server:
            assert await post(server.url) == PostAnswer(status=429, retry_after="7")
        async with receiver(Reply(status=307, headers=(("Location", server.url),))) as server:
            assert await post(server.url) == PostAnswer(status=307)
            assert len(server.requests) == 1

    asyncio.run(scene())


def test_W1_receiver_that_hangs_is_given_up_in_time_and_its_connection_is_closed() -> None:
    async def scene() -> None:
        async with receiver(Reply(hang=True)) as server:
            answer = await post(server.url, seconds=0.2)
            assert answer == PostAnswer(reason="no answer within 0.2 s")
            for _ in range(100):
                if not server.open:
                    break
                await asyncio.sleep(0.01)
            assert server.open == 0

    asyncio.run(scene())


def test_answer_is_not_waited_for_beyond_its_status() -> None:
    async def scene() -> None:
        endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx"
        async with receiver(Reply(raw=endless)) as server:
            assert await post(server.url, seconds=2.0) == PostAnswer(status=200)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(raw=b"SSH-2.0-OpenSSH\r\n\r\n"), "the connection was closed, or the answer is not HTTP"),
        (Reply(raw=b"HTTP/1.1 2"), "no answer within 0.3 s"),
    ],
)
def test_what_is_not_http_is_an_answer_too(reply: Reply, reason: str) -> None:
    async def scene() -> None:
        async with receiver(reply) as server:
            assert await post(server.url, seconds=0.3) == PostAnswer(reason=reason)

    asyncio.run(scene())


def test_receiver_that_is_not_there_is_named_without_its_url() -> None:
    async def scene() -> None:
        async with receiver() as server:
            url = server.url
        answer = await post(url)
        assert answer.status == 0
        assert answer.reason.startswith("cannot connect: ")
        assert no_secret_in(answer)
        answer = await post(f"http://no-such-host.invalid{SECRET}")
        assert answer.reason.startswith("cannot connect: ")
        assert no_secret_in(answer)

    asyncio.run(scene())


def test_W5_T26_post_goes_through_the_proxy_with_its_absolute_uri() -> None:
    async def scene() -> None:
        async with receiver() as server, a_proxy() as proxy:
            assert (await post(server.url, proxy.url)).ok
            assert proxy.asked == [f"POST {server.url}"]
            (request,) = server.requests
            assert (request.target, request.body) == (SECRET, BODY)

    asyncio.run(scene())


def test_W5_https_goes_through_a_tunnel_of_the_proxy_which_sees_only_the_host(tmp_path: Path) -> None:
    async def scene() -> None:
        certificate = loopback(tmp_path)
        async with receiver(tls=certificate.theirs) as server, a_proxy() as proxy:
            credentials = proxy.url.replace("http://", "http://user:word@")
            assert (await post(server.url, credentials, tls=certificate.ours)).ok
            host = server.url.removeprefix("https://").removesuffix(SECRET)
            assert proxy.asked == [f"CONNECT {host}"]
            assert proxy.credentials == ["Basic dXNlcjp3b3Jk"]
            assert server.requests[0].body == BODY

    asyncio.run(scene())


def test_certificate_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        certificate = loopback(tmp_path)
        async with receiver(tls=certificate.theirs) as server:
            answer = await post(server.url)
            assert "certificate" in answer.reason.lower()
            assert no_secret_in(answer)
            assert not server.requests

    asyncio.run(scene())


def test_W5_proxy_that_refuses_is_said_so() -> None:
    async def scene() -> None:
        refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        async with a_proxy(refusal) as proxy:
            answer = await post(f"https://hooks.example{SECRET}", proxy.url)
            assert answer == PostAnswer(reason="the proxy does not connect us: it answers 407")
            assert proxy.asked == ["CONNECT hooks.example:443"]

    asyncio.run(scene())


def test_W5_tcp_is_an_http_proxy_as_in_the_originals_own_help(tmp_path: Path) -> None:
    async def scene() -> None:
        certificate = loopback(tmp_path)
        async with receiver() as server, receiver(tls=certificate.theirs) as secure, a_proxy() as proxy:
            named = proxy.url.replace("http://", "tcp://")
            assert (await post(server.url, named)).ok
            assert (await post(secure.url, named, tls=certificate.ours)).ok
            host = secure.url.removeprefix("https://").removesuffix(SECRET)
            assert proxy.asked == [f"POST {server.url}", f"CONNECT {host}"]
            assert [each.body for each in (*server.requests, *secure.requests)] == [BODY, BODY]

    asyncio.run(scene())


@contextlib.asynccontextmanager
async def a_socks_proxy(
    *, login: str = "", answer: bytes = b"", method: int | None = None
) -> AsyncIterator[SocksProxy]:
    state = SocksProxy(login=login, answer=answer, method=method)
    async with listening(state.serve) as port:
        state.url = f"127.0.0.1:{port}"
        yield state


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_W5_post_goes_through_a_socks_proxy_which_resolves_the_name(scheme: str) -> None:
    async def scene() -> None:
        async with receiver() as server, a_socks_proxy() as proxy:
            port = server.url.split(":")[2].split("/")[0]
            for host in ("hooks.example", "127.0.0.1", "[::1]"):
                url = server.url.replace("127.0.0.1", host)
                assert await post(url, f"{scheme}://{proxy.url}") == PostAnswer(status=200)
            assert proxy.asked == [f"{host}:{port}" for host in ("hooks.example", "127.0.0.1", "::1")]
            assert {each.target for each in server.requests} == {SECRET}
            assert {each.body for each in server.requests} == {BODY}

    asyncio.run(scene())


def test_W5_https_goes_through_a_socks_proxy_with_a_password(tmp_path: Path) -> None:
    async def scene() -> None:
        certificate = loopback(tmp_path)
        async with receiver(tls=certificate.theirs) as server, a_socks_proxy(login="us@er:wo:rd") as proxy:
            assert (await post(server.url, f"socks5://us%40er:wo%3Ard@{proxy.url}", tls=certificate.ours)).ok
            assert proxy.logins == ["us@er:wo:rd"]
            assert server.requests[0].body == BODY

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x05\x04\x00\x01" + bytes(6), "host unreachable"),
        (b"\x05\x63\x00\x01" + bytes(6), "it does not say why"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it does not speak SOCKS5"),
        (b"\x05\x00", "it closed the connection"),
        (b"\x05\x00\x00\x07" + bytes(6), "it does not speak SOCKS5"),
    ],
)
def test_W5_socks_proxy_that_does_not_connect_is_said_so(answer: bytes, words: str) -> None:
    async def scene() -> None:
        async with a_socks_proxy(answer=answer) as proxy:
            said = await post(f"https://hooks.example{SECRET}", f"socks5://{proxy.url}")
            assert said == PostAnswer(reason=f"the proxy does not connect us: {words}")
            assert proxy.asked == ["hooks.example:443"]

    asyncio.run(scene())


def test_W5_socks_proxy_that_wants_another_login_is_said_so() -> None:
    async def scene() -> None:
        async with receiver() as server, a_socks_proxy(login="user:word") as proxy:
            wrong = await post(server.url, f"socks5://user:other@{proxy.url}")
            assert wrong.reason.endswith("it does not accept the user name and the password")
            without = await post(server.url, f"socks5://{proxy.url}")
            assert without.reason.endswith("it wants a user name and a password")
            long = await post(server.url, f"socks5://{'u' * 256}:word@{proxy.url}")
            assert long.reason.endswith("its user name or password is longer than 255 bytes")
            assert server.requests == []
        async with receiver() as server, a_socks_proxy() as proxy:
            assert (await post(server.url, f"socks5://user:word@{proxy.url}")).ok
            assert proxy.logins == [], "it wants none"
        async with a_socks_proxy(method=1) as proxy:
            said = await post("http://hooks.example", f"socks5://user:word@{proxy.url}")
            assert said.reason.endswith("it wants another way to log in")

    asyncio.run(scene())


def test_what_socks_needs_is_imported_only_for_such_a_proxy() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, nth.adapters.http_post; print('nth.adapters.socks5' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "False\n"


def test_W5_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with receiver() as server, a_proxy() as proxy:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"):
                monkeypatch.setenv(name, proxy.url)
            assert (await post(server.url)).ok
            assert proxy.asked == []

    asyncio.run(scene())


def test_url_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no usable URL"):
        HttpPost("http://[::1")
