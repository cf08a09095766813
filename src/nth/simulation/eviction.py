"""The Eviction API, which asks PodDisruptionBudgets first; and the controller that counts them.

The texts are the API server's. https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from dataclasses import replace

from nth.core.facts import PodRef
from nth.errors import Blocked, Missing
from nth.simulation.deletion import delete_pod
from nth.simulation.objects import BudgetObject, PodObject
from nth.simulation.store import Store

DISRUPTED_BY = "EvictionByEvictionAPI"


def evict_pod(store: Store, ref: PodRef, grace_seconds: int | None, now: float) -> None:
    """Delete unless a budget refuses (Blocked). Missing: this UID is gone."""
    found = store.pods.get((ref.namespace, ref.name))
    if found is None:
        raise Missing(f'evict pod {ref}: 404: pods "{ref.name}" not found')
    spent = None if _needs_no_budget(found) else _spend(store, found)
    # The real server, too, asks the budget first and looks at the UID when it deletes.
    pod = store.pod(ref)
    if spent is not None:
        store.put_budget(spent)
    disrupted = replace(pod, fact=replace(pod.fact, disrupted_by=DISRUPTED_BY))
    store.put_pod(disrupted)
    delete_pod(store, disrupted, grace_seconds, now)


def _needs_no_budget(pod: PodObject) -> bool:
    """Returns True for a pod that has ended, has not begun, or is going anyway: its end disrupts nothing."""
    fact = pod.fact
    return fact.finished or fact.phase == "Pending" or fact.deleting_until_at is not None


def _spend(store: Store, pod: PodObject) -> BudgetObject | None:
    """Returns the pod's budget after this eviction; None if the eviction changes none."""
    budgets = [budget for budget in store.budgets.values() if budget.protects(pod.fact)]
    if len(budgets) > 1:
        raise Blocked(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    if not budgets or _unready_may_go(pod, budgets[0]):
        return None
    budget = budgets[0]
    if budget.disruptions_allowed == 0:
        raise Blocked(
            f"The disruption budget {budget.spec.name} needs {budget.desired_healthy} healthy pods "
            f"and has {budget.current_healthy} currently"
        )
    return replace(budget, disruptions_allowed=budget.disruptions_allowed - 1)


def _unready_may_go(pod: PodObject, budget: BudgetObject) -> bool:
    """Returns what the policy IfHealthyBudget, which is the default, says."""
    return not pod.fact.ready and budget.current_healthy >= budget.desired_healthy > 0


def count_budgets(store: Store) -> None:
    """Count healthy pods, and allow what is above the need, as the disruption controller does."""
    for budget in tuple(store.budgets.values()):
        pods = [pod for pod in store.pods.values() if budget.protects(pod.fact)]
        healthy = sum(pod.fact.ready and pod.active for pod in pods)
        expected, desired = _expected_and_desired(store, budget, pods)
        allowed = max(0, healthy - desired) if expected > 0 else 0
        store.put_budget(
            replace(budget, desired_healthy=desired, current_healthy=healthy, disruptions_allowed=allowed)
        )


def _expected_and_desired(store: Store, budget: BudgetObject, pods: list[PodObject]) -> tuple[int, int]:
    if budget.spec.max_unavailable is None:
        return len(pods), budget.spec.min_available or 0
    owners = {pod.workload for pod in pods} & store.workloads.keys()
    expected = sum(store.workloads[owner].spec.replicas for owner in owners)
    return expected, max(0, expected - budget.spec.max_unavailable)
