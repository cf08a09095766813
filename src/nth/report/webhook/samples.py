"""Tries a target's template at the start, with sample data of every phase that it may get."""

from dataclasses import replace

import msgspec

from nth.core.notices.events import RebalanceRecommendation, SpotInterruption
from nth.core.notices.imds import InstanceMetadata
from nth.core.policy import Level
from nth.report.interruption import Became, HowLeft, InterruptionReport, NoticeSeen
from nth.report.pod_fates import Counts
from nth.report.webhook.announcement import Announcement, Phase, Result
from nth.report.webhook.data import About, template_data
from nth.report.webhook.target import Target

ATTEMPTS: tuple[Phase, ...] = ("cordoned", "drained", "failed")
"""The phases that a target without phases gets."""
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
    "waiting": ("pending", "not known yet: shop/billing: 0 of 1 Ready: Pending: 1 Insufficient cpu"),
    "failed": ("failure", 'still on the node: shop/billing-1: the budget "billing" allows no disruption'),
    "cancelled": ("cancelled", "AWS says it is canceled"),
    "replaced": ("success", ""),
    "unknown": (
        "unknown",
        "not known whether all pods run elsewhere: shop/billing: 0 of 1 Ready, not known how many are wanted",
    ),
}


def check_target(target: Target, now: float) -> tuple[str, ...]:
    """Returns advice, a line each. SettingError with the position: the template fails.

    As the original does, it is also tried with data that is empty; a template that fails then fails here.
    """
    by_phase = samples(now)
    wanted = [by_phase[phase] for phase in by_phase if phase in (target.phases or ATTEMPTS)]
    tried: list[tuple[Announcement, About]] = [(bare_sample(now), About())]
    tried += [(announcement, SAMPLE_ABOUT) for announcement in wanted]
    texts = [target.template.tried(template_data(each, about), now) for each, about in tried]
    if _says_json(target) and not all(map(_is_json, texts)):
        return (
            f"{target.template.source}: what it gives is not always JSON, as the header Content-type says, "
            "and a receiver may refuse it: texts need `toJson` (a description ends with a line break)",
        )
    return ()


def _says_json(target: Target) -> bool:
    types = [value for name, value in target.headers.items() if name.lower() == "content-type"]
    return any("json" in value.lower() for value in types)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


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
        counts=_sample_counts(phase),
        left=("shop/billing-1: the budget billing allows no disruption",) if phase == "failed" else (),
        report=None if phase in ("forced", "drained") else report,
    )


def _sample_counts(phase: Phase) -> Counts:
    left = {HowLeft.POLITELY: 1} | ({} if phase == "drained" else {HowLeft.FORCED: 1})
    became = Became.MOVED if phase == "replaced" else Became.NOT_REPLACED
    return Counts(left, {became: sum(left.values())})
