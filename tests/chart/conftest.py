"""Fixtures of the tests with helm that need no control plane (`make chart-test`).

helm is built before the first test; where it cannot be, the run ends in one line, code 2.
"""

from pathlib import Path

import pytest

from testbed.build import assets_folder
from testbed.helm import Helm
from tests.building import build_for, mark_all
from tests.chart.rendering import Chart

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_all(items, HERE, "chart")


def pytest_collection_finish(session: pytest.Session) -> None:
    build_for(session, "chart")


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(assets_folder(), tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def chart(helm: Helm) -> Chart:
    """The chart, to be rendered."""
    return Chart(helm)
