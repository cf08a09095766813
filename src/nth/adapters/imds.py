"""The EC2 instance metadata service: tokens, retries, time limits. It implements `ports.MetadataService`.

It gives bytes; `core.notices.imds` reads them. It raises failures and does not log them: the source
does, once. Only what concerns tokens is logged here, once until it changes.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
"""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache

import httpx2

from nth.core.backoff import Backoff
from nth.errors import Silent
from nth.ports import Clock

logger = logging.getLogger("nth.imds")

SESSION_PATH = "/latest/api/token"
SESSION_HEADER = "X-aws-ec2-metadata-token"
SESSION_TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_TTL_SECONDS = 3600
TOKEN_MARGIN_SECONDS = 15.0
"""A token is renewed that long before its end."""
TOKENLESS_SECONDS = 300.0
"""Where the service serves IMDSv1 and gives no token, a token is asked for again after this time."""
REQUEST_SECONDS = 2.0
GET_SECONDS = 4.0
"""The limit for one document with all its tries and the token: of the 120 s that a Spot notice leaves."""
BACKOFF = Backoff(0.1, GET_SECONDS)
MAX_BODY_BYTES = 64 * 1024
REQUESTS_KEPT = 8
"""More than there are documents to watch: a request that goes out every second is built once per token."""

NO_ANSWER = "no answer in time"
HOP_LIMIT = (
    "a pod outside the host network needs an instance metadata hop limit of at least 2 "
    "(HttpPutResponseHopLimit)"
)
HINTS = {403: " (access to the metadata service is off for this instance, or a firewall answers)"}
BROKEN_ANSWERS = (
    ("Server disconnected", "the connection was closed without an answer"),
    ("peer closed connection", "the answer was cut off"),
    ("", "the answer is not HTTP"),
)
"""How the library's message about a broken answer begins, and our words for it."""


class _Busy(Silent):
    """Another try may succeed in a moment."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A whole answer, whatever its status."""

    status: int
    headers: httpx2.Headers
    body: bytes


