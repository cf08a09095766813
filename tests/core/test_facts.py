"""What is derived from what was read."""

import pytest

from tests.core.samples import a_pod


def test_pod_is_named_as_kubectl_names_it() -> None:
    assert str(a_pod().ref) == "shop/web-1"


@pytest.mark.parametrize(
    ("phase", "finished"),
    [("Pending", False), ("Running", False), ("Succeeded", True), ("Failed", True), ("Unknown", False)],
)
def test_finished_pods(phase: str, finished: bool) -> None:
    assert a_pod(phase=phase).finished is finished
