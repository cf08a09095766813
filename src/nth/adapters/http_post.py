"""Posts to one URL, directly or through one proxy; proxies of the environment are not used.

A failure is an answer, too, and names neither URL nor headers, which may be secrets. Redirects
are not followed: a receiver that moves would turn the post into a GET, and might get its headers.
"""

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache

import httpx2

from nth import USER_AGENT
from nth.report.webhook.post_retries import PostAnswer

POST_SECONDS = 5.0
"""The limit for one try, from the first packet to the answer's status."""
MAX_REASON_CHARS = 200


class HttpPost:
    """One receiver. `proxy` is the URL of an HTTP or SOCKS5 proxy, also for https; empty = none."""

    def __init__(
        self, url: str, proxy: str = "", *, seconds: float = POST_SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        """Take `tls` in place of the machine's certificates. ValueError: no usable URL or proxy."""
        self._seconds = seconds
        self._tls = tls
        self._secure = _is_tls(url) or _is_tls(proxy)
        try:
            self._url = httpx2.URL(url)
            self._proxy = _proxy_url(proxy) if proxy else None
        except httpx2.InvalidURL as error:
            raise ValueError("no usable URL") from error

    async def post(self, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
        """Send the body once. It raises nothing."""
        # Some receivers refuse a post without one; a header of the setting replaces it.
        named = httpx2.Headers({"User-Agent": USER_AGENT})
        named.update(dict(headers))
        request = httpx2.Request("POST", self._url, content=body, headers=named)
        try:
            tls = await self._trusted()
            async with asyncio.timeout(self._seconds), self._transport(tls) as transport:
                return await _exchange(transport, request)
        except (TimeoutError, httpx2.TimeoutException):
            return PostAnswer(reason=f"no answer within {self._seconds:g} s")
        except httpx2.ProxyError as error:
            return PostAnswer(reason=f"the proxy does not connect us: {_refusal(str(error))}")
        except httpx2.ConnectError as error:
            return PostAnswer(reason=f"cannot connect: {str(error)[:MAX_REASON_CHARS]}")
        except httpx2.HTTPError:
            return PostAnswer(reason="the connection was closed, or the answer is not HTTP")

    async def _trusted(self) -> ssl.SSLContext:
        if self._tls is not None:
            return self._tls
        if not self._secure:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Only when it is needed, and in a thread: reading 140 certificates takes 40 ms and 3 MiB.
        return await asyncio.to_thread(_certificates)

    def _transport(self, tls: ssl.SSLContext) -> httpx2.AsyncHTTPTransport:
        """Returns a new transport for each post: a receiver may close a kept connection at any moment.

        Then it would not be known whether the post has arrived.
        """
        if self._proxy is None:
            return httpx2.AsyncHTTPTransport(verify=tls, trust_env=False)
        if self._proxy.scheme.startswith("socks5"):
            # Only here, because most proxies are none of this kind.
            from nth.adapters.socks5 import SocksTransport

            return SocksTransport(self._proxy, tls)
        via = httpx2.Proxy(self._proxy, ssl_context=tls if self._proxy.scheme == "https" else None)
        return httpx2.AsyncHTTPTransport(verify=tls, trust_env=False, proxy=via)


async def _exchange(transport: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> PostAnswer:
    response = await transport.handle_async_request(request)
    try:
        return PostAnswer(status=response.status_code, retry_after=response.headers.get("Retry-After", ""))
    finally:
        # The rest of the answer does not matter, and may be long.
        await response.aclose()


def _proxy_url(text: str) -> httpx2.URL:
    url = httpx2.URL(text)
    # Go's client, and so the original, speaks plain HTTP to a proxy whose scheme it does not know.
    return url.copy_with(scheme="http") if url.scheme == "tcp" else url


def _refusal(error: str) -> str:
    """Returns the answer's status, without words that may be anybody's; of a SOCKS5 proxy our own words."""
    status = error.partition(" ")[0]
    return f"it answers {status}" if status.isdigit() else error


def _is_tls(url: str) -> bool:
    return url[:6].lower() == "https:"


@cache
def _certificates() -> ssl.SSLContext:
    """Reads the machine's certificates, once for all receivers."""
    return ssl.create_default_context()
