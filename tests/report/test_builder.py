"""What the fold makes of what a session told."""

from dataclasses import replace

from nth.core.reports import (
    DeadlineMoved,
    DrainEnded,
    EvictionAccepted,
    ForceForbidden,
    GraceShortened,
    LeftBehind,
    NotReplaced,
    Planned,
    PodLeft,
    PodsOnNode,
    ReplacementEnded,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.builder import Interruption, built, interruption_reports
from nth.report.entries import MAX_ENTRIES, MAX_ENTRY_CHARS
from nth.report.interruption import (
    Became,
    HowLeft,
    InterruptionReport,
    PodOutcome,
    Stage,
    Successor,
)
from nth.report.pod_fates import Counts, counts
from tests.report.stories import (
    BEGUN,
    BILLING,
    DAEMON,
    ENCODER,
    FULL_STORY,
    LOSING_STORY,
    MARKED,
    MOVED,
    NODE,
    NOT_DRAINED,
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
    report_of,
    told,
)


def outcomes(report: InterruptionReport) -> dict[str, PodOutcome]:
    return {outcome.pod.ref.uid: outcome for outcome in report.pods}


def test_a_drain_that_went_well_has_every_figure() -> None:
    report = report_of(*FULL_STORY, after_seconds=125)
    assert counts(report) == Counts({HowLeft.FORCED: 1, HowLeft.POLITELY: 2}, {Became.MOVED: 3})
    assert report.began_at == T0
    assert report.cordoned_at == T0 + 0.1
    assert report.taints == ("aws-node-termination-handler/spot-itn",)
    assert report.deadline_at == T0 + 120
    assert report.drained_at == T0 + 90.1
    assert report.margin_seconds == 29.9
    assert report.replaced_at == T0 + 92
    assert report.staying == ((DAEMON, "a DaemonSet would only put it back"),)
    assert report.phase == "DRAINED"


def test_each_pod_has_its_instants() -> None:
    found = outcomes(report_of(*FULL_STORY, after_seconds=125))
    web, billing = found[WEB.ref.uid], found[BILLING.ref.uid]
    assert (web.asked_at, web.gone_at, web.replaced_at) == (T0 + 0.4, T0 + 5, T0 + 6)
    assert (billing.refused_at, billing.asked_at, billing.gone_at) == (T0 + 0.3, T0 + 85, T0 + 90)
    assert billing.forced
    assert billing.reason == REFUSAL
    assert billing.force_due_at is None
    assert not web.forced


def test_in_the_middle_each_pod_has_its_stage() -> None:
    report = report_of(*BEGUN, after_seconds=3)
    stages = [outcome.stage for outcome in report.pods]
    assert stages == [Stage.STOPPING, Stage.BLOCKED, Stage.STOPPING]
    assert outcomes(report)[BILLING.ref.uid].force_due_at == T0 + 85
    assert report.unfinished == report.pods
    assert report.replaced_at is None
    assert report.phase == "DRAINING"


def test_a_pod_that_is_there_at_the_deadline_is_lost_with_the_last_reason() -> None:
    report = report_of(*LOSING_STORY, after_seconds=120)
    (lost,) = report.lost
    assert lost.pod == BILLING
    assert lost.reason == REFUSAL
    assert lost.asked_at is None
    assert report.margin_seconds is None
    assert report.drained_at is None


def test_while_a_pod_is_lost_nothing_counts_as_all_replaced() -> None:
    # The session says so of the pods that left; the report speaks of all.
    assert report_of(*LOSING_STORY, after_seconds=125).replaced_at is None


def test_just_before_the_deadline_nothing_is_lost_yet() -> None:
    assert report_of(*LOSING_STORY, after_seconds=119.9).lost == ()


def test_a_controller_without_its_pods_is_named_with_the_reason() -> None:
    missing = NotReplaced(
        namespace="shop", controller=owner("web"), ready=2, before=3, reason="Pending: 1 Insufficient cpu"
    )
    steps = (*BEGUN, (115.0, ReplacementEnded(missing=(missing,), controllers=1, seconds=115)))
    (found,) = report_of(*steps, after_seconds=116).controllers
    assert (found.ready, found.before, found.wanted) == (2, 3, None)
    assert found.reason == "Pending: 1 Insufficient cpu"
    assert found.replaced_at is None


def test_called_off_the_pods_that_were_not_asked_stay() -> None:
    report = report_of(*BEGUN, (10.0, WITHDRAWN), (10.1, RESTORED), after_seconds=300)
    assert report.called_off
    assert report.deadline_at is None
    assert report.lost == ()
    assert outcomes(report)[BILLING.ref.uid].stage is Stage.STAYS
    assert outcomes(report)[WEB.ref.uid].stage is Stage.STOPPING
    assert report.taints == ()
    assert report.phase == "RESTORED"


def test_seconds_count_from_the_first_notice_that_asks_for_a_drain() -> None:
    report = report_of((-15.0, REBALANCE), (-14.9, MARKED), *BEGUN, after_seconds=1)
    assert report.first_at == T0 - 15
    assert report.began_at == T0
    assert report.cordoned_at == T0 - 14.9


def test_a_pod_that_somebody_else_deleted_is_stopping_and_left_by_itself() -> None:
    going = replace(WEB, deleting_until_at=T0 + 20, deletion_grace_seconds=30)
    survey = PodsOnNode(going=(going,), staying=())
    during = report_of((0.0, NOTICE), (0.2, survey), after_seconds=1)
    assert during.pods[0].stage is Stage.STOPPING
    assert during.pods[0].grace_seconds == 30
    left = PodLeft(pod=going, how="by itself", seconds=4)
    after = report_of((0.0, NOTICE), (0.2, survey), (4.0, left), after_seconds=5)
    assert after.pods[0].by_itself
    assert after.pods[0].left is HowLeft.BY_ITSELF


def test_a_grace_that_is_shortened_later_counts_as_cut() -> None:
    steps = ((0.0, NOTICE), (0.2, SURVEY), (3.0, GraceShortened(pod=ENCODER, grace_seconds=100)))
    outcome = outcomes(report_of(*steps, after_seconds=4))[ENCODER.ref.uid]
    assert outcome.cut
    assert outcome.grace_seconds == 100
    assert not outcome.forced


def test_a_grace_that_a_setting_gives_is_not_cut() -> None:
    steps = ((0.0, NOTICE), (0.1, EvictionAccepted(pod=ENCODER, grace_seconds=20, cut=False)))
    assert not report_of(*steps, after_seconds=1).pods[0].cut


def test_a_pod_is_replaced_when_its_controller_has_its_pods_back_also_where_its_successor_is_known() -> None:
    # So the demo, which sees the successors, gives the same time as the report of its log.
    new = a_pod("web-5d8f7c9b4-zzzzz", owner("web"), node_name="other")
    successors = {WEB.ref.uid: Successor(new, T0 + 4)}
    report = report_of(*BEGUN, *MOVED, after_seconds=60, successors=successors)
    assert outcomes(report)[WEB.ref.uid].replaced_at == T0 + 6
    assert outcomes(report)[ENCODER.ref.uid].replaced_at == T0 + 9


def test_every_telling_is_one_entry_with_pod_and_reason() -> None:
    report = report_of(*FULL_STORY, after_seconds=125)
    assert len(report.entries) == len(FULL_STORY)
    blocked = report.entries[3]
    assert blocked.level == "warn"
    assert blocked.text.startswith("shop/billing-5d8f7c9b4-bbbbb: Pod may not be evicted now")
    assert REFUSAL in blocked.text


def test_sessions_are_kept_apart() -> None:
    other = Told(at=T0, session_id="s-2", node_name="another", report=NOTICE)
    reports = interruption_reports([*told(*FULL_STORY), other], T0 + 1)
    assert [(report.session_id, report.node_name) for report in reports] == [
        ("s-1", NODE),
        ("s-2", "another"),
    ]
    assert reports[1].pods == ()


def test_nothing_told_is_no_report() -> None:
    assert interruption_reports([], T0) == ()


def test_missing_rights_and_a_plan_are_kept() -> None:
    steps = ((0.0, ForceForbidden(reason="403")), (1.0, Planned(steps=("+0 s: cordon",), drain=True)))
    report = report_of(*steps, after_seconds=2)
    assert report.force_forbidden
    assert report.planned == ("+0 s: cordon",)


def test_a_heartbeat_moves_the_deadline() -> None:
    moved = DeadlineMoved(event_id="spot-1", deadline_at=T0 + 500)
    assert report_of(*BEGUN, (50.0, moved), after_seconds=130).deadline_at == T0 + 500
    unknown = DeadlineMoved(event_id="other", deadline_at=T0 + 500)
    assert report_of(*BEGUN, (50.0, unknown), after_seconds=130).deadline_at == T0 + 120


RESUMED = SessionResumed(event_ids=("spot-1",))
ENDED = DrainEnded(left=(), evicted=0, forced=0, seconds=60.0, margin_seconds=60.0)


def test_after_a_restart_beginning_and_deadline_follow_from_the_end_of_the_drain() -> None:
    report = report_of((50.0, RESUMED), (60.0, ENDED), after_seconds=61)
    assert report.resumed
    assert (report.first_at, report.began_at, report.deadline_at) == (T0 + 50, T0, T0 + 120)
    assert not report.called_off


def test_events_of_before_the_restart_can_be_called_off() -> None:
    told = ((50.0, RESUMED), (60.0, WITHDRAWN), (60.1, RESTORED))
    assert report_of(*told, after_seconds=61).called_off
    assert not report_of(
        (50.0, SessionResumed(event_ids=("spot-1", "two"))), *told[1:], after_seconds=61
    ).called_off


def test_a_session_that_begins_anew_in_the_same_handler_has_lost_nothing() -> None:
    assert not report_of(*BEGUN, (50.0, RESUMED), after_seconds=61).resumed


def test_who_is_not_on_the_node_any_more_when_the_handler_is_back_has_left() -> None:
    again = PodsOnNode(going=(ENCODER,), staying=())
    found = outcomes(report_of(*BEGUN, (9.0, RESUMED), (9.1, again), after_seconds=10))
    assert found[WEB.ref.uid].stage is Stage.GONE
    assert found[WEB.ref.uid].gone_at == T0 + 9.1
    assert not found[WEB.ref.uid].by_itself
    assert found[BILLING.ref.uid].by_itself
    assert found[ENCODER.ref.uid].stage is Stage.STOPPING
    back = (10.0, EvictionAccepted(pod=WEB, grace_seconds=30, cut=False))
    seen = report_of(*BEGUN, (9.0, RESUMED), (9.1, again), back, after_seconds=11)
    assert outcomes(seen)[WEB.ref.uid].stage is Stage.STOPPING


def interruption_of(*steps: Step) -> Interruption:
    return built(told(*steps))


WITHDRAWN_AT: Step = (9.0, WITHDRAWN)
RESTORED_AT: Step = (9.1, RESTORED)


def end(reason: str) -> Step:
    return (99.0, SessionEnded(reason=reason))


def test_an_interruption_is_finished_when_nothing_more_is_expected() -> None:
    drained = FULL_STORY[:-1]
    plan = Planned(steps=("+0 s: cordon",), drain=True)
    assert [
        interruption_of(*steps).finished()
        for steps in (BEGUN, drained, FULL_STORY, (*BEGUN, WITHDRAWN_AT), (*BEGUN, WITHDRAWN_AT, RESTORED_AT))
    ] == [False, False, True, False, True]
    assert interruption_of((0.0, plan)).finished()
    assert interruption_of(*BEGUN, end("the node is gone")).finished()
    assert interruption_of((0.0, NOTICE), (1.0, ENDED)).finished()


def test_a_drain_that_nobody_has_to_be_replaced_after_is_finished_at_its_end() -> None:
    bare = a_pod("bare", None)
    steps = (
        (0.0, NOTICE),
        (0.1, PodsOnNode(going=(bare,), staying=())),
        (0.2, EvictionAccepted(pod=bare, grace_seconds=30, cut=False)),
        (1.0, PodLeft(pod=bare, how="evicted", seconds=1)),
        (1.1, ENDED),
    )
    assert interruption_of(*steps).finished()
    unready = replace(WEB, ready=False)
    asked = EvictionAccepted(pod=unready, grace_seconds=30, cut=False)
    assert interruption_of((0.0, NOTICE), (0.2, asked), (1.1, ENDED)).finished()
    asked = EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)
    assert not interruption_of((0.0, NOTICE), (0.2, asked), (1.1, ENDED)).finished()


