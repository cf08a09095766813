"""The contract of `Cluster`, kept by the real API server: the very tests of tests/contract."""

import asyncio

import pytest

from testbed.bed import RealBed
from tests.contract.simulated import Play, play_on
from tests.contract.test_admission_contract import *  # noqa: F403
from tests.contract.test_cluster_contract import *  # noqa: F403 - the whole suite, also what is added later
from tests.contract.test_controllers_contract import *  # noqa: F403
from tests.contract.test_disruption_contract import *  # noqa: F403
from tests.contract.test_eviction_contract import *  # noqa: F403
from tests.contract.test_fleet_contract import *  # noqa: F403
from tests.contract.test_stopping_contract import *  # noqa: F403


@pytest.fixture
def play(bed: RealBed) -> Play:
    """In real time."""
    return lambda scenario: asyncio.run(play_on(bed, scenario))
