"""Which budget covers a pod, and whether it would let it go."""

import pytest

from nth.core.dry_run.preview import blocking_budget, covers
from nth.core.facts import Budget, Pod
from tests.core.samples import a_pod

POD = a_pod(labels={"app": "web", "tier": "front"})


def a_budget(
    allowed: int = 0,
    *,
    namespace: str = "shop",
    labels: dict[str, str] | None = None,
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = (),
) -> Budget:
    return Budget(
        namespace=namespace,
        name="pdb",
        disruptions_allowed=allowed,
        match_labels=labels or {},
        match_expressions=expressions,
    )


@pytest.mark.parametrize(
    ("budget", "covered"),
    [
        (a_budget(), True),
        (a_budget(namespace="other"), False),
        (a_budget(labels={"app": "web"}), True),
        (a_budget(labels={"app": "web", "tier": "back"}), False),
        (a_budget(expressions=(("app", "In", ("web", "api")),)), True),
        (a_budget(expressions=(("app", "In", ("api",)),)), False),
        (a_budget(expressions=(("app", "NotIn", ("api",)),)), True),
        (a_budget(expressions=(("app", "NotIn", ("web",)),)), False),
        (a_budget(expressions=(("app", "Exists", ()),)), True),
        (a_budget(expressions=(("zone", "Exists", ()),)), False),
        (a_budget(expressions=(("zone", "DoesNotExist", ()),)), True),
        (a_budget(expressions=(("app", "DoesNotExist", ()),)), False),
        (a_budget(expressions=(("app", "Exists", ()), ("tier", "In", ("back",)))), False),
    ],
)
def test_selector(budget: Budget, covered: bool) -> None:
    assert covers(budget, POD) is covered


def test_first_budget_that_allows_nothing_blocks() -> None:
    allowing, blocking = a_budget(1), a_budget(0)
    assert blocking_budget(POD, [allowing, blocking]) is blocking
    assert blocking_budget(POD, [allowing]) is None
    assert blocking_budget(POD, [a_budget(0, namespace="other")]) is None


@pytest.mark.parametrize(
    "pod",
    [a_pod(phase="Succeeded"), a_pod(phase="Pending"), a_pod(ready=False)],
    ids=["finished", "pending", "not ready"],
)
def test_pods_that_do_not_count_are_not_blocked(pod: Pod) -> None:
    assert blocking_budget(pod, [a_budget(0)]) is None
