"""From a decision line back to what the session told: as much of it as the line says.

The inverse of `report.log_lines`, kept true by a test over all reports. A line names a pod, but neither
its UID nor its controller: the name stands in for the one, `owners` finds the other.
"""

import re
from collections.abc import Callable
from functools import partial

from nth.core.facts import Controller, Pod, PodRef
from nth.core.reports import (
    CordonLifted,
    DeadlineMoved,
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    ForceForbidden,
    GraceShortened,
    LeftBehind,
    MarkForbidden,
    NodeChangeRefused,
    NodeMarked,
    NodeRestored,
    NodeReturned,
    NoticeWithdrawn,
    NotReplaced,
    Planned,
    PodCameBack,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    Report,
    SessionEnded,
    SessionResumed,
    Told,
    Trouble,
    TroubleOver,
)
from nth.core.times import parse_rfc3339
from nth.reading.lines import LogLine
from nth.reading.notices import notice_of

Match = re.Match[str]
Maker = Callable[[LogLine, Match], Report]
_MISSING = re.compile(
    r"(?P<kind>\S+) (?P<space>[^/ ]+)/(?P<name>\S+) (?P<ready>\d+)/(?P<wanted>\d+): (?P<why>.*)"
)


def told_of(line: LogLine, node_name: str) -> Told | None:
    """None: no decision of a session about that node."""
    try:
        report = notice_of(line) or _report_of(line)
    except (ValueError, LookupError):
        # Almost like ours, but from another version.
        return None
    if report is None:
        return None
    return Told(at=line.at, session_id=line.word("session"), node_name=node_name, report=report)


def _report_of(line: LogLine) -> Report | None:
    for pattern, make in _MAKERS:
        match = pattern.fullmatch(line.text)
        if match is not None:
            return make(line, match)
    return None


def pod_named(text: str, *, grace_seconds: int = 30) -> Pod:
    """The pod `namespace/name`."""
    namespace, _, name = text.partition("/")
    return Pod(ref=PodRef(namespace, name, text), ready=True, grace_seconds=grace_seconds)


def _controller(match: Match) -> Controller:
    name = f"{match['space']}/{match['name']}"
    return Controller(match["kind"], match["name"], f"{match['kind']} {name}")


def _with_reasons(line: LogLine, name: str) -> list[tuple[str, str]]:
    """A field of items `namespace/name: reason`."""
    found = (text.partition(": ") for text in line.words(name))
    return [(pod, reason) for pod, colon, reason in found if colon and "/" in pod and " " not in pod]


# Of the session and its node


def _moved(line: LogLine, match: Match) -> Report:
    return DeadlineMoved(event_id=line.word("event_id"), deadline_at=parse_rfc3339(match[1]))


def _withdrawn(line: LogLine, match: Match) -> Report:
    return NoticeWithdrawn(event_id=line.word("event_id"), reason=match[1])


def _resumed(line: LogLine, _match: Match) -> Report:
    return SessionResumed(event_ids=tuple(line.words("event_ids")))


def _ended(_line: LogLine, match: Match) -> Report:
    return SessionEnded(reason=match[1])


def _marked(line: LogLine, match: Match) -> Report:
    text = match[0]
    return NodeMarked(
        cordoned=line.level != "warn",
        cordoned_by_us="could not" not in text and "it was already" not in text,
        taints=tuple(line.words("taints")),
        labels=tuple(line.words("labels")),
        again="further" in text,
    )


def _change_refused(line: LogLine, match: Match) -> Report:
    return NodeChangeRefused(what=match[1], reason=line.word("reason"))


def _restored(line: LogLine, match: Match) -> Report:
    return NodeRestored(
        uncordoned="uncordoned" in match[0],
        still_cordoned="stays cordoned" in match[0],
        taints=tuple(line.words("taints")),
        labels=tuple(line.words("labels")),
    )


def _lifted(_line: LogLine, match: Match) -> Report:
    seen_at = parse_rfc3339(match["seen"] or match["found"])
    again_at = None
    if "It is set again" in match[0]:
        again_at = seen_at + float(match["after"] or 0)
    last = "not logged any more" in match[0]
    return CordonLifted(seen_at=seen_at, again_at=again_at, looked=match["seen"] is not None, last=last)


def _returned(line: LogLine, _match: Match) -> Report:
    return NodeReturned(uid=line.word("uid"))


# Of pods


def _pods(line: LogLine, _match: Match) -> Report:
    staying = _with_reasons(line, "staying")
    return PodsOnNode(
        going=tuple(pod_named(name) for name in line.words("going")),
        staying=tuple((pod_named(name), reason) for name, reason in staying),
    )


def _accepted(line: LogLine, match: Match) -> Report:
    grace_seconds = int(match["grace"])
    own_seconds = grace_seconds if match["own"] is None else int(match["own"])
    pod = pod_named(line.word("pod"), grace_seconds=own_seconds)
    return EvictionAccepted(pod=pod, grace_seconds=grace_seconds, cut=match["own"] is not None)


def _refused(line: LogLine, match: Match) -> Report:
    forced_at = None if match["at"] is None else parse_rfc3339(match["at"])
    return EvictionRefused(pod=pod_named(line.word("pod")), reason=line.word("reason"), forced_at=forced_at)


def _forced(line: LogLine, match: Match) -> Report:
    return PodForced(pod=pod_named(line.word("pod")), grace_seconds=int(match[1]), reason=line.word("reason"))


