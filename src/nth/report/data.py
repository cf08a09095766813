"""An interruption as plain data for programs (`nth report --json`): names that stay, instants as RFC 3339.

docs/report.md describes the shape; a field that is not known is null. Not to be mixed up with `report_line`,
which is made to be small.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from nth.core.facts import Controller, Pod
from nth.report.advice import advice
from nth.report.interruption import ControllerOutcome, InterruptionReport, NoticeSeen, PodOutcome
from nth.report.storm import line_of
from nth.report.words import caveats, verdict

VERSION = 1
Data = dict[str, object]


def as_data(report: InterruptionReport) -> Data:
    """Returns JSON's types only."""
    fine, sentence = verdict(report)
    line = line_of(report)
    return {
        "node": report.node_name,
        "session": report.session_id,
        "kind": None if report.leading is None else report.leading.event.kind.title,
        "complete": report.final and not report.incomplete,
        "caveats": caveats(report),
        "ok": fine,
        "headline": sentence,
        "result": line.result,
        "lost": line.lost,
        "still_here": line.still_here,
        "not_replaced": line.not_replaced,
        "forced": line.forced,
        "margin_seconds": report.margin_seconds,
        "noticed_at": instant(report.began_at),
        "deadline_at": instant(report.deadline_at),
        "cordoned_at": instant(report.cordoned_at),
        "drained_at": instant(report.drained_at),
        "replaced_at": instant(report.replaced_at),
        "restored_at": instant(report.restored_at),
        "known_until": instant(report.until_at),
        "called_off": report.called_off,
        "taints": list(report.taints),
        "notices": [_notice(notice) for notice in report.notices],
        "pods": [_outcome(outcome) for outcome in report.pods],
        "pods_left_out": report.pods_left_out,
        "kept_pods": [_kept(pod, reason) for pod, reason in report.staying],
        "controllers": [_controller(one) for one in report.controllers],
        "plan": list(report.planned),
        "advice": list(advice(report)),
        "timeline": [
            {"at": instant(entry.at), "level": entry.level, "text": entry.text} for entry in report.entries
        ],
        "timeline_left_out": report.entries_left_out,
    }


def instant(at: float | None) -> str | None:
    """Returns `2026-11-22T08:30:05.655Z`."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _notice(notice: NoticeSeen) -> Data:
    return {
        "kind": notice.event.kind.title,
        "event_id": notice.event.event_id,
        "level": notice.level.name.lower(),
        "at": instant(notice.at),
        "deadline_at": instant(notice.deadline_at),
        "withdrawn_at": instant(notice.withdrawn_at),
    }


def _outcome(outcome: PodOutcome) -> Data:
    successor = outcome.successor
    return {
        **_pod(outcome.pod),
        "stage": outcome.stage.value,
        "left": outcome.left.value,
        "became": outcome.became.value,
        "known_at": instant(outcome.known_at),
        "refused_at": instant(outcome.refused_at),
        "reason": outcome.reason or None,
        "asked_at": instant(outcome.asked_at),
        "grace_seconds": outcome.grace_seconds,
        "grace_cut": outcome.cut,
        "gone_at": instant(outcome.gone_at),
        "ready_again_at": instant(outcome.replaced_at),
        "successor": None if successor is None else str(successor.pod.ref),
    }


def _kept(pod: Pod, reason: str) -> Data:
    return {**_pod(pod), "reason": reason}


def _pod(pod: Pod) -> Data:
    owner = None if pod.controller is None else _owner(pod.controller)
    return {"namespace": pod.ref.namespace, "name": pod.ref.name, "uid": pod.ref.uid, "controller": owner}


def _owner(controller: Controller) -> Mapping[str, str]:
    return {"kind": controller.kind, "name": controller.name}


def _controller(one: ControllerOutcome) -> Data:
    return {
        "namespace": one.namespace,
        **_owner(one.controller),
        "ready": one.ready,
        "before": one.before,
        "wanted": one.wanted,
        "released": one.released,
        "ready_again_at": instant(one.replaced_at),
        "reason": one.reason or None,
    }
