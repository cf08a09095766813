"""A `PodInformer` that runs, for the time of a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nth.ports import Cluster
from nth.queue_mode.pod_informer import PodInformer


@asynccontextmanager
async def shared(cluster: Cluster) -> AsyncIterator[PodInformer]:
    pods = PodInformer(cluster)
    running = asyncio.create_task(pods.run(), name="shared pods")
    await asyncio.sleep(0)
    try:
        yield pods
    finally:
        running.cancel()
        await asyncio.wait([running])
