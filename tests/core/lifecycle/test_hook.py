"""One lifecycle action against an Auto Scaling that answers as the test says, in virtual time."""

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.lifecycle.hook import MARGIN_SECONDS, MAX_ASKED, REFUSED_PAUSE_SECONDS, Hook
from nth.core.lifecycle.hook_messages import (
    ABANDON,
    CONTINUE,
    Abandoned,
    AskTimeouts,
    Complete,
    CompletionAnswered,
    CompletionFailed,
    Done,
    Hastened,
    HeartbeatAnswered,
    HeartbeatFailed,
    HeartbeatSent,
    HeartbeatsOver,
    HookDecision,
    HookInput,
    HookRules,
    IntervalTooLong,
    Outcome,
    Prolong,
    SendHeartbeat,
    Settled,
    TimeoutsAnswered,
    TimeoutsUnknown,
    TimePassed,
    Woken,
)
from nth.core.notices.aws_facts import HookTimeouts
from nth.errors import ActionGone, AwsError, AwsRefused, AwsThrottled, AwsUnreachable
from tests.core.samples import T0

HOUR = HookTimeouts(heartbeat_seconds=3600, global_seconds=172_800)
DENIED = AwsRefused("not authorized to perform this", code="AccessDenied")
DOWN = AwsUnreachable("refused")
THROTTLED = AwsThrottled("Rate exceeded")
GONE = ActionGone("No active Lifecycle Action found", code="ValidationError")
HEARTBEATS = HookRules(heartbeat_interval_seconds=30)
DRAIN_SECONDS = 50.0
A_MOMENT = 1e-3
"""Instants are epoch seconds, so differences of them are not exact."""

Answer = AwsError | None
Answers = Callable[[float], Answer]
"""By the seconds since the story's begin."""


def fine(_seconds: float) -> Answer:
    return None


def fails(error: AwsError, *, until: float) -> Answers:
    return lambda seconds: error if seconds < until else None


@dataclass
class Play:
    """A hook and its Auto Scaling; `said` is what was decided, with the seconds since the begin."""

    rules: HookRules = field(default_factory=HookRules)
    timeouts: HookTimeouts | AwsError = HOUR
    noticed: float = 0
    recorded: float | None = None
    launching: bool = False
    heartbeat: Answers = fine
    complete: Answers = fine
    timeouts_until: float = 0
    """`timeouts` answers with DOWN before this."""
    latency: Callable[[], float] = lambda: 0.0
    said: list[tuple[float, HookDecision]] = field(default_factory=list)

    def __post_init__(self) -> None:
        deadline_at = None if self.recorded is None else T0 + self.recorded
        self.hook = Hook(
            self.rules, T0, noticed_at=T0 + self.noticed, deadline_at=deadline_at, launching=self.launching
        )
        self.agenda: list[tuple[float, int, HookInput]] = []
        self.order = itertools.count()
        self.at(0, Woken())

    def at(self, seconds: float, given: HookInput) -> "Play":
        heapq.heappush(self.agenda, (seconds, next(self.order), given))
        return self

    def run(self, until: float = 200_000) -> "Play":
        while self.hook.outcome is None:
            wake_at = self.hook.wake_at
            woken = None if wake_at is None else max(0.0, wake_at - T0)
            if self.agenda and (woken is None or self.agenda[0][0] <= woken):
                seconds, _, given = heapq.heappop(self.agenda)
            elif woken is not None:
                seconds, given = woken, Woken()
            else:
                break
            if seconds > until:
                break
            for decision in self.hook.handle(given, T0 + seconds):
                self.said.append((seconds, decision))
                self.carry_out(decision, seconds)
        return self

    def carry_out(self, decision: HookDecision, seconds: float) -> None:
        if not isinstance(decision, AskTimeouts | SendHeartbeat | Complete):
            return
        back = seconds + self.latency()
        match decision:
            case AskTimeouts():
                answer = DOWN if seconds < self.timeouts_until else self.timeouts
                self.at(back, TimeoutsAnswered(answer))
            case SendHeartbeat():
                self.at(back, HeartbeatAnswered(self.heartbeat(seconds)))
            case Complete():
                self.at(back, CompletionAnswered(self.complete(seconds)))

    def when(self, kind: type[HookDecision]) -> list[float]:
        return [round(seconds, 6) for seconds, said in self.said if isinstance(said, kind)]

    def what(self, kind: type[HookDecision]) -> list[HookDecision]:
        return [said for _, said in self.said if isinstance(said, kind)]

    @property
    def outcome(self) -> Outcome | None:
        return self.hook.outcome

    @property
    def deadlines(self) -> list[float]:
        return [said.deadline_at - T0 for _, said in self.said if isinstance(said, Prolong)]


