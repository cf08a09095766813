"""What to change before the next interruption."""

from dataclasses import replace

from nth.core.node.phases import GONE
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    ForceForbidden,
    LeftBehind,
    NotReplaced,
    PodForced,
    PodLeft,
    ReplacementEnded,
    SessionEnded,
)
from nth.report.advice import MAX_SENTENCES, advice
from nth.report.explain import why_pod
from nth.report.words import summary
from tests.report.random_stories import TERMINATION
from tests.report.stories import (
    BILLING,
    ENCODER,
    FULL_STORY,
    LOSING_STORY,
    NOTICE,
    REFUSAL,
    T0,
    WEB,
    a_pod,
    owner,
    report_of,
)
from tests.report.test_refusals import (
    BUDGETS,
    DEAD,
    DENIED,
    ENDING,
    NO_RIGHT,
    OTHER_BUDGET,
    POLICY,
    UNCOUNTED,
)


def test_a_forced_pod_names_its_budget_and_a_cut_grace_its_pod() -> None:
    found = advice(report_of(*FULL_STORY, after_seconds=125))
    assert len(found) == 2
    assert found[0].startswith("The budget billing allowed no disruption: it held billing-bbbbb for 84.7 s")
    assert "2 replicas or more" in found[0]
    assert "encoder-ccccc asks for 300 s of grace, more than the 114 s that were left" in found[1]


def test_a_lost_pod_says_what_forbade_to_force_it() -> None:
    assert "FORCE_POLICY" in advice(report_of(*LOSING_STORY, after_seconds=125))[0]
    rights = (*LOSING_STORY, (90.0, ForceForbidden(reason="403")))
    first, second, *_ = advice(report_of(*rights, after_seconds=125))
    assert "RBAC" in first
    assert "because RBAC forbids to force it" in second
    annotated = replace(BILLING, annotations={"aws-node-termination-handler/force": "never"})
    refused = EvictionRefused(pod=annotated, reason=REFUSAL, forced_at=None)
    (only,) = advice(report_of((0.0, NOTICE), (1.0, refused), after_seconds=125))
    assert "because its annotation forbids to force it" in only


def test_a_pod_without_controller_and_local_data_are_pointed_out() -> None:
    bare = replace(a_pod("bare", None), local_storage=True)
    steps = (
        (0.0, NOTICE),
        (0.1, EvictionAccepted(pod=bare, grace_seconds=30, cut=False)),
        (3.0, PodLeft(pod=bare, how="evicted", seconds=2.9)),
    )
    found = advice(report_of(*steps, after_seconds=5))
    assert [text.split()[0] for text in found] == ["bare", "bare"]
    assert "no controller" in found[0]
    assert "had an emptyDir volume: the data in it went with the pod" in found[1]


def test_no_room_elsewhere_asks_for_room() -> None:
    missing = NotReplaced(
        namespace="shop", controller=owner("web"), ready=2, before=3, reason="Pending: 1 Insufficient cpu."
    )
    steps = ((0.0, NOTICE), (5.0, ReplacementEnded(missing=(missing,), controllers=1, seconds=5)))
    (only,) = advice(report_of(*steps, after_seconds=6))
    assert only.startswith("web found no room on the other nodes")


def test_a_drain_without_trouble_has_no_advice() -> None:
    assert advice(report_of((0.0, NOTICE), after_seconds=1)) == ()


def forced(count: int, needs: int = 1) -> list[tuple[float, EvictionRefused | PodForced]]:
    """Pods of one Deployment that the same budget held, and that were forced."""
    reason = REFUSAL.replace("needs 1", f"needs {needs}").replace("has 1", f"has {needs}")
    pods = [a_pod(f"billing-5d8f7c9b4-{number:05d}", owner("billing")) for number in range(count)]
    refused = [(1.0, EvictionRefused(pod=pod, reason=reason, forced_at=None)) for pod in pods]
    return [
        *refused,
        *((5.0 + n, PodForced(pod=pod, grace_seconds=9, reason=reason)) for n, pod in enumerate(pods)),
    ]


