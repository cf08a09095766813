"""How the sending of traces is put together, and what stops the start."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from nth import __version__
from nth.adapters.otlp import SDK_LOGGER
from nth.errors import SettingError
from nth.report.spans import trace_id
from nth.reporters.fanout import FanOut
from nth.reporters.report_line import InterruptionReporter
from nth.settings import Settings
from nth.wiring.traces_app import new_traces, traces_url
from tests.report.stories import FULL_STORY, NODE, told
from tests.servers.otlp import Collector, collecting, plain

SETTINGS = Settings(tracing_endpoint="http://127.0.0.1:1")


@pytest.fixture(autouse=True)
def sdk_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    handlers, propagate = SDK_LOGGER.handlers[:], SDK_LOGGER.propagate
    yield
    SDK_LOGGER.handlers[:], SDK_LOGGER.propagate = handlers, propagate


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("http://collector:4318/v1/traces", "http://collector:4318/v1/traces"),
        ("https://c.example/otlp?key=1", "https://c.example/otlp?key=1"),
    ],
)
def test_an_endpoint_without_a_path_gets_the_usual_one(endpoint: str, expected: str) -> None:
    assert traces_url(endpoint) == expected


def test_a_variable_that_the_sdk_refuses_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")
    with pytest.raises(SettingError, match=r"--tracing-endpoint \(TRACING_ENDPOINT\): OpenTelemetry refuses"):
        new_traces(SETTINGS)


def test_what_a_session_tells_arrives_as_its_trace() -> None:
    async def main() -> Collector:
        async with collecting() as collector:
            settings = Settings(tracing_endpoint=collector.url, pod_name="nth-x", pod_namespace="kube-system")
            traces = new_traces(settings)
            running = asyncio.create_task(traces.run())
            reporter = FanOut(InterruptionReporter(traces))
            for one in told(*FULL_STORY):
                reporter(one)
            await asyncio.sleep(0)
            await traces.flush(10.0)
            running.cancel()
            await asyncio.wait([running])
            assert traces.stats.sent == 1
            return collector

    collector = asyncio.run(main())
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    assert root.trace_id == trace_id("s-1", NODE).to_bytes(16)
    assert plain(root.attributes)["nth.verdict"] == "Nothing was lost."
    expected = {"service.name": "aws-node-termination-handler", "service.version": __version__}
    expected |= {"k8s.pod.name": "nth-x", "k8s.namespace.name": "kube-system"}
    assert collector.resource.items() >= expected.items()


def test_without_the_extra_the_start_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nth.adapters.otlp", None)
    with pytest.raises(SettingError) as raised:
        new_traces(SETTINGS)
    text = str(raised.value)
    assert text.startswith("--tracing-endpoint (TRACING_ENDPOINT) needs OpenTelemetry, which is not here (")
    assert text.endswith("install aws-node-termination-handler[tracing], or leave the setting empty")
    assert "\n" not in text


def loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_nothing_of_it_is_loaded_unless_it_is_on() -> None:
    names = {"opentelemetry", "google"}
    assert loaded("import nth.cli, nth.wiring.app, nth.reporters.report_line") & names == set()
    assert loaded("import nth.adapters.otlp") >= names
