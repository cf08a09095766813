"""Which moments are announced: folded from what real sessions tell in scripted worlds."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.decisions import Tell
from nth.core.drain.drain import DrainRules
from nth.core.node.event_ledger import MarkRules
from nth.core.node.session import SessionRules
from nth.core.notices.events import SpotInterruption, Withdrawn
from nth.core.policy import Level, Policy
from nth.core.reports import (
    AwsSettled,
    DeadlineMoved,
    DrainEnded,
    MonitorFailed,
    NodeChangeRefused,
    NoticeReceived,
    NoticeWithdrawn,
    NotReplaced,
    PodsOnNode,
    ReplacementEnded,
    Report,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.errors import Rejected
from nth.report.interruptions import Interruptions
from nth.report.markdown import markdown
from nth.report.pod_fates import counts
from nth.report.webhook.announcement import PHASES, Announcement
from nth.report.webhook.announcements import Announcer
from tests.core.samples import NODE, T0, a_pod, asg, owned_by, rebalance, scheduled, spot
from tests.core.world import Fault, Request, World
from tests.report import stories


def announced(world: World, announcer: Announcer | None = None) -> list[Announcement]:
    """Of all that the world's session has told."""
    announcer = announcer or Announcer()
    told = [
        Told(at=at, session_id="s-1", node_name=NODE, report=decision.report)
        for at, decision in world.log
        if isinstance(decision, Tell)
    ]
    return fold(told, announcer)


def fold(told: Iterable[Told], announcer: Announcer) -> list[Announcement]:
    return [found for found in stories.fed(announcer.take, told) if found is not None]


def phases(found: Iterable[Announcement]) -> list[str]:
    return [one.phase for one in found]


def attempts(found: Iterable[Announcement]) -> list[str]:
    """What is posted if no phases are set."""
    return [one.phase for one in found if one.attempt]


def blocked(pod: object, seconds: float) -> bool:
    return True


def refused(matches: Callable[[Request], bool]) -> Callable[[Request, float], Fault | None]:
    return lambda request, now: Fault(Rejected("no")) if matches(request) else None


def test_W1_spot_interruption_is_announced_step_by_step_and_posted_once_after_the_drain() -> None:
    world = World([a_pod("a"), a_pod("logs", controller=owned_by("DaemonSet"))])
    world.notice(spot())
    found = announced(world.run(30))
    assert phases(found) == ["received", "cordoned", "drained", "replaced"]
    assert attempts(found) == ["drained"]
    assert [one.result for one in found] == ["pending", "pending", "success", "success"]
    drained = found[2]
    assert drained.pods == ("a", "logs")
    assert (drained.evicted, drained.forced, drained.left) == (1, 0, ())
    assert drained.deadline_at == T0 + 120
    assert drained.margin_seconds is not None
    assert drained.duration_seconds + drained.margin_seconds == 120
    assert 3 < drained.duration_seconds < 4
    assert drained.count == 1


def test_W1_only_cordoned_is_posted_once_the_cordon_is_done() -> None:
    world = World([a_pod("a")])
    world.notice(rebalance())
    found = announced(world.run(30))
    assert phases(found) == ["received", "cordoned"]
    assert attempts(found) == ["cordoned"]
    assert found[1].result == "success"


def test_W1_cordon_that_is_refused_is_posted_as_a_failure_with_its_reason() -> None:
    rules = SessionRules(policy=Policy(cordon_only=True), marks=MarkRules(taint_node=True))
    world = World(
        [a_pod("a")], rules=rules, faults=refused(lambda request: "Patch" in type(request).__name__)
    )
    world.notice(spot())
    found = announced(world.run(200))
    assert phases(found) == ["received", "failed"]
    assert attempts(found) == ["failed"]
    assert (found[1].result, found[1].reason) == ("failure", "no")


def test_W1_drain_that_is_not_done_in_time_is_posted_as_a_failure_once() -> None:
    world = World([a_pod("a")], rules=SessionRules(drain=DrainRules(force=False)), blocked=blocked)
    world.notice(spot())
    found = announced(world.run(600))
    assert phases(found) == ["received", "cordoned", "failed"]
    assert attempts(found) == ["failed"]
    failed = found[-1]
    assert failed.result == "failure"
    assert failed.reason.startswith("still on the node: shop/a: ")
    assert len(failed.left) == 1
    assert failed.margin_seconds is not None
    assert 0 < failed.margin_seconds < 5