# Completion


def test_a_settled_hook_is_completed_at_once() -> None:
    play = Play().at(DRAIN_SECONDS, Settled()).run()
    assert play.what(Complete) == [Complete(CONTINUE)]
    assert play.when(Complete) == [DRAIN_SECONDS]
    assert play.what(Done) == [Done(Outcome.COMPLETED)]
    assert play.hook.wake_at is None
    assert play.hook.handle(Woken(), T0 + 1000) == []


def test_a_termination_may_end_with_abandon_and_a_launch_never() -> None:
    rules = HookRules(result=ABANDON, completion_delay_seconds=60, heartbeat_interval_seconds=30)
    assert Play(rules).at(5, Settled()).run().what(Complete) == [Complete(ABANDON)]
    launch = Play(rules, launching=True).at(100, Settled()).run()
    assert launch.what(Complete) == [Complete(CONTINUE)]
    assert launch.when(Complete) == [100]
    assert launch.when(SendHeartbeat) == launch.when(AskTimeouts) == []


@pytest.mark.parametrize("error", [DOWN, THROTTLED], ids=["unreachable", "throttled"])
def test_needs_W11_a_failed_completion_is_tried_again_until_it_succeeds(error: AwsError) -> None:
    play = Play(complete=fails(error, until=60)).at(10, Settled()).run()
    assert play.when(Complete) == [10, 10.5, 11.5, 13.5, 17.5, 25.5, 35.5, 45.5, 55.5, 65.5]
    assert play.what(CompletionFailed) == [CompletionFailed(str(error), refused=False)]
    assert play.outcome is Outcome.COMPLETED


def test_needs_W11_a_token_that_is_gone_ends_it() -> None:
    play = Play(complete=lambda _: GONE).at(10, Settled()).run()
    assert play.when(Complete) == [10]
    assert play.outcome is Outcome.GONE


def test_needs_W11_a_permission_that_is_given_later_is_used() -> None:
    play = Play(complete=fails(DENIED, until=100)).at(10, Settled()).run()
    assert play.when(Complete) == [10, 40, 70, 100]
    assert play.what(CompletionFailed) == [CompletionFailed(str(DENIED), refused=True)]
    assert play.outcome is Outcome.COMPLETED


def test_a_permission_that_is_never_given_ends_with_the_hooks_own_time() -> None:
    timeouts = HookTimeouts(heartbeat_seconds=80, global_seconds=8000)
    play = Play(timeouts=timeouts, complete=lambda _: DENIED).at(10, Settled()).run()
    assert play.when(Complete) == [10, 40, 70, 80]
    assert play.said[-1] == (80, Done(Outcome.TIMED_OUT))


def test_without_any_permission_it_ends_when_no_hook_can_wait_any_longer() -> None:
    play = Play(timeouts=DENIED, complete=lambda _: DENIED).at(10, Settled()).run()
    assert play.said[-1] == (7200, Done(Outcome.TIMED_OUT))


def test_each_kind_of_failure_is_told_once() -> None:
    errors = iter([DOWN, DENIED, DOWN, AwsRefused("no such thing", code="Other"), DENIED, None])
    play = Play(complete=lambda _: next(errors)).at(10, Settled()).run()
    assert len(play.what(Complete)) == 6
    assert len(play.what(CompletionFailed)) == 3


