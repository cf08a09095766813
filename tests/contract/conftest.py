"""Here the contracts are kept by the simulation; in tests/e2e the same tests meet the real ones."""

import pytest

from tests.contract import aws_stage, simulated, simulated_aws, simulated_cloud


@pytest.fixture
def play() -> simulated.Play:
    return simulated.play_simulated


@pytest.fixture
def play_metadata() -> simulated_cloud.Play:
    return simulated_cloud.play_simulated


@pytest.fixture
def play_aws() -> aws_stage.Play:
    return simulated_aws.play_simulated
