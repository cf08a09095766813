"""The words of documents and `deploy/` about kinds of event, by their classes in `nth.core.notices.events`.

`python -m tools.event_kinds` writes it into them; a test fails when one is stale.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
LAUNCH: Final = "AsgLaunch"
"""It drains no node; its rule is made only if launch hooks are wanted."""
_EC2: Final = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide"
_GRACE: Final = "`NODE_TERMINATION_GRACE_PERIOD`"
_MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rule of EventBridge by which such events reach the queue."""

    name: str
    """Its name in CloudFormation; Terraform has it in lower case with hyphens."""
    text: str
    page: str = ""
    """AWS's page about it."""
    source: str
    detail_type: str
    detail: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Further fields that have to match."""


RULES: Final[Mapping[str, Rule]] = {
    "SpotInterruption": Rule(
        name="SpotInterruption",
        text="A Spot instance will be interrupted in two minutes",
        page=f"{_EC2}/spot-instance-termination-notices.html",
        source="aws.ec2",
        detail_type="EC2 Spot Instance Interruption Warning",
    ),
    "RebalanceRecommendation": Rule(
        name="RebalanceRecommendation",
        text="A Spot instance is at elevated risk of an interruption",
        page=f"{_EC2}/rebalance-recommendations.html",
        source="aws.ec2",
        detail_type="EC2 Instance Rebalance Recommendation",
    ),
    "InstanceStateChange": Rule(
        name="InstanceStateChange",
        text="An instance is going down, or down",
        page=f"{_EC2}/monitoring-instance-state-changes.html",
        source="aws.ec2",
        detail_type="EC2 Instance State-change Notification",
        detail={"state": ("stopping", "stopped", "shutting-down", "terminated")},
    ),
    "ScheduledMaintenance": Rule(
        name="ScheduledMaintenance",
        text="AWS will reboot, stop or retire an instance",
        page="https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html",
        source="aws.health",
        detail_type="AWS Health Event",
        detail={"service": ("EC2",), "eventTypeCategory": ("scheduledChange",)},
    ),
    "AsgTermination": Rule(
        name="TerminationHook",
        text="An instance waits in a termination lifecycle hook",
        page="https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html",
        source="aws.autoscaling",
        detail_type="EC2 Instance-terminate Lifecycle Action",
    ),
    LAUNCH: Rule(
        name="LaunchHook",
        text="A new instance waits in a launch lifecycle hook",
        source="aws.autoscaling",
        detail_type="EC2 Instance-launch Lifecycle Action",
    ),
}
DECISIONS: Final = (
    (
        "SpotInterruption",
        f"Spot interruption | drain | cordon at once; evict from the deadline {_MINUS} {_GRACE} (at once, "
        "with the default 120) | the time that AWS names",
    ),
    (
        "ScheduledMaintenance",
        "scheduled maintenance | drain | at once; with `SCHEDULED_EVENT_DRAIN_AT=start` from its start "
        f"{_MINUS} {_GRACE} | its start; {_GRACE} from now if it is in its window already",
    ),
    (
        "AsgTargetState",
        f"Auto Scaling target state `Terminated` | drain | at once | {_GRACE} from now: the metadata service "
        "does not say how long the hook waits",
    ),
    (
        "RebalanceRecommendation",
        "rebalance recommendation | cordon; drain with `ENABLE_REBALANCE_DRAINING`, and in queue mode | at "
        "once | none: the interruption may never come",
    ),
    (
        "SpotInterruption",
        "*queue mode:* Spot interruption | drain | at once | two minutes after AWS's time; for `hibernate` "
        "that time itself",
    ),
    (
        "AsgTermination",
        "*queue mode:* termination lifecycle hook | drain | at once | the hook's timeout, moved by every "
        f"heartbeat; {_GRACE} from now if AWS does not name it within 2 s, until it does",
    ),
    (
        "InstanceStateChange",
        f"*queue mode:* stopping, shutting-down | drain | at once | {_GRACE} after AWS's time: the shutdown "
        "is an orderly one",
    ),
    (
        "InstanceStateChange",
        "*queue mode:* stopped, terminated | drain | at once | has passed: the machine is gone",
    ),
)
"""The first table of docs/how-it-decides.md: a notice, how much, from when, until when."""
MESSAGES: Final = (
    (
        "SpotInterruption",
        "EC2 Spot Instance Interruption Warning | drain | two minutes after the event's time; for "
        "`hibernate` that time itself | `ACTION_SPOT_INTERRUPTION`",
    ),
    (
        "RebalanceRecommendation",
        "EC2 Instance Rebalance Recommendation | drain | none | `ACTION_REBALANCE_RECOMMENDATION`",
    ),
    (
        "ScheduledMaintenance",
        "AWS Health Event: EC2, `scheduledChange` | drain | its start | `ACTION_SCHEDULED_EVENT`",
    ),
    (
        "AsgTermination",
        "EC2 Instance-terminate Lifecycle Action | drain, then complete the hook | the hook's timeout; if it "
        f"cannot be asked, {_GRACE} from now | `ACTION_ASG_LIFECYCLE`",
    ),
    (
        "InstanceStateChange",
        f"EC2 Instance State-change Notification: stopping, shutting-down | drain | {_GRACE} after the "
        "event's time | `ACTION_STATE_CHANGE`",
    ),
    (
        "InstanceStateChange",
        "the same: stopped, terminated | drain | has passed: pods keep their own grace, and nothing is "
        "forced | `ACTION_STATE_CHANGE`",
    ),
    (LAUNCH, "EC2 Instance-launch Lifecycle Action | complete the hook once the node is Ready | |"),
)
"""The table of docs/queue-mode.md: a message, what it asks for, the deadline, the setting."""
_HEADS: Final = {
    "how-it-decides.md": ("| notice | how much | from when | until when (the deadline) |", DECISIONS),
    "queue-mode.md": ("| message | asks for | deadline | action by |", MESSAGES),
}
_BEGIN: Final = "  # The rules are written by `make docs` from tools/event_kinds.py; do not edit them here.\n"
_END: Final = "  # docs/queue-mode.md says of each action"
_ARNS: Final = re.compile(r"(?: {18}- (?:!GetAtt|!If \[\w+, !GetAtt) \w+\.Arn[^\n]*\n)+")
_TERRAFORM: Final = """\
# The events that the handler reads; nothing else reaches the queue. Made by `make docs`; do not edit.