class Imds:
    """The metadata service at `base_url`, asked over one kept-alive connection.

    `tries` per document; `jitter` gives numbers in [0, 1) that spread the pauses between them.
    """

    def __init__(self, base_url: str, clock: Clock, *, tries: int, jitter: Callable[[], float]) -> None:
        self._base_url = base_url.rstrip("/")
        self._transport = _transport(base_url)
        self._request_of = lru_cache(maxsize=REQUESTS_KEPT)(self._new_request)
        self._clock = clock
        self._tries = tries
        self._jitter = jitter
        self._turn = asyncio.Lock()
        self._token = ""
        self._renew_at = 0.0
        self._tokenless_until_at = 0.0
        self._token_problem = ""
        self._announced_problem = ""

    async def get(self, path: str) -> bytes | None:
        """Returns the document, None if there is none (404); raises Silent within `GET_SECONDS` otherwise."""
        async with self._turn:
            try:
                async with asyncio.timeout(GET_SECONDS):
                    return await self._get_with_tries(path)
            except TimeoutError as error:
                raise self._silent(_Busy(NO_ANSWER)) from error
            except Silent as error:
                raise self._silent(error) from error

    async def close(self) -> None:
        """Close the connection."""
        await self._transport.aclose()

    def _silent(self, error: Silent) -> Silent:
        # A user who reads "401" needs to know that no token could be had, and why.
        if self._token or not self._token_problem:
            return Silent(str(error))
        if self._token_problem.startswith(str(error)):
            return Silent(self._token_problem)
        return Silent(f"{error}; no token: {self._token_problem}")

    async def _get_with_tries(self, path: str) -> bytes | None:
        for failures in range(1, self._tries):
            try:
                return await self._get_once(path)
            except _Busy:
                await asyncio.sleep(BACKOFF.pause_seconds(failures) * (0.5 + self._jitter()))
        return await self._get_once(path)

    async def _get_once(self, path: str) -> bytes | None:
        knew_way = self._knows_way()
        answer = await self._ask(path)
        if answer.status == 401 and (knew_way or self._token):
            # The token was revoked, or IMDSv1 has been switched off: once more with a fresh token.
            self._forget_token()
            answer = await self._ask(path)
        if answer.status in (200, 404):
            self._note_usable()
            return answer.body if answer.status == 200 else None
        if answer.status == 401:
            self._forget_token()
        failure = _Busy if answer.status == 429 or answer.status >= 500 else Silent
        raise failure(f"it answered {answer.status}{HINTS.get(answer.status, '')}")

    async def _ask(self, path: str) -> _Answer:
        if not self._knows_way():
            await self._fetch_token()
        return await self._request("GET", path, SESSION_HEADER, self._token)

    def _knows_way(self) -> bool:
        """Returns whether it is known how to ask: with the token in hand, or without one."""
        return self._clock.now() < (self._renew_at if self._token else self._tokenless_until_at)

    def _forget_token(self) -> None:
        self._token, self._tokenless_until_at = "", 0.0

    async def _fetch_token(self) -> None:
        """Get a token if one can be had; if not, the answer to a GET without one decides the rest."""
        if self._clock.now() >= self._renew_at + TOKEN_MARGIN_SECONDS:
            self._forget_token()
        try:
            answer = await self._request("PUT", SESSION_PATH, SESSION_TTL_HEADER, str(TOKEN_TTL_SECONDS))
        except Silent as error:
            self._token_problem = f"{error} ({HOP_LIMIT})" if str(error) == NO_ANSWER else str(error)
            return
        token = answer.body.decode("latin-1").strip()
        if answer.status != 200 or not _is_token(token):
            self._token_problem = f"it answered {answer.status} to the request for one"
            return
        self._token, self._token_problem = token, ""
        self._renew_at = self._clock.now() + _ttl_seconds(answer) - TOKEN_MARGIN_SECONDS

    async def _request(self, method: str, path: str, header: str, value: str) -> _Answer:
        try:
            request = self._request_of(method, path, header, value)
            async with asyncio.timeout(REQUEST_SECONDS):
                return await self._exchange(request)
        except TimeoutError as error:
            raise _Busy(NO_ANSWER) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _Busy(_words(error)) from error

    def _new_request(self, method: str, path: str, header: str, value: str) -> httpx2.Request:
        headers = {"Accept": "*/*", header: value} if value else {"Accept": "*/*"}
        return httpx2.Request(method, self._base_url + path, headers=headers)

    async def _exchange(self, request: httpx2.Request) -> _Answer:
        try:
            response = await self._transport.handle_async_request(request)
        except (httpx2.ReadError, httpx2.RemoteProtocolError):
            # The connection had been idle too long for the server: that tells nothing of a new one.
            response = await self._transport.handle_async_request(request)
        return _Answer(response.status_code, response.headers, await _body(response))

    def _note_usable(self) -> None:
        """Note that the service works, and log a fall-back: while nothing works at all, there is none."""
        if not self._token and not self._knows_way():
            self._tokenless_until_at = self._clock.now() + TOKENLESS_SECONDS
        problem = "" if self._token else self._token_problem
        if problem and problem != self._announced_problem:
            fields = {"reason": problem}
            logger.warning("Falling back to IMDSv1: no token, %s", problem, extra={"fields": fields})
        if self._announced_problem and not problem:
            logger.info("Back to IMDSv2: the metadata service gives tokens again")
        self._announced_problem = problem


def _transport(base_url: str) -> httpx2.AsyncHTTPTransport:
    """Returns one connection, without the library's client, which would keep cookies and log each request."""
    # Reading all certificates takes memory and time that plain HTTP has no use for.
    tls = base_url.startswith("https:")
    return httpx2.AsyncHTTPTransport(
        verify=ssl.create_default_context() if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=False,
        limits=httpx2.Limits(max_connections=1, keepalive_expiry=None),
    )


async def _body(response: httpx2.Response) -> bytes:
    body = bytearray()
    async with aclosing(response), aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise _Busy(f"the answer is larger than {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _words(error: Exception) -> str:
    """Words an error, as `connection refused`: without addresses and numbers, which differ each time."""
    if isinstance(error, httpx2.ProtocolError):
        return next(words for begin, words in BROKEN_ANSWERS if str(error).startswith(begin))
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None:
            return _words_of_system(cause, cause.errno)
        cause = cause.__cause__ or cause.__context__
    return (str(error) or type(error).__name__).lower()


def _words_of_system(error: OSError, number: int) -> str:
    if number == socket.EAI_NONAME:
        return "no such host"
    # Name look-up and TLS number their errors themselves.
    own_numbers = isinstance(error, socket.gaierror | ssl.SSLError)
    return (str(error.strerror) if own_numbers else os.strerror(number)).lower()


def _is_token(text: str) -> bool:
    # It has to fit into a header's value, and cannot be a page of HTML.
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _ttl_seconds(answer: _Answer) -> float:
    granted = answer.headers.get(SESSION_TTL_HEADER, "")
    return float(granted) if granted.isdecimal() and granted.isascii() else TOKEN_TTL_SECONDS
