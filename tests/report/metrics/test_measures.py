"""What is counted of what sessions tell, and that it stays bounded."""

import tracemalloc
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from nth.core.drain.pod_filter import FORCE_ANNOTATION
from nth.core.facts import Pod, PodRef
from nth.core.node.phases import GONE, HANDED_OVER, OVER, TAKEN
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import (
    AsgTargetState,
    AsgTermination,
    Event,
    InstanceStateChange,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
    given_at,
)
from nth.core.policy import Level
from nth.core.reports import (
    AwsSettled,
    DeadlineMoved,
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    LeftBehind,
    NodeChangeRefused,
    NodeRestored,
    NoticeReceived,
    NoticeWithdrawn,
    NotReplaced,
    Planned,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    Report,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.builder import Interruption
from nth.report.interruption import PodOutcome, Successor
from nth.report.interruptions import Interruptions
from nth.report.metrics.histogram import Histogram
from nth.report.metrics.measures import Measures
from nth.report.metrics.table import MAX_BUDGETS, MAX_NODE_SERIES
from tests.report.stories import (
    BILLING,
    FULL_STORY,
    LOSING_STORY,
    MARKED,
    NOTICE,
    REBALANCE,
    REFUSAL,
    RESTORED,
    SURVEY,
    T0,
    WEB,
    WITHDRAWN,
    Step,
    a_pod,
    owner,
    told,
)

ACTION = LifecycleAction(group="fleet", hook="drain", instance_id="i-1", token="t")
ENDED_DRAINED = DrainEnded(left=(), evicted=3, forced=0, seconds=50, margin_seconds=70)
ASG = AsgTermination(event_id="asg-1", instance_id="i-1", action=ACTION, noticed_at=T0 - 3)


class Fed(Measures):
    """With the interruptions that are told of, as `FanOut` hands them on."""

    def __init__(self, *, per_node: bool = False, max_open: int = 10) -> None:
        super().__init__(per_node=per_node)
        self._interruptions = Interruptions(max_open)

    def tell(self, told: Told) -> None:
        self.take(told, self._interruptions.take(told))


def measured(*steps: Step, per_node: bool = False) -> Fed:
    measures = Fed(per_node=per_node)
    for one in told(*steps):
        measures.tell(one)
    return measures


def counters(measures: Measures) -> dict[str, float]:
    """Those that are not 0, as `name label label`."""
    return {
        " ".join((one.metric.name, *one.labels)): one.value
        for one in measures.counters.series()
        if not isinstance(one.value, Histogram) and one.value
    }


def observed(measures: Measures) -> dict[str, tuple[int, float]]:
    """(how often, sum) of each histogram, as `name label`."""
    return {
        " ".join((one.metric.name, *one.labels)): (sum(one.value.counts), round(one.value.total, 3))
        for one in measures.counters.series()
        if isinstance(one.value, Histogram)
    }


def counted(measures: Measures, name: str) -> dict[str, float]:
    return {
        key.removeprefix(f"{name} "): n for key, n in counters(measures).items() if key.split()[0] == name
    }


# What can be known before anything happens


def test_M1_what_has_not_happened_yet_is_there_as_0() -> None:
    found = {(one.metric.name, *one.labels): one.value for one in Measures().counters.series()}
    assert found["actions_total", "cordon-and-drain", "error"] == 0
    assert found["nth_missed_deadlines_total",] == 0
    assert found["nth_ended_with_fewer_pods_total",] == 0
    assert found["nth_pods_total", "lost"] == 0
    assert found["nth_pods_total", "came_back"] == 0
    assert found["nth_pods_left_total", "cut_off"] == 0
    assert ("nth_pods_total", "not_replaced") not in found
    assert len(found) == 22


# Whole stories


def test_M9_needs_W28_a_drain_in_time_tells_every_step_its_pods_and_its_margin() -> None:
    measures = measured(*FULL_STORY)
    assert counters(measures) == {
        "actions_total pre-drain success": 1,
        "actions_total cordon-and-drain success": 1,
        "nth_evictions_blocked_total shop billing": 1,
        "nth_pods_left_total politely": 2,
        "nth_pods_left_total forced": 1,
        "nth_pods_total moved": 3,
        "nth_interruptions_total SPOT_ITN drained": 1,
    }
    assert observed(measures) == {
        "nth_notice_to_cordoned_seconds SPOT_ITN": (1, 0.1),
        "nth_notice_to_drained_seconds SPOT_ITN": (1, 90.1),
        "nth_deadline_margin_seconds SPOT_ITN": (1, 29.9),
        "nth_notice_to_replaced_seconds SPOT_ITN": (1, 92.1),
    }


def test_needs_W28_a_deadline_that_passes_is_counted_when_somebody_looks_and_only_once() -> None:
    measures = measured(*LOSING_STORY)
    measures.look(T0 + 119.9)
    assert "nth_missed_deadlines_total" not in counters(measures)
    for _ in range(2):
        measures.look(T0 + 120.1)
    assert counters(measures) == {
        "actions_total pre-drain success": 1,
        "actions_total cordon-and-drain error": 1,
        "nth_evictions_blocked_total shop billing": 1,
        "nth_pods_left_total politely": 2,
        "nth_pods_left_total not": 1,
        "nth_pods_total moved": 2,
        "nth_pods_total lost": 1,
        "nth_interruptions_total SPOT_ITN missed": 1,
        "nth_missed_deadlines_total": 1,
    }
    (end,) = told((130, SessionEnded(reason=GONE)))
    measures.tell(end)
    assert counted(measures, "nth_interruptions_total") == {"SPOT_ITN missed": 1}


def test_a_pod_that_leaves_after_the_deadline_was_lost_though_nobody_looked() -> None:
    measures = measured(*LOSING_STORY, (125, PodLeft(pod=BILLING, how="by itself", seconds=125)))
    assert counted(measures, "nth_pods_total") == {"moved": 2, "lost": 1}
    assert counted(measures, "nth_pods_left_total") == {"politely": 2, "not": 1}


def test_a_pod_that_may_not_be_forced_and_dies_with_its_machine_is_lost_like_any_other() -> None:
    kept = replace(BILLING, annotations={FORCE_ANNOTATION: "never"})
    measures = measured((0, NOTICE), (0.2, PodsOnNode(going=(kept, WEB), staying=())))
    measures.look(T0 + 121)
    assert counted(measures, "nth_pods_total") == {"lost": 2}


def test_a_drain_that_ends_after_its_deadline_has_a_negative_margin_and_missed_it() -> None:
    late = replace(ENDED_DRAINED, seconds=130, margin_seconds=-10)
    measures = measured((0, NOTICE), (1, SURVEY), (130, late))
    assert observed(measures)["nth_deadline_margin_seconds SPOT_ITN"] == (1, -10.0)
    assert counted(measures, "nth_interruptions_total") == {"SPOT_ITN missed": 1}
    assert counted(measures, "nth_pods_total") == {"lost": 3}


def test_pods_that_had_all_gone_missed_nothing_while_that_is_being_proven() -> None:
    only = PodsOnNode(going=(WEB,), staying=())
    measures = measured((0, NOTICE), (1, only), (119, PodLeft(pod=WEB, how="evicted", seconds=118)))
    measures.look(T0 + 120.2)
    assert counted(measures, "nth_interruptions_total") == {}


def test_pods_that_could_not_even_be_read_until_the_deadline_missed_it() -> None:
    measures = measured((0, NOTICE), (1, MARKED))
    measures.look(T0 + 121)
    assert counted(measures, "nth_interruptions_total") == {"SPOT_ITN missed": 1}


def test_an_answer_that_comes_after_the_pod_has_left_does_not_bring_it_back() -> None:
    steps: list[Step] = [(0, NOTICE), (1, PodsOnNode(going=(WEB,), staying=()))]
    steps += [(2, PodLeft(pod=WEB, how="evicted", seconds=1))]
    steps += [(2.1, EvictionAccepted(pod=WEB, grace_seconds=30, cut=False))]
    measures = measured(*steps)
    measures.look(T0 + 121)
    assert counted(measures, "nth_pods_left_total") == {"politely": 1}
    assert counted(measures, "nth_pods_total") == {}


def test_a_machine_that_is_going_down_already_has_no_deadline_to_miss() -> None:
    event = InstanceStateChange(event_id="s", instance_id="i-1", state="stopping", noticed_at=T0 - 2)
    notice = NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 - 2)
    measures = measured((0, notice), (1, SURVEY), (9, replace(ENDED_DRAINED, margin_seconds=-11)))
    assert counted(measures, "nth_interruptions_total") == {"STATE_CHANGE drained": 1}
    assert "nth_deadline_margin_seconds STATE_CHANGE" not in observed(measures)
    assert observed(measures)["nth_notice_to_seen_seconds STATE_CHANGE"] == (1, 2.0)


