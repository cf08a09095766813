"""Sample data for webhooks: each template is tried with it at the start."""

from dataclasses import replace

from nth.core.notices.events import RebalanceRecommendation, SpotInterruption
from nth.core.notices.imds import InstanceMetadata
from nth.core.policy import Level
from nth.report.interruption import InterruptionReport, NoticeSeen
from nth.report.webhook.announcement import Announcement, Phase, Result
from nth.report.webhook.data import About

NODE = "ip-10-0-1-17.eu-west-1.compute.internal"
INSTANCE = "i-0123456789abcdef0"
SAMPLE_ABOUT = About(
    metadata=InstanceMetadata(
        account_id="123456789012",
        instance_id=INSTANCE,
        instance_life_cycle="spot",
        instance_type="m5.large",
        public_hostname="ec2-203-0-113-17.eu-west-1.compute.amazonaws.com",
        public_ipv4="203.0.113.17",
        local_hostname=NODE,
        local_ipv4="10.0.1.17",
        availability_zone="eu-west-1a",
        region="eu-west-1",
    ),
    labels={"kubernetes.io/hostname": NODE, "lifecycle": "Ec2Spot", "team": 'the "shop"'},
    provider_id=f"aws:///eu-west-1a/{INSTANCE}",
    group="spot-workers",
    managed=True,
)
RESULTS: dict[Phase, tuple[Result, str]] = {
    "received": ("pending", ""),
    "cordoned": ("pending", ""),
    "forced": ("pending", 'shop/billing-1: the budget "billing" allows no disruption'),
    "drained": ("success", ""),
    "failed": ("failure", 'still on the node: shop/billing-1: the budget "billing" allows no disruption'),
    "cancelled": ("cancelled", "AWS says it is canceled"),
    "replaced": ("success", ""),
}


def samples(now: float) -> dict[Phase, Announcement]:
    """Returns one announcement for each phase, made at the instant `now` (epoch seconds)."""
    return {phase: _sample(phase, result, reason, now) for phase, (result, reason) in RESULTS.items()}


def bare_sample(now: float) -> Announcement:
    """Returns the emptiest announcement: the handler was restarted, and nothing has been read."""
    return Announcement(
        phase="failed", result="failure", at=now, session_id="", node_name="", duration_seconds=0.0
    )


def _sample(phase: Phase, result: Result, reason: str, now: float) -> Announcement:
    spot = SpotInterruption(event_id="spot-itn-1", action="terminate", interrupted_at=now + 108)
    rebalance = RebalanceRecommendation(event_id="rebalance-recommendation-1", noticed_at=now - 60)
    notices = (
        NoticeSeen(at=now - 60, event=rebalance, level=Level.CORDON, deadline_at=None),
        NoticeSeen(at=now - 12, event=spot, level=Level.DRAIN, deadline_at=now + 108),
    )
    began = Announcement(
        phase=phase,
        result=result,
        reason=reason,
        attempt=phase in ("drained", "failed"),
        at=now,
        session_id="ab12cd34",
        node_name=NODE,
        notice=notices[-1],
        notices=notices,
        event_ids=tuple(notice.event.event_id for notice in notices),
        kinds=frozenset(notice.event.kind.name for notice in notices),
        duration_seconds=12.0,
        deadline_at=now + 108,
    )
    if phase in ("received", "cordoned"):
        return began
    report = InterruptionReport(
        node_name=NODE, session_id="ab12cd34", first_at=now - 12, began_at=now - 12, until_at=now
    )
    return replace(
        began,
        pods=("web-1", "billing-1", "aws-node-1"),
        evicted=1,
        forced=0 if phase == "drained" else 1,
        left=("shop/billing-1: the budget billing allows no disruption",) if phase == "failed" else (),
        report=None if phase in ("forced", "drained") else report,
    )
