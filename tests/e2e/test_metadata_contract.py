"""The contract of `MetadataService`, kept by our adapter and amazon-ec2-metadata-mock.

The very tests of tests/contract.
"""

import asyncio
import time

import pytest

from nth.adapters.imds import Imds
from testbed.metadata_mock import Hears, MetadataMock
from tests.contract.simulated_cloud import Play, Scenario
from tests.contract.test_metadata_contract import *  # noqa: F403 - the whole suite, also what is added later


class RealStage:
    """The mock process, and the machine's own clock."""

    def __init__(self, mock: MetadataMock) -> None:
        self._mock = mock

    def now(self) -> float:
        return time.time()

    async def hear(self, what: Hears) -> None:
        await asyncio.to_thread(self._mock.hear, what)


@pytest.fixture
def play_metadata(metadata_mock: MetadataMock) -> Play:
    """In real time, with tokens required."""
    metadata_mock.imdsv2_only = True

    def play(scenario: Scenario) -> None:
        asyncio.run(_play(RealStage(metadata_mock), metadata_mock.url, scenario))

    return play


async def _play(stage: RealStage, url: str, scenario: Scenario) -> None:
    service = Imds(url, stage, tries=3, jitter=lambda: 0.5)
    try:
        await scenario(stage, service)
    finally:
        await service.close()
