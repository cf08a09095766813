"""Words the steps of a dry run's plan: what would happen, and how many seconds after now."""

from typing import assert_never

from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    GraceShortened,
    NodeMarked,
    PodForced,
    Told,
)
from nth.report.words import counted

Step = NodeMarked | EvictionAccepted | EvictionRefused | PodForced | GraceShortened | DrainEnded
MAX_LEFT = 20
"""More names of pods that would stay make a line that is too long to read."""


def plan_of(told: list[Told], now: float) -> tuple[str, ...]:
    """Returns the steps among predicted reports, in their order: `+79 s: Would evict shop/db-0, ...`."""
    return tuple(
        f"+{each.at - now:.0f} s: Would {would(each.report)}"
        for each in told
        if isinstance(each.report, Step)
    )


def would(step: Step) -> str:
    """Returns what would be done, to go on after "Would"."""
    match step:
        case NodeMarked():
            return _mark(step)
        case EvictionAccepted(pod=pod, grace_seconds=seconds):
            cut = f", cut from {pod.grace_seconds} s: no more time would be left" if step.cut else ""
            return f"evict {pod.ref}, with {seconds} s of grace{cut}"
        case EvictionRefused(pod=pod, reason=reason):
            then = "not force it" if step.forced_at is None else "force it at its latest moment"
            return f"wait with {pod.ref}, because {reason}, and {then}"
        case PodForced(pod=pod, grace_seconds=seconds):
            return f"delete {pod.ref} past its budget at its latest moment, with {seconds} s of grace"
        case GraceShortened(pod=pod, grace_seconds=seconds):
            return f"shorten the grace of {pod.ref}, which is terminating already, to {seconds} s"
        case DrainEnded():
            return _drained(step)
        case _:
            assert_never(step)


def _mark(step: NodeMarked) -> str:
    parts = []
    if step.cordoned_by_us and not step.again:
        parts.append("cordon the node")
    elif step.cordoned:
        parts.append("leave the node cordoned")
    if step.taints:
        parts.append(f"taint it with {', '.join(step.taints)}")
    if step.labels:
        parts.append(f"set its labels {', '.join(step.labels)}")
    return " and ".join(parts) or "change nothing on the node"


def _drained(step: DrainEnded) -> str:
    if not step.drained:
        names = [f"{left.ref} ({left.reason})" for left in step.left[:MAX_LEFT]]
        more = len(step.left) - len(names)
        names += [f"and {more} more"] if more else []
        return f"not have drained the node: {counted(len(step.left), 'pod')} left: {', '.join(names)}"
    asked = f"{counted(step.evicted, 'pod')} evicted, {step.forced} forced"
    if step.margin_seconds is None:
        return f"have drained the node: {asked}"
    side = "before" if step.margin_seconds >= 0 else "after"
    return f"have drained the node: {asked}, {abs(step.margin_seconds):.0f} s {side} the deadline"
