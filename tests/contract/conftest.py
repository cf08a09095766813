"""Here the contracts are kept by the simulation; in tests/e2e the same tests meet the real ones."""

import pytest

from tests.contract.simulated import Play, play_simulated


@pytest.fixture
def play() -> Play:
    return play_simulated
