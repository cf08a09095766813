"""One kept-alive HTTP/1.1 connection to one server, for small requests asked every second.

A third of the CPU of a general client, which matters on every node (see `imds`). It knows nothing
of what it asks; it has no time limit of its own (the caller sets one) and never logs.
https://www.rfc-editor.org/rfc/rfc9112
"""

import asyncio
import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

MAX_BODY_BYTES = 64 * 1024
READ_BYTES = 16 * 1024

Headers = Iterable[tuple[str, str]]


class HttpError(Exception):
    """No whole HTTP answer came. The text is the same each time for the same cause."""


class _ClosedError(HttpError):
    """The server closed the connection before the first byte of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


class Http1Connection:
    """At most one connection at a time. Not for concurrent use."""

    def __init__(self, base_url: str) -> None:
        """`base_url`: `http://169.254.169.254`, `http://[fd00:ec2::254]`, `http://host:1338/prefix`."""
        url = urlsplit(base_url)
        self._tls = url.scheme == "https"
        self._host = url.hostname or ""
        self._port = url.port or (443 if self._tls else 80)
        self._authority = url.netloc.rpartition("@")[2]
        self._prefix = url.path.rstrip("/")
        self._stream: _Stream | None = None

    async def request(self, method: str, path: str, headers: Headers) -> Answer:
        """Ask; the request must be one that may be asked twice. HttpError if no whole answer came."""
        request = h11.Request(
            method=method,
            target=self._prefix + path,
            headers=[("Host", self._authority), ("Accept", "*/*"), *headers],
        )
        kept, self._stream = self._stream, None
        if kept is not None and not kept.usable():
            kept.close()
        elif kept is not None:
            with contextlib.suppress(_ClosedError):
                return await self._exchange(kept, request)
            # It had been idle too long for the server: that tells nothing of a new one.
        return await self._exchange(await self._connect(), request)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._stream is not None:
            self._stream.close()
        self._stream = None

    async def _connect(self) -> "_Stream":
        try:
            return _Stream(
                *await asyncio.open_connection(self._host, self._port, ssl=True if self._tls else None)
            )
        except (OSError, UnicodeError) as error:
            raise HttpError(_words(error)) from error

    async def _exchange(self, stream: "_Stream", request: h11.Request) -> Answer:
        # Also when the caller's time is up: half an answer must not be taken for the next one.
        try:
            answer = await stream.exchange(request)
        except BaseException:
            stream.close()
            raise
        self._stream = stream
        return answer


class _Stream:
    """A connection and its place in the protocol."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.CLIENT)

    def usable(self) -> bool:
        """Whether another request may be sent, as far as can be seen from here."""
        return (
            self._protocol.our_state is h11.IDLE
            and not self._reader.at_eof()
            and not self._writer.is_closing()
        )

    def close(self) -> None:
        self._writer.transport.abort()

    async def exchange(self, request: h11.Request) -> Answer:
        self._writer.write(
            (self._protocol.send(request) or b"") + (self._protocol.send(h11.EndOfMessage()) or b"")
        )
        try:
            head = await self._head()
        except OSError as error:
            raise _ClosedError(_words(error)) from error
        try:
            body = await self._body()
        except OSError as error:
            raise HttpError(_words(error)) from error
        if self._protocol.our_state is h11.DONE and not self._protocol.trailing_data[0]:
            self._protocol.start_next_cycle()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        return Answer(head.status_code, headers, body)

    async def _head(self) -> h11.Response:
        while True:
            event = await self._event(_ClosedError("the connection was closed without an answer"))
            if isinstance(event, h11.Response):
                return event

    async def _body(self) -> bytes:
        body = bytearray()
        while True:
            event = await self._event(HttpError("the answer was cut off"))
            if isinstance(event, h11.EndOfMessage):
                return bytes(body)
            if isinstance(event, h11.Data):
                body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise HttpError(f"the answer is larger than {MAX_BODY_BYTES} bytes")

    async def _event(self, if_closed: HttpError) -> object:
        """The next event of the answer; raises `if_closed` when the server hung up in it."""
        ended = False
        try:
            while (event := self._protocol.next_event()) is h11.NEED_DATA:
                data = await self._reader.read(READ_BYTES)
                ended = not data
                self._protocol.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise (if_closed if ended else HttpError("the answer is not HTTP")) from error
        return event


def _words(error: OSError | UnicodeError) -> str:
    """`connection refused`: without addresses and numbers, which differ from one time to the next."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or type(error).__name__).lower() if isinstance(error, OSError) else "no such host"