def test_settled_twice_is_completed_once_and_not_later() -> None:
    rules = HookRules(completion_delay_seconds=30)
    play = Play(rules).at(10, Settled()).at(35, Settled()).run()
    assert play.when(Complete) == [40]


def test_only_one_completion_is_under_way_at_a_time() -> None:
    play = Play(latency=lambda: 7).at(10, Settled()).at(12, Woken()).at(13, Settled()).run()
    assert play.when(Complete) == [10]
    assert play.when(Done) == [17]


# The delay


def test_Q16_the_completion_waits_for_its_delay() -> None:
    play = Play(HookRules(completion_delay_seconds=120)).at(10, Settled()).run()
    assert play.when(Complete) == [130]
    assert play.what(Hastened) == []


def test_Q16_the_delay_never_lets_the_hook_time_out() -> None:
    timeouts = HookTimeouts(heartbeat_seconds=100, global_seconds=10_000)
    play = Play(HookRules(completion_delay_seconds=120), timeouts=timeouts).at(10, Settled()).run()
    assert play.when(Complete) == [100 - MARGIN_SECONDS]
    assert play.what(Hastened) == [Hastened(130 - 95)]


def test_Q16_a_completion_that_is_hastened_says_so_once() -> None:
    timeouts = HookTimeouts(heartbeat_seconds=100, global_seconds=10_000)
    rules = HookRules(completion_delay_seconds=120)
    play = Play(rules, timeouts=timeouts, complete=fails(DOWN, until=97)).at(10, Settled()).run()
    assert play.when(Complete) == [95, 95.5, 96.5, 98.5]
    assert play.when(Hastened) == [95]


def test_Q16_a_drain_that_ends_with_the_hook_is_completed_at_once() -> None:
    timeouts = HookTimeouts(heartbeat_seconds=100, global_seconds=10_000)
    play = Play(HookRules(completion_delay_seconds=120), timeouts=timeouts).at(98, Settled()).run()
    assert play.when(Complete) == [98]


def test_a_negative_delay_is_none() -> None:
    """The setting's default is -1."""
    assert Play(HookRules(completion_delay_seconds=-1)).at(10, Settled()).run().when(Complete) == [10]


# Heartbeats


def test_T3_three_heartbeats_then_the_deadline() -> None:
    """Delay 120, interval 30, until 100; the drain takes a moment."""
    rules = HookRules(
        completion_delay_seconds=120, heartbeat_interval_seconds=30, heartbeat_until_seconds=100
    )
    play = Play(rules).at(20, Settled()).run()
    assert play.when(SendHeartbeat) == [30, 60, 90]
    assert play.when(HeartbeatSent) == [30, 60, 90]
    assert play.when(HeartbeatsOver) == [100]
    assert play.when(Complete) == [140]


def test_T3_heartbeats_that_aws_refuses_are_tried_as_often() -> None:
    rules = HookRules(
        completion_delay_seconds=120, heartbeat_interval_seconds=30, heartbeat_until_seconds=100
    )
    play = Play(rules, heartbeat=lambda _: DENIED).at(20, Settled()).run()
    assert play.when(SendHeartbeat) == play.when(HeartbeatFailed) == [30, 60, 90]
    assert play.when(HeartbeatsOver) == [100]


def test_Q17_without_an_interval_there_are_no_heartbeats() -> None:
    play = Play().at(1000, Settled()).run()
    assert play.when(SendHeartbeat) == play.when(HeartbeatsOver) == []


def test_Q17_an_interval_longer_than_the_hooks_own_timeout_is_warned_of_once() -> None:
    timeouts = HookTimeouts(heartbeat_seconds=30, global_seconds=3000)
    play = Play(HEARTBEATS, timeouts=timeouts).run(until=100)
    assert play.what(IntervalTooLong) == [IntervalTooLong(30, 30)]


