"""Measures a list of 3,000 pods of 68 KiB in one namespace, as for a controller without a naming label.

The server is a stand-in, a process of its own that speaks the API server's lists (`limit`, `continue`): a
real one would need 200 MiB of etcd for it. The client is the handler's own adapter in a process of its own;
its memory is the kernel's figure.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from bench.figures import Figure, table
from bench.process import forget_peak, peak_mib, resident_mib

PODS = 3000
POD_BYTES = 68 * 1024
MOST_GROWTH_MIB = 10.0
NAMESPACES = {"big": (PODS, POD_BYTES), "small": (30, 3000)}


def _pod(number: int, size_bytes: int) -> bytes:
    """Returns a pod as an API server writes it: managed fields, a template's leftovers, a big annotation."""
    labels = {"workflows.argoproj.io/workflow": f"batch-{number // 50}", "app": "batch"}
    owner = {
        "kind": "Workflow",
        "name": f"batch-{number // 50}",
        "uid": f"w-{number // 50}",
        "controller": True,
    }
    meta = {
        "name": f"batch-{number // 50}-{number:06}",
        "uid": f"00000000-0000-0000-0000-{number:012}",
        "resourceVersion": str(1000 + number),
        "labels": labels,
        "ownerReferences": [owner],
    }
    pod = {
        "metadata": {**meta, "namespace": "big", "annotations": {"workflows.argoproj.io/template": ""}},
        "spec": {"nodeName": f"node-{number % 60}", "containers": [{"name": "main", "image": "batch:1"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    written = json.dumps(pod).encode()
    padding = b"x" * max(0, size_bytes - len(written))
    return written.replace(b'template": ""', b'template": "' + padding + b'"')


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        target = urlsplit(head.split(b" ")[1].decode())
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        count, size_bytes = NAMESPACES[target.path.split("/")[4]]
        begin = int(query.get("continue", 0))
        end = min(count, begin + int(query.get("limit", count)))
        token = {"continue": str(end)} if end < count else {}
        meta = json.dumps({"resourceVersion": "9000", **token}).encode()
        items = b",".join(_pod(number, size_bytes) for number in range(begin, end))
        body = b'{"kind":"PodList","metadata":' + meta + b',"items":[' + items + b"]}"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


@asynccontextmanager
async def _server() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def client(port: int) -> dict[str, float]:
    """List it; returns the cost for this process."""
    from nth.adapters.kubernetes import KubernetesCluster
    from nth.adapters.kubernetes_credentials import Access, new_client
    from nth.adapters.kubernetes_requests import ApiServer
    from nth.adapters.request_budget import RequestBudget
    from nth.core.facts import PodScope

    access = Access(server=f"http://127.0.0.1:{port}", auth=None, tls=False)
    http = new_client(access, user_agent="bench/1", connect_seconds=2.0, keep_alive=4)
    budget = RequestBudget(qps=200, burst=400, in_flight=4)
    cluster = KubernetesCluster(ApiServer(client=http, budget=budget))
    await cluster.list_pods(PodScope(namespace="small"))
    before_mib = resident_mib(os.getpid())
    forget_peak()
    began_at = asyncio.get_running_loop().time()
    listed = await cluster.list_pods(PodScope(namespace="big"))
    seconds = asyncio.get_running_loop().time() - began_at
    assert len(listed.pods) == PODS
    await cluster.close()
    requests = sum(cluster.requests_seen.values()) - 1
    return {"growth": peak_mib(os.getpid()) - before_mib, "requests": requests, "seconds": seconds}


async def run() -> dict[str, float]:
    """Run once, with a new client; returns its figures."""
    async with _server() as port:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.big_namespace", str(port), stdout=subprocess.PIPE
        )
        out, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"the client ended with {child.returncode}")
    found: dict[str, float] = json.loads(out)
    return found


def figures(runs: list[dict[str, float]]) -> list[Figure]:
    """Returns the rows of the table."""
    what = f"{PODS} pods of {POD_BYTES >> 10} KiB listed"
    return [
        Figure(f"{what}: peak grows by, MiB", [each["growth"] for each in runs], MOST_GROWTH_MIB),
        Figure(f"{what}: requests", [each["requests"] for each in runs], 80),
        Figure(f"{what}: s", [each["seconds"] for each in runs], 30),
    ]


def main() -> int:
    """Print the table; exit code 1 if a row does not hold."""
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(client(int(sys.argv[1])))))
        return 0
    rows = figures([asyncio.run(run()) for _ in range(3)])
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
