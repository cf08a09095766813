"""When a pod is worth asking again, and when it is out of time."""

from dataclasses import replace

import pytest

from nth.core.drain.grace import GraceTimes
from nth.core.drain.pod_eviction import BLOCKED_RETRY_SECONDS, NEVER_AT, PodEviction, Step
from nth.errors import Blocked, ClusterError, Conflict, Forbidden, Throttled, Unreachable
from tests.core.samples import T0, a_pod

TIMES = GraceTimes(deadline_at=T0 + 120, reserve_seconds=5, pod_grace_seconds=None)
NO_DEADLINE = GraceTimes(deadline_at=None, reserve_seconds=5, pod_grace_seconds=None)


@pytest.mark.parametrize(
    ("error", "attempts", "seconds"),
    [
        (Blocked("budget"), 1, BLOCKED_RETRY_SECONDS),
        (Throttled("slow down", retry_after_seconds=7), 1, 7),
        (Throttled("slow down"), 1, 1),
        (Conflict("written"), 1, 0.2),
        (Unreachable("refused"), 1, 0.5),
        (Unreachable("refused"), 9, 2),
        (Unreachable("refused", retry_after_seconds=3), 1, 3),
        (Forbidden("no rule"), 1, BLOCKED_RETRY_SECONDS),
    ],
    ids=[
        "budget",
        "throttled as told",
        "throttled",
        "conflict",
        "first outage",
        "long outage",
        "5xx",
        "rbac",
    ],
)
def test_pause_after_a_refusal(error: ClusterError, attempts: int, seconds: float) -> None:
    eviction = PodEviction(a_pod(), attempts=attempts)
    eviction.pause(error, T0)
    assert eviction.retry_at == T0 + seconds
    assert eviction.blocked is isinstance(error, Blocked)


@pytest.mark.parametrize(
    ("stirred", "retry"),
    [(-1.0, 5.0), (0.1, 1.0), (2.0, 2.2), (4.9, 5.0)],
    ids=["before it was asked", "at once", "later", "no later than it would have been"],
)
def test_news_shortens_the_pause_of_a_blocked_pod(stirred: float, retry: float) -> None:
    eviction = PodEviction(a_pod(), Step.REFUSED, asked_at=T0, stirred_at=T0 + stirred)
    eviction.pause(Blocked("budget"), T0)
    eviction.hasten()
    assert eviction.retry_at == pytest.approx(T0 + retry)


def test_news_does_not_override_what_a_busy_server_asks_for() -> None:
    eviction = PodEviction(a_pod(), Step.REFUSED, asked_at=T0, stirred_at=T0 + 1)
    eviction.pause(Throttled("slow down", retry_after_seconds=30), T0)
    eviction.hasten()
    assert eviction.retry_at == T0 + 30


def test_needs_W13_latest_moment() -> None:
    eviction = PodEviction(a_pod(grace_seconds=30), Step.REFUSED)
    assert eviction.force_at(TIMES) == T0 + 85
    assert eviction.force_at(NO_DEADLINE) == NEVER_AT
    # A delete that failed waits its own pause, too.
    assert replace(eviction, deleting=True, retry_at=T0 + 90).force_at(TIMES) == T0 + 90


@pytest.mark.parametrize(
    ("until", "grace", "at"),
    [(600, 600, T0 + 115), (116, 116, NEVER_AT), (117, 1, NEVER_AT)],
    ids=["outlives the machine", "the same second", "cannot be shorter"],
)
def test_end_of_a_pod_that_is_going(until: float, grace: int, at: float) -> None:
    pod = a_pod(deleting_until_at=T0 + until, deletion_grace_seconds=grace)
    eviction = PodEviction(pod, Step.GOING)
    assert eviction.end_at(TIMES) == at
    assert eviction.end_at(NO_DEADLINE) == NEVER_AT
    assert replace(eviction, shortened=True).end_at(TIMES) == NEVER_AT


def test_request_has_the_grace_that_is_left() -> None:
    eviction = PodEviction(a_pod(grace_seconds=30), Step.GOING)
    eviction.ask(T0 + 100, TIMES, deleting=True)
    assert (eviction.step, eviction.grace_seconds, eviction.shortened) == (Step.ASKED, 15, True)
    eviction.step = Step.REFUSED
    eviction.ask(T0 + 101, TIMES, deleting=False)
    assert (eviction.first_asked_at, eviction.asked_at, eviction.shortened) == (T0 + 100, T0 + 101, False)


@pytest.mark.parametrize(
    ("eviction", "reason"),
    [
        (PodEviction(a_pod(), Step.WAITING), "not evicted yet"),
        (PodEviction(a_pod(), Step.REFUSED, refusal="budget"), "budget"),
        (PodEviction(a_pod(), Step.GOING), "still terminating"),
        (PodEviction(a_pod(finalizers=("x/y",)), Step.GOING), "terminating, held by its finalizers x/y"),
    ],
    ids=["waiting", "refused", "going", "held"],
)
def test_why_it_has_not_left(eviction: PodEviction, reason: str) -> None:
    assert eviction.why_there() == reason
