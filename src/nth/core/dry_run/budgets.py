"""Finds the PodDisruptionBudget that covers a pod, and whether it would let it go.

https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-budgets
"""

from collections.abc import Iterable

from nth.core.facts import Budget, Pod


def covers(budget: Budget, pod: Pod) -> bool:
    """Returns whether the budget's selector matches the pod; an empty selector matches all (policy/v1)."""
    if budget.namespace != pod.ref.namespace:
        return False
    if any(pod.labels.get(key) != value for key, value in budget.match_labels.items()):
        return False
    return all(_matches(pod, key, operator, values) for key, operator, values in budget.match_expressions)


def _matches(pod: Pod, key: str, operator: str, values: tuple[str, ...]) -> bool:
    match operator:
        case "In":
            return pod.labels.get(key) in values
        case "NotIn":
            return pod.labels.get(key) not in values
        case "Exists":
            return key in pod.labels
        case _:
            return key not in pod.labels


def blocking_budget(pod: Pod, budgets: Iterable[Budget]) -> Budget | None:
    """Returns the first budget that refuses an eviction of this pod now.

    Pods that are finished, pending or not Ready do not count towards a budget's health.
    """
    if pod.finished or pod.phase == "Pending" or not pod.ready:
        return None
    return next((b for b in budgets if b.disruptions_allowed <= 0 and covers(b, pod)), None)
