"""For each alert of the chart: what makes it fire, what it says then, and what must not make it fire.

Series are in promtool's notation, a value a minute:
https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

JOB: Final = "aws-node-termination-handler"
Series = Mapping[str, str]
"""Values by metric and labels, without the job."""
Labels = Mapping[str, str]

SELECTOR: Final = f"app.kubernetes.io/name={JOB},app.kubernetes.io/instance={JOB}"
LOGS: Final = f"kubectl logs --namespace kube-system --selector {SELECTOR} --tail=-1 --prefix"
REPORT: Final = f"{LOGS} | nth report"
ACCOUNT: Final = JOB
ONE: Final = "instance='a',node='node-1',pod='nth-a'"
"""A handler as the chart's own monitors name it."""
ITS_LABELS: Final = {"instance": "a", "node": "node-1", "pod": "nth-a"}

RUNNING: Final[Series] = {"up{instance='a'}": "1x300", "nth_build_info{instance='a',mode='queue'}": "1x300"}
"""A handler as it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`at_minutes` is when to look."""

    fires: Series
    says: str
    """The description."""
    labels: Labels = field(default_factory=dict)
    """Of the alert, besides job and severity."""
    quiet: Series
    at_minutes: int = 15
    absent: bool = False
    """No handler runs in the case that fires."""


def _margins(below_10: int, below_60: int) -> Series:
    """So many drains of ten, by what was left until the deadline."""
    name = "nth_deadline_margin_seconds_bucket{{instance='a',kind='SPOT_ITN',le='{}'}}"
    counts = {"0.0": 0, "10.0": below_10, "60.0": below_60, "+Inf": 10}
    return {name.format(bound): f"0x5 {number}x20" for bound, number in counts.items()}


def _aws_calls(code: str) -> Series:
    labels = f"code='{code}',instance='a',operation='ReceiveMessage',service='sqs'"
    return {f"nth_aws_requests_total{{{labels}}}": "0x10 7x10"}