def test_a_deadline_that_moved_is_the_one_that_counts() -> None:
    notice = NoticeReceived(event=ASG, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 60)
    moved = DeadlineMoved(event_id="asg-1", deadline_at=T0 + 600)
    measures = measured((0, notice), (1, SURVEY), (30, moved))
    measures.look(T0 + 61)
    assert counted(measures, "nth_missed_deadlines_total") == {}
    measures.look(T0 + 601)
    assert counters(measures)["nth_missed_deadlines_total"] == 1


def test_the_notice_that_asks_for_most_and_soonest_gives_the_kind() -> None:
    measures = measured((-60, REBALANCE), (-59.5, MARKED), (0, NOTICE), (50, ENDED_DRAINED))
    assert observed(measures)["nth_notice_to_cordoned_seconds REBALANCE_RECOMMENDATION"] == (1, 0.5)
    assert observed(measures)["nth_deadline_margin_seconds SPOT_ITN"] == (1, 70.0)


def test_replacements_that_come_late_are_timed_when_the_last_one_is_there() -> None:
    missing = [
        NotReplaced(namespace="shop", controller=owner(name), ready=0, before=1, reason="Pending")
        for name in ("web", "billing")
    ]
    ended = ReplacementEnded(missing=tuple(missing), controllers=3, seconds=115)
    back = [
        Replaced(namespace="shop", controller=owner(name), ready=1, seconds=9) for name in ("web", "billing")
    ]
    measures = measured((0, NOTICE), (115, ended), (140, back[0]))
    assert "nth_notice_to_replaced_seconds SPOT_ITN" not in observed(measures)
    (last,) = told((200, back[1]))
    measures.tell(last)
    assert observed(measures)["nth_notice_to_replaced_seconds SPOT_ITN"] == (1, 200.0)


