"""Which step took longest, and why."""

from dataclasses import replace

import pytest

from nth.core.notices.events import SpotInterruption
from nth.core.reports import (
    EvictionAccepted,
    EvictionRefused,
    NotReplaced,
    Planned,
    PodLeft,
    Replaced,
    ReplacementEnded,
)
from nth.report.explain import why_node
from nth.report.markdown import markdown
from nth.report.steps import Step as Found
from nth.report.steps import notice_sentence, slowest_sentence, slowest_step, steps
from nth.ui.html import page
from nth.ui.report import as_text, report_lines
from tests.report.stories import (
    BILLING,
    FULL_STORY,
    MARKED,
    NOTICE,
    REFUSAL,
    T0,
    WEB,
    Step,
    owner,
    report_of,
)


def slowest(*told: Step, after_seconds: float = 60.0) -> Found:
    found = slowest_step(report_of(*told, after_seconds=after_seconds))
    assert found is not None
    return Found(found.name, round(found.seconds, 3), found.why)


def noticed(seconds_before: float) -> Step:
    event = SpotInterruption(
        event_id="e",
        action="terminate",
        interrupted_at=T0 + 120,
        instance_id="i-1",
        noticed_at=T0 - seconds_before,
    )
    return (0.0, replace(NOTICE, event=event))


def test_a_pod_that_its_budget_holds() -> None:
    expected = Found("waiting for the budget billing to let billing-bbbbb go", 84.7, REFUSAL)
    assert slowest(*FULL_STORY, after_seconds=125) == expected
    assert slowest_sentence(report_of(*FULL_STORY, after_seconds=125)) == [
        f"Slowest step: waiting for the budget billing to let billing-bbbbb go took 84.7 s ({REFUSAL})."
    ]


def test_a_refusal_without_a_known_cause_still_is_a_wait_and_names_no_budget() -> None:
    refused = EvictionRefused(pod=BILLING, reason="no", forced_at=None)
    assert slowest((0.0, NOTICE), (0.1, refused)) == Found(
        "waiting for the API server to let billing-bbbbb go", 59.9, "no"
    )


def test_a_notice_that_was_heard_late() -> None:
    assert slowest(noticed(7.0)) == Found("hearing of the notice", 7.0, "since AWS gave it")


def of_metadata_service(seconds: float, action: str = "terminate") -> Step:
    """A Spot notice with so many seconds to its deadline."""
    event = SpotInterruption(event_id="e", action=action, interrupted_at=T0 + seconds)
    return (0.0, replace(NOTICE, event=event, deadline_at=event.interrupted_at))


def test_no_delay_is_reckoned_for_a_notice_of_which_aws_does_not_say_when_it_gave_it() -> None:
    assert steps(report_of(of_metadata_service(20), after_seconds=60)) == ()


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (20, ["The notice was heard of 20.0 s before the deadline; AWS usually gives 120 s."]),
        (-3, ["The notice was heard of 3.0 s after the deadline; AWS usually gives 120 s."]),
        (115, []),
    ],
)
def test_a_notice_with_less_time_than_usual_is_said_so_in_every_view(
    seconds: float, sentence: list[str]
) -> None:
    asked = EvictionAccepted(pod=WEB, grace_seconds=10, cut=True)
    report = report_of(of_metadata_service(seconds), (1.0, asked), after_seconds=60)
    assert notice_sentence(report) == sentence
    views = (as_text(report_lines(report)), markdown(report), page(report), "\n".join(why_node(report)))
    for view in views:
        assert ("heard of" in " ".join(view.split())) is bool(sentence)
        assert "hearing of the notice took" not in view


def test_what_aws_usually_gives_is_not_said_where_its_own_time_is_known_or_none_is_given() -> None:
    for notice in (noticed(7.0), of_metadata_service(0, "hibernate")):
        assert notice_sentence(report_of(notice, after_seconds=60)) == []


def test_a_cordon_that_had_to_be_tried_again() -> None:
    assert slowest((0.0, NOTICE), (9.0, MARKED)) == Found("the cordon", 9.0, "")


def test_evictions_that_began_late_but_not_those_that_were_not_due() -> None:
    asked = EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)
    gone = PodLeft(pod=WEB, how="evicted", seconds=1)
    late = slowest((0.0, NOTICE), (0.1, MARKED), (8.1, asked), (9.0, gone))
    assert late == Found("the way to the first eviction", 8.0, "from the cordon on")
    due_later = replace(NOTICE, drain_at=T0 + 8)
    assert slowest((0.0, due_later), (0.1, MARKED), (8.1, asked), (9.0, gone)).name == "the stop of web-aaaaa"


def test_a_pod_that_stops_slowly_until_the_deadline_at_most() -> None:
    asked = EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)
    assert slowest((0.0, NOTICE), (1.0, asked), after_seconds=200) == Found(
        "the stop of web-aaaaa", 119.0, "it was given 30 s of grace"
    )


def test_a_replacement_that_took_long_or_never_came() -> None:
    begun: tuple[Step, ...] = (
        (0.0, NOTICE),
        (0.1, EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)),
        (2.0, PodLeft(pod=WEB, how="evicted", seconds=1.9)),
    )
    back = Replaced(namespace="shop", controller=owner("web"), ready=1, seconds=9)
    assert slowest(*begun, (11.0, back)) == Found("the replacement of web", 9.0, "after it was gone")
    missing = NotReplaced(
        namespace="shop", controller=owner("web"), ready=0, before=1, reason="Pending: Insufficient cpu"
    )
    ended = ReplacementEnded(missing=(missing,), controllers=1, seconds=50)
    assert slowest(*begun, (50.0, ended), after_seconds=50) == Found(
        "the replacement of web", 48.0, "Pending: Insufficient cpu"
    )


def test_a_plan_and_a_moment_have_no_slowest_step() -> None:
    assert steps(report_of((0.0, NOTICE), (9.0, Planned(steps=("x",), drain=True)), after_seconds=9)) == ()
    assert slowest_sentence(report_of((0.0, NOTICE), (0.05, MARKED), after_seconds=1)) == []