def test_pods_that_the_same_budget_held_are_one_sentence() -> None:
    assert advice(report_of((0.0, NOTICE), *forced(3), after_seconds=60)) == (
        "The budget billing allowed no disruption: it held billing-00000 and 2 more pods for 6.0 s, and then "
        "it had to be forced. Run billing with 2 replicas or more and let the budget spare one "
        "(maxUnavailable: 1).",
    )


def test_who_has_replicas_already_is_only_asked_to_let_one_go() -> None:
    (only,) = advice(report_of((0.0, NOTICE), *forced(1, needs=3), after_seconds=60))
    assert only.endswith("forced. Let it spare at least one pod (maxUnavailable: 1).")


def test_a_budget_that_still_holds_a_pod_is_named() -> None:
    refused = EvictionRefused(pod=BILLING, reason=REFUSAL, forced_at=None)
    (only,) = advice(report_of((0.0, NOTICE), (1.0, refused), after_seconds=60))
    assert "held billing-bbbbb for 59.0 s, and still does." in only


def test_a_pod_that_did_not_stop_in_its_grace_is_named() -> None:
    asked = EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)
    (only,) = advice(report_of((0.0, NOTICE), (1.0, asked), after_seconds=121))
    assert only.startswith(
        "web-aaaaa was asked to stop and was still there when its grace was over: look for what held it"
    )


def test_a_pod_whose_machine_went_before_its_grace_was_over_is_not_advised_to_stop_in_it() -> None:
    asked = EvictionAccepted(pod=ENCODER, grace_seconds=300, cut=False)
    steps = ((0.0, NOTICE), (1.0, asked), (60.0, SessionEnded(reason=GONE)))
    assert advice(report_of(*steps, after_seconds=60)) == ()


def test_a_notice_that_came_late_is_pointed_out_only_where_something_suffered() -> None:
    late = replace(NOTICE, deadline_at=T0 + 40)
    cut = EvictionAccepted(pod=WEB, grace_seconds=20, cut=True)
    assert advice(report_of((0.0, late), (1.0, cut), after_seconds=5))[0].startswith(
        "Only 40.0 s were left when the notice was heard of. If AWS gave it sooner, something delayed it"
    )
    assert "A lifecycle hook" not in " ".join(advice(report_of((0.0, late), (1.0, cut), after_seconds=5)))
    hooked = replace(TERMINATION, deadline_at=T0 + 40)
    assert advice(report_of((0.0, hooked), (1.0, cut), after_seconds=5))[1].startswith("A lifecycle hook")
    fine = EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)
    assert advice(report_of((0.0, late), (1.0, fine), after_seconds=5)) == ()


def test_what_a_setting_kept_on_the_machine_is_named_with_the_setting() -> None:
    left = (LeftBehind(ref=WEB.ref, reason="it has an emptyDir volume, and DELETE_LOCAL_DATA is false"),)
    ended = DrainEnded(left=left, evicted=0, forced=0, seconds=115, margin_seconds=5)
    (only,) = advice(report_of((0.0, NOTICE), (115.0, ended), after_seconds=121))
    assert only.startswith("shop/web-5d8f7c9b4-aaaaa was kept on the machine: it has an emptyDir")
    assert "DELETE_LOCAL_DATA" in only


def test_what_fits_no_other_node_or_starts_slowly_is_named() -> None:
    def about(reason: str) -> str:
        missing = NotReplaced(namespace="shop", controller=owner("web"), ready=2, before=3, reason=reason)
        ended = ReplacementEnded(missing=(missing,), controllers=1, seconds=5)
        (only,) = advice(report_of((0.0, NOTICE), (5.0, ended), after_seconds=6))
        return only

    assert about("Pending: 3 node(s) didn't match Pod's node affinity").startswith("web fits no other node (")
    assert about("1 of its pods not Ready yet").startswith("web was not Ready elsewhere in time")