def test_a_heartbeat_that_does_not_arrive_is_tried_again_soon_and_told_once() -> None:
    rules = HookRules(heartbeat_interval_seconds=60)
    play = Play(rules, heartbeat=fails(DOWN, until=62)).run(until=130)
    assert play.when(SendHeartbeat) == [60, 60.5, 61.5, 63.5, 123.5]
    assert play.when(HeartbeatFailed) == [60]
    assert play.when(HeartbeatSent) == [63.5, 123.5]


def test_in_an_outage_each_heartbeat_that_is_due_is_told_once() -> None:
    play = Play(HEARTBEATS, heartbeat=lambda _: DOWN).run(until=100)
    assert play.when(HeartbeatFailed) == [30, 60, 90]


@pytest.mark.parametrize("timeout", [30.0, 31.0, 45.0, 60.0, 300.0, 3600.0, 7200.0])
def test_auto_never_lets_the_hook_lapse_though_a_heartbeat_fails(timeout: float) -> None:
    """Each second one fails, after 7 s without an answer."""
    tries = itertools.count()
    play = Play(
        HookRules(heartbeat_auto=True),
        timeouts=HookTimeouts(heartbeat_seconds=timeout, global_seconds=100 * timeout),
        heartbeat=lambda _: DOWN if next(tries) % 2 == 0 else None,
        latency=lambda: 7,
    ).run(until=20 * timeout)
    accepted = [0.0, *(seconds for seconds, said in play.said if isinstance(said, HeartbeatSent))]
    gaps = [later - earlier for earlier, later in itertools.pairwise(accepted)]
    assert gaps
    assert max(gaps) < timeout
    assert play.what(IntervalTooLong) == []
    assert len(accepted) <= 2 + 20 * timeout / min(10, timeout / 3)


def test_auto_sends_few_where_the_hook_waits_long() -> None:
    assert Play(HookRules(heartbeat_auto=True)).run(until=7300).when(SendHeartbeat) == [
        1800,
        3600,
        5400,
        7200,
    ]


def test_auto_assumes_the_shortest_timeout_while_it_is_not_known() -> None:
    play = Play(HookRules(heartbeat_auto=True), timeouts_until=25).run(until=2000)
    assert play.when(AskTimeouts) == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 25.5]
    assert play.when(SendHeartbeat) == [10, 20, 1820]


def test_needs_W12_heartbeats_end_with_the_completion_even_if_that_fails() -> None:
    play = Play(HEARTBEATS, complete=fails(DOWN, until=300)).at(70, Settled()).run()
    assert play.when(SendHeartbeat) == [30, 60]
    assert play.outcome is Outcome.COMPLETED


def test_needs_W12_heartbeats_end_when_the_action_is_gone() -> None:
    play = Play(HEARTBEATS, heartbeat=lambda seconds: GONE if seconds > 45 else None).run()
    assert play.when(SendHeartbeat) == [30, 60]
    assert play.when(Complete) == []
    assert play.said[-1] == (60, Done(Outcome.GONE))


def test_needs_W12_heartbeats_end_when_the_session_is_handed_over() -> None:
    play = Play(HEARTBEATS).at(70, Abandoned()).run()
    assert play.when(SendHeartbeat) == [30, 60]
    assert play.when(Complete) == []
    assert play.said[-1] == (70, Done(Outcome.HANDED_OVER))


def test_needs_W12_heartbeats_end_with_the_hooks_global_timeout() -> None:
    timeouts = HookTimeouts(heartbeat_seconds=60, global_seconds=150)
    play = Play(HEARTBEATS, timeouts=timeouts).run()
    assert play.when(SendHeartbeat) == [30, 60, 90, 120]
    assert play.said[-1] == (150, Done(Outcome.TIMED_OUT))


def test_a_completion_under_way_when_it_is_handed_over_still_counts() -> None:
    for answer, outcome in ((None, Outcome.COMPLETED), (GONE, Outcome.GONE), (DOWN, Outcome.HANDED_OVER)):

        def complete(_seconds: float, answer: Answer = answer) -> Answer:
            return answer

        play = Play(complete=complete, latency=lambda: 5).at(10, Settled()).at(12, Abandoned()).run()
        assert play.when(Complete) == [10]
        assert play.what(Done) == [Done(outcome)]


