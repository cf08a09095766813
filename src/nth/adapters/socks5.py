"""Connects through a SOCKS5 proxy; imported only where one is set.

https://www.rfc-editor.org/rfc/rfc1928, and for a name and a password https://www.rfc-editor.org/rfc/rfc1929.
The proxy resolves the receiver's name, as it does for the original's client.
"""

import ipaddress
import ssl
from collections.abc import Iterable

import httpcore2
import httpx2

USUAL_PORT = 1080
_VERSION, _LOGIN_VERSION = 5, 1
_NO_LOGIN, _LOGIN = 0, 2
_CONNECT = 1
_ADDRESS_LENGTHS = {1: 4, 4: 16}
_DOMAIN_NAME = 3
_NO_SOCKS = "it does not speak SOCKS5"
_REFUSALS = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "the time to live has expired",
    7: "it does not know this command",
    8: "it does not know this type of address",
}


class SocksTransport(httpx2.AsyncHTTPTransport):
    """Sends requests over connections of the proxy at this URL."""

    def __init__(self, proxy: httpx2.URL, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        # The transport has no argument for it, and its own SOCKS client needs a library that is not kept up.
        self._pool = httpcore2.AsyncConnectionPool(ssl_context=tls, network_backend=_SocksBackend(proxy))


class _SocksBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self, proxy: httpx2.URL) -> None:
        self._direct = httpcore2.AnyIOBackend()
        self._host, self._port = proxy.host, proxy.port or USUAL_PORT
        self._login = (proxy.username.encode(), proxy.password.encode()) if proxy.username else None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        stream = await self._direct.connect_tcp(
            self._host, self._port, timeout, local_address, socket_options
        )
        try:
            await _connect(stream, host, port, self._login)
        except BaseException:
            await stream.aclose()
            raise
        return stream


async def _connect(
    stream: httpcore2.AsyncNetworkStream, host: str, port: int, login: tuple[bytes, bytes] | None
) -> None:
    offered = (_NO_LOGIN,) if login is None else (_NO_LOGIN, _LOGIN)
    await stream.write(bytes((_VERSION, len(offered), *offered)))
    version, chosen = await _read(stream, 2)
    if version != _VERSION:
        raise _refused(_NO_SOCKS)
    if chosen not in offered:
        raise _refused("it wants another way to log in" if login else "it wants a user name and a password")
    if login is not None and chosen == _LOGIN:
        await _log_in(stream, *login)
    await stream.write(bytes((_VERSION, _CONNECT, 0)) + _address(host) + port.to_bytes(2, "big"))
    version, refusal, _, kind = await _read(stream, 4)
    if version != _VERSION:
        raise _refused(_NO_SOCKS)
    if refusal:
        raise _refused(_REFUSALS.get(refusal, "it does not say why"))
    # The address that it connects from does not matter, but its bytes come before the answer's.
    await _read(stream, await _address_length(stream, kind) + 2)


async def _address_length(stream: httpcore2.AsyncNetworkStream, kind: int) -> int:
    if kind == _DOMAIN_NAME:
        return (await _read(stream, 1))[0]
    if kind not in _ADDRESS_LENGTHS:
        raise _refused(_NO_SOCKS)
    return _ADDRESS_LENGTHS[kind]


async def _log_in(stream: httpcore2.AsyncNetworkStream, name: bytes, password: bytes) -> None:
    if max(len(name), len(password)) > 255:
        raise _refused("its user name or password is longer than 255 bytes")
    await stream.write(bytes((_LOGIN_VERSION, len(name))) + name + bytes((len(password),)) + password)
    if (await _read(stream, 2))[1]:
        raise _refused("it does not accept the user name and the password")


def _address(host: str) -> bytes:
    try:
        packed = ipaddress.ip_address(host).packed
    except ValueError:
        name = host.encode("ascii")
        return bytes((_DOMAIN_NAME, len(name))) + name
    kind = next(kind for kind, length in _ADDRESS_LENGTHS.items() if length == len(packed))
    return bytes((kind,)) + packed


async def _read(stream: httpcore2.AsyncNetworkStream, length: int) -> bytes:
    """Returns exactly so many bytes."""
    found = b""
    while len(found) < length:
        part = await stream.read(length - len(found))
        if not part:
            raise _refused("it closed the connection")
        found += part
    return found


def _refused(words: str) -> httpcore2.ProxyError:
    return httpcore2.ProxyError(words)
