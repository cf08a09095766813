"""What holds for every test."""

import gc
import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is: what must be fast is measured where it matters.
settings.register_profile("everywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("everywhere")


def pytest_collection_finish() -> None:
    """Keep ten thousand tests out of the garbage collector's rounds: they are there to the end."""
    gc.collect()
    gc.freeze()


def _is_not_of_the_loop(record: logging.LogRecord) -> bool:
    return record.name != "asyncio"


@pytest.fixture(autouse=True)
def the_loop_says_nothing(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """asyncio logs what is slow on a busy machine, and what the garbage collector finds of other tests.

    Tests that look at the log expect what their own doing says.
    """
    handler = caplog.handler
    handler.addFilter(_is_not_of_the_loop)
    yield
    handler.removeFilter(_is_not_of_the_loop)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own cluster and settings are none of a test's business."""
    for name in ("KUBECONFIG", "NODE_NAME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