def test_a_heartbeat_that_comes_too_late_for_the_completion_hides_nothing() -> None:
    """It was under way, and AWS completed the action before it looked at the heartbeat."""
    latencies = iter([0, 7, 9])
    play = Play(HEARTBEATS, heartbeat=lambda _: GONE, latency=lambda: next(latencies)).at(31, Settled()).run()
    assert play.when(SendHeartbeat) == [30]
    assert play.said[-1] == (40, Done(Outcome.COMPLETED))


# The deadline


def test_the_deadline_is_told_and_moves_with_each_heartbeat() -> None:
    timeouts = HookTimeouts(heartbeat_seconds=100, global_seconds=250)
    play = Play(HookRules(heartbeat_interval_seconds=60), timeouts=timeouts, noticed=-5).run(until=200)
    assert play.when(SendHeartbeat) == [55, 115, 175]
    assert play.deadlines == [95, 155, 215, 245]


def test_the_new_deadline_counts_from_when_the_heartbeat_was_sent() -> None:
    play = Play(HEARTBEATS, latency=lambda: 3).run(until=50)
    assert play.deadlines == [3600, 30 + 3600]


def test_a_deadline_that_is_not_known_is_asked_for_a_few_times_and_told_once() -> None:
    play = Play(timeouts=DOWN).run(until=7000)
    assert play.when(AskTimeouts)[:6] == [0, 0.5, 1.5, 3.5, 7.5, 15.5]
    assert play.when(AskTimeouts)[-1] > 6980
    assert play.what(TimeoutsUnknown) == [TimeoutsUnknown(str(DOWN))]
    assert play.deadlines == []
    assert play.hook.deadline_at is None
    denied = Play(timeouts=DENIED).run(until=7000)
    assert denied.when(AskTimeouts) == [n * REFUSED_PAUSE_SECONDS for n in range(MAX_ASKED)]
    assert denied.what(TimeoutsUnknown) == [TimeoutsUnknown(str(DENIED))]


def test_a_deadline_that_is_known_late_is_told_then() -> None:
    play = Play(timeouts_until=3).run(until=100)
    assert play.when(Prolong) == [3.5]
    assert play.deadlines == [3600]


def test_a_message_from_a_clock_that_is_ahead_does_not_put_the_deadline_off() -> None:
    assert Play(noticed=500).run(until=100).deadlines == [3600]


def test_an_event_whose_time_is_over_is_said_and_left_to_aws() -> None:
    play = Play(HEARTBEATS, noticed=-5000).at(DRAIN_SECONDS, Settled()).run()
    assert play.what(TimePassed) == [TimePassed(1400)]
    assert play.deadlines == [30 + 3600]
    assert play.outcome is Outcome.COMPLETED


def test_a_successor_goes_on_with_the_recorded_deadline() -> None:
    """The predecessor's last heartbeat, 60 s ago, was one of many."""
    timeouts = HookTimeouts(heartbeat_seconds=100, global_seconds=10_000)
    rules = HookRules(heartbeat_interval_seconds=80)
    play = Play(rules, timeouts=timeouts, noticed=-5000, recorded=40).run(until=30)
    assert play.deadlines == [40, 120]
    assert play.when(SendHeartbeat) == [20]


# Whatever happens

errors = st.sampled_from([None, DOWN, THROTTLED, DENIED])


@dataclass(frozen=True)
class Plot:
    rules: HookRules
    timeouts: HookTimeouts | AwsError
    noticed: float
    latencies: Sequence[float]
    heartbeats: Sequence[Answer]
    completions: Sequence[Answer]
    settled: Sequence[float]
    pokes: Sequence[float]
    abandoned: float | None
    gone: float
    """AWS ends the action by itself then."""


