"""`python -m bench.bare_evictions KUBECONFIG`: evicts pods as fast as the API server lets it, and no more.

Pods come on standard input, one `namespace name uid` a line; 50 connections, raw HTTP, no library between. It
prints the seconds from the first request to the last answer, and how many evictions were accepted. With it
a handler's time is compared: most of that time is the API server's own.
"""

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

IN_FLIGHT = 50


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        self._reader = reader
        self._writer = writer
        self._head = head

    async def evict(self, namespace: str, name: str, uid: str) -> int:
        """Send an eviction; returns the answer's status."""
        body = json.dumps(
            {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": name, "namespace": namespace},
                "deleteOptions": {"preconditions": {"uid": uid}},
            }
        )
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
        self._writer.write(f"POST {path} {self._head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        await self._reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        return int(head.split()[1])


async def connect(document: dict[str, Any]) -> list[Client]:
    """Returns as many connections as there are requests in flight, by a kubeconfig."""
    cluster = document["clusters"][0]["cluster"]
    host = urlsplit(cluster["server"])
    context = ssl.create_default_context(cafile=cluster["certificate-authority"])
    token = document["users"][0]["user"]["token"]
    head = (
        f"HTTP/1.1\r\nHost: {host.netloc}\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nUser-Agent: bare\r\n"
    )
    opened = [
        await asyncio.open_connection(host.hostname, host.port, ssl=context, server_hostname=host.hostname)
        for _ in range(IN_FLIGHT)
    ]
    return [Client(reader, writer, head) for reader, writer in opened]


async def evict_all(clients: list[Client], pods: list[list[str]]) -> tuple[float, int]:
    """Evict the pods; returns the seconds, and how many were accepted."""
    left = iter(pods)
    codes: list[int] = []

    async def work(client: Client) -> None:
        for namespace, name, uid in left:
            codes.append(await client.evict(namespace, name, uid))

    began_at = time.monotonic()
    await asyncio.gather(*map(work, clients))
    return time.monotonic() - began_at, codes.count(201)


async def _run(document: dict[str, Any], pods: list[list[str]]) -> tuple[float, int]:
    return await evict_all(await connect(document), pods)


def main() -> None:
    """Connect, evict, print."""
    document, pods = json.loads(Path(sys.argv[1]).read_text()), [line.split() for line in sys.stdin]
    seconds, accepted = asyncio.run(_run(document, pods))
    print(json.dumps({"seconds": seconds, "accepted": accepted}))


if __name__ == "__main__":
    main()