CASES: Final[Mapping[str, Case]] = {
    "NodeTerminationDeadlineMissed": Case(
        fires={"nth_missed_deadlines_total{instance='a'}": "0x10 1x10"},
        says=f"1 interruption(s) missed the deadline in the last 15 minutes. To see which, run: {REPORT}",
        quiet={"nth_missed_deadlines_total{instance='a'}": "1x30"},
    ),
    "NodeTerminationPodsLost": Case(
        fires={"nth_pods_total{instance='a',outcome='lost'}": "0x10 2x10"},
        says="2 pod(s) were lost in the last 15 minutes: they ran until their machine went, or nothing had "
        "replaced them at the end. "
        f"To see which, run: {REPORT}",
        quiet={"nth_pods_total{instance='a',outcome='moved'}": "0x10 50x10"},
    ),
    "NodeTerminationPodsForced": Case(
        fires={"nth_pods_left_total{instance='a',how='forced'}": "0x10 3x10"},
        says="3 pod(s) were forced in the last hour, to be in time. "
        "To see the budgets, run: kubectl get poddisruptionbudgets --all-namespaces",
        quiet={"nth_pods_left_total{instance='a',how='forced'}": "3x30"},
    ),
    "NodeTerminationMarginShort": Case(
        fires=_margins(5, 10),
        says="In the last 6 hours, one drain in ten had 2.0 s left, or less. "
        f"To see what takes long, run: {REPORT}",
        quiet=_margins(0, 10),
    ),
    "NodeTerminationDrainLong": Case(
        fires={f"nth_active_sessions{{{ONE},phase='draining'}}": "2x60"},
        says="The handler nth-a on node node-1 has been draining for 30 minutes without a pause; "
        "now 2 node(s). To see what blocks, run: kubectl logs --namespace kube-system nth-a "
        "| grep 'Pod may not be evicted now'",
        labels=ITS_LABELS,
        quiet={"nth_active_sessions{instance='a',phase='draining'}": "2x20 0 2x20"},
        at_minutes=40,
    ),
    "NodeTerminationSourceBlind": Case(
        fires={
            f"nth_source_last_answer_age_seconds{{{ONE},source='nth'}}": "0+30x10",
            "nth_source_last_answer_age_seconds{instance='b',node='node-2',source='nth'}": "20x10",
        },
        says="The handler nth-a on node node-1 has had no answer from nth for 2m 30s. "
        "To see why, run: kubectl logs --namespace kube-system nth-a | "
        "grep -e 'problem monitoring' -e 'queue does not answer' -e 'AWS does not let us'",
        labels={"source": "nth", **ITS_LABELS},
        quiet={"nth_source_last_answer_age_seconds{instance='a',source='nth'}": "20x10"},
        at_minutes=5,
    ),
    "NodeTerminationHandlerDown": Case(
        # Scraped by other means than the chart's own monitors, which name neither pod nor node.
        fires={"up{instance='192.0.2.1:9092'}": "0x30"},
        says="The handler 192.0.2.1:9092 has not served metrics for 15 minutes. To see why, run: "
        f"kubectl describe pod --namespace kube-system --selector {SELECTOR}",
        labels={"instance": "192.0.2.1:9092"},
        quiet={"up{instance='b'}": "0x10 1 0x20"},
        at_minutes=20,
    ),
    "NodeTerminationHandlerRestarts": Case(
        fires={f"process_start_time_seconds{{{ONE}}}": "1 2 3 4 4x30"},
        says="The handler nth-a on node node-1 has restarted 3 times in 30 minutes. "
        "To see how the last one ended, run: kubectl logs --namespace kube-system nth-a --previous",
        labels=ITS_LABELS,
        quiet={"process_start_time_seconds{instance='a'}": "1x5 2x30"},
    ),
    "NodeTerminationKubernetesRefuses": Case(
        fires={"nth_kubernetes_requests_total{code='403',instance='a',verb='patch'}": "0x10 4x10"},
        says="4 request(s) to patch were answered with 403 in the last 15 minutes. "
        "To see what is allowed, run: "
        f"kubectl auth can-i --list --as=system:serviceaccount:kube-system:{ACCOUNT}",
        labels={"verb": "patch", "code": "403"},
        quiet={"nth_kubernetes_requests_total{code='429',instance='a',verb='evict'}": "0x10 40x10"},
    ),
    "NodeTerminationWebhookFailing": Case(
        fires={"nth_webhook_posts_total{instance='a',result='failed',target='chat'}": "0x10 2x10"},
        says="2 post(s) to chat were given up in the last 15 minutes. "
        f"To see the answers, run: {LOGS} | grep 'Webhook Error:'",
        labels={"target": "chat"},
        quiet={"nth_webhook_posts_total{instance='a',result='retried',target='chat'}": "0x10 2x10"},
    ),
    "NodeTerminationHandlerAbsent": Case(
        fires={},
        says=f"There have been no metrics of the job {JOB} for 5 minutes. To see what runs, run: "
        f"kubectl get deployment,pods --namespace kube-system --selector {SELECTOR}",
        quiet={},
        absent=True,
    ),
    "NodeTerminationHookStuck": Case(
        fires={"nth_hooks_stuck{instance='a'}": "1x20"},
        says="For 2 minutes AWS has refused heartbeats or completion of 1 lifecycle action(s). "
        f"To see its reason, run: {LOGS} | grep -i lifecycle",
        quiet={"nth_hooks_stuck{instance='a'}": "1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0"},
    ),
    "NodeTerminationHookTimedOut": Case(
        fires={"nth_hooks_total{instance='a',outcome='timed_out'}": "0x10 1x10"},
        says="1 lifecycle action(s) timed out in the last hour. "
        f"To see how long the drains took, run: {REPORT}",
        quiet={"nth_hooks_total{instance='a',outcome='completed'}": "0x10 1x10"},
    ),
    "NodeTerminationQueueAge": Case(
        fires={"nth_queue_oldest_message_age_seconds{instance='a',queue='nth'}": "0+60x60"},
        says="The oldest message from the queue nth has been in hand for 40m 0s. "
        "To see which drains are still running, run: kubectl get nodes | grep SchedulingDisabled",
        labels={"queue": "nth"},
        quiet={"nth_queue_oldest_message_age_seconds{instance='a',queue='nth'}": "0+60x25 0+60x20"},
        at_minutes=40,
    ),
    "NodeTerminationMessagesUnreadable": Case(
        fires={"nth_queue_items_total{instance='a',result='unreadable'}": "0x10 5x10"},
        says="In the last hour, 5 message(s) were not notices that the handler knows. "
        f"To see them, run: {LOGS} | grep 'A message cannot be read'",
        quiet={"nth_queue_items_total{instance='a',result='not_ours'}": "0x10 5x10"},
    ),
    "NodeTerminationAwsRefuses": Case(
        fires=_aws_calls("AccessDenied"),
        says="sqs ReceiveMessage was answered with AccessDenied 7 time(s) in the last 15 minutes. "
        f"To see the role, run: kubectl get serviceaccount --namespace kube-system {ACCOUNT} --output yaml",
        labels={"service": "sqs", "operation": "ReceiveMessage", "code": "AccessDenied"},
        quiet=_aws_calls("throttled"),
    ),
    "NodeTerminationNotReplaced": Case(
        fires={
            "nth_notice_to_drained_seconds_count{instance='a',kind='SPOT_ITN'}": "0x10 10x80",
            "nth_notice_to_replaced_seconds_count{instance='a',kind='SPOT_ITN'}": "0x10 7x80",
            "nth_ended_with_fewer_pods_total{instance='a'}": "0x10 1x80",
        },
        says="Of the nodes that were drained within an hour, more than one in ten still lacks pods "
        "15 minutes later. To see those that wait, run: "
        "kubectl get pods --all-namespaces --field-selector status.phase=Pending",
        quiet={
            "nth_notice_to_drained_seconds_count{instance='a',kind='SPOT_ITN'}": "0x10 10x80",
            "nth_notice_to_replaced_seconds_count{instance='a',kind='SPOT_ITN'}": "0x12 7x80",
            "nth_ended_with_fewer_pods_total{instance='a'}": "0x12 3x80",
        },
        at_minutes=50,
    ),
}
"""By the alert's name."""
