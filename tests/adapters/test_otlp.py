"""Traces as a collector gets them: the protobuf on the wire, OpenTelemetry's variables, failures."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from nth.adapters.otlp import SDK_LOGGER, OtlpExporter
from nth.report.spans import Span, Trace, trace_id, trace_of
from tests.report.stories import FULL_STORY, LOSING_STORY, NODE, REFUSAL, T0, report_of
from tests.servers.http import Reply
from tests.servers.otlp import Collector, collecting, plain
from tests.servers.posts import listening

RESOURCE = {"service.name": "aws-node-termination-handler", "service.version": "1.2.3"}
ERROR = 2
"""STATUS_CODE_ERROR (opentelemetry/proto/trace/v1/trace.proto)."""


@pytest.fixture(autouse=True)
def sdk_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each exporter takes over the SDK's log; nothing of the machine's environment is used."""
    handlers, propagate = SDK_LOGGER.handlers[:], SDK_LOGGER.propagate
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield
    SDK_LOGGER.handlers[:], SDK_LOGGER.propagate = handlers, propagate


def trace(*, lost: bool = False) -> Trace:
    found = trace_of(report_of(*(LOSING_STORY if lost else FULL_STORY), after_seconds=125))
    assert found is not None
    return found


def send(traces: Sequence[Trace], *, reply: Reply | None = None) -> tuple[str, Collector]:
    """(what the exporter answers, what the collector got)."""

    async def main() -> tuple[str, Collector]:
        async with collecting() as collector:
            collector.receiver.reply = reply or Reply()
            exporter = OtlpExporter(collector.url, RESOURCE)
            try:
                return await exporter.export(traces), collector
            finally:
                exporter.close()

    return asyncio.run(main())


def test_every_span_arrives_with_its_parent_true_instants_and_attributes() -> None:
    sent = trace(lost=True)
    answer, collector = send([sent])
    assert answer == ""
    (post,) = collector.posts
    assert (post.method, post.target) == ("POST", "/v1/traces")
    assert post.headers["content-type"] == "application/x-protobuf"
    got = {span.span_id: span for span in collector.spans}
    assert len(got) == sent.root.size
    assert {span.trace_id for span in got.values()} == {trace_id("s-1", NODE).to_bytes(16)}

    def check(expected: Span, parent_id: bytes) -> int:
        """Each span has one like it on the wire, below the same parent; how many they are."""
        (span,) = [
            one
            for one in got.values()
            if (one.parent_span_id, one.name) == (parent_id, expected.name)
            and plain(one.attributes) == as_sent(expected)
        ]
        assert span.start_time_unix_nano == nanoseconds(expected.begin_at)
        assert span.end_time_unix_nano == nanoseconds(expected.end_at)
        assert (span.status.code == ERROR) == bool(expected.error)
        assert span.status.message == expected.error
        return 1 + sum(check(child, span.span_id) for child in expected.children)

    assert check(sent.root, b"") == len(got)


def as_sent(span: Span) -> dict[str, object]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in span.attributes.items()}


def nanoseconds(at: float) -> int:
    return (round(T0) * 1000 + round((at - T0) * 1000)) * 10**6


def test_several_interruptions_go_out_as_traces_of_their_own_in_one_request() -> None:
    first, second = trace(), Trace(trace_id=7, session_id="s-2", node_name="b", root=trace(lost=True).root)
    _, collector = send([first, second])
    assert len(collector.posts) == 1
    roots = {span.trace_id: span for span in collector.spans if not span.parent_span_id}
    assert set(roots) == {first.trace_id.to_bytes(16), (7).to_bytes(16)}
    assert roots[(7).to_bytes(16)].status.code == ERROR


def test_who_we_are_unless_the_sdk_s_variables_say_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    _, collector = send([trace()])
    assert collector.resource.items() >= RESOURCE.items()
    assert collector.resource["telemetry.sdk.language"] == "python"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "nth")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,service.version=9")
    _, collector = send([trace()])
    assert collector.resource["service.name"] == "nth"
    assert collector.resource["service.version"] == "9"
    assert collector.resource["deployment.environment.name"] == "prod"


def test_headers_compression_and_sampler_are_the_sdk_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue,authorization=Bearer%20word")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    _, collector = send([trace()])
    headers = collector.posts[0].headers
    assert (headers["x-tenant"], headers["authorization"]) == ("blue", "Bearer word")
    assert headers["content-encoding"] == "gzip"
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert send([trace()])[1].posts == []
    monkeypatch.delenv("OTEL_TRACES_SAMPLER")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    answer, collector = send([trace()])
    assert (answer, collector.posts) == ("", [])


def test_a_collector_that_refuses_is_asked_once_and_its_status_is_the_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer, collector = send([trace()], reply=Reply(status=401))
    assert len(collector.posts) == 1
    assert answer == "Failed to export spans batch code: 401, reason: Whatever"
    # Who counts says it, and once.
    assert caplog.records == []


class CloseAtFirstWord(logging.Handler):
    """The handler ends while the SDK waits for its next try."""

    def __init__(self, exporter: OtlpExporter) -> None:
        super().__init__()
        self._exporter = exporter

    def emit(self, record: logging.LogRecord) -> None:
        SDK_LOGGER.removeHandler(self)
        self._exporter.close()


def test_a_collector_that_is_gone_is_tried_again_until_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> str:
        async with collecting() as collector:
            url = collector.url.replace("127.0.0.1", "user:secret@127.0.0.1") + "?key=secret"
        exporter = OtlpExporter(url, RESOURCE)
        SDK_LOGGER.addHandler(CloseAtFirstWord(exporter))
        return await exporter.export([trace()])

    assert asyncio.run(main()) == "Connection refused"
    assert caplog.records == []


def test_nothing_secret_is_in_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret%0Aword")
    answer, collector = send([trace()])
    assert collector.posts == []
    assert answer == "InvalidHeader"


def test_a_collector_that_hangs_holds_up_neither_the_loop_nor_the_end() -> None:
    async def main() -> None:
        asked = asyncio.Event()

        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            asked.set()
            await reader.read()

        async with listening(hang) as port:
            exporter = OtlpExporter(f"http://127.0.0.1:{port}/v1/traces", RESOURCE)
            exporting = asyncio.create_task(exporter.export([trace()]))
            await asked.wait()
            exporting.cancel()
            await asyncio.wait([exporting])
            assert exporting.cancelled()
            exporter.close()

    before = set(threading.enumerate())
    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 5
    working = set(threading.enumerate()) - before
    assert all(thread.daemon for thread in working)
    for thread in working:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_what_the_sdk_says_at_the_start_is_logged_without_values(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "secret word")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    OtlpExporter("http://127.0.0.1:1/v1/traces", RESOURCE).close()
    texts = [record.getMessage() for record in caplog.records]
    assert any("Header format invalid" in text for text in texts)
    assert any("Invalid timeout value ..., using default of ... seconds" in text for text in texts)
    assert "secret" not in "".join(texts)
    assert "soon" not in "".join(texts)
    assert {record.name for record in caplog.records} == {"nth.traces"}
    assert caplog.records[0].levelno == logging.WARNING


def test_the_reason_of_a_pod_is_its_status() -> None:
    _, collector = send([trace(lost=True)])
    (span,) = [span for span in collector.spans if span.name == "pod lost"]
    assert (span.status.code, span.status.message) == (ERROR, REFUSAL)
