"""What holds for every test."""

import logging
from collections.abc import Iterator

import pytest


def _is_no_slow_callback(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Executing ")


@pytest.fixture(autouse=True)
def slow_machine_says_nothing() -> Iterator[None]:
    """asyncio's debug mode logs every callback over 0.1 s; tests that look at the log expect only ours."""
    logger = logging.getLogger("asyncio")
    logger.addFilter(_is_no_slow_callback)
    yield
    logger.removeFilter(_is_no_slow_callback)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own cluster and settings are none of a test's business."""
    for name in ("KUBECONFIG", "NODE_NAME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
