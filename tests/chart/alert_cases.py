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
        says="1 interruption(s) missed the deadline in the last 15 minutes.",
        quiet={"nth_missed_deadlines_total{instance='a'}": "1x30"},
    ),
    "NodeTerminationPodsLost": Case(
        fires={"nth_pods_total{instance='a',outcome='protected'}": "0x10 2x10"},
        says="2 pod(s) were still there when the machine went, in the last 15 minutes (protected).",
        labels={"outcome": "protected"},
        quiet={"nth_pods_total{instance='a',outcome='polite'}": "0x10 50x10"},
    ),
    "NodeTerminationPodsForced": Case(
        fires={"nth_pods_total{instance='a',outcome='forced'}": "0x10 3x10"},
        says="3 pod(s) were forced in the last hour, to be in time.",
        quiet={"nth_pods_total{instance='a',outcome='forced'}": "3x30"},
    ),
    "NodeTerminationMarginShort": Case(
        fires=_margins(5, 10),
        says="One drain in ten of the last 6 hours had 2.0 s left, or less.",
        quiet=_margins(0, 10),
    ),
    "NodeTerminationDrainLong": Case(
        fires={"nth_active_sessions{instance='a',phase='draining'}": "2x60"},
        says="2 node(s) are being drained, without a pause for 30 minutes.",
        quiet={"nth_active_sessions{instance='a',phase='draining'}": "2x20 0 2x20"},
        at_minutes=40,
    ),
    "NodeTerminationSourceBlind": Case(
        fires={
            "nth_source_last_answer_age_seconds{instance='a',source='nth'}": "0+30x10",
            "nth_source_last_answer_age_seconds{instance='b',source='nth'}": "0+30x10",
        },
        says="2 handler(s) have had no answer from nth for over 60 s.",
        labels={"source": "nth"},
        quiet={"nth_source_last_answer_age_seconds{instance='a',source='nth'}": "20x10"},
        at_minutes=5,
    ),
    "NodeTerminationHandlerDown": Case(
        fires={"up{instance='b'}": "0x30"},
        says="1 handler(s) have not served metrics for 15 minutes.",
        quiet={"up{instance='b'}": "0x10 1 0x20"},
        at_minutes=20,
    ),
    "NodeTerminationHandlerRestarts": Case(
        fires={"process_start_time_seconds{instance='a'}": "1 2 3 4 4x30"},
        says="One handler has started 3 times in 30 minutes.",
        quiet={"process_start_time_seconds{instance='a'}": "1x5 2x30"},
    ),
    "NodeTerminationKubernetesRefuses": Case(
        fires={"nth_kubernetes_requests_total{code='403',instance='a',verb='patch'}": "0x10 4x10"},
        says="4 request(s) to patch were answered with 403 in the last 15 minutes.",
        labels={"verb": "patch", "code": "403"},
        quiet={"nth_kubernetes_requests_total{code='429',instance='a',verb='evict'}": "0x10 40x10"},
    ),
    "NodeTerminationWebhookFailing": Case(
        fires={"nth_webhook_posts_total{instance='a',result='failed',target='chat'}": "0x10 2x10"},
        says="2 post(s) to chat were given up in the last 15 minutes.",
        labels={"target": "chat"},
        quiet={"nth_webhook_posts_total{instance='a',result='retried',target='chat'}": "0x10 2x10"},
    ),
    "NodeTerminationHandlerAbsent": Case(
        fires={},
        says=f"Nobody has served the metrics of {JOB} for 5 minutes.",
        quiet={},
        absent=True,
    ),
    "NodeTerminationHookStuck": Case(
        fires={"nth_hooks_stuck{instance='a'}": "1x20"},
        says="AWS has refused 1 lifecycle action(s) for 2 minutes.",
        quiet={"nth_hooks_stuck{instance='a'}": "1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0"},
    ),
    "NodeTerminationHookTimedOut": Case(
        fires={"nth_hooks_total{instance='a',outcome='timed_out'}": "0x10 1x10"},
        says="1 lifecycle action(s) timed out in the last hour.",
        quiet={"nth_hooks_total{instance='a',outcome='completed'}": "0x10 1x10"},
    ),
    "NodeTerminationQueueAge": Case(
        fires={"nth_queue_oldest_message_age_seconds{instance='a',queue='nth'}": "0+60x60"},
        says="The oldest message from nth is 40m 0s old.",
        labels={"queue": "nth"},
        quiet={"nth_queue_oldest_message_age_seconds{instance='a',queue='nth'}": "0+60x25 0+60x20"},
        at_minutes=40,
    ),
    "NodeTerminationMessagesUnreadable": Case(
        fires={"nth_queue_items_total{instance='a',result='unreadable'}": "0x10 5x10"},
        says="5 message(s) were no notice that the handler knows, in the last hour.",
        quiet={"nth_queue_items_total{instance='a',result='not_ours'}": "0x10 5x10"},
    ),
    "NodeTerminationAwsRefuses": Case(
        fires=_aws_calls("AccessDenied"),
        says="sqs ReceiveMessage was answered with AccessDenied 7 time(s) in the last 15 minutes.",
        labels={"service": "sqs", "operation": "ReceiveMessage", "code": "AccessDenied"},
        quiet=_aws_calls("throttled"),
    ),
    "NodeTerminationNotReplaced": Case(
        fires={
            "nth_notice_to_drained_seconds_count{instance='a',kind='SPOT_ITN'}": "0x10 10x80",
            "nth_notice_to_replaced_seconds_count{instance='a',kind='SPOT_ITN'}": "0x10 8x80",
        },
        says="Of the nodes that were drained in an hour, more than one in ten still lacks pods a quarter of "
        "an hour later.",
        quiet={
            "nth_notice_to_drained_seconds_count{instance='a',kind='SPOT_ITN'}": "0x10 10x80",
            "nth_notice_to_replaced_seconds_count{instance='a',kind='SPOT_ITN'}": "0x12 10x80",
        },
        at_minutes=50,
    ),
}
"""By the alert's name."""