def test_replacements_that_are_followed_further_are_timed_once() -> None:
    missing = NotReplaced(namespace="shop", controller=owner("web"), ready=0, before=1, reason="Pending")
    first = ReplacementEnded(missing=(missing,), controllers=1, seconds=115, final=False)
    back = Replaced(namespace="shop", controller=owner("web"), ready=1, seconds=9)
    last = ReplacementEnded(missing=(), controllers=1, seconds=201)
    measures = measured((0, NOTICE), (115, first), (200, back), (201, last))
    assert observed(measures)["nth_notice_to_replaced_seconds SPOT_ITN"] == (1, 200.0)


def test_where_a_controller_wants_fewer_pods_no_time_until_all_were_replaced_is_counted() -> None:
    fewer = NotReplaced(namespace="shop", controller=owner("web"), ready=0, before=1, wanted=0)
    ended = ReplacementEnded(missing=(), released=(fewer,), controllers=1, seconds=115)
    assert "nth_notice_to_replaced_seconds SPOT_ITN" not in observed(measured((0, NOTICE), (115, ended)))


WEB_SHORT = NotReplaced(namespace="shop", controller=owner("web"), ready=0, before=1)


@pytest.mark.parametrize(
    ("missing", "released", "count"),
    [
        ((WEB_SHORT,), (), 1),
        ((), (replace(WEB_SHORT, wanted=0),), 1),
        ((replace(WEB_SHORT, reason="Pending: no room"),), (), 0),
        ((replace(WEB_SHORT, wanted=1),), (), 0),
        ((replace(WEB_SHORT, failed=True),), (), 0),
        ((replace(WEB_SHORT, wanted=1),), (replace(WEB_SHORT, wanted=0),), 0),
        ((), (), 0),
    ],
)
def test_no_alert_counts_on_an_interruption_after_which_nothing_was_seen_missing(
    missing: tuple[NotReplaced, ...], released: tuple[NotReplaced, ...], count: int
) -> None:
    so_far = ReplacementEnded(missing=(WEB_SHORT,), controllers=1, seconds=115, final=False)
    end = ReplacementEnded(missing=missing, released=released, controllers=1, seconds=700)
    measures = measured((0, NOTICE), (115, so_far), (700, end))
    assert ("nth_notice_to_replaced_seconds SPOT_ITN" in observed(measures)) is not bool(missing or released)
    assert counters(measures).get("nth_ended_with_fewer_pods_total", 0) == count


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        (((0, NOTICE), (1, SURVEY), (5, SessionEnded(reason=GONE))), "SPOT_ITN gone"),
        (
            ((0, NOTICE), (1, PodsOnNode(going=(), staying=())), (5, SessionEnded(reason=GONE))),
            "SPOT_ITN drained",
        ),
        (((0, NOTICE), (1, WITHDRAWN), (2, SessionEnded(reason=OVER))), "SPOT_ITN cancelled"),
        (((0, REBALANCE), (1, MARKED), (9, SessionEnded(reason=GONE))), "REBALANCE_RECOMMENDATION cordoned"),
        (((0, REBALANCE), (9, SessionEnded(reason=GONE))), "REBALANCE_RECOMMENDATION noticed"),
        (((0, NOTICE), (1, SURVEY), (5, SessionEnded(reason=HANDED_OVER))), ""),
        (((0, NOTICE), (1, SURVEY), (5, SessionEnded(reason=TAKEN))), ""),
        (((0, SessionResumed(event_ids=("x",))), (50, ENDED_DRAINED)), "UNKNOWN drained"),
    ],
)
def test_how_an_interruption_ends(steps: tuple[Step, ...], result: str) -> None:
    assert list(counted(measured(*steps), "nth_interruptions_total")) == ([result] if result else [])


