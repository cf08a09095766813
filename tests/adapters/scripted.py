"""The adapter in front of scripted answers, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import httpx2

from nth.adapters.kubernetes import KubernetesCluster
from nth.adapters.kubernetes_requests import ApiServer
from nth.adapters.request_budget import RequestBudget
from nth.simulation.clock import VirtualLoop

NOW = 1234.0

Handler = Callable[[httpx2.Request], httpx2.Response | Awaitable[httpx2.Response]]
Test = Callable[[KubernetesCluster], Coroutine[object, object, None]]


def play(handler: Handler, test: Test, *, in_flight: int = 4) -> list[httpx2.Request]:
    """The test in virtual time; returns the requests that it made."""
    requests: list[httpx2.Request] = []

    async def answered(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        response = handler(request)
        return response if isinstance(response, httpx2.Response) else await response

    async def scene() -> None:
        transport = httpx2.MockTransport(answered)
        async with httpx2.AsyncClient(base_url="http://api", transport=transport) as client:
            budget = RequestBudget(qps=1000, burst=1000, in_flight=in_flight)
            await test(KubernetesCluster(ApiServer(client=client, budget=budget, now=lambda: NOW)))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scene())
    return requests


def says(*documents: object) -> Handler:
    """Answers 200 with each of these in turn."""
    left = list(documents)
    return lambda request: httpx2.Response(200, json=left.pop(0))
