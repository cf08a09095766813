"""Log, webhook, metrics, Kubernetes events, condition, traces and report say the same of an interruption."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings

from nth.core.notices.events import InstanceStateChange
from nth.core.reports import EvictionAccepted, NoticeWithdrawn, Planned, SessionEnded, Told
from nth.core.times import utc_text
from nth.report.builder import Interruption, built
from nth.report.interruption import Became, HowLeft, InterruptionReport, NoticeSeen, PodOutcome
from nth.report.interruptions import Interruptions
from nth.report.kubernetes_events import KubeEvents
from nth.report.markdown import markdown
from nth.report.metrics.histogram import Histogram
from nth.report.metrics.measures import UNKNOWN_KIND, Measures
from nth.report.metrics.table import SEEN
from nth.report.node_condition import condition_of
from nth.report.pod_fates import counts
from nth.report.report_line import decode, encode
from nth.report.spans import Span, trace_of
from nth.report.webhook.announcement import Announcement
from nth.report.webhook.announcements import Announcer
from nth.report.words import counted, outcome_word, short_name, so_far, title, verdict
from nth.simulation.cloud import ScheduledEvent
from nth.ui.html import page
from nth.ui.report import report_lines
from tests import worlds
from tests.queue_mode import fleet_worlds
from tests.report.random_stories import stories
from tests.report.stories import (
    BEGUN,
    FULL_STORY,
    LOSING_STORY,
    MARKED,
    NOTICE,
    REBALANCE,
    RESTORED,
    SURVEY,
    T0,
    WEB,
    WITHDRAWN,
    Step,
    told,
)
from tests.report.whole_stories import whole_stories

Facts = dict[str, object]
"""By who says it."""


@dataclass
class Listeners:
    """All of them, fed as `FanOut` does it."""

    interruptions: Interruptions = field(default_factory=Interruptions)
    announcer: Announcer = field(default_factory=Announcer)
    measures: Measures = field(default_factory=Measures)
    events: KubeEvents = field(default_factory=KubeEvents)
    results: list[str] = field(default_factory=list)
    """How interruptions ended, as metrics count it."""
    phases: list[str] = field(default_factory=list)
    """What webhooks announced."""
    warned: set[str] = field(default_factory=set)
    """UIDs of pods about which a Kubernetes event warns."""

    def hear(self, one: Told) -> InterruptionReport | None:
        """Take one report; AssertionError: they do not agree on its interruption."""
        interruption = self.interruptions.take(one)
        before = _figures(self.measures)
        said = self.events.take(one, interruption)
        self.measures.take(one, interruption)
        announcement = self.announcer.take(one, interruption)
        if interruption is None:
            return None
        report = interruption.report(one.at)
        kinds, deadlines, phases, pods = (_facts(report) for _facts in (_kinds, _deadlines, _phases, _pods))
        new = _counted_since(before, self.measures)
        kinds |= {f"metrics {name}": kind.replace(UNKNOWN_KIND, "") for name, kind, _ in new}
        self.warned |= {event.pod.ref.uid for event in said if event.pod is not None and event.warning}
        for event in said:
            if event.pod is not None:
                kinds["events"] = _kind_in(event.message.partition("): ")[2], report)
        if announcement is not None and announcement.phase != "received":
            leading = announcement.notice
            kinds["webhook"] = "" if leading is None else leading.event.kind.name
        pods |= _announced_pods(report, announcement)
        if announcement is not None and announcement.phase != "cancelled":
            deadlines["webhook"] = _text(announcement.deadline_at)
        for facts in (kinds, deadlines, phases, pods):
            assert len(set(facts.values())) == 1, facts
        results = [labels for name, _, labels in new if name == "nth_interruptions_total"]
        self.results += results
        if announcement is not None:
            self.phases.append(announcement.phase)
            assert announcement.phase != "drained" or report.drained_at == round(one.at, 3)
            assert announcement.phase != "cancelled" or report.called_off
        for result in results:
            _assert_result(result, report, interruption)
        return report


def _figures(measures: Measures) -> dict[tuple[str, tuple[str, ...]], float]:
    """How often each kind was counted, but for the notices themselves, which have kinds of their own."""
    return {
        (one.metric.name, one.labels): sum(one.value.counts)
        if isinstance(one.value, Histogram)
        else one.value
        for one in measures.counters.series()
        if one.metric.labels[:1] == ("kind",) and one.metric is not SEEN
    }


def _counted_since(
    before: Mapping[tuple[str, tuple[str, ...]], float], measures: Measures
) -> list[tuple[str, str, str]]:
    """(metric, kind, the other label or nothing) of all that was counted since."""
    new = [key for key, value in _figures(measures).items() if value != before.get(key, 0)]
    return [(name, labels[0], "".join(labels[1:])) for name, labels in new]


def _assert_result(result: str, report: InterruptionReport, interruption: Interruption) -> None:
    match result:
        case "drained":
            assert report.drained_at is not None or not report.unfinished
        case "cancelled":
            assert report.called_off or interruption.session_ended
        case "missed":
            assert report.deadline_at is not None
            assert report.until_at >= report.deadline_at


def _kind_in(words: str, report: InterruptionReport) -> str:
    """The kind of which the words begin with the title; of two with one title, the interruption's."""
    kinds = {notice.event.kind.title: notice.event.kind.name for notice in report.notices}
    return next((kind for named, kind in kinds.items() if words.startswith(named)), "")