def test_late_success_after_a_failure_is_announced_but_not_posted_again() -> None:
    world = World(
        [a_pod("a")],
        rules=SessionRules(policy=Policy(levels={type(rebalance().event): Level.DRAIN})),
        blocked=lambda pod, seconds: seconds < 200,
    )
    world.notice(rebalance())
    found = announced(world.run(400))
    assert phases(found)[:4] == ["received", "cordoned", "failed", "drained"]
    assert attempts(found) == ["failed"]


def test_forced_pod_is_announced_once_with_its_name() -> None:
    world = World([a_pod("a"), a_pod("b")], blocked=blocked)
    world.notice(spot())
    found = announced(world.run(200))
    assert phases(found) == ["received", "cordoned", "forced", "drained", "replaced"]
    forced, drained = found[2:4]
    assert forced.reason.startswith("shop/")
    assert (drained.forced, drained.evicted) == (2, 0)
    assert attempts(found) == ["drained"]


def test_needs_W27_several_events_of_one_session_are_one_post_with_the_most_urgent_first() -> None:
    world = World([a_pod("a")])
    world.notice(scheduled(3600))
    world.notice(asg(), seconds=0.5)
    world.notice(spot(100), seconds=1.0)
    found = announced(world.run(60))
    assert phases(found) == ["received", "cordoned", "received", "received", "drained", "replaced"]
    assert attempts(found) == ["drained"]
    drained = found[4]
    assert drained.notice is not None
    assert drained.notice.event.event_id == "spot-itn-1"
    assert drained.event_ids == ("instance-event-1", "target-lifecycle-state-1", "spot-itn-1")
    assert drained.kinds == {"SCHEDULED_EVENT", "ASG_LIFECYCLE", "SPOT_ITN"}
    assert found[2].kinds == {"ASG_LIFECYCLE"}
    assert found[2].notice is not None
    assert found[2].notice.event.kind.name == "ASG_LIFECYCLE"


def test_interruption_after_a_recommendation_that_only_cordoned_is_posted_too() -> None:
    world = World([a_pod("a")])
    world.notice(rebalance())
    world.notice(spot(700), seconds=580)
    found = announced(world.run(640))
    assert attempts(found) == ["cordoned", "drained"]
    drained = next(one for one in found if one.phase == "drained")
    assert drained.notice is not None
    assert drained.notice.event.kind.name == "SPOT_ITN"


def test_taint_that_another_event_adds_is_no_second_cordon() -> None:
    world = World([a_pod("a")], rules=SessionRules(marks=MarkRules(taint_node=True)))
    world.notice(rebalance())
    world.notice(spot(700), seconds=580)
    assert phases(announced(world.run(640))).count("cordoned") == 1


def test_taint_that_is_refused_is_no_failure_of_the_cordon() -> None:
    refusal = NodeChangeRefused(what="cordon, taint x", reason="no taints here")
    told = stories.told((0, stories.REBALANCE), (1, refusal), (2, stories.MARKED))
    found = fold(told, Announcer())
    assert phases(found) == ["received", "cordoned"]
    assert attempts(found) == ["cordoned"]


def test_event_that_is_over_while_another_stands_cancels_nothing() -> None:
    told = stories.told((0, stories.REBALANCE), (1, stories.NOTICE), (2, stories.WITHDRAWN))
    assert phases(fold(told, Announcer())) == ["received", "received"]
    over = NoticeWithdrawn(event_id="rebalance-1", reason="over")
    told += stories.told((3, over))
    assert phases(fold(told, Announcer())) == ["received", "received", "cancelled"]


def test_session_that_has_ended_is_forgotten() -> None:
    announcer = Announcer()
    fold(stories.told(*stories.FULL_STORY, (99, SessionEnded(reason="the node is gone"))), announcer)
    assert announcer._announced == {}


def test_cancelled_interruption_says_why_and_names_its_event() -> None:
    world = World([a_pod("a")], blocked=blocked)
    world.notice(spot())
    world.notice(Withdrawn(event_id="spot-itn-1", reason="AWS has cancelled it"), seconds=10)
    found = announced(world.run(60))
    assert phases(found) == ["received", "cordoned", "cancelled"]
    assert attempts(found) == []
    cancelled = found[-1]
    assert (cancelled.result, cancelled.reason) == ("cancelled", "AWS has cancelled it")
    assert cancelled.notice is not None
    assert cancelled.notice.event.event_id == "spot-itn-1"
    assert cancelled.deadline_at == T0 + 120


