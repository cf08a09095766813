"""A collector of OpenTelemetry on the loopback: takes OTLP over HTTP and decodes the protobuf."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.servers.posts import Posted, Receiver, listening


@dataclass(slots=True)
class Collector:
    """What came in, decoded."""

    receiver: Receiver = field(default_factory=Receiver)
    url: str = ""

    @property
    def posts(self) -> list[Posted]:
        return self.receiver.requests

    @property
    def spans(self) -> list[Span]:
        """Of all requests."""
        scopes = [scope for each in self._decoded for one in each.resource_spans for scope in one.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    @property
    def resource(self) -> dict[str, object]:
        """Attributes of the first."""
        return plain(self._decoded[0].resource_spans[0].resource.attributes)

    @property
    def _decoded(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(post.body) for post in self.posts]


def plain(attributes: "list[KeyValue]") -> dict[str, object]:
    """Attributes as a dictionary."""
    return {pair.key: _value(pair.value) for pair in attributes}


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


@contextlib.asynccontextmanager
async def collecting(tls: ssl.SSLContext | None = None) -> AsyncIterator[Collector]:
    """A collector on a free port until the block ends."""
    collector = Collector()
    async with listening(collector.receiver.serve, tls) as port:
        collector.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1/traces"
        yield collector