def test_a_restart_that_is_not_told_the_notices_believes_the_sessions_own_margin() -> None:
    measures = measured((0, SessionResumed(event_ids=("x",))), (50, ENDED_DRAINED))
    assert observed(measures)["nth_deadline_margin_seconds UNKNOWN"] == (1, 70.0)


# M1-M3

NOT_DRAINED = replace(ENDED_DRAINED, left=(LeftBehind(ref=WEB.ref, reason="blocked"),))


@pytest.mark.parametrize(
    ("steps", "actions"),
    [
        (((0, NOTICE), (1, MARKED)), ["pre-drain success"]),
        (((0, NOTICE), (1, NodeChangeRefused(what="cordon, taint x", reason="no"))), ["pre-drain error"]),
        (((0, REBALANCE), (1, MARKED)), ["pre-drain success", "cordon success"]),
        (((0, REBALANCE), (1, replace(MARKED, cordoned=False))), []),
        (
            ((0, REBALANCE), (1, NodeChangeRefused(what="cordon", reason="no"))),
            ["cordon error", "pre-drain error"],
        ),
        (((0, NOTICE), (1, NodeChangeRefused(what="cordon", reason="no"))), ["pre-drain error"]),
        (((0, NOTICE), (9, ENDED_DRAINED)), ["cordon-and-drain success"]),
        (((0, NOTICE), (9, NOT_DRAINED)), ["cordon-and-drain error"]),
        (((0, AwsSettled(event=ASG, completed=True)),), ["post-drain success"]),
        (((0, AwsSettled(event=ASG, completed=False, reason="gone")),), ["post-drain error"]),
        (((0, NOTICE), (1, WITHDRAWN), (2, RESTORED)), ["uncordon success"]),
        (((0, NOTICE), (1, WITHDRAWN), (2, replace(RESTORED, uncordoned=False))), []),
        (
            ((0, NOTICE), (1, NodeChangeRefused(what="undo what was changed on the node", reason="no"))),
            ["uncordon error"],
        ),
        (((0, Planned(steps=("x",), drain=True)),), []),
    ],
)
def test_M1_actions_are_counted_as_the_original_names_them(
    steps: tuple[Step, ...], actions: list[str]
) -> None:
    assert sorted(counted(measured(*steps), "actions_total")) == sorted(actions)


def test_a_cordon_is_counted_once_and_each_further_mark_as_pre_drain() -> None:
    measures = measured((0, REBALANCE), (1, MARKED), (2, replace(MARKED, again=True)))
    assert counted(measures, "actions_total") == {"cordon success": 1, "pre-drain success": 2}


