"""From the line of a notice back to the event, as far as it says it: the inverse of `notices.events`."""

import re
from collections.abc import Callable

from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import (
    AsgTargetState,
    AsgTermination,
    Event,
    InstanceStateChange,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.policy import Level
from nth.core.reports import NoticeReceived
from nth.core.times import parse_rfc3339
from nth.reading.lines import LogLine

Maker = Callable[[LogLine, "re.Match[str]"], Event]


def notice_of(line: LogLine) -> NoticeReceived | None:
    """None: not a notice."""
    if not line.word("event_id") or not line.word("action") or not line.word("kind"):
        return None
    for pattern, make in _MAKERS:
        match = pattern.match(line.text)
        if match is not None:
            return NoticeReceived(
                event=make(line, match),
                level=Level[line.word("action").upper()],
                drain_at=_instant(line, "drain_at") or line.at,
                deadline_at=_instant(line, "deadline"),
            )
    return None


def _instant(line: LogLine, name: str) -> float | None:
    text = line.word(name)
    return parse_rfc3339(text) if text else None


def _spot(line: LogLine, match: "re.Match[str]") -> Event:
    at = parse_rfc3339(match["at"])
    return SpotInterruption(event_id=line.word("event_id"), action="", interrupted_at=at)


def _spot_of_queue(line: LogLine, match: "re.Match[str]") -> Event:
    at = parse_rfc3339(match["at"])
    return SpotInterruption(
        event_id=line.word("event_id"),
        action="",
        interrupted_at=_instant(line, "deadline") or at,
        instance_id=match["instance"],
        noticed_at=at,
    )


def _rebalance(line: LogLine, match: "re.Match[str]") -> Event:
    at, instance = parse_rfc3339(match["at"]), match["instance"] or ""
    return RebalanceRecommendation(event_id=line.word("event_id"), noticed_at=at, instance_id=instance)


def _health(line: LogLine, match: "re.Match[str]") -> Event:
    at, instance = parse_rfc3339(match["at"]), match["instance"]
    return _maintenance(line, "", (at, at), "", instance)


def _scheduled(line: LogLine, match: "re.Match[str]") -> Event:
    window = parse_rfc3339(match["begin"]), parse_rfc3339(match["end"])
    return _maintenance(line, match["code"], window, match["reason"], "")


def _maintenance(
    line: LogLine, code: str, window: tuple[float, float], reason: str, instance_id: str
) -> ScheduledMaintenance:
    return ScheduledMaintenance(
        event_id=line.word("event_id"),
        code=code,
        not_before_at=window[0],
        not_after_at=window[1],
        reason=reason,
        instance_id=instance_id,
    )


def _target_state(line: LogLine, _match: "re.Match[str]") -> Event:
    return AsgTargetState(event_id=line.word("event_id"))


def _termination(line: LogLine, match: "re.Match[str]") -> Event:
    return AsgTermination(
        event_id=line.word("event_id"),
        instance_id="",
        action=LifecycleAction(group="", hook="", token="", instance_id=""),
        noticed_at=parse_rfc3339(match["at"]),
        deadline_at=_instant(line, "deadline"),
    )


def _state_change(line: LogLine, match: "re.Match[str]") -> Event:
    return InstanceStateChange(
        event_id=line.word("event_id"),
        instance_id=match["instance"],
        state=match["state"],
        noticed_at=parse_rfc3339(match["at"]),
    )


_MAKERS: tuple[tuple["re.Pattern[str]", Maker], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"Spot ITN received\. Instance will be interrupted at (?P<at>\S+)", _spot),
        (r"Spot Interruption notice for instance (?P<instance>\S+) was sent at (?P<at>\S+)", _spot_of_queue),
        (
            r"Rebalance recommendation (?:event )?received\. Instance (?:(?P<instance>\S+) )?"
            r"will be cordoned at (?P<at>\S+)",
            _rebalance,
        ),
        (
            r"AWS Health scheduled change event received\. Instance (?P<instance>\S+) will be interrupted "
            r"at (?P<at>\S+)",
            _health,
        ),
        (
            r"(?P<code>\S+) will occur between (?P<begin>\S+) and (?P<end>\S+) because (?P<reason>.*)",
            _scheduled,
        ),
        (r"AST target lifecycle state received", _target_state),
        (
            r"ASG Lifecycle Termination event received\. Instance will be interrupted at (?P<at>\S+)",
            _termination,
        ),
        (
            r"EC2 State Change event received\. Instance (?P<instance>\S+) went into (?P<state>.*) "
            r"at (?P<at>\S+)",
            _state_change,
        ),
    )
)
