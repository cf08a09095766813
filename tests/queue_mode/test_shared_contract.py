"""`PodInformer` keeps the whole contract of `Cluster`."""

import pytest

from nth.ports import Cluster
from nth.simulation.clock import run
from tests.contract.bed import Bed
from tests.contract.simulated import Play, Scenario, SimulatedBed
from tests.contract.test_cluster_contract import *  # noqa: F403 - the whole suite, also what is added later
from tests.contract.test_eviction_contract import *  # noqa: F403
from tests.queue_mode.shared import shared


async def play_shared(bed: Bed, scenario: Scenario) -> None:
    """With the handler's rights, and one watch for all."""
    async with bed.cluster() as cluster, shared(cluster) as pods:
        through: Cluster = pods
        await scenario(bed, through)


@pytest.fixture
def play() -> Play:
    return lambda scenario: run(lambda clock: play_shared(SimulatedBed(clock), scenario))
