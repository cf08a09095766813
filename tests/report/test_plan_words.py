"""The steps of a dry run's plan, each in the conditional."""

from typing import get_args

import pytest

from nth.core.facts import PodRef
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    GraceShortened,
    LeftBehind,
    NodeMarked,
    PodForced,
    Report,
    SessionEnded,
    Told,
)
from nth.report.plan_words import Step, plan_of, would
from tests.report.stories import T0, a_pod

POD = a_pod("web-1", None)
BUDGET = "the disruption budget web allows no disruption"
LEFT = tuple(LeftBehind(ref=PodRef("shop", f"web-{n}", f"u{n}"), reason=BUDGET) for n in range(22))


def marked(
    *,
    by_us: bool = True,
    cordoned: bool = True,
    again: bool = False,
    taints: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
) -> NodeMarked:
    return NodeMarked(again=again, cordoned_by_us=by_us, cordoned=cordoned, taints=taints, labels=labels)


def ended(*, left: tuple[LeftBehind, ...] = (), margin: float | None = 5.0) -> DrainEnded:
    return DrainEnded(left=left, evicted=5, forced=2, seconds=114.3, margin_seconds=margin)


STEPS: list[tuple[Step, str]] = [
    (marked(), "cordon the node"),
    (
        marked(taints=("a/b", "c"), labels=("d",)),
        "cordon the node and taint it with a/b, c and set its labels d",
    ),
    (marked(by_us=False, taints=("t",)), "leave the node cordoned and taint it with t"),
    (marked(again=True, taints=("t",)), "leave the node cordoned and taint it with t"),
    (marked(by_us=False, cordoned=False), "change nothing on the node"),
    (
        EvictionAccepted(pod=POD, grace_seconds=30, cut=False),
        "evict shop/web-1, with 30 s of grace",
    ),
    (
        EvictionAccepted(pod=POD, grace_seconds=9, cut=True),
        "evict shop/web-1, with 9 s of grace, cut from 30 s: no more time would be left",
    ),
    (
        EvictionRefused(pod=POD, reason=BUDGET, forced_at=T0 + 85),
        f"wait with shop/web-1, because {BUDGET}, and force it at its latest moment",
    ),
    (
        EvictionRefused(pod=POD, reason=BUDGET, forced_at=None),
        f"wait with shop/web-1, because {BUDGET}, and not force it",
    ),
    (
        PodForced(pod=POD, grace_seconds=30, reason=BUDGET),
        "delete shop/web-1 past its budget at its latest moment, with 30 s of grace",
    ),
    (
        GraceShortened(pod=POD, grace_seconds=12),
        "shorten the grace of shop/web-1, which is terminating already, to 12 s",
    ),
    (ended(), "have drained the node: 5 pods evicted, 2 forced, 5 s before the deadline"),
    (ended(margin=-3.2), "have drained the node: 5 pods evicted, 2 forced, 3 s after the deadline"),
    (ended(margin=None), "have drained the node: 5 pods evicted, 2 forced"),
    (ended(left=LEFT[:1]), f"not have drained the node: 1 pod left: shop/web-0 ({BUDGET})"),
]


@pytest.mark.parametrize(("step", "expected"), STEPS, ids=[type(step).__name__ for step, _ in STEPS])
def test_a_step_says_what_would_be_done(step: Step, expected: str) -> None:
    assert would(step) == expected


def test_every_kind_of_step_has_words() -> None:
    assert {type(step) for step, _ in STEPS} == set(get_args(Step))


def test_many_pods_that_would_stay_are_counted() -> None:
    text = would(ended(left=LEFT))
    assert text.startswith("not have drained the node: 22 pods left: shop/web-0 (")
    assert text.endswith("and 2 more")
    assert text.count(BUDGET) == 20


def test_a_plan_has_times_and_leaves_out_what_is_no_step() -> None:
    def told(at: float, report: Report) -> Told:
        return Told(at=at, session_id="preview", node_name="n", report=report)

    reports = [told(T0 + seconds, step) for seconds, (step, _) in enumerate(STEPS[:2])]
    assert plan_of([*reports, told(T0 + 9, SessionEnded(reason="gone"))], T0) == (
        "+0 s: Would cordon the node",
        "+1 s: Would cordon the node and taint it with a/b, c and set its labels d",
    )
