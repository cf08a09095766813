"""Why an eviction was refused, out of the words of a real API server (Kubernetes 1.34)."""

import pytest

from nth.report.refusals import Cause, Refusal, budget_of, past, refusal_of

UNCOUNTED = "The disruption budget web is still being processed by the server."
BUDGETS = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
DENIED = 'admission webhook "guard.example.com" denied the request: it evacuates VMI "x/y"'
SILENT = 'admission webhook "guard.example.com" denied the request without explanation'
DEAD = (
    'Internal error occurred: failed calling webhook "guard.example.com": failed to call webhook: Post '
    '"https://127.0.0.1:1/?timeout=1s": connect: connection refused'
)
POLICY = "pods \"web-1\" is forbidden: ValidatingAdmissionPolicy 'keep' with binding 'all' denied request: no"
ENDING = (
    'pods "web-1" is forbidden: unable to create new content in namespace shop because it is being terminated'
)
NO_RIGHT = 'evict: 403: pods "web-1" is forbidden: User "nth" cannot create resource "pods/eviction"'
OTHER_BUDGET = "Cannot evict pod as it would violate the pod's disruption budget."


@pytest.mark.parametrize(
    ("reason", "refusal", "holder"),
    [
        (
            "The disruption budget web needs 2 healthy pods and has 1 currently",
            Refusal(Cause.BUDGET, "web", needs=2, has=1),
            "the budget web",
        ),
        (UNCOUNTED, Refusal(Cause.UNCOUNTED_BUDGET, "web"), "the budget web"),
        (OTHER_BUDGET, Refusal(Cause.OTHER_BUDGET), "a budget"),
        ("The disruption budget web sleeps", Refusal(Cause.OTHER_BUDGET, "web"), "the budget web"),
        (BUDGETS, Refusal(Cause.BUDGETS), "its budgets"),
        (
            DENIED,
            Refusal(Cause.WEBHOOK, "guard.example.com", 'it evacuates VMI "x/y"'),
            "the admission webhook guard.example.com",
        ),
        (SILENT, Refusal(Cause.WEBHOOK, "guard.example.com"), "the admission webhook guard.example.com"),
        (
            DEAD,
            Refusal(
                Cause.WEBHOOK_FAILED,
                "guard.example.com",
                'failed to call webhook: Post "https://127.0.0.1:1/?timeout=1s": connect: connection refused',
            ),
            "the admission webhook guard.example.com",
        ),
        (POLICY, Refusal(Cause.POLICY, "keep", "no"), "the admission policy keep"),
        (ENDING, Refusal(Cause.UNKNOWN), ""),
        (NO_RIGHT, Refusal(Cause.RIGHTS), ""),
        ("", Refusal(Cause.UNKNOWN), ""),
    ],
)
def test_the_servers_words_are_read(reason: str, refusal: Refusal, holder: str) -> None:
    assert refusal_of(reason) == refusal
    assert refusal.holder == holder


def test_a_budget_that_a_webhook_speaks_of_was_not_seen() -> None:
    reason = f"{SILENT.removesuffix(' without explanation')}: The disruption budget web needs 1 healthy pods"
    assert refusal_of(reason).cause is Cause.WEBHOOK
    assert budget_of(reason) == ""


@pytest.mark.parametrize("reason", [UNCOUNTED, OTHER_BUDGET, BUDGETS])
def test_a_pod_is_forced_past_its_budget_where_one_refused(reason: str) -> None:
    assert past(reason) == "past its budget"


def test_a_pod_is_forced_past_no_budget_where_none_was_seen() -> None:
    for reason in (DENIED, SILENT, DEAD, POLICY, ENDING, NO_RIGHT):
        assert past(reason) == "although its eviction was refused"
    assert past("") == "without an eviction"
