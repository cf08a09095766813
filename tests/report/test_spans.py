"""An interruption as spans: names, true instants, attributes, errors; whatever sessions tell."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings

from nth.core.facts import Pod
from nth.core.notices.events import AsgTermination
from nth.core.reports import (
    EvictionAccepted,
    EvictionRefused,
    NotReplaced,
    Planned,
    PodLeft,
    ReplacementEnded,
    SessionResumed,
)
from nth.report.spans import Span, Trace, trace_id, trace_of
from tests.report.random_stories import SECRET_TOKEN, TERMINATION, stories
from tests.report.stories import (
    BILLING,
    FULL_STORY,
    LOSING_STORY,
    MARKED,
    MOVED,
    NODE,
    NOTICE,
    REBALANCE,
    REFUSAL,
    RESTORED,
    SURVEY,
    T0,
    WEB,
    WITHDRAWN,
    Step,
    owner,
    report_of,
)

NAMES = {
    *("Spot interruption", "Rebalance recommendation", "Scheduled maintenance", "Shutdown", "Interruption"),
    "Termination by the Auto Scaling group",
    *(
        "seen",
        "cordon",
        "drain",
        "eviction wait",
        "stop",
        "replacement",
        "pods replaced",
        "pods not replaced",
    ),
    *("node restored", "pod left politely", "pod forced", "pod cut off", "pod lost", "pod left by itself"),
    *("pod waiting", "pod blocked", "pod stopping", "pod stays"),
}


def traced(*steps: Step, after_seconds: float = 125.0) -> Trace:
    trace = trace_of(report_of(*steps, after_seconds=after_seconds))
    assert trace is not None
    return trace


def walk(span: Span) -> Iterator[Span]:
    yield span
    for child in span.children:
        yield from walk(child)


def the(name: str, trace: Trace) -> Span:
    (span,) = (span for span in walk(trace.root) if span.name == name)
    return span


def of_pod(pod: Pod, trace: Trace) -> Span:
    (span,) = (span for span in walk(trace.root) if span.attributes.get("nth.pod") == str(pod.ref))
    return span


def lasted(span: Span) -> tuple[float, float]:
    return round(span.begin_at - T0, 3), round(span.end_at - T0, 3)


def outline(span: Span) -> list[str]:
    """Names, indented, with seconds since the notice."""
    lines = [f"{span.name} {lasted(span)[0]:g} {lasted(span)[1]:g}"]
    return lines + [f"  {line}" for child in span.children for line in outline(child)]


def test_the_whole_tree_with_its_instants() -> None:
    assert outline(traced(*FULL_STORY).root) == [
        "Spot interruption 0 125",
        "  seen 0 0",
        "  cordon 0 0.1",
        "  drain 0.1 90.1",
        "    pod left politely 0.4 5",
        "    pod forced 0.3 90",
        "      eviction wait 0.3 85",
        "      stop 85 90",
        "    pod left politely 0.5 50",
        "  replacement 0.4 92",
        "    pods replaced 0.4 6",
        "    pods replaced 0.5 9",
        "    pods replaced 85 92",
    ]


def test_the_root_tells_what_became_of_it() -> None:
    trace = traced(*FULL_STORY)
    assert trace.root.error == ""
    assert trace.root.attributes == {
        "nth.node": NODE,
        "nth.session": "s-1",
        "nth.kind": "SPOT_ITN",
        "nth.event_ids": ("spot-1",),
        "nth.deadline": "2026-11-22T08:32:00Z",
        "nth.margin_seconds": 29.9,
        "nth.result": "ok",
        "nth.verdict": "Nothing was lost.",
        "nth.phase": "drained",
        "nth.pods.left.not": 0,
        "nth.pods.left.forced": 1,
        "nth.pods.left.cut_off": 0,
        "nth.pods.left.by_itself": 0,
        "nth.pods.left.politely": 2,
        "nth.pods.moved": 3,
        "nth.pods.ended": 0,
        "nth.pods.not_replaced": 0,
        "nth.pods.came_back": 0,
        "nth.pods.lost": 0,
        "nth.pods.unknown": 0,
    }


def test_a_forced_pod_tells_why_and_how_long_it_was_held() -> None:
    trace = traced(*FULL_STORY)
    span = of_pod(BILLING, trace)
    assert span.error == ""
    assert span.attributes == {
        "nth.namespace": "shop",
        "nth.pod": "shop/billing-5d8f7c9b4-bbbbb",
        "nth.pod_uid": BILLING.ref.uid,
        "nth.owner": "ReplicaSet/billing-5d8f7c9b4",
        "nth.left": "forced",
        "nth.outcome": "moved",
        "nth.forced": True,
        "nth.by_itself": False,
        "nth.grace_seconds": 30,
        "nth.grace_wanted_seconds": 30,
        "nth.grace_cut": False,
        "nth.reason": REFUSAL,
    }
    assert the("eviction wait", trace).attributes == {"nth.budget": "billing", "nth.reason": REFUSAL}
    assert the("stop", trace).attributes == {"nth.grace_seconds": 30}


def test_a_lost_pod_is_an_error_up_to_the_root() -> None:
    trace = traced(*LOSING_STORY)
    assert the("pod lost", trace).error == REFUSAL
    assert lasted(the("pod lost", trace)) == (0.3, 120.0)
    assert the("drain", trace).error == "1 pod still there"
    assert trace.root.error == "1 POD LOST with the machine: shop/billing-5d8f7c9b4-bbbbb."
    assert trace.root.attributes["nth.result"] == "not ok"
    assert "stop" not in {span.name for span in walk(trace.root)}


def test_a_controller_that_is_short_of_pods_is_an_error() -> None:
    missing = NotReplaced(
        namespace="shop", controller=owner("web"), ready=1, before=3, reason="Pending: 0/3 nodes"
    )
    end: Step = (60.0, ReplacementEnded(missing=(missing,), controllers=1, seconds=60.0))
    trace = traced(*FULL_STORY[:5], (5.0, PodLeft(pod=WEB, how="evicted", seconds=1.0)), end)
    span = the("pods not replaced", trace)
    assert (lasted(span), span.error) == ((0.4, 125.0), "Pending: 0/3 nodes")
    assert (span.attributes["nth.ready"], span.attributes["nth.before"]) == (1, 3)
    assert the("replacement", trace).error == "1 controller short of pods"


def test_seen_begins_when_aws_says_that_it_gave_the_notice() -> None:
    event = TERMINATION.event
    assert isinstance(event, AsgTermination)
    late = replace(NOTICE, event=replace(event, noticed_at=T0 - 7.5))
    trace = traced((0.0, late), *FULL_STORY[1:])
    assert lasted(the("seen", trace)) == (-7.5, 0.0)
    assert lasted(trace.root) == (-7.5, 125.0)
    assert trace.root.attributes["nth.instance_id"] == "i-1"
    ahead = replace(NOTICE, event=replace(event, noticed_at=T0 + 3.0))
    assert lasted(the("seen", traced((0.0, ahead), *FULL_STORY[1:]))) == (0.0, 0.0)


def test_the_gravest_notice_names_the_interruption() -> None:
    trace = traced((0.0, REBALANCE), (1.0, NOTICE), *FULL_STORY[1:])
    assert trace.root.name == "Spot interruption"
    assert [span.attributes["nth.action"] for span in trace.root.children[:2]] == ["cordon", "drain"]
    resumed = traced((0.0, SessionResumed(event_ids=("old",))), (0.2, SURVEY), *MOVED)
    assert resumed.root.name == "Interruption"
    assert resumed.root.attributes["nth.resumed"] is True


def test_called_off_and_given_back() -> None:
    steps = ((0.0, NOTICE), (0.1, MARKED), (0.2, SURVEY), (20.0, WITHDRAWN), (21.0, RESTORED))
    trace = traced(*steps, after_seconds=21.0)
    assert lasted(the("node restored", trace)) == (20.0, 21.0)
    assert trace.root.error == ""
    assert [span.name for span in the("drain", trace).children] == ["pod stays"] * 3
    assert the("drain", trace).error == ""


def test_a_pod_that_is_asked_again_after_a_refusal_waited_until_then() -> None:
    refused = EvictionRefused(pod=WEB, reason="no", forced_at=None)
    asked = EvictionAccepted(pod=WEB, grace_seconds=10, cut=True)
    gone = PodLeft(pod=WEB, how="evicted", seconds=9.0)
    trace = traced((0.0, NOTICE), (1.0, refused), (8.0, asked), (10.0, gone))
    assert lasted(the("eviction wait", trace)) == (1.0, 8.0)
    assert lasted(the("stop", trace)) == (8.0, 10.0)
    span = of_pod(WEB, trace)
    assert (span.name, span.attributes["nth.grace_cut"]) == ("pod left politely", True)


def test_a_dry_run_has_no_trace() -> None:
    planned = Planned(steps=("cordon",), drain=True)
    assert trace_of(report_of((0.0, NOTICE), (0.1, planned), after_seconds=1)) is None


def test_the_log_s_session_and_node_lead_to_the_trace() -> None:
    """As the document tells it: the first 32 digits of the SHA-256 of SESSION/NODE."""
    expected = hashlib.sha256(f"s-1/{NODE}".encode()).hexdigest()[:32]
    assert f"{traced(*FULL_STORY).trace_id:032x}" == expected
    ids = {trace_id(session, node) for session in ("s-1", "s-2") for node in ("a", "b")}
    assert len(ids) == 4


def test_the_document_names_every_span_and_attribute() -> None:
    document = (Path(__file__).parents[2] / "docs" / "traces.md").read_text(encoding="utf-8")
    trees = [traced(*story) for story in (FULL_STORY, LOSING_STORY, (*FULL_STORY[:3], (9.0, WITHDRAWN)))]
    trees.append(traced((0.0, replace(NOTICE, event=TERMINATION.event)), *FULL_STORY[1:]))
    keys = {key for tree in trees for span in walk(tree.root) for key in span.attributes}
    assert {key for key in keys if f"`{key.removeprefix('nth.')}`" not in document} == set()
    assert {key for key in keys if not key.startswith("nth.")} == set()
    assert {name for name in NAMES if name not in document} == set()


@settings(max_examples=60)
@given(stories())
def test_any_story_is_a_tree_of_few_names_in_which_nothing_ends_before_it_begins(
    story: tuple[list[Step], float],
) -> None:
    steps, after_seconds = story
    report = report_of(*steps, after_seconds=max(after_seconds, steps[-1][0]))
    trace = trace_of(report)
    assert (trace is None) == bool(report.planned)
    if trace is None:
        return
    spans = list(walk(trace.root))
    assert trace.root.size == len(spans)
    assert {span.name for span in spans} <= NAMES
    for span in spans:
        assert trace.root.begin_at <= span.begin_at <= span.end_at <= trace.root.end_at
    for step in trace.root.children:
        assert all(step.begin_at <= span.begin_at for span in walk(step)), step.name
    pods = [span for span in spans if "nth.pod" in span.attributes]
    assert [span.attributes["nth.pod_uid"] for span in pods] == [one.pod.ref.uid for one in report.pods]
    assert SECRET_TOKEN not in repr(trace)