def test_M2_actions_by_node_are_only_counted_if_asked_for() -> None:
    steps: tuple[Step, ...] = ((0, NOTICE), (1, MARKED))
    assert counted(measured(*steps), "actions_node_total") == {}
    by_node = counted(measured(*steps, per_node=True), "actions_node_total")
    assert by_node == {"pre-drain spot-1 ip-10-0-1-17 success": 1}


# When AWS gave the notice


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (SpotInterruption(event_id="e", action="terminate", interrupted_at=T0 + 100), None),
        (SpotInterruption(event_id="e", action="hibernate", interrupted_at=T0 + 100), None),
        (
            SpotInterruption(event_id="e", action="stop", interrupted_at=T0, noticed_at=7, instance_id="i-1"),
            7,
        ),
        (RebalanceRecommendation(event_id="e", noticed_at=T0), T0),
        (AsgTargetState(event_id="e"), None),
        (ScheduledMaintenance(event_id="e", code="", not_before_at=1, not_after_at=2, reason=""), None),
        (ASG, T0 - 3),
    ],
)
def test_when_aws_gave_the_notice(event: Event, expected: float | None) -> None:
    assert given_at(event) == expected


# Bounds


def test_a_pod_is_counted_once_for_each_budget_that_refuses_it() -> None:
    others = [
        REFUSAL,
        REFUSAL.replace("has 1", "has 0"),
        REFUSAL.replace("billing", "second"),
        "no budget at all",
    ]
    steps: list[Step] = [(0, NOTICE)]
    steps += [(1, EvictionRefused(pod=BILLING, reason=reason, forced_at=None)) for reason in others]
    assert counted(measured(*steps), "nth_evictions_blocked_total") == {
        "shop billing": 1,
        "shop second": 1,
        "shop ": 1,
    }


def interruption(number: int, *, ended: bool) -> Iterable[Told]:
    """One that has a node, an event, a namespace, a budget and a pod of its own."""
    pod = Pod(ref=PodRef(f"team-{number}", "web", f"uid-{number}"))
    event = SpotInterruption(event_id=f"spot-{number}", action="terminate", interrupted_at=T0 + 120)
    refusal = f"The disruption budget budget-{number} needs 1 healthy pods and has 1 currently"
    reports: list[Report] = [
        NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 120),
        MARKED,
        PodsOnNode(going=(pod,), staying=()),
        EvictionRefused(pod=pod, reason=refusal, forced_at=None),
        PodLeft(pod=pod, how="forced", seconds=5),
        ENDED_DRAINED,
        AwsSettled(event=event, completed=True),
        ReplacementEnded(missing=(), controllers=3, seconds=60),
        *([SessionEnded(reason=GONE)] if ended else []),
    ]
    for report in reports:
        yield Told(at=T0 + 10, session_id=f"s-{number}", node_name=f"node-{number}", report=report)


@pytest.mark.parametrize("ended", [True, False])
def test_needs_W28_a_thousand_interruptions_need_no_more_series_and_memory_than_some(ended: bool) -> None:
    measures = Fed(per_node=True, max_open=300)

    def take(numbers: range) -> tuple[int, int]:
        for number in numbers:
            for one in interruption(number, ended=ended):
                measures.tell(one)
        return len(list(measures.counters.series())), tracemalloc.get_traced_memory()[0]

    # So many that all that is bounded is full: three actions are counted of each.
    full = 2 * 300 + 50
    tracemalloc.start()
    try:
        series, memory = take(range(full))
        later_series, later_memory = take(range(full, 1000))
    finally:
        tracemalloc.stop()
    assert later_series == series < MAX_NODE_SERIES + MAX_BUDGETS + 100
    # 600 more: an id that is kept of each would be seen.
    assert later_memory < memory + 60_000
    assert counters(measures)["nth_interruptions_total SPOT_ITN drained"] == 1000
    assert counters(measures)["nth_evictions_blocked_total other other"] == 1000 - MAX_BUDGETS
    assert counters(measures)["actions_node_total pre-drain other other success"] > 600


def test_a_session_that_is_begun_anew_takes_the_place_of_the_one_before() -> None:
    measures = measured((0, NOTICE), (1, SURVEY))
    again = Told(
        at=T0 + 2, session_id="s-2", node_name="ip-10-0-1-17", report=SessionResumed(event_ids=("e",))
    )
    measures.tell(again)
    measures.look(T0 + 1000)
    assert counted(measures, "nth_interruptions_total") == {}