def test_interruption_after_a_cancelled_one_is_a_story_of_its_own() -> None:
    event = replace(stories.NOTICE.event, event_id="spot-2")
    told = stories.told(
        (0, stories.NOTICE),
        (0.1, stories.MARKED),
        (5, stories.WITHDRAWN),
        (5.1, stories.RESTORED),
        *((seconds + 50, report) for seconds, report in stories.FULL_STORY[1:]),
    )
    again = replace(told[0], at=T0 + 50, report=replace(stories.NOTICE, event=event))
    found = fold([*told[:4], again, *told[4:]], Announcer())
    first, second = found[:3], found[3:]
    assert phases(first) == ["received", "cordoned", "cancelled"]
    assert phases(second) == ["received", "cordoned", "forced", "drained", "replaced"]
    assert attempts(found) == ["drained"]
    assert second[0].event_ids == second[3].event_ids == ("spot-2",)
    assert [one.duration_seconds for one in second[:1]] == [0]
    assert len({one.key("a") for one in found}) == len(found)


def test_node_that_is_gone_before_the_end_of_its_drain_is_a_failure() -> None:
    world = World([a_pod("a")], blocked=blocked)
    world.notice(spot())

    def vanish() -> None:
        world.node = None

    world.at(5, vanish)
    world.notice(asg(), seconds=6)
    found = announced(world.run(60))
    assert phases(found)[-1] == "failed"
    assert attempts(found) == ["failed"]
    assert found[-1].reason == "the node is gone"


def test_node_that_is_gone_after_its_drain_is_no_news() -> None:
    world = World([a_pod("a")])
    world.notice(spot())

    def vanish() -> None:
        world.node = None

    world.at(30, vanish)
    world.notice(asg(), seconds=31)
    assert "failed" not in phases(announced(world.run(60)))


def test_restart_in_the_middle_repeats_no_post_and_keeps_the_keys() -> None:
    whole, killed = World([a_pod("a")]), World([a_pod("a")])
    for world in (whole, killed):
        world.notice(spot())
    killed.at(1, killed.kill)
    keys = {one.phase: one.key("a") for one in announced(whole.run(60))}

    before = announced(killed.run(0.9))
    killed.log.clear()
    after = announced(killed.run(60))
    assert attempts([*before, *after]) == ["drained"]
    drained = next(one for one in after if one.phase == "drained")
    assert drained.event_ids == ("spot-itn-1",)
    assert drained.margin_seconds is not None
    assert drained.key("a") == keys["drained"]


def test_key_differs_between_targets_sessions_and_phases() -> None:
    (first, *others) = announced(_after_spot())
    assert first.key("a") == first.key("a")
    keys = {first.key("a"), first.key("b"), replace(first, session_id="s-2").key("a")}
    keys |= {one.key("a") for one in others}
    assert len(keys) == 3 + len(others)


def test_deadline_that_moves_with_its_hook_moves_the_margin() -> None:
    event = SpotInterruption(event_id="e", action="terminate", interrupted_at=T0 + 100)
    received = NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0, deadline_at=T0 + 100)
    moved = DeadlineMoved(event_id="e", deadline_at=T0 + 400)
    survey = PodsOnNode(going=(a_pod("a"),), staying=())
    ended = DrainEnded(left=(), evicted=1, forced=0, seconds=50, margin_seconds=350)
    told = [
        Told(at=T0 + seconds, session_id="s", node_name=NODE, report=report)
        for seconds, report in ((0, received), (40, moved), (41, survey), (50, ended))
    ]
    found = fold(told, Announcer())
    assert found[-1].margin_seconds == 350


SHORT = NotReplaced(
    namespace="shop", controller=stories.owner("web"), ready=0, before=1, reason="Pending: no room"
)


@pytest.mark.parametrize(
    ("missing", "phase", "result"), [((), "replaced", "success"), ((SHORT,), "failed", "failure")]
)
def test_replacements_that_are_not_ready_in_time_are_waited_for_and_then_replaced_or_failed(
    missing: tuple[NotReplaced, ...], phase: str, result: str
) -> None:
    first = ReplacementEnded(missing=(SHORT,), controllers=3, seconds=115, final=False)
    last = ReplacementEnded(missing=missing, controllers=3, seconds=200)
    story = (*stories.FULL_STORY[:-1], (115.0, first), (200.0, last))
    waiting, end = fold(stories.told(*story), Announcer(reports=True))[-2:]
    assert (waiting.phase, waiting.result, waiting.left) == (
        "waiting",
        "pending",
        ("shop/web-5d8f7c9b4: 0 of 1 Ready, not known how many are wanted: Pending: no room",),
    )
    assert waiting.report is not None
    assert not waiting.report.final
    assert markdown(waiting.report).startswith(
        "This report is not the final one. What follows is what was known"
    )
    assert not waiting.attempt
    assert end.report is not None
    assert end.report.final
    assert "not the final" not in markdown(end.report)
    assert (end.phase, end.result) == (phase, result)


