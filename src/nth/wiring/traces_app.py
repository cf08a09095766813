"""Puts the sending of traces together. Imported only with TRACING_ENDPOINT: OpenTelemetry takes 10 MiB."""

from urllib.parse import urlsplit, urlunsplit

from nth import __version__
from nth.errors import SettingError
from nth.reporters.traces import Traces
from nth.settings import Settings
from nth.settings.table import BY_NAME

SERVICE = "aws-node-termination-handler"


def new_traces(settings: Settings) -> Traces:
    """Returns the reporter of traces. SettingError: the extra is missing, or a variable is wrong."""
    name = BY_NAME["tracing_endpoint"]
    try:
        from nth.adapters.otlp import OtlpExporter
    except ImportError as error:
        raise SettingError(
            f"{name} needs OpenTelemetry, which is not here ({error}): "
            f"install {SERVICE}[tracing], or leave the setting empty"
        ) from error
    try:
        exporter = OtlpExporter(traces_url(settings.tracing_endpoint), _resource(settings))
    except (ValueError, TypeError, RuntimeError) as error:
        raise SettingError(f"{name}: OpenTelemetry refuses one of its OTEL_ variables: {error}") from error
    return Traces(exporter)


def traces_url(endpoint: str) -> str:
    """Returns the URL with the path that collectors listen at, unless it has one.

    https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
    """
    parts = urlsplit(endpoint)
    path = parts.path if parts.path.strip("/") else "/v1/traces"
    return urlunsplit(parts._replace(path=path))


def _resource(settings: Settings) -> dict[str, str]:
    """Returns our attributes: https://opentelemetry.io/docs/specs/semconv/resource/"""
    known = {
        "service.name": SERVICE,
        "service.version": __version__,
        "k8s.namespace.name": settings.pod_namespace,
        "k8s.pod.name": settings.pod_name,
    }
    return {key: value for key, value in known.items() if value}