locals {
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
  patterns = merge(
    {
%s    },
    var.launch_hook == null ? {} : {
%s    },
  )
}
"""


def written() -> dict[Path, str]:
    """Returns the contents of each document and template."""
    template = ROOT / "deploy" / "aws" / "queue.cfn.yaml"
    documents = {ROOT / "docs" / name: parts for name, parts in _HEADS.items()}
    return {
        template: _cloud_formation(template.read_text(encoding="utf-8")),
        ROOT / "deploy" / "aws" / "terraform" / "patterns.tf": _terraform(),
        **{path: _with_rows(path.read_text(encoding="utf-8"), *parts) for path, parts in documents.items()},
    }


def _with_rows(text: str, head: str, rows: Sequence[tuple[str, str]]) -> str:
    """Returns the document with these rows in the table that has that head."""
    before, found, rest = text.partition(head + "\n")
    if not found:
        raise ValueError(f"there is no table {head}")
    rule, _, rest = rest.partition("\n")
    after = re.sub(r"\A(?:\|.*\n)*", "", rest)
    lines = "".join(f"| {cells} |\n" for _, cells in rows)
    return f"{before}{found}{rule}\n{lines}{after}"


def _cloud_formation(text: str) -> str:
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError("the template has no place for the rules")
    rules = "\n".join(_resource(event, rule) for event, rule in RULES.items())
    arns = "".join(_arn(event, rule) for event, rule in RULES.items())
    return f"{_ARNS.sub(arns, before)}{begin}{rules}\n{end}{after}"


def _arn(event: str, rule: Rule) -> str:
    arn = f"!GetAtt {rule.name}.Arn"
    return f"{' ' * 18}- {f'!If [HasLaunchHooks, {arn}, !Ref AWS::NoValue]' if event == LAUNCH else arn}\n"


def _resource(event: str, rule: Rule) -> str:
    detail = ", ".join(f"{name}: [{', '.join(values)}]" for name, values in rule.detail.items())
    lines = [
        *([f"# {rule.page}"] if rule.page else []),
        f"{rule.name}:",
        "  Type: AWS::Events::Rule",
        *(["  Condition: HasLaunchHooks"] if event == LAUNCH else []),
        "  Properties:",
        f"    Description: {rule.text}",
        "    EventPattern:",
        f"      source: [{rule.source}]",
        f"      detail-type: [{rule.detail_type}]",
        *([f"      detail: {{{detail}}}"] if detail else []),
        "    Targets: [{Id: queue, Arn: !GetAtt Queue.Arn}]",
    ]
    return "".join(f"  {line}\n" for line in lines)


def _terraform() -> str:
    usual = "".join(_pattern(rule) for event, rule in RULES.items() if event != LAUNCH)
    return _TERRAFORM % (usual, _pattern(RULES[LAUNCH]))


def _pattern(rule: Rule) -> str:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", rule.name).lower()
    detail = ", ".join(f"{name} = {json.dumps(values)}" for name, values in rule.detail.items())
    lines = [
        f"{name} = {{",
        f'  source      = ["{rule.source}"]',
        f'  detail-type = ["{rule.detail_type}"]',
        *([f"  detail      = {{ {detail} }}"] if detail else []),
        "}",
    ]
    return "".join(f"      {line}\n" for line in lines)


if __name__ == "__main__":
    for path, content in written().items():
        path.write_text(content, encoding="utf-8")