@pytest.mark.parametrize(
    ("short", "phase", "result", "begin"),
    [
        (SHORT, "failed", "failure", "not all pods run elsewhere: shop/web"),
        (
            replace(SHORT, reason=""),
            "unknown",
            "unknown",
            "not known whether all pods run elsewhere: shop/web",
        ),
        (replace(SHORT, reason="", wanted=1), "failed", "failure", "not all pods run elsewhere: shop/web"),
        (replace(SHORT, reason="", failed=True), "failed", "failure", "not all pods run elsewhere: shop/web"),
    ],
)
def test_where_no_cause_was_seen_a_post_says_neither_failure_nor_success(
    short: NotReplaced, phase: str, result: str, begin: str
) -> None:
    last = ReplacementEnded(missing=(short,), controllers=1, seconds=200)
    end = fold(stories.told(*stories.FULL_STORY[:-1], (200.0, last)), Announcer())[-1]
    assert (end.phase, end.result) == (phase, result)
    assert end.reason.startswith(begin)


def test_after_a_failure_it_is_not_said_that_the_rest_is_not_known() -> None:
    last = ReplacementEnded(missing=(replace(SHORT, reason=""),), controllers=1, seconds=200)
    found = fold(stories.told(*stories.LOSING_STORY[:-1], (200.0, last)), Announcer())
    assert found[-1].phase == "failed"
    assert found[-1].reason.startswith("still on the node")


def test_a_post_of_a_late_drain_carries_a_report_that_is_not_final() -> None:
    gone = (125.0, SessionEnded(reason="the node is gone"))
    found = fold(stories.told(*stories.LOSING_STORY, gone), Announcer(reports=True))
    assert [(one.phase, one.report and one.report.final) for one in found[-2:]] == [
        ("failed", False),
        ("replaced", False),
    ]


def test_what_no_session_tells_is_not_announced() -> None:
    announcer = Announcer()
    for report in (MonitorFailed(monitor="m", reason="r"), AwsSettled(event=spot().event, completed=True)):
        told = Told(at=T0, session_id="", node_name=NODE, report=report)
        assert fold([told], announcer) == []
    assert announcer._announced == {}


def test_last_phases_carry_the_report_when_it_is_kept() -> None:
    found = announced(_after_spot(), Announcer(reports=True))
    assert [one.report is not None for one in found] == [False, False, True, True]
    report = found[-1].report
    assert report is not None
    assert (report.session_id, counts(report).gone) == ("s-1", 1)
    assert all(one.report is None for one in announced(_after_spot()))


def test_what_was_announced_is_forgotten_with_the_interruption() -> None:
    announcer, interruptions = Announcer(), Interruptions(max_open=20)
    for number in range(30):
        told = replace(
            stories.told((0, stories.NOTICE))[0], session_id=f"s-{number}", node_name=f"n-{number}"
        )
        assert announcer.take(told, interruptions.take(told)) is not None
    assert len(announcer._announced) == 20
    assert interruptions.forgotten == 10


REPORTS = (
    *(report for _, report in stories.LOSING_STORY),
    *(report for _, report in stories.FULL_STORY),
    stories.REBALANCE,
    stories.RESTORED,
    stories.WITHDRAWN,
    NoticeWithdrawn(event_id="rebalance-1", reason="over"),
    NodeChangeRefused(what="cordon", reason="no"),
    SessionResumed(event_ids=("spot-1", "old-1")),
    DeadlineMoved(event_id="spot-1", deadline_at=T0 + 500),
)


@given(st.lists(st.sampled_from(REPORTS), max_size=30))
def test_no_order_of_reports_fails_posts_too_often_or_repeats_a_key(reports: list[Report]) -> None:
    told = [Told(at=T0 + n, session_id="s", node_name=NODE, report=one) for n, one in enumerate(reports)]
    found = fold(told, Announcer(reports=True))
    assert len({one.key("a") for one in found}) == len(found)
    posts = Counter(one.number for one in found if one.attempt)
    assert all(number <= 2 for number in posts.values()), "of each interruption"
    for one in found:
        assert (one.result == "failure") is (one.phase == "failed")


def test_every_phase_is_reached_in_these_tests() -> None:
    seen = {"cancelled", "failed", "waiting", "unknown"} | set(
        phases(fold(stories.told(*stories.FULL_STORY), Announcer()))
    )
    assert seen == set(PHASES)


def _after_spot() -> World:
    world = World([a_pod("a")])
    world.notice(spot())
    return world.run(30)