def _shortened(line: LogLine, match: Match) -> Report:
    return GraceShortened(pod=pod_named(line.word("pod")), grace_seconds=int(match[1]))


def _left(line: LogLine, match: Match) -> Report:
    return PodLeft(pod=pod_named(line.word("pod")), how=line.word("how"), seconds=float(match[1]))


def _came_back(line: LogLine, match: Match) -> Report:
    return PodCameBack(pod=pod_named(line.word("pod")), goes=match[1] == "asked to go once more")


def _drain_ended(line: LogLine, _match: Match) -> Report:
    left = _with_reasons(line, "left")
    margin = line.word("margin_seconds")
    return DrainEnded(
        left=tuple(LeftBehind(ref=pod_named(name).ref, reason=reason) for name, reason in left),
        evicted=int(line.word("evicted")),
        forced=int(line.word("forced")),
        seconds=float(line.word("seconds")),
        margin_seconds=float(margin) if margin else None,
    )


def _replaced(_line: LogLine, match: Match) -> Report:
    return Replaced(
        namespace=match["space"],
        controller=_controller(match),
        ready=int(match["ready"]),
        seconds=float(match["seconds"]),
    )


def _all_replaced(line: LogLine, match: Match) -> Report:
    return ReplacementEnded(
        missing=(), controllers=int(line.word("controllers") or 0), seconds=float(match[1])
    )


def _not_replaced(line: LogLine, match: Match) -> Report:
    missing = tuple(
        NotReplaced(
            namespace=found["space"],
            controller=_controller(found),
            ready=int(found["ready"]),
            wanted=int(found["wanted"]),
            reason=found["why"],
        )
        for text in line.words("missing")
        if (found := _MISSING.fullmatch(text)) is not None
    )
    return ReplacementEnded(missing=missing, controllers=int(match[1]), seconds=0.0)


# Of what does not answer, and of plans


def _forbidden(line: LogLine, _match: Match) -> Report:
    return ForceForbidden(reason=line.word("reason"))


def _mark_forbidden(line: LogLine, _match: Match) -> Report:
    return MarkForbidden(reason=line.word("reason"))


def _trouble(line: LogLine, match: Match) -> Report:
    return Trouble(what=match[1], reason=line.word("reason"))


def _trouble_over(_line: LogLine, match: Match) -> Report:
    return TroubleOver(what=f"{match[1][0].lower()}{match[1][1:]}", seconds=float(match[2]))


def _planned(line: LogLine, _match: Match, *, drain: bool) -> Report:
    return Planned(steps=tuple(line.words("plan")), drain=drain)


_SECONDS = r"(-?\d+\.\d) s"
_MAKERS: tuple[tuple["re.Pattern[str]", Maker], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (
            r"Pod evicted, (?P<grace>-?\d+) s of grace"
            r"(?:, cut from (?P<own>\d+) s: that is all the time left)?",
            _accepted,
        ),
        (rf"Pod gone after {_SECONDS}", _left),
        (
            r"Pod came back to the node, although it is cordoned; it is (asked to go once more|left there)",
            _came_back,
        ),
        (
            r"Pod may not be evicted now; it will (?:not be forced|be forced at (?P<at>\S+))",
            _refused,
        ),
        (r"Pod deleted past its budget, (-?\d+) s of grace: its latest moment had come", _forced),
        (r"Pod was terminating with more time than the machine has: (-?\d+) s left", _shortened),
        (r"Pods on node: \d+ to move, \d+ stay", _pods),
        (r"Node successfully cordoned and drained|Node is not drained: .*", _drain_ended),
        (
            r"(?P<kind>\S+) (?P<space>[^/ ]+)/(?P<name>\S+) has (?P<ready>\d+) Ready pods? elsewhere, "
            r"after (?P<seconds>-?\d+\.\d) s",
            _replaced,
        ),
        (rf"All pods replaced {_SECONDS} after the notice", _all_replaced),
        (r"Not all pods are replaced: \d+ of (\d+) controllers are short", _not_replaced),
        (
            r"Node successfully cordoned(?: \(it was already, and will stay so\))?|Node could not be cordoned"
            r"|Node marked further",
            _marked,
        ),
        (
            r"Somebody took the cordon off(?:: seen at (?P<seen>\S+)\.| before (?P<found>\S+), while .*?\.)"
            r" It (?:stays off|is set again (?:at once|in (?P<after>\d+\.\d) s)).*",
            _lifted,
        ),
        (r"The Node was registered anew for the same machine, .*", _returned),
        (r"Node successfully uncordoned|Node restored(?:; it stays cordoned.*)?", _restored),
        (r"The API server refuses a change of the node \((.*)\); going on without it", _change_refused),
        (r"No permission to delete pods: .*", _forbidden),
        (r"No permission to mark pods as disrupted: .*", _mark_forbidden),
        (r"The lifecycle hook now waits until (\S+)", _moved),
        (r"Event is over: (.*)", _withdrawn),
        (r"Going on with what is recorded on the node", _resumed),
        (r"Session ended: (.*)", _ended),
        (r"Waiting for (.*), trying again until it answers", _trouble),
        (rf"(.+) answers again after {_SECONDS}", _trouble_over),
        (
            r"Node would have been cordoned and drained, but dry-run flag was set",
            partial(_planned, drain=True),
        ),
        (r"Node would have been cordoned, but dry-run flag was set", partial(_planned, drain=False)),
    )
)
