"""Reads out of the API server's words why it refused an eviction, and words that. Pure.

A reason may hold the words of anybody's webhook: it counts only how the text begins, which is the server's.
pkg/registry/core/pod/storage/eviction.go and staging/src/k8s.io/apiserver/pkg/admission of Kubernetes.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """The kinds of refusals that call for different advice."""

    BUDGET = "budget"
    UNCOUNTED_BUDGET = "uncounted budget"
    """Its controller has not counted its pods, or not since it was changed."""
    OTHER_BUDGET = "other budget"
    """The server does not say why it allows none, or in words that are not known here."""
    BUDGETS = "budgets"
    """More than one has the pod: it is never evicted."""
    WEBHOOK = "webhook"
    WEBHOOK_FAILED = "webhook failed"
    """It gave no usable answer."""
    POLICY = "policy"
    RIGHTS = "rights"
    UNKNOWN = "unknown"
    """None of these, or no refusal was seen."""


_WORDS = {
    Cause.BUDGET: re.compile(
        r"The disruption budget (?P<name>\S+) needs (?P<needs>\d{1,9}) healthy pods and has (?P<has>\d{1,9})"
    ),
    Cause.UNCOUNTED_BUDGET: re.compile(r"The disruption budget (?P<name>\S+) is still being processed"),
    Cause.OTHER_BUDGET: re.compile(
        r"The disruption budget (?P<name>\S+) |"
        r"Cannot evict pod as it would violate the pod's disruption budget"
    ),
    Cause.BUDGETS: re.compile(r"This pod has more than one PodDisruptionBudget"),
    Cause.WEBHOOK: re.compile(
        r'admission webhook "(?P<name>[^"]+)" denied the request(: (?P<words>.+)| without explanation)'
    ),
    Cause.WEBHOOK_FAILED: re.compile(
        r'Internal error occurred: failed calling webhook "(?P<name>[^"]+)": (?P<words>.+)'
    ),
    Cause.POLICY: re.compile(
        r"\S+ \S+ is forbidden: ValidatingAdmissionPolicy '(?P<name>[^']+)' "
        r"with binding '[^']+' denied request: (?P<words>.+)"
    ),
    Cause.RIGHTS: re.compile(r'\S+: 403: \S+ \S+ is forbidden: User "'),
}
_BUDGETS = (Cause.BUDGET, Cause.UNCOUNTED_BUDGET, Cause.OTHER_BUDGET, Cause.BUDGETS)
_HOLDERS = {
    Cause.BUDGETS: "its budgets",
    Cause.WEBHOOK: "the admission webhook {}",
    Cause.WEBHOOK_FAILED: "the admission webhook {}",
    Cause.POLICY: "the admission policy {}",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason of a refused eviction, as far as the server's words say it."""

    cause: Cause
    name: str = ""
    """The name of the budget, webhook or policy, where there is one."""
    words: str = ""
    """The webhook's or policy's own words."""
    needs: int = 0
    has: int = 0
    """The healthy pods of a budget."""

    @property
    def of_budget(self) -> bool:
        return self.cause in _BUDGETS

    @property
    def holder(self) -> str:
        """Returns the thing that did not let the pod go: `the budget web`; empty if that is not known."""
        if self.of_budget and self.cause is not Cause.BUDGETS:
            return f"the budget {self.name}" if self.name else "a budget"
        return _HOLDERS.get(self.cause, "").format(self.name)


def refusal_of(reason: str) -> Refusal:
    """Returns the refusal that these words stand for."""
    for cause, words in _WORDS.items():
        if (found := words.match(reason)) is not None:
            parts = found.groupdict("")
            needs, has = int(parts.get("needs") or 0), int(parts.get("has") or 0)
            return Refusal(cause, parts.get("name", ""), parts.get("words", ""), needs, has)
    return Refusal(Cause.UNKNOWN)


def budget_of(reason: str) -> str:
    """Returns the name of the budget that refused an eviction; empty if the reason names none."""
    refusal = refusal_of(reason)
    return refusal.name if refusal.of_budget else ""


def past(reason: str) -> str:
    """Returns the refusal that a forced pod's deletion overrode: `past its budget`."""
    if refusal_of(reason).of_budget:
        return "past its budget"
    return "although its eviction was refused" if reason else "without an eviction"
