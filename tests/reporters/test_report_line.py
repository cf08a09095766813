"""One line for each interruption, at its end, with the whole report."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.node.phases import HANDED_OVER
from nth.core.notices.events import RebalanceRecommendation
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    NodeMarked,
    NoticeReceived,
    NotReplaced,
    Planned,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    SessionEnded,
    SessionResumed,
    Told,
)
from nth.report.interruption import InterruptionReport
from nth.report.interruptions import Interruptions
from nth.report.report_line import decode
from nth.reporters.fanout import FanOut
from nth.reporters.report_line import MAX_SO_FAR, InterruptionReporter, log_report, next_turn
from nth.simulation.cloud import ScheduledEvent
from nth.simulation.objects import BudgetSpec
from tests.report.random_stories import stories
from tests.report.stories import (
    BEGUN,
    FULL_STORY,
    LOSING_STORY,
    MARKED,
    NOTICE,
    RESTORED,
    T0,
    WEB,
    WITHDRAWN,
    Step,
    owner,
    report_of,
    told,
)
from tests.report.whole_stories import whole_stories
from tests.worlds import Stage, play


@dataclass
class Heard(logging.Handler):
    """What is logged by `nth.report`."""

    records: list[logging.LogRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def texts(self) -> list[str]:
        return [record.getMessage() for record in self.records]

    @property
    def reports(self) -> list[InterruptionReport]:
        return [decode(getattr(record, "fields")["report"]) for record in self.records]  # noqa: B009


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler, logger = Heard(), logging.getLogger("nth.report")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def now(call: Callable[[], None]) -> None:
    call()


class Fed(InterruptionReporter):
    """With the interruptions that are told of, as `FanOut` hands them on."""

    def __init__(
        self,
        *receivers: Callable[[InterruptionReport], None],
        so_far: Callable[[InterruptionReport], None] | None = None,
        soon: Callable[[Callable[[], None]], None] = now,
    ) -> None:
        super().__init__(*receivers, so_far=so_far, soon=soon)
        self._interruptions = Interruptions()

    def tell(self, *told: Told) -> "Fed":
        for one in told:
            self(one, self._interruptions.take(one))
        return self


def tell(*steps: Step) -> Fed:
    return Fed().tell(*told(*steps))


def test_a_drain_is_reported_when_all_is_replaced_and_forgotten(heard: Heard) -> None:
    assert tell(*FULL_STORY[:-1]).open == 1
    assert heard.texts == []
    assert tell(*FULL_STORY).open == 0
    (record,) = heard.records
    assert (record.getMessage(), record.levelname, record.name) == ("Nothing was lost.", "INFO", "nth.report")
    fields = getattr(record, "fields")  # noqa: B009
    assert fields.keys() == {"report", "session", "node"}
    assert (fields["session"], fields["node"]) == ("s-1", "ip-10-0-1-17")
    (report,) = heard.reports
    assert (report.margin_seconds, report.until_at, len(report.pods)) == (29.9, T0 + 92.1, 3)


def test_others_get_the_report_too(heard: Heard) -> None:
    got: list[InterruptionReport] = []
    Fed(log_report, got.append).tell(*told(*FULL_STORY))
    assert [report.session_id for report in got] == ["s-1"]


def test_what_is_said_after_the_end_is_no_interruption(heard: Heard) -> None:
    ended = SessionEnded(reason="the node is gone")
    assert tell(*FULL_STORY, (200.0, ended)).open == 0
    assert len(heard.records) == 1


def test_a_further_notice_that_finds_all_done_gives_no_second_line(heard: Heard) -> None:
    again: tuple[Step, ...] = (
        (150.0, replace(NOTICE, event=RebalanceRecommendation(event_id="more", noticed_at=T0))),
        (150.1, replace_marked(again=True)),
        (150.2, PodsOnNode(going=(), staying=())),
        (160.0, SessionEnded(reason="the node is gone")),
    )
    assert tell(*FULL_STORY, *again).open == 0
    assert len(heard.records) == 1


def replace_marked(*, again: bool) -> NodeMarked:
    return replace(MARKED, again=again)


def test_a_further_notice_that_moves_a_pod_gives_a_second_line(heard: Heard) -> None:
    tell(
        *FULL_STORY,
        (150.0, NOTICE),
        (150.1, EvictionAccepted(pod=WEB, grace_seconds=30, cut=False)),
        (155.0, PodLeft(pod=WEB, how="evicted", seconds=4.9)),
        (160.0, SessionEnded(reason="the node is gone")),
    )
    assert len(heard.records) == 2
    assert [len(report.pods) for report in heard.reports] == [3, 1]


def test_who_is_left_at_the_end_is_reported_while_there_is_time_to_write_it(heard: Heard) -> None:
    assert tell(*LOSING_STORY).open == 1
    (record,) = heard.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("1 pod not moved, still there 5.0 s before the deadline")


DRAINED = DrainEnded(left=(), evicted=3, forced=0, seconds=118, margin_seconds=2)
HAS_LEFT = PodLeft(pod=WEB, how="evicted", seconds=4.9)


@pytest.mark.parametrize(
    ("then", "final", "late"),
    [
        ((), [False], [True]),
        (((116.0, HAS_LEFT), (118.0, DRAINED)), [False, True], [True, False]),
        (((125.0, SessionEnded(reason="the node is gone")),), [False, True], [True, True]),
        (((116.0, SessionEnded(reason=HANDED_OVER)),), [False], [True]),
        (((116.0, WITHDRAWN), (116.1, RESTORED)), [False, True], [True, False]),
    ],
    ids=["the process ends", "drained", "the machine goes", "handed over", "given back"],
)
def test_a_report_of_a_late_drain_says_that_it_is_not_final_and_the_final_one_follows(
    heard: Heard, then: tuple[Step, ...], final: list[bool], late: list[bool]
) -> None:
    assert tell(*LOSING_STORY, *then).open == (not then)
    assert [report.final for report in heard.reports] == final
    assert [report.late for report in heard.reports] == late


def test_a_late_drain_whose_replacements_are_open_has_one_final_report(heard: Heard) -> None:
    end = replace(NOT_KNOWN_YET, missing=(), final=True, seconds=200)
    begun = (*without_web(LOSING_STORY[:-1]), (115.0, NOT_KNOWN_YET))
    back = Replaced(namespace="shop", controller=owner("web"), ready=1, seconds=150)
    tell(*begun, (116.0, HAS_LEFT), (118.0, DRAINED), (199.0, back), (200.0, end))
    assert [report.final for report in heard.reports] == [*[False] * (len(heard.records) - 1), True]
    assert len(heard.records) > 1


@settings(max_examples=150)
@given(stories() | whole_stories(), st.booleans())
def test_of_the_reports_of_one_interruption_only_the_last_is_final(
    story: tuple[list[Step], object], so_far: bool
) -> None:
    made: list[InterruptionReport] = []
    reporter = Fed(made.append, so_far=made.append if so_far else None)
    over = False
    for one in told(*story[0]):
        over = over and not isinstance(one.report, NoticeReceived | SessionResumed | Planned)
        already = len(made)
        reporter.tell(one)
        for report in made[already:]:
            assert not over
            over = report.final
            assert not over or reporter.open == 0


def test_given_back_is_an_end(heard: Heard) -> None:
    tell(*BEGUN, (9.0, WITHDRAWN), (9.1, RESTORED))
    assert heard.texts == [
        "Called off, and the node is back in service; "
        "what became of 2 pods that had been asked to go is not known."
    ]


SHORT = NotReplaced(namespace="shop", controller=owner("web"), ready=0, before=1, reason="Pending: no room")
NOT_KNOWN_YET = ReplacementEnded(missing=(SHORT,), controllers=3, seconds=115, final=False)


def test_where_replacements_are_not_ready_in_time_one_report_says_so_and_the_final_one_follows(
    heard: Heard,
) -> None:
    got: list[InterruptionReport] = []
    back = Replaced(namespace="shop", controller=owner("web"), ready=1, seconds=150)
    end = replace(NOT_KNOWN_YET, missing=(), final=True, seconds=200)
    begun = (*without_web(FULL_STORY[:-1]), (115.0, NOT_KNOWN_YET))
    assert Fed(log_report, got.append).tell(*told(*begun)).open == 1
    assert [(one.getMessage(), one.levelname) for one in heard.records] == [
        ("Not known yet: 1 replacement is not Ready.", "WARNING")
    ]
    heard.records.clear()
    assert Fed(log_report, got.append).tell(*told(*begun, (199.0, back), (200.0, end))).open == 0
    assert heard.texts == ["Not known yet: 1 replacement is not Ready.", "Nothing was lost."]
    assert [report.final for report in got] == [False, False, True]


def test_a_final_report_says_which_pods_nobody_has_replaced(heard: Heard) -> None:
    end = replace(NOT_KNOWN_YET, final=True, seconds=700)
    tell(*without_web(FULL_STORY[:-1]), (115.0, NOT_KNOWN_YET), (700.0, end))
    assert heard.texts == [
        "Not known yet: 1 replacement is not Ready.",
        "1 POD LOST: no replacement was Ready at the end: shop/web-5d8f7c9b4-aaaaa.",
    ]


def without_web(story: tuple[Step, ...]) -> tuple[Step, ...]:
    """The story in which the controller `web` does not get its pod back."""
    return tuple(
        step for step in story if not (isinstance(step[1], Replaced) and step[1].controller == owner("web"))
    )


def test_a_dry_run_is_reported(heard: Heard) -> None:
    tell((0.0, Planned(steps=("+0 s: cordon",), drain=True)))
    assert heard.texts == ["Dry run: nothing was changed."]


def test_a_node_that_another_replica_goes_on_with_is_reported_by_that_one(heard: Heard) -> None:
    assert tell(*BEGUN, (9.0, SessionEnded(reason=HANDED_OVER))).open == 0
    assert heard.texts == []
    ended = DrainEnded(left=(), evicted=0, forced=0, seconds=60.0, margin_seconds=60.0)
    tell((50.0, SessionResumed(event_ids=("spot-1",))), (60.0, ended))
    (report,) = heard.reports
    assert report.resumed
    assert report.began_at == T0


def test_all_that_is_told_at_once_is_in_the_report(heard: Heard) -> None:
    async def story() -> None:
        Fed(soon=next_turn).tell(*told(*LOSING_STORY))
        assert heard.texts == []
        await asyncio.sleep(0)

    asyncio.run(story())
    (report,) = heard.reports
    assert len(report.entries) == len(LOSING_STORY)


def test_of_a_session_that_ended_nothing_is_kept(heard: Heard) -> None:
    due: list[Callable[[], None]] = []
    reporter = Fed(soon=due.append)
    for _ in range(2):
        reporter.tell(*told((0.0, NOTICE), (9.0, SessionEnded(reason="the node is gone"))))
        due.pop()()
    # The second is not taken for a further notice of the first.
    assert len(heard.records) == 2


# What is known so far


def tell_all(*steps: Step) -> Fed:
    """The same, with the reports that are not final."""
    return Fed(so_far=log_report).tell(*told(*steps))


def test_each_phase_has_one_line_at_the_default_level(heard: Heard) -> None:
    tell_all(*FULL_STORY)
    assert heard.texts == [
        "The interruption goes on: noticed",
        "The interruption goes on: cordoned",
        "The interruption goes on: cordoned, 0 of 3 pods gone",
        "The interruption goes on: draining, 0 of 3 pods gone",
        "The interruption goes on: draining, 2 of 3 pods gone",
        "The interruption goes on: drained, 3 of 3 pods gone",
        "Nothing was lost.",
    ]
    assert {record.levelname for record in heard.records} == {"INFO"}
    assert [report.final for report in heard.reports] == [False] * 6 + [True]
    # A person sees of which node it is, before what is for `nth report`.
    fields = getattr(heard.records[0], "fields")  # noqa: B009
    assert list(fields) == ["session", "node", "report"]


def test_a_line_of_a_phase_holds_all_that_was_told_until_then(heard: Heard) -> None:
    tell_all(*FULL_STORY)
    for report in heard.reports:
        steps = [step for step in FULL_STORY if T0 + step[0] <= report.until_at]
        known = replace(report_of(*steps, after_seconds=steps[-1][0]), final=report.final)
        assert (report.entries, report.notices, report.phase) == (known.entries, known.notices, known.phase)
        assert [(one.pod.ref, one.stage) for one in report.pods] == [
            (one.pod.ref, one.stage) for one in known.pods
        ]


def test_only_what_warns_is_worth_a_line_if_the_log_has_warnings_only(heard: Heard) -> None:
    logging.getLogger("nth.report").setLevel(logging.WARNING)
    tell_all(*LOSING_STORY)
    assert [record.levelname for record in heard.records] == ["WARNING"]


def test_a_handler_that_is_to_stop_says_what_is_known_once(heard: Heard) -> None:
    reporter = tell_all(*BEGUN)
    lines = len(heard.records)
    asyncio.run(reporter.tell_so_far())
    assert len(heard.records) == lines
    reporter.tell(*told((5.0, PodLeft(pod=WEB, how="evicted", seconds=4.6))))
    assert len(heard.records) == lines
    asyncio.run(reporter.tell_so_far())
    assert heard.texts[lines:] == ["The interruption goes on: draining, 1 of 3 pods gone"]
    assert reporter.open == 1


def test_a_handler_that_is_to_stop_says_nothing_of_what_is_over(heard: Heard) -> None:
    reporter = tell_all(*FULL_STORY, (150.0, NOTICE), (150.2, PodsOnNode(going=(), staying=())))
    lines = len(heard.records)
    asyncio.run(reporter.tell_so_far())
    assert len(heard.records) == lines


def test_a_replica_that_hands_a_node_over_says_what_it_knows(heard: Heard) -> None:
    left = (5.0, PodLeft(pod=WEB, how="evicted", seconds=4.6))
    assert tell_all(*BEGUN, left, (9.0, SessionEnded(reason=HANDED_OVER))).open == 0
    assert heard.reports[-1].until_at == T0 + 9.0
    assert not heard.reports[-1].final


def test_a_node_that_comes_and_goes_has_a_bounded_number_of_lines(heard: Heard) -> None:
    again = [((10.0 + n, MARKED), (10.5 + n, RESTORED)) for n in range(100)]
    tell_all(*BEGUN, *(step for steps in again for step in steps))
    assert len(heard.records) == MAX_SO_FAR


# With the real handler, in a simulated world


def played(main: Callable[[Stage, Callable[[Told], None]], object], *flags: str) -> None:
    async def story(stage: Stage) -> None:
        await main(stage, FanOut(InterruptionReporter()))  # type: ignore[misc]

    play(story, *flags)


async def interrupted(stage: Stage, tell: Callable[[Told], None]) -> None:
    stage.process(tell=tell)
    await asyncio.sleep(2)
    stage.cloud.interrupt(stage.clock.now() + 122)
    await asyncio.sleep(125)


async def blocked(stage: Stage, tell: Callable[[Told], None]) -> None:
    budget = BudgetSpec(name="web", namespace="default", match_labels={"app": "web"}, max_unavailable=0)
    stage.cluster.set_budget(budget)
    await interrupted(stage, tell)


async def cancelled_then_interrupted(stage: Stage, tell: Callable[[Told], None]) -> None:
    stage.process(tell=tell)
    await asyncio.sleep(2)
    stage.cloud.schedule(ScheduledEvent(event_id="reboot-1", not_before_at=stage.clock.now() + 3600))
    await asyncio.sleep(60)
    stage.cloud.cancel("reboot-1")
    await asyncio.sleep(60)
    stage.cloud.interrupt(stage.clock.now() + 122)
    await asyncio.sleep(125)


async def killed_and_restarted(stage: Stage, tell: Callable[[Told], None]) -> None:
    process = stage.process(tell=tell)
    await asyncio.sleep(2)
    stage.cloud.interrupt(stage.clock.now() + 122)
    await asyncio.sleep(2.8)
    process.die()
    await process.killed()
    await asyncio.sleep(0.2)
    stage.process(tell=FanOut(InterruptionReporter()))
    await asyncio.sleep(120)


@pytest.mark.parametrize(
    ("story", "flags", "texts"),
    [
        (interrupted, (), ["Nothing was lost."]),
        (interrupted, ("--dry-run",), ["Dry run: nothing was changed."]),
        (blocked, (), ["Nothing was lost."]),
        (
            blocked,
            ("--force-policy", "never"),
            ["4 pods not moved, still there 2.5 s before the deadline"],
        ),
        (cancelled_then_interrupted, (), ["Nothing was lost.", "Nothing had to be moved."]),
        (killed_and_restarted, (), ["Nothing was lost."]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_interruption_has_one_line(
    heard: Heard, story: Callable[..., object], flags: tuple[str, ...], texts: list[str]
) -> None:
    played(story, *flags)
    assert [text.partition(": default")[0] for text in heard.texts] == texts


def test_after_a_restart_the_line_says_that_it_began_before(heard: Heard) -> None:
    played(killed_and_restarted)
    (report,) = heard.reports
    assert report.resumed
    assert report.began_at < report.first_at
    assert report.deadline_at is not None
    assert report.pods