def _kinds(report: InterruptionReport) -> Facts:
    leading = decode(encode(report)).leading
    found: Facts = {"log": "" if leading is None else leading.event.kind.name}
    found["report"] = _kind_in(title(report), report)
    if (trace := trace_of(report)) is not None:
        found["traces"] = trace.root.attributes.get("nth.kind", "")
        assert _kind_in(trace.root.name, report) == found["traces"]
    condition = condition_of(report)
    if condition.annotation is None:
        found["condition"] = _kind_in(condition.message.removeprefix("Called off ("), report)
    else:
        found["condition"] = json.loads(condition.annotation)["kind"]
        assert condition.reason == (leading.event.kind.reason if leading else "Interruption")
    return found


def _text(at: float | None) -> str:
    return "" if at is None else utc_text(at)


def _deadlines(report: InterruptionReport) -> Facts:
    found: Facts = {"report": _text(report.deadline_at), "log": _text(decode(encode(report)).deadline_at)}
    if (trace := trace_of(report)) is not None:
        found["traces"] = trace.root.attributes.get("nth.deadline", "")
    annotation = condition_of(report).annotation
    if annotation is not None:
        found["condition"] = json.loads(annotation).get("deadline", "")
    return found


def _phases(report: InterruptionReport) -> Facts:
    found: Facts = {"report": report.phase.lower(), "log": decode(encode(report)).phase.lower()}
    assert so_far(report).startswith(f"The interruption goes on: {found['report']}")
    if (trace := trace_of(report)) is not None:
        found["traces"] = trace.root.attributes["nth.phase"]
    annotation = condition_of(report).annotation
    if annotation is not None:
        found["condition"] = json.loads(annotation)["phase"]
    return found


def _pods(report: InterruptionReport) -> Facts:
    """(how many have to go, how many have gone, how they left, what became of them)."""
    again = decode(encode(report))
    found: Facts = {"report": _both_words(report), "log": _both_words(again)}
    gone = counts(report).gone
    assert not report.pods or so_far(report).endswith(f", {gone} of {counted(len(report.pods), 'pod')} gone")
    if (trace := trace_of(report)) is not None:
        attributes = trace.root.attributes
        left = {how.value: attributes[f"nth.pods.left.{how.name.lower()}"] for how in HowLeft}
        became = {word.value: attributes[f"nth.pods.{word.name.lower()}"] for word in Became}
        pods = len(_pod_spans(trace.root))
        assert pods == len(report.pods)
        found["traces"] = str((pods, gone, _without_none(left), _without_none(became)))
    annotation = condition_of(report).annotation
    if annotation is not None:
        said = json.loads(annotation)
        assert (said.get("pods", 0), said.get("gone", 0)) == (len(report.pods), gone)
        became = {word.value: said.get("became", {}).get(word.name.lower(), 0) for word in Became}
        assert _without_none(became) == {word.value: n for word, n in counts(report).became.items()}
    return found


def _both_words(report: InterruptionReport) -> str:
    found = counts(report)
    left = {how.value: found.left[how] for how in HowLeft if how in found.left}
    became = {word.value: found.became[word] for word in Became if word in found.became}
    return str((len(report.pods), found.gone, left, became))


def _announced_pods(report: InterruptionReport, announcement: Announcement | None) -> Facts:
    if announcement is None:
        return {}
    found = announcement.counts
    left = {how.value: count for how, count in found.left.items()}
    became = {word.value: count for word, count in found.became.items()}
    return {"webhook": str((len(report.pods), found.gone, left, became))}


def _without_none(numbers: Mapping[str, object]) -> dict[str, object]:
    return {word: number for word, number in numbers.items() if number}


def _pod_spans(root: Span) -> list[Span]:
    return [pod for step in root.children if step.name == "drain" for pod in step.children]


def hear_all(records: Iterable[Told]) -> tuple[Listeners, InterruptionReport]:
    """All of them, after all that was told; and the last report."""
    listeners = Listeners()
    reports = [listeners.hear(one) for one in records]
    return listeners, [report for report in reports if report is not None][-1]