def test_a_job_that_failed_is_said_to_have_failed_and_only_if_that_was_seen() -> None:
    job = owner("import", "Job")
    pod = a_pod("import-aaaaa", job)
    missing = NotReplaced(namespace="shop", controller=job, ready=0, before=1)
    failed = replace(missing, failed=True, reason="BackoffLimitExceeded: it has reached its limit")

    def about(missing: NotReplaced) -> str:
        ended = ReplacementEnded(missing=(missing,), controllers=1, seconds=5)
        forced = PodForced(pod=pod, grace_seconds=9, reason=REFUSAL)
        left = PodLeft(pod=pod, how="forced", seconds=9)
        report = report_of((0.0, NOTICE), (1.0, forced), (4.0, left), (5.0, ended), after_seconds=6)
        return " ".join([*advice(report), *summary(report), *why_pod(report.pods[0], report)])

    assert "The Job import has failed (BackoffLimitExceeded: it has reached its limit): run it" in about(
        failed
    )
    assert "shop/import has failed: BackoffLimitExceeded" in about(failed)
    assert "has failed" not in about(missing)


def test_a_pod_without_a_controller_is_named_also_while_the_interruption_goes_on() -> None:
    bare = a_pod("bare", None)
    told = ((0.0, NOTICE), (1.0, PodLeft(pod=bare, how="evicted", seconds=1)))
    assert len(advice(replace(report_of(*told, after_seconds=5), final=False))) == 1
    assert len(advice(report_of(*told, after_seconds=5))) == 1


def test_nobody_reads_a_hundred_sentences() -> None:
    cuts = [
        (1.0, EvictionAccepted(pod=a_pod(f"pod-{number}", owner("web")), grace_seconds=9, cut=True))
        for number in range(100)
    ]
    found = advice(report_of((0.0, NOTICE), *cuts, after_seconds=5))
    assert len(found) == MAX_SENTENCES + 1
    assert found[-1] == "And 88 more of the same kinds."


def refused_and_forced(reason: str) -> tuple[str, ...]:
    """The advice about a pod that was refused with these words, and forced."""
    refused = EvictionRefused(pod=BILLING, reason=reason, forced_at=None)
    forced = PodForced(pod=BILLING, grace_seconds=9, reason=reason)
    return advice(report_of((0.0, NOTICE), (1.0, refused), (80.0, forced), after_seconds=90))


HELD = "it held billing-bbbbb for 79.0 s, and then it had to be forced."


def test_two_budgets_for_one_pod_are_not_advised_to_spare_one() -> None:
    assert refused_and_forced(BUDGETS) == (
        f"A pod with more than one budget is never evicted: {HELD} "
        "Let only one budget select the pods of billing.",
    )


def test_a_webhook_or_policy_is_named_with_its_own_words_and_no_budget() -> None:
    hint = f"{HELD} Let it allow evictions from nodes that go away, or find out what it waits for."
    assert refused_and_forced(DENIED) == (
        f'The admission webhook guard.example.com denied the eviction (it evacuates VMI "x/y"): {hint}',
    )
    assert refused_and_forced(POLICY) == (f"The admission policy keep denied the eviction (no): {hint}",)
    (dead,) = refused_and_forced(DEAD)
    assert dead.startswith("The admission webhook guard.example.com could not be asked (failed to call")
    assert dead.endswith(
        f"{HELD} Run it with 2 replicas or more on different nodes, or let it fail open for evictions."
    )


def test_a_budget_that_its_controller_has_not_counted_says_how_to_see_why() -> None:
    (only,) = refused_and_forced(UNCOUNTED)
    what = "The budget web was not counted by its controller, and allowed no disruption"
    assert only.startswith(f"{what}: {HELD}")
    assert "kubectl -n shop describe pdb web" in only


def test_a_budget_is_advised_by_its_numbers() -> None:
    def about(needs: int, has: int) -> str:
        reason = f"The disruption budget web needs {needs} healthy pods and has {has} currently"
        (only,) = refused_and_forced(reason)
        return only

    assert "Run billing with 2 replicas or more" in about(1, 1)
    assert about(3, 2).endswith("Only 2 of 3 pods were healthy: find out why the others were not.")
    assert about(3, 3).endswith("Let it spare at least one pod (maxUnavailable: 1).")
    assert about(0, 1).endswith("use minAvailable with a number.")


def test_a_missing_right_to_evict_is_named_as_that() -> None:
    assert refused_and_forced(NO_RIGHT) == (
        "The handler may not evict pods (RBAC): allow `create` on pods/eviction.",
    )


def test_where_the_cause_of_a_refusal_is_not_known_nothing_is_advised() -> None:
    for reason in (ENDING, OTHER_BUDGET, "no"):
        assert refused_and_forced(reason) == ()
