"""Sends traces by OpenTelemetry's SDK, as OTLP over HTTP. The only module that knows it; 10 MiB.

The SDK reads its own variables: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER,
OTEL_EXPORTER_OTLP_HEADERS, _TIMEOUT, _COMPRESSION, _CERTIFICATE ...
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). It is made for
programs that wait, so it works in a daemon thread of its own.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from nth.report.spans import Span, Trace

logger = logging.getLogger("nth.traces")

SDK_LOGGER = logging.getLogger("opentelemetry")
PLACE_OF_VALUE = re.compile(r"%[-+ 0-9.]*[a-z]")
MAX_REASON_CHARS = 200


class OtlpExporter:
    """One collector. `resource` says who we are, unless the SDK's variables say otherwise."""

    def __init__(self, url: str, resource: Mapping[str, str]) -> None:
        """Take the whole `url`. ValueError, TypeError or RuntimeError: the SDK refuses its variables."""
        self._sdk_words = _SdkWords()
        SDK_LOGGER.addHandler(self._sdk_words)
        SDK_LOGGER.propagate = False
        self._ids, self._finished = _Ids(), _Finished()
        self._exporter = OTLPSpanExporter(endpoint=url)
        provider = TracerProvider(
            resource=_resource(resource), id_generator=self._ids, shutdown_on_exit=False
        )
        provider.add_span_processor(self._finished)
        self._tracer = provider.get_tracer("nth")
        for record in self._sdk_words.taken():
            # Without the values: they may be secrets.
            logger.warning("OpenTelemetry says: %s", PLACE_OF_VALUE.sub("...", str(record.msg)))

    async def export(self, traces: Sequence[Trace]) -> str:
        """Send all in one request, within OTEL_EXPORTER_OTLP_TIMEOUT (10 s); returns why it failed, or ""."""
        done: Future[str] = Future()
        # The thread cannot be stopped, so a cancelled export may still arrive.
        done.set_running_or_notify_cancel()
        thread = threading.Thread(target=self._work, args=(traces, done), name="otlp", daemon=True)
        thread.start()
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        """Give up further tries; what is in flight ends with its time or the process."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK's

    def _work(self, traces: Sequence[Trace], done: Future[str]) -> None:
        try:
            done.set_result(self._export(traces))
        except Exception as error:
            done.set_exception(error)

    def _export(self, traces: Sequence[Trace]) -> str:
        for trace in traces:
            self._ids.trace_id = trace.trace_id
            self._record(trace.root, Context())
        spans = self._finished.taken()
        self._sdk_words.taken()
        # None of them, if the sampler wants none or the SDK is switched off.
        if not spans or self._exporter.export(spans) is SpanExportResult.SUCCESS:
            return ""
        records = self._sdk_words.taken()
        return _reason(records[0]) if records else "the collector does not take them"

    def _record(self, span: Span, context: Context) -> None:
        recorded = self._tracer.start_span(
            span.name,
            context=context,
            attributes=span.attributes,
            start_time=_nanoseconds(span.begin_at),
            record_exception=False,
            set_status_on_exception=False,
        )
        if span.error:
            recorded.set_status(Status(StatusCode.ERROR, span.error))
        within = set_span_in_context(recorded, context)
        for child in span.children:
            self._record(child, within)
        recorded.end(_nanoseconds(span.end_at))


class _Ids(RandomIdGenerator):
    """Gives spans random ids, and a trace the id of its interruption."""

    def __init__(self) -> None:
        self.trace_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id


class _Finished(SpanProcessor):
    """Keeps the spans until they are sent."""

    def __init__(self) -> None:
        self._spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self._spans.append(span)

    def taken(self) -> list[ReadableSpan]:
        """Returns the finished spans and forgets them."""
        spans, self._spans = self._spans, []
        return spans


class _SdkWords(logging.Handler):
    """Takes the SDK's log of every try: a failure is logged once, by the caller that counts them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)

    def taken(self) -> list[logging.LogRecord]:
        """Returns the records since the last call."""
        records, self._records = self._records, []
        return records


def _resource(ours: Mapping[str, str]) -> Resource:
    """Returns our attributes, overridden by those of the SDK's variables."""
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})


def _nanoseconds(at: float) -> int:
    """Converts an instant, rounded to whole milliseconds: a float has no room for nanoseconds of our time."""
    return round(at * 1000) * 1_000_000


def _reason(record: logging.LogRecord) -> str:
    """Returns the SDK's words, or only an error's type: its text may hold URLs and headers."""
    args = record.args if isinstance(record.args, tuple) else ()
    errors = [_innermost(arg) for arg in args if isinstance(arg, BaseException)]
    return (errors[0] if errors else record.getMessage())[:MAX_REASON_CHARS]


def _innermost(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
