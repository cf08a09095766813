"""The queue of traces in virtual time: batches, limits, a dead collector, shutdown."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from nth.core.reports import Planned
from nth.report.interruption import InterruptionReport
from nth.report.spans import Trace, trace_id
from nth.reporters.traces import MAX_BATCH_SPANS, MAX_QUEUED_SPANS, Traces
from nth.simulation.clock import VirtualClock, run
from tests.report.stories import FULL_STORY, NODE, NOTICE, report_of

REPORT = report_of(*FULL_STORY, after_seconds=125)
SPANS = 13
"""Of that report."""


@dataclass
class FakeExporter:
    """Gives these answers, the last one for ever; each takes its time, or never comes."""

    answers: list[str | Exception] = field(default_factory=lambda: [""])
    seconds: float = 0.1
    hangs: bool = False
    batches: list[list[str]] = field(default_factory=list)
    closed: bool = False

    async def export(self, traces: Sequence[Trace]) -> str:
        assert not self.closed
        self.batches.append([trace.session_id for trace in traces])
        await asyncio.sleep(1e6 if self.hangs else self.seconds)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


Scene = Callable[[Traces], Awaitable[None]]


def play(scene: Scene, exporter: FakeExporter | None = None) -> tuple[Traces, FakeExporter]:
    exporter = exporter or FakeExporter()

    async def main(clock: VirtualClock) -> Traces:
        traces = Traces(exporter)
        running = asyncio.create_task(traces.run(), name="traces")
        try:
            await scene(traces)
        finally:
            running.cancel()
            await asyncio.wait([running])
        return traces

    return run(main), exporter


def reported(number: int) -> InterruptionReport:
    return replace(REPORT, session_id=f"s-{number}")


def figures(traces: Traces) -> tuple[int, int, int, int]:
    """(sent, failed, dropped, queued)"""
    stats = traces.stats
    return stats.sent, stats.failed, stats.dropped, traces.queued + traces.in_flight


def told(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[tuple[str, dict[str, object]]]:
    """What was said, without the line of each trace."""
    lines = [(r.getMessage(), getattr(r, "fields", {})) for r in caplog.records if r.levelno >= level]
    return [line for line in lines if "trace_id" not in line[1]]


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="nth")


def test_a_report_is_sent_as_a_trace_and_its_id_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(traces: Traces) -> None:
        traces(REPORT)
        assert figures(traces) == (0, 0, 0, 1)
        await traces.flush(2.0)

    traces, exporter = play(scene)
    assert exporter.batches == [["s-1"]]
    assert exporter.closed
    assert figures(traces) == (1, 0, 0, 0)
    ((text, fields),) = [(r.getMessage(), getattr(r, "fields", {})) for r in caplog.records]
    assert text == "The interruption has a trace"
    assert fields == {"trace_id": f"{trace_id('s-1', NODE):032x}", "session": "s-1", "node": NODE}


def test_a_dry_run_sends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(traces: Traces) -> None:
        traces(report_of((0.0, NOTICE), (0.1, Planned(steps=("cordon",), drain=True)), after_seconds=1))
        await traces.flush(0.0)

    traces, exporter = play(scene)
    assert (exporter.batches, figures(traces), caplog.records) == ([], (0, 0, 0, 0), [])


def test_what_comes_while_one_is_sent_goes_out_together_in_its_order() -> None:
    async def scene(traces: Traces) -> None:
        traces(reported(0))
        await asyncio.sleep(0.05)
        for number in (1, 2, 3):
            traces(reported(number))
        await traces.flush(2.0)

    traces, exporter = play(scene)
    assert exporter.batches == [["s-0"], ["s-1", "s-2", "s-3"]]
    assert figures(traces) == (4, 0, 0, 0)


def test_a_storm_goes_out_in_requests_of_bounded_size() -> None:
    async def scene(traces: Traces) -> None:
        for number in range(1000):
            traces(reported(number))
        await traces.flush(60.0)

    traces, exporter = play(scene)
    assert [len(batch) for batch in exporter.batches][:2] == [MAX_BATCH_SPANS // SPANS] * 2
    assert figures(traces) == (1000, 0, 0, 0)


def test_a_trace_that_is_longer_than_a_request_should_be_is_sent_alone() -> None:
    async def scene(traces: Traces) -> None:
        for number in (1, 2):
            traces(replace(reported(number), pods=REPORT.pods * (MAX_BATCH_SPANS // 3)))
        await traces.flush(2.0)

    _, exporter = play(scene)
    assert exporter.batches == [["s-1"], ["s-2"]]


def test_a_full_queue_drops_the_oldest_counts_them_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    room = MAX_QUEUED_SPANS // SPANS

    async def scene(traces: Traces) -> None:
        for number in range(room + 7):
            traces(reported(number))
        assert figures(traces) == (0, 0, 7, room)
        await traces.flush(60.0)

    traces, exporter = play(scene)
    assert exporter.batches[0][0] == "s-7"
    assert figures(traces) == (room, 0, 7, 0)
    assert told(caplog) == [("Too many traces are waiting, dropping the oldest", {})]


def test_a_dead_collector_is_said_once_and_what_it_misses_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene(traces: Traces) -> None:
        for number in range(7):
            traces(reported(number))
            await asyncio.sleep(1.0)
        assert figures(traces) == (3, 4, 0, 0)

    answers: list[str | Exception] = ["", "refused", RuntimeError("ours"), "refused", "", "", "late"]
    play(scene, FakeExporter(answers))
    assert told(caplog) == [
        ("Traces cannot be sent; this is said once, until one can", {"reason": "refused"}),
        ("Traces can be sent again", {"number": 3}),
        ("Traces cannot be sent; this is said once, until one can", {"reason": "late"}),
    ]


def test_shutdown_waits_no_longer_than_it_may(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(traces: Traces) -> None:
        traces(reported(0))
        await asyncio.sleep(0.01)
        for number in (1, 2):
            traces(reported(number))
        began = asyncio.get_running_loop().time()
        await traces.flush(2.0)
        assert asyncio.get_running_loop().time() - began == pytest.approx(2.0)

    traces, exporter = play(scene, FakeExporter(hangs=True))
    assert exporter.batches == [["s-0"]]
    assert exporter.closed
    assert figures(traces) == (0, 0, 3, 0)
    assert told(caplog) == [("Traces are not sent, time is up", {"number": 3})]
