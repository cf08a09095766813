"""The log's two forms, where each line goes, and the texts that users match on."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from nth.core.facts import PodRef
from nth.core.reports import (
    DrainEnded,
    LeftBehind,
    Logged,
    MonitorFailed,
    NodeMarked,
    Planned,
    Report,
    SessionEnded,
    Told,
    Trouble,
    TroubleOver,
)
from nth.report.log_lines import line_of
from nth.reporters.log import LogReporter, configure, toggle_debug
from nth.settings import as_printed, read_settings
from tests.report.test_log_lines import LINES


@dataclass
class Streams:
    """What was written where."""

    stdout: io.StringIO = field(default_factory=io.StringIO)
    stderr: io.StringIO = field(default_factory=io.StringIO)

    def configure(self, level: str = "INFO", *, json: bool = False, format_version: int = 1) -> None:
        configure(level, json=json, format_version=format_version, stdout=self.stdout, stderr=self.stderr)

    @property
    def out(self) -> list[str]:
        return self.stdout.getvalue().splitlines()

    @property
    def err(self) -> list[str]:
        return self.stderr.getvalue().splitlines()

    @property
    def line(self) -> dict[str, object]:
        """The only line, which is JSON."""
        assert self.out == []
        (text,) = self.err
        found: dict[str, object] = json.loads(text)
        return found


@pytest.fixture
def streams() -> Iterator[Streams]:
    root, ours = logging.getLogger(), logging.getLogger("nth")
    before = root.handlers[:], root.level, ours.level
    # Our own handlers are to be replaced, not those of pytest to be closed.
    root.handlers = []
    yield Streams()
    root.handlers = before[0]
    root.setLevel(before[1])  # Not by the attribute: loggers remember what is enabled.
    ours.setLevel(before[2])


LOGGER = logging.getLogger("nth.test")


def say(number: int, text: str, /, **fields: object) -> None:
    LOGGER.log(number, text, extra={"fields": fields})


def test_L1_text_goes_to_stdout_and_warnings_to_stderr(streams: Streams) -> None:
    streams.configure("DEBUG")
    levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
    for level in levels:
        say(level, "words")
    assert [line.split(" ", 2)[2] for line in streams.out] == ["DBG words", "INF words"]
    assert [line.split(" ", 2)[2] for line in streams.err] == ["WRN words", "ERR words", "FTL words"]


def test_L1_text_has_the_originals_time_and_no_colour(streams: Streams) -> None:
    streams.configure()
    record = logging.LogRecord("nth.test", logging.INFO, "", 0, "words", None, None)
    record.created = 1795336200.5
    LOGGER.handle(record)
    assert streams.out == ["2026/11/22 08:30:00 INF words"]


def test_L1_json_goes_to_stderr_whatever_its_level(streams: Streams) -> None:
    streams.configure("DEBUG", json=True)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        say(level, "words", number=3, names=["a", "b"], nothing=None)
    assert streams.out == []
    lines = [json.loads(line) for line in streams.err]
    assert [line["level"] for line in lines] == ["debug", "info", "warn", "error", "fatal"]
    assert {(line["message"], line["number"], *line["names"], line["nothing"]) for line in lines} == {
        ("words", 3, "a", "b", None)
    }
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_no_field_replaces_level_time_or_message(streams: Streams) -> None:
    streams.configure(json=True)
    say(logging.WARNING, "words", level="low", time="never", message="lies", kept=1)
    line = streams.line
    assert (line["level"], line["message"], line["kept"]) == ("warn", "words", 1)
    assert line["time"] != "never"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_traceback_does_not_replace_the_field_error(streams: Streams, as_json: bool) -> None:
    streams.configure(json=as_json)
    LOGGER.error("words", exc_info=RuntimeError("a defect"), extra={"fields": {"error": "in words"}})
    if as_json:
        assert streams.line["error"] == "in words"
        assert str(streams.line["stack"]).endswith("RuntimeError: a defect")
    else:
        (line,) = streams.err
        head, _, stack = line.partition(" stack=")
        assert head.endswith('ERR words error="in words"')
        assert json.loads(stack).endswith("RuntimeError: a defect")


@pytest.mark.parametrize(("version", "name"), [(1, "event_type"), (2, "monitor_type")])
@pytest.mark.parametrize("as_json", [False, True])
def test_L2_the_monitors_name_has_another_key_in_each_version(
    streams: Streams, version: int, name: str, as_json: bool
) -> None:
    streams.configure(json=as_json, format_version=version)
    say(logging.INFO, "Started monitoring for events", event_type="SPOT_ITN_MONITOR")
    if as_json:
        assert streams.line.keys() == {"level", "time", "message", name}
        assert streams.line[name] == "SPOT_ITN_MONITOR"
    else:
        assert streams.out[0].endswith(f"INF Started monitoring for events {name}=SPOT_ITN_MONITOR")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "f=plain"),
        ("two words", 'f="two words"'),
        ('pods "x" is', 'f="pods \\"x\\" is"'),
        ("two\nlines", 'f="two\\nlines"'),
        (True, "f=True"),
        (1.5, "f=1.5"),
        (["a", "b c"], "f=[a; b c]"),
        (["a\nb"], 'f=["a\\nb"]'),
        ("", "f="),
    ],
)
def test_fields_as_text_stay_on_their_line(streams: Streams, value: object, text: str) -> None:
    streams.configure()
    say(logging.INFO, "words", f=value)
    (line,) = streams.out
    assert line.endswith(f" INF words {text}")


def test_a_message_of_two_lines_is_one_line(streams: Streams) -> None:
    streams.configure()
    say(logging.INFO, "one\ntwo")
    assert streams.out[0].endswith(" INF one two")


@pytest.mark.parametrize(
    ("level", "shown"), [("debug", 3), ("INFO", 2), ("Warning", 1), ("warn", 1), ("ERROR", 0)]
)
def test_the_level_is_the_least_that_is_shown(streams: Streams, level: str, shown: int) -> None:
    streams.configure(level)
    for number in (logging.DEBUG, logging.INFO, logging.WARNING):
        say(number, "words")
    assert len(streams.out) + len(streams.err) == shown


def test_what_libraries_say_is_shown_from_warnings_on_also_when_we_debug(streams: Streams) -> None:
    streams.configure("DEBUG")
    for name in ("asyncio", "httpx2", "lightkube"):
        logging.getLogger(name).debug("chatter")
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble")
    assert streams.out == []
    assert [line.split(" ", 2)[2] for line in streams.err] == ["WRN trouble"] * 3


def test_a_second_configuration_replaces_the_first(streams: Streams) -> None:
    streams.configure()
    streams.configure(json=True)
    say(logging.INFO, "words")
    assert streams.line["message"] == "words"


def test_secrets_are_not_in_the_line_of_the_start(streams: Streams) -> None:
    flags = [
        "--node-name=one",
        "--webhook-url=https://hooks.example/T0/secret-path",
        '--webhook-headers={"Authorization": "secret-token"}',
        "--webhook-template=secret-text",
        "--metadata-url=http://user:secret-password@127.0.0.1:1338",
    ]
    settings = read_settings(flags, {}).settings
    for as_json in (False, True):
        streams.configure(json=as_json)
        say(logging.INFO, "starts", **as_printed(settings))
    written = streams.stdout.getvalue() + streams.stderr.getvalue()
    assert "secret" not in written
    assert written.count("node_name") == 2


@pytest.mark.parametrize("level", ["info", "warn", "error", "debug"])
def test_debug_lines_are_switched_on_and_off_again_while_running(streams: Streams, level: str) -> None:
    streams.configure(level, json=True)
    if level != "debug":
        toggle_debug()
    assert LOGGER.isEnabledFor(logging.DEBUG)
    say(logging.DEBUG, "words")
    toggle_debug()
    say(logging.DEBUG, "more words")
    messages = [json.loads(line)["message"] for line in streams.err]
    on = ["Debug lines are logged from now on"] if level != "debug" else []
    assert messages == [*on, "words", "Debug lines are no longer logged"]
    expected = {"info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR, "debug": logging.INFO}
    assert logging.getLogger("nth").level == expected[level]
    toggle_debug()
    assert LOGGER.isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_field_that_is_an_object_is_json(streams: Streams, as_json: bool) -> None:
    streams.configure(json=as_json)
    report = {"v": 1, "text": 'two words, a "quote" and\na line'}
    say(logging.INFO, "words", report=report, after=1)
    if as_json:
        assert streams.line["report"] == report
    else:
        (line,) = streams.out
        head, _, rest = line.partition(" report=")
        assert head.endswith(" INF words")
        assert json.loads(rest.removesuffix(" after=1")) == report


def test_what_a_session_tells_has_the_time_at_which_it_happened(streams: Streams) -> None:
    streams.configure(json=True)
    LogReporter()(replace(told(SessionEnded(reason="over")), at=1795336200.25))
    assert streams.line["time"] == "2026-11-22T08:30:00.250+00:00"


def test_what_a_source_has_logged_itself_is_not_logged_twice(streams: Streams) -> None:
    streams.configure("debug", json=True)
    LogReporter()(told(MonitorFailed(monitor="SPOT_ITN_MONITOR", reason="silent")))
    assert streams.err == []


@pytest.mark.parametrize("report", [report for report, _, _ in LINES.values()], ids=LINES.keys())
def test_every_report_that_has_words_is_logged_with_them(report: Logged, streams: Streams) -> None:
    streams.configure("debug", json=True)
    log = LogReporter()
    if isinstance(report, TroubleOver):
        log(told(Trouble(what=report.what, reason="refused")))
    log(told(report))
    assert line_of(report).text in [json.loads(line)["message"] for line in streams.err]


LEFT = (LeftBehind(ref=PodRef("default", "web-1", "u"), reason="a budget"),)


def told(report: Report) -> Told:
    return Told(at=0.0, session_id="ab12cd34", node_name="one", report=report)


def drain_ended(left: tuple[LeftBehind, ...]) -> DrainEnded:
    return DrainEnded(left=left, evicted=2, forced=1, seconds=8.04, margin_seconds=110.0)


@pytest.mark.parametrize(
    ("report", "level", "text"),
    [
        (drain_ended(()), "info", "Node successfully cordoned and drained"),
        (drain_ended(LEFT), "error", "Node is not drained: 1 pod is still there"),
        (
            NodeMarked(cordoned=True, cordoned_by_us=True, taints=(), labels=(), again=False),
            "info",
            "Node successfully cordoned",
        ),
        (
            Planned(steps=(), drain=True),
            "info",
            "Node would have been cordoned and drained, but dry-run flag was set",
        ),
        (SessionEnded(reason="the node is gone"), "info", "Session ended: the node is gone"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_L3_what_sessions_tell(streams: Streams, report: Report, level: str, text: str) -> None:
    streams.configure(json=True)
    LogReporter()(told(report))
    line = streams.line
    assert (line["level"], line["message"]) == (level, text)
    assert (line["session"], line["node"]) == ("ab12cd34", "one")


def test_L3_the_fields_of_a_drain(streams: Streams) -> None:
    streams.configure(json=True)
    LogReporter()(told(drain_ended(LEFT)))
    line = streams.line
    assert (line["evicted"], line["forced"], line["seconds"], line["margin_seconds"]) == (2, 1, 8.0, 110.0)
    assert line["left"] == ["default/web-1: a budget"]


def test_trouble_of_many_sessions_with_the_same_thing_is_one_line_and_so_is_its_end(streams: Streams) -> None:
    streams.configure(json=True)
    reporter = LogReporter()

    def say_it(session: str, report: Report) -> None:
        reporter(Told(at=0.0, session_id=session, node_name=f"node-{session}", report=report))

    for session in "abc":
        say_it(session, Trouble(what="the Kubernetes API server", reason="refused"))
    say_it("a", TroubleOver(what="the Kubernetes API server", seconds=9.0))
    say_it("b", SessionEnded(reason="the node is gone"))
    say_it("c", TroubleOver(what="the Kubernetes API server", seconds=10.0))
    say_it("c", Trouble(what="the Kubernetes API server", reason="refused again"))
    messages = [json.loads(line)["message"] for line in streams.stderr.getvalue().splitlines()]
    assert messages == [
        "Waiting for the Kubernetes API server, trying again until it answers",
        "Session ended: the node is gone",
        "The Kubernetes API server answers again after 10.0 s",
        "Waiting for the Kubernetes API server, trying again until it answers",
    ]
