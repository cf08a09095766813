"""The plan is what the real session would do, with cautious predictions."""

from nth.core.drain.drain import DrainRules
from nth.core.drain.pod_filter import FORCE_ANNOTATION, PodRules
from nth.core.dry_run.preview import Situation, preview
from nth.core.facts import Budget, Pod
from nth.core.node.event_ledger import MarkRules
from nth.core.node.session import SessionRules
from nth.core.policy import Policy
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    GraceShortened,
    NodeMarked,
    PodForced,
    Report,
)
from tests.core.samples import T0, a_node, a_pod, owned_by, rebalance, scheduled, spot

NEVER = Budget(namespace="shop", name="pdb", disruptions_allowed=0)


def plan(
    *pods: Pod, budgets: tuple[Budget, ...] = (), rules: SessionRules | None = None, seconds: float = 120
) -> list[tuple[float, type[Report]]]:
    situation = Situation(node=a_node(), pods=pods, budgets=budgets)
    told = preview(situation, [spot(seconds)], rules or SessionRules(), T0)
    kinds = (NodeMarked, EvictionAccepted, EvictionRefused, PodForced, GraceShortened, DrainEnded)
    return [(each.at - T0, type(each.report)) for each in told if isinstance(each.report, kinds)]


def test_every_pod_takes_its_whole_grace() -> None:
    assert plan(a_pod(grace_seconds=30), a_pod("b", grace_seconds=60)) == [
        (0, NodeMarked),
        (0, EvictionAccepted),
        (0, EvictionAccepted),
        (60, DrainEnded),
    ]


def test_budget_that_allows_nothing_never_will() -> None:
    assert plan(a_pod(), budgets=(NEVER,)) == [
        (0, NodeMarked),
        (0, EvictionRefused),
        (85, PodForced),
        (115, DrainEnded),
    ]


def test_budget_is_spent_by_the_pods_that_go() -> None:
    one = Budget(namespace="shop", name="pdb", disruptions_allowed=1)
    pods = (a_pod("a"), a_pod("b"), a_pod("other", namespace="other"), a_pod("unready", ready=False))
    kinds = [kind for _, kind in plan(*pods, budgets=(one,))]
    assert kinds.count(EvictionAccepted) == 3
    assert kinds.count(EvictionRefused) == 1
    assert kinds.count(PodForced) == 1


def test_pod_that_cannot_be_moved_in_time_is_said_to_be_left() -> None:
    opted_out = a_pod(annotations={FORCE_ANNOTATION: "never"})
    told = preview(
        Situation(node=a_node(), pods=(opted_out,), budgets=(NEVER,)), [spot()], SessionRules(), T0
    )
    (late,) = [each for each in told if isinstance(each.report, DrainEnded)]
    assert late.at == T0 + 117.5
    assert isinstance(late.report, DrainEnded)
    assert [left.ref for left in late.report.left] == [opted_out.ref]
    assert len(told) < 10


def test_pod_in_the_way_is_said_to_be_left() -> None:
    rules = SessionRules(drain=DrainRules(pods=PodRules(ignore_daemon_sets=False)))
    told = preview(
        Situation(node=a_node(), pods=(a_pod(controller=owned_by("DaemonSet")),)), [spot()], rules, T0
    )
    (end,) = [each.report for each in told if isinstance(each.report, DrainEnded)]
    assert isinstance(end, DrainEnded)
    assert not end.drained


def test_pod_that_is_terminating_already_is_waited_for() -> None:
    pod = a_pod(deleting_until_at=T0 + 20, deletion_grace_seconds=30)
    assert plan(pod) == [(0, NodeMarked), (20, DrainEnded)]


def test_pod_that_is_terminating_too_slowly_is_cut_short() -> None:
    pod = a_pod(deleting_until_at=T0 + 600, deletion_grace_seconds=600, grace_seconds=600)
    assert plan(pod) == [(0, NodeMarked), (115, GraceShortened), (116, DrainEnded)]


def test_plan_of_a_cordon_has_no_end_of_a_drain() -> None:
    told = preview(Situation(node=a_node(), pods=(a_pod(),)), [rebalance()], SessionRules(), T0)
    assert not [each for each in told if isinstance(each.report, DrainEnded)]
    assert [each.at for each in told if isinstance(each.report, NodeMarked)] == [T0]


def test_plan_of_an_event_that_waits_has_its_instant() -> None:
    rules = SessionRules(policy=Policy(scheduled_at_start=True))
    told = preview(Situation(node=a_node(), pods=(a_pod(),)), [scheduled(3600)], rules, T0)
    assert [each.at - T0 for each in told if isinstance(each.report, NodeMarked)] == [3480]


def test_nothing_is_predicted_beyond_a_week() -> None:
    rules = SessionRules(policy=Policy(scheduled_at_start=True))
    told = preview(Situation(node=a_node(), pods=()), [scheduled(30 * 24 * 3600)], rules, T0)
    assert not [each for each in told if isinstance(each.report, NodeMarked)]


def test_known_node_that_waits_is_read_anew() -> None:
    rules = SessionRules(policy=Policy(scheduled_at_start=True), marks=MarkRules(taint_node=True))
    told = preview(Situation(node=a_node(), pods=()), [scheduled(3600)], rules, T0)
    (marked,) = [each.report for each in told if isinstance(each.report, NodeMarked)]
    assert isinstance(marked, NodeMarked)
    assert marked.taints == ("aws-node-termination-handler/scheduled-maintenance",)
