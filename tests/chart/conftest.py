"""Fixtures of the tests with helm that need no control plane (`make chart-test`).

helm is built before the first test; where it cannot be, the run ends in one line, code 2.
"""

from pathlib import Path

import pytest

from testbed.build import BuildError, assets_folder, ensure_built
from testbed.helm import Helm
from tests.chart.rendering import Chart

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is in this folder is marked chart."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.chart)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build outside of any test's time limit, and only for a run that has such tests."""
    wanted = any(item.get_closest_marker("chart") for item in session.items)
    if not wanted or session.config.option.collectonly:
        return
    try:
        ensure_built(assets_folder())
    except BuildError as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(assets_folder(), tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def chart(helm: Helm) -> Chart:
    """The chart, to be rendered."""
    return Chart(helm)
