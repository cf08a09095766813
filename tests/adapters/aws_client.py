"""One client of the tests' AWS for all tests of the adapter: connecting takes longer than they do."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest

from nth.adapters.aws import AwsClient, connect
from tests.servers.aws import ENVIRONMENT, REGION, AwsServer


class Session:
    """A connected client, and the loop that it lives in."""

    def __init__(self, runner: asyncio.Runner, client: AwsClient) -> None:
        self._runner = runner
        self.client = client

    def run(self, main: Coroutine[object, object, None]) -> None:
        self._runner.run(main)


@contextmanager
def connected(server: AwsServer) -> Iterator[Session]:
    """Until the block ends. The environment is only needed while it connects: it holds the credentials."""
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        connection = connect(region=REGION, queue_urls=[server.url], endpoint_url=server.url)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in ENVIRONMENT.items():
                patch.setenv(name, value)
            client = runner.run(stack.enter_async_context(connection))
        try:
            yield Session(runner, client)
        finally:
            runner.run(stack.aclose())