@settings(max_examples=150)
@given(stories())
def test_whatever_is_told_all_of_them_say_the_same(story: tuple[list[Step], float]) -> None:
    hear_all(told(*story[0]))


def shutting_down(seconds: float) -> Step:
    at = T0 + seconds
    event = InstanceStateChange(event_id="state-1", instance_id="i-1", state="shutting-down", noticed_at=at)
    deadline_at = at + 120
    return (seconds, replace(NOTICE, event=event, deadline_at=deadline_at))


LATE = (114.0, EvictionAccepted(pod=WEB, grace_seconds=30, cut=False))
OVER = NoticeWithdrawn(event_id="rebalance-1", reason="over")


@pytest.mark.parametrize(
    ("steps", "kind", "deadline_seconds", "result"),
    [
        (FULL_STORY, "SPOT_ITN", 120, "drained"),
        ((*LOSING_STORY, (121.0, MARKED)), "SPOT_ITN", 120, "missed"),
        ((*BEGUN, shutting_down(20)), "SPOT_ITN", 120, ""),
        ((*BEGUN, shutting_down(118), LATE), "SPOT_ITN", 238, ""),
        (((-60.0, REBALANCE), (-59.0, MARKED), *FULL_STORY), "SPOT_ITN", 120, "drained"),
        ((*BEGUN, (9.0, WITHDRAWN), (9.1, RESTORED)), "SPOT_ITN", None, "cancelled"),
        (((0.0, REBALANCE), *BEGUN, (9.0, WITHDRAWN)), "REBALANCE_RECOMMENDATION", None, ""),
        (
            ((0.0, REBALANCE), *BEGUN, (9.0, WITHDRAWN), (9.5, OVER)),
            "REBALANCE_RECOMMENDATION",
            None,
            "cancelled",
        ),
        ((*BEGUN, (9.0, WITHDRAWN), (20.0, REBALANCE)), "REBALANCE_RECOMMENDATION", None, "cancelled"),
        (
            ((0.0, NOTICE), (1.0, SURVEY), (5.0, SessionEnded(reason="the node is gone"))),
            "SPOT_ITN",
            120,
            "gone",
        ),
    ],
)
def test_the_rule_in_scenes_as_they_are_told(
    steps: tuple[Step, ...], kind: str, deadline_seconds: float | None, result: str
) -> None:
    listeners, report = hear_all(told(*steps))
    assert report.leading is not None
    assert report.leading.event.kind.name == kind
    assert report.deadline_at == (None if deadline_seconds is None else T0 + deadline_seconds)
    assert listeners.results == ([result] if result else [])


def test_no_pod_is_lost_before_the_shutdown_that_a_notice_announced_is_over() -> None:
    steps = told(*BEGUN, shutting_down(118))
    assert built(steps).report(T0 + 121).lost == ()
    assert len(built(steps).report(T0 + 238).lost) == 3


# Both words for each pod


@settings(max_examples=100)
@given(whole_stories())
def test_headline_table_metrics_webhook_and_events_count_the_same_pods(
    story: tuple[list[Step], bool],
) -> None:
    steps, over = story
    listeners, report = hear_all(told(*steps))
    found = counts(report)
    assert sum(found.left.values()) == len(report.pods) + len(report.in_the_way)
    if over:
        assert _counted_pods(listeners.measures, "nth_pods_left_total") == {
            how.name.lower(): count for how, count in found.left.items()
        }
        assert _counted_pods(listeners.measures, "nth_pods_total") == {
            word.name.lower(): count for word, count in found.became.items()
        }
        assert not report.which_became(Became.NOT_REPLACED)
    _assert_headline(report)
    assert [_row_words(report, pod) for pod in report.pods] == [outcome_word(pod) for pod in report.pods]
    forced = {pod.pod.ref.uid for pod in report.pods if pod.left is HowLeft.FORCED}
    assert listeners.warned == forced


def _counted_pods(measures: Measures, name: str) -> dict[str, float]:
    series = (one for one in measures.counters.series() if one.metric.name == name)
    return {one.labels[0]: one.value for one in series if isinstance(one.value, float) and one.value}