def test_what_is_withdrawn_has_no_deadline_any_more() -> None:
    gone = NoticeWithdrawn(event_id="spot-1", reason="canceled")
    measures = measured(
        (0, NOTICE),
        (1, SURVEY),
        (2, gone),
        (3, NodeRestored(uncordoned=True, still_cordoned=False, taints=(), labels=())),
    )
    measures.look(T0 + 1000)
    assert counted(measures, "nth_missed_deadlines_total") == {}


def test_what_may_happen_is_served_at_zero_from_the_start() -> None:
    """Or the first interruption would not be an increase, and no alert would see it."""
    measures = Measures(kinds=["SPOT_ITN"])
    known = {(each.metric.name, *each.labels) for each in measures.counters.series()}
    assert ("nth_interruptions_total", "SPOT_ITN", "missed") in known
    histograms = [each for each in measures.counters.series() if each.metric.bounds]
    assert len(histograms) == 5
    assert {each.labels for each in histograms} == {("SPOT_ITN",)}


class Watched(Interruption):
    """Counts how often all its pods were looked at."""

    looks = 0

    def outcomes(
        self, until_at: float, successors: Mapping[str, Successor] | None = None
    ) -> tuple[PodOutcome, ...]:
        self.looks += 1
        return super().outcomes(until_at, successors)


def one_each(count: int) -> list[Report]:
    """A drain of so many controllers, one pod each."""
    pods = [a_pod(f"app-{number}", owner(f"app-{number}", "Rollout")) for number in range(count)]
    left = [PodLeft(pod=pod, how="evicted", seconds=5) for pod in pods]
    controllers = [pod.controller for pod in pods if pod.controller is not None]
    back = [Replaced(namespace="shop", controller=each, ready=1, seconds=9) for each in controllers]
    end = ReplacementEnded(missing=(), controllers=count, seconds=9)
    return [NOTICE, PodsOnNode(going=tuple(pods), staying=()), *left, ENDED_DRAINED, *back, end]


def test_a_drain_of_many_pods_is_counted_in_a_few_looks_and_each_scrape_has_the_latest() -> None:
    """Each look at 500 pods takes milliseconds, and a drain of them makes a thousand records."""
    measures, interruption = Measures(), None
    for report in one_each(100):
        record = Told(at=T0 + 10, session_id="s", node_name="node", report=report)
        interruption = Watched(record) if interruption is None else interruption
        interruption.take(record)
        measures.take(record, interruption)
    assert interruption is not None
    assert interruption.looks < 5
    measures.look(T0 + 11)
    assert counted(measures, "nth_pods_left_total") == {"politely": 100}
    assert counted(measures, "nth_pods_total") == {"moved": 100}


@pytest.mark.parametrize("crashed", [True, False])
def test_a_pod_is_counted_as_moved_when_its_replacement_cannot_crash_unseen_any_more(crashed: bool) -> None:
    assert WEB.controller is not None
    left, back = (
        PodLeft(pod=WEB, how="evicted", seconds=5),
        Replaced(namespace="shop", controller=WEB.controller, ready=1, seconds=6),
    )
    short = NotReplaced(
        namespace="shop", controller=WEB.controller, ready=0, before=1, wanted=1, reason="1 not Ready yet"
    )
    final = ReplacementEnded(missing=(short,) if crashed else (), controllers=1, seconds=200)
    survey = PodsOnNode(going=(WEB,), staying=())
    story = ((0, NOTICE), (0, survey), (5, left), (5, ENDED_DRAINED), (6, back))
    measures = measured(*story)
    measures.look(T0 + 7)
    assert counted(measures, "nth_pods_total") == {}
    measures = measured(*story, (200, final))
    assert counted(measures, "nth_pods_total") == {"lost" if crashed else "moved": 1}


def test_pods_that_have_left_are_counted_at_the_next_scrape_before_the_drain_ends() -> None:
    measures = Fed()
    for record in told((0, NOTICE), (0, SURVEY), (5, PodLeft(pod=WEB, how="evicted", seconds=5))):
        measures.tell(record)
    measures.look(T0 + 6)
    assert counted(measures, "nth_pods_left_total") == {"politely": 1}
