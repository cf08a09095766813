"""What is read at a scrape: every figure under its name."""

from dataclasses import dataclass, field

from nth.core.queue.visibility_words import Counts
from nth.report.metrics.counters import Value
from nth.report.metrics.figures import HookFigures, LookupFigures, MonitorFigures, QueueFigures, TaggedFigures
from nth.report.metrics.histogram import REQUEST_BOUNDS, Histogram
from nth.reporters.metrics import Pulls, pulled

NOW, STARTED_AT = 1000.0, 400.0


def found(pulls: Pulls) -> dict[str, Value]:
    return {" ".join((one.metric.name, *one.labels)): one.value for one in pulled(pulls, NOW, STARTED_AT)}


def a_monitor(name: str, *, last_answer_at: float | None) -> MonitorFigures:
    return MonitorFigures(
        monitor=name,
        answers=5,
        notices=1,
        failures=2,
        bad_documents=0,
        last_answer_at=last_answer_at,
    )


def a_queue(name: str, *, oldest_sent_at: float | None) -> QueueFigures:
    return QueueFigures(
        queue_url=f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}",
        counts=Counts(received=7, deleted=3),
        receive_calls=9,
        receive_failures=4,
        receivers=1,
        undecided=1,
        held=2,
        unanswered=0,
        oldest_sent_at=oldest_sent_at,
        last_answer_at=NOW - 20,
    )


@dataclass
class Moving:
    """A figure that changes between two scrapes."""

    numbers: dict[str, int] = field(default_factory=dict)


def test_nobody_to_ask_is_no_series_at_all() -> None:
    assert found(Pulls()) == {}


def test_M3_a_monitor_s_failures_and_how_long_it_has_been_silent() -> None:
    one, never = a_monitor("A", last_answer_at=NOW - 3), a_monitor("B", last_answer_at=None)
    assert found(Pulls(monitors=lambda: (one, never))) == {
        "events_error_total A": 2,
        "nth_source_answers_total A ok": 5,
        "nth_source_answers_total A error": 2,
        "nth_source_last_answer_age_seconds A": 3,
        "events_error_total B": 2,
        "nth_source_answers_total B ok": 5,
        "nth_source_answers_total B error": 2,
        "nth_source_last_answer_age_seconds B": NOW - STARTED_AT,
    }


def test_M3_queues_are_one_monitor_and_each_has_its_own_age_and_counts() -> None:
    figures = found(
        Pulls(queues=lambda: [a_queue("a", oldest_sent_at=NOW - 40), a_queue("b", oldest_sent_at=None)])
    )
    assert figures["events_error_total SQS_MONITOR"] == 8
    assert figures["nth_queue_oldest_message_age_seconds a"] == 40
    assert figures["nth_queue_oldest_message_age_seconds b"] == 0
    assert figures["nth_source_last_answer_age_seconds a"] == 20
    assert figures["nth_source_answers_total b ok"] == 9
    assert figures["nth_queue_messages_total a received"] == 7
    assert figures["nth_queue_messages_total a given_back"] == 0
    assert figures["nth_queue_messages_in_hand b held"] == 2
    assert len(figures) == 1 + 2 * (2 + 2 + 9 + 3)


def test_M4_M5_tagged_machines_hooks_and_look_ups() -> None:
    pulls = Pulls(
        tagged=lambda: TaggedFigures(instances=7, nodes=5),
        hooks=lambda: HookFigures(ended={"completed": 4, "timed out": 1}, waiting=3, stuck=2),
        lookups=lambda: LookupFigures(calls=1, ids_asked=200, cache_hits=6, throttled=0),
    )
    assert found(pulls) == {
        "nth_instance_lookups_total calls": 1,
        "nth_instance_lookups_total ids_asked": 200,
        "nth_instance_lookups_total cache_hits": 6,
        "nth_instance_lookups_total throttled": 0,
        "nth_hooks_total completed": 4,
        "nth_hooks_total timed_out": 1,
        "nth_hooks_waiting": 3,
        "nth_hooks_stuck": 2,
        "nth_tagged_nodes": 5,
        "nth_tagged_instances": 7,
    }
    assert found(Pulls(tagged=lambda: None)) == {}


def test_requests_and_posts_are_told_by_their_labels() -> None:
    histogram = Histogram(REQUEST_BOUNDS)
    pulls = Pulls(
        sessions=lambda: {"draining": 2},
        items=lambda: {"not for us": 3},
        kubernetes_requests=lambda: {("evict", 201): 30, ("list", 0): 1},
        kubernetes_seconds=lambda: {"evict": histogram},
        aws_requests=lambda: {("sqs", "ReceiveMessage", "ok"): 8},
        webhook_posts=lambda: {("default", "sent"): 5},
        kubernetes_events=lambda: {"dropped": 6},
    )
    assert found(pulls) == {
        "nth_active_sessions draining": 2,
        "nth_queue_items_total not_for_us": 3,
        "nth_kubernetes_requests_total evict 201": 30,
        "nth_kubernetes_requests_total list none": 1,
        "nth_kubernetes_request_seconds evict": histogram,
        "nth_aws_requests_total sqs ReceiveMessage ok": 8,
        "nth_webhook_posts_total default sent": 5,
        "nth_kubernetes_events_total dropped": 6,
    }


def test_a_figure_is_read_anew_at_each_scrape() -> None:
    moving = Moving({"draining": 1})
    pulls = Pulls(sessions=lambda: moving.numbers)
    assert found(pulls) == {"nth_active_sessions draining": 1}
    moving.numbers["draining"] = 2
    assert found(pulls) == {"nth_active_sessions draining": 2}
