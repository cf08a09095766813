"""A `SharedPods` that runs, for the time of a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nth.fleet.shared_pods import SharedPods
from nth.ports import Cluster


@asynccontextmanager
async def shared(cluster: Cluster) -> AsyncIterator[SharedPods]:
    pods = SharedPods(cluster)
    running = asyncio.create_task(pods.run(), name="shared pods")
    await asyncio.sleep(0)
    try:
        yield pods
    finally:
        running.cancel()
        await asyncio.wait([running])