def _assert_headline(report: InterruptionReport) -> None:
    """The worst that is known is in the headline, with its number, and no more than is known."""
    (fine, words), found = verdict(report), counts(report)
    lost, pending = found.became.get(Became.LOST, 0), found.became.get(Became.NOT_REPLACED, 0)
    not_moved = len(report.unfinished) + len(report.in_the_way)
    if lost:
        assert not fine
        assert words.startswith(f"{counted(lost, 'pod').upper()} LOST")
    elif not_moved:
        assert not fine
        assert words.startswith(f"{counted(not_moved, 'pod')} not moved")
    elif pending:
        assert (fine, words.split(" ")[:4]) == (False, ["Not", "known", "yet:", str(pending)])
    elif unknown := found.became.get(Became.UNKNOWN, 0):
        assert f"what became of {counted(unknown, 'pod')} is not known" in words
    else:
        assert fine
        assert set(found.became) <= {Became.MOVED, Became.ENDED, Became.CAME_BACK}
        assert words.startswith(("Nothing was lost", "No pod was lost; "))
        cut_off = found.left.get(HowLeft.CUT_OFF, 0)
        assert (f"{cut_off} w" in words and "cut off" in words) == (cut_off > 0)


def _row_words(report: InterruptionReport, pod: PodOutcome) -> str:
    """The words for that pod in the text report; page and Markdown, where it has room, have the same."""
    name = short_name(pod.pod)
    (line,) = (one.text for one in report_lines(report, 200) if one.text.startswith(f"  {name} "))
    shown = outcome_word(pod)
    assert re.search(rf">{re.escape(str(pod.pod.ref))}</td><td[^>]*>{shown}</td>", page(report))
    row = f"| {pod.pod.ref} | "
    rows = [one for one in markdown(report).replace("\\", "").splitlines() if one.startswith(row)]
    assert all(one.startswith(f"{row}{shown} |") for one in rows)
    return shown if f"  {shown}  " in line else line


# With the real handler, in simulated worlds


Scene = Callable[[worlds.Stage], Coroutine[object, object, list[Told]]]


async def rebalance_then_spot(stage: worlds.Stage) -> list[Told]:
    process = stage.process()
    await asyncio.sleep(2)
    stage.cloud.rebalance(stage.clock.now())
    await asyncio.sleep(30)
    stage.cloud.interrupt(stage.clock.now() + 122)
    await asyncio.sleep(125)
    return process.told


async def scheduled_then_cancelled(stage: worlds.Stage) -> list[Told]:
    process = stage.process()
    await asyncio.sleep(2)
    stage.cloud.schedule(ScheduledEvent(event_id="reboot-1", not_before_at=stage.clock.now() + 3600))
    await asyncio.sleep(60)
    stage.cloud.cancel("reboot-1")
    await asyncio.sleep(60)
    return process.told


@pytest.mark.parametrize(
    ("scene", "kind", "phases", "results"),
    [
        (
            rebalance_then_spot,
            "SPOT_ITN",
            ["received", "cordoned", "received", "drained", "replaced"],
            ["drained"],
        ),
        (
            scheduled_then_cancelled,
            "SCHEDULED_EVENT",
            ["received", "cordoned", "drained", "replaced", "cancelled"],
            ["drained"],
        ),
    ],
    ids=["rebalance then spot", "scheduled then cancelled"],
)
def test_real_scenes_of_metadata_mode(scene: Scene, kind: str, phases: list[str], results: list[str]) -> None:
    listeners, report = hear_all(worlds.play(scene, "--enable-rebalance-monitoring"))
    assert report.leading is not None
    assert report.leading.event.kind.name == kind
    assert (listeners.phases, listeners.results) == (phases, results)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_spot_notice_that_a_shutdown_follows_in_queue_mode(replicas: int) -> None:
    """With two replicas one of them dies, and the other goes on."""

    async def scene(stage: fleet_worlds.Stage) -> list[list[Told]]:
        handlers = [stage.replica(f"nth-{number}", f"rest-{number}") for number in range(replicas)]
        await asyncio.sleep(5)
        stage.spot("n0")
        await stage.until(lambda: stage.is_cordoned("n0"))
        if replicas > 1:
            dead = next(each for each in handlers if each.told and each.told[-1].node_name == "n0")
            dead.die()
            await dead.gone()
        stage.state("n0", state="shutting-down")
        await stage.end_well("n0")
        return [each.told for each in handlers]

    shutdowns = 0
    for heard in fleet_worlds.play(scene):
        of_node = [one for one in heard if one.node_name == "n0" and one.session_id]
        _, report = hear_all(of_node)
        assert report.leading is not None
        assert report.leading.event.kind.name == "SPOT_ITN"
        shutdowns += len([notice for notice in report.notices if _is_shutdown(notice)])
    assert shutdowns == 1


def _is_shutdown(notice: NoticeSeen) -> bool:
    return isinstance(notice.event, InstanceStateChange)


def test_a_dry_run_has_no_trace_and_nothing_else_to_disagree_on() -> None:
    hear_all(told((0.0, NOTICE), (0.1, Planned(steps=("+0 s: cordon",), drain=True))))