def test_it_is_late_when_somebody_is_left_at_the_end_and_no_more_once_it_is_drained() -> None:
    late = (*BEGUN, *MOVED, *NOT_DRAINED)
    assert interruption_of(*late).late
    assert not interruption_of(*late).finished()
    assert not interruption_of(*late, (118.0, ENDED)).late
    assert interruption_of(*late, (118.0, ENDED)).finished()
    without_deadline = replace(NOTICE, deadline_at=None)
    left = (LeftBehind(ref=BILLING.ref, reason=REFUSAL),)
    stuck = DrainEnded(left=left, evicted=0, forced=0, seconds=115, margin_seconds=None)
    assert not interruption_of((0.0, without_deadline), (115.0, stuck)).late


def test_a_node_that_is_left_to_another_replica_is_not_at_its_end() -> None:
    for reason in ("another replica has the node", "the node is left to a successor"):
        assert interruption_of(*BEGUN, end(reason)).left_to_others
    assert not interruption_of(*BEGUN, end("the node is gone")).left_to_others


def test_the_timeline_is_bounded_and_keeps_its_ends() -> None:
    many = [(1.0 + number / 1000, NOTICE) for number in range(2 * MAX_ENTRIES)]
    report = report_of((0.0, MARKED), *many, (9.0, RESTORED), after_seconds=10)
    assert len(report.entries) == MAX_ENTRIES
    assert report.entries_left_out == MAX_ENTRIES + 2
    assert report.entries[0].text.startswith("Node successfully cordoned")
    assert report.entries[-1].text == "Node successfully uncordoned"


def test_a_line_of_the_timeline_is_bounded() -> None:
    steps = ((0.0, ForceForbidden(reason="x" * 5000)),)
    (entry,) = report_of(*steps, after_seconds=1).entries
    assert len(entry.text) == MAX_ENTRY_CHARS
    assert entry.text.endswith(" ...")


def test_instants_are_whole_milliseconds() -> None:
    report = report_of((0.123456789, NOTICE), (0.2345678, MARKED), after_seconds=1.9999999)
    assert (report.first_at, report.cordoned_at, report.until_at) == (T0 + 0.123, T0 + 0.235, T0 + 2)