plots = st.builds(
    Plot,
    rules=st.builds(
        HookRules,
        completion_delay_seconds=st.sampled_from([0.0, 20.0, 500.0]),
        heartbeat_interval_seconds=st.sampled_from([None, 30.0, 100.0]),
        heartbeat_until_seconds=st.sampled_from([100.0, 1000.0, 172_800.0]),
        heartbeat_auto=st.booleans(),
    ),
    timeouts=st.sampled_from([HOUR, HookTimeouts(heartbeat_seconds=60, global_seconds=600), DOWN, DENIED]),
    noticed=st.sampled_from([0.0, -10.0, -10_000.0, 100.0]),
    latencies=st.lists(st.floats(0, 20), min_size=1, max_size=5),
    heartbeats=st.lists(errors, min_size=1, max_size=8),
    completions=st.lists(errors, min_size=1, max_size=8),
    settled=st.lists(st.floats(0, 800), min_size=1, max_size=3),
    pokes=st.lists(st.floats(0, 1000), max_size=5),
    abandoned=st.one_of(st.none(), st.floats(0, 1000)),
    gone=st.sampled_from([50.0, 700.0, 300_000.0]),
)


def played(plot: Plot) -> Play:
    """After the listed answers AWS answers well, until it says that the action is gone."""
    latencies = itertools.cycle(plot.latencies)
    heartbeats, completions = iter(plot.heartbeats), iter(plot.completions)

    def answer(answers: Iterator[Answer], seconds: float) -> Answer:
        return GONE if seconds >= plot.gone else next(answers, None)

    play = Play(
        plot.rules,
        plot.timeouts,
        noticed=plot.noticed,
        latency=lambda: next(latencies),
        heartbeat=lambda seconds: answer(heartbeats, seconds),
        complete=lambda seconds: answer(completions, seconds),
    )
    for seconds in plot.settled:
        play.at(seconds, Settled())
    for seconds in plot.pokes:
        play.at(seconds, Woken())
    if plot.abandoned is not None:
        play.at(plot.abandoned, Abandoned())
    return play.run()


@settings(max_examples=400)
@given(plots)
def test_needs_W11_needs_W12_it_always_ends_once_and_nothing_follows(plot: Plot) -> None:
    """Done comes last and once; it is completed unless it was handed over, gone, or its time was over."""
    play = played(plot)
    done = play.what(Done)
    assert len(done) == 1
    assert play.said[-1][1] == done[0]
    if plot.abandoned is None and plot.gone > 200_000:
        assert play.outcome is Outcome.COMPLETED or play.said[-1][0] >= 50


@settings(max_examples=400)
@given(plots)
def test_needs_W12_no_heartbeat_follows_a_completion_or_a_way_out(plot: Plot) -> None:
    play = played(plot)
    said = [each for _, each in play.said]
    end = next(n for n, each in enumerate(said) if isinstance(each, Complete | HeartbeatsOver | Done))
    assert not any(isinstance(each, SendHeartbeat) for each in said[end:])
    if plot.abandoned is not None:
        assert all(at < plot.abandoned + A_MOMENT for at in play.when(SendHeartbeat))


@settings(max_examples=400)
@given(plots)
def test_needs_W11_one_completion_at_a_time_and_never_before_it_is_settled(plot: Plot) -> None:
    play = played(plot)
    sent = [at for at, said in play.said if isinstance(said, Complete)]
    assert all(at > min(plot.settled) - A_MOMENT for at in sent)
    assert all(later - earlier > 0.499 for earlier, later in itertools.pairwise(sent))
    assert len(sent) <= len(plot.completions) + 1
    if sent and plot.abandoned is not None:
        assert sent[-1] < plot.abandoned + A_MOMENT


@settings(max_examples=200)
@given(plots)
def test_it_never_wants_to_be_woken_in_vain_for_ever(plot: Plot) -> None:
    """What it wants to be woken for lies ahead once it has been."""
    play = played(plot)
    assert len(play.said) < 20_000
    for seconds in (0.0, 100.0, 1000.0):
        hook = Hook(plot.rules, T0, noticed_at=T0 + plot.noticed)
        hook.handle(Woken(), T0)
        hook.handle(Woken(), T0 + seconds)
        assert hook.wake_at is None or hook.wake_at > T0 + seconds
