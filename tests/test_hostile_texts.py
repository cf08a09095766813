"""Whatever a cluster, AWS or a log holds: no writer hands a hidden character on, and none breaks of it."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from nth import cli
from nth.adapters.metrics_registry import MetricsRegistry
from nth.core.notices.imds import InstanceMetadata
from nth.core.reports import Told
from nth.demo.log import write_log
from nth.reading.files import MAX_LINE_BYTES
from nth.reading.questions import answers
from nth.report.data import as_data
from nth.report.interruption import InterruptionReport
from nth.report.kubernetes_event_objects import document_of
from nth.report.kubernetes_events import KubeEvent
from nth.report.markdown import MAX_CHARS, markdown, markdown_of_storm
from nth.report.metrics.counters import Series
from nth.report.metrics.table import METRICS
from nth.report.node_condition import condition_of, status_patch
from nth.report.report_line import decode, encode
from nth.report.spans import Span, trace_of
from nth.report.storm import worst_first
from nth.ui.html import page
from nth.ui.index import index
from nth.ui.live import view
from nth.ui.report import as_text, report_lines
from nth.ui.storm import storm_lines
from tests.hostile import HOSTILE, IDS, hidden_in, made_hostile
from tests.reading.logs import log_of_told, without_end
from tests.report.stories import BEGUN, FULL_STORY, LOSING_STORY, a_scene, report_of, told
from tests.ui.terminals import shown_at_a_terminal

SGR = re.compile("\x1b\\[[0-9;]*m")
Captured = pytest.CaptureFixture[str]
SOURCE = Path(__file__).parent.parent / "src" / "nth"
STORIES = {"full": FULL_STORY, "losing": LOSING_STORY, "begun": BEGUN}
REPORTS = {name: made_hostile(report_of(*steps, after_seconds=130)) for name, steps in STORIES.items()}
READABLE = made_hostile(report_of(*LOSING_STORY, after_seconds=130), keep=IDS)


def drawn(report: InterruptionReport) -> str:
    """The report in colours, without the codes of our own."""
    return SGR.sub("", shown_at_a_terminal(report_lines(report)))


def in_a_storm(report: InterruptionReport) -> str:
    """The table of several, and their index."""
    lines = worst_first([report, replace(report, node_name=f"another {report.node_name}")])
    return as_text(storm_lines(lines, 100)) + markdown_of_storm(lines) + index(lines, ["a", "b"])


WRITERS: dict[str, Callable[[InterruptionReport], str]] = {
    "text": lambda report: as_text(report_lines(report, 100)),
    "colours": drawn,
    "markdown": markdown,
    "page": page,
    "storm": in_a_storm,
    "data": lambda report: json.dumps(as_data(report)),
    "condition": lambda report: condition_of(report).message,
    "annotation": lambda report: condition_of(report).annotation or "",
}


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_safe_7_no_view_of_a_report_shows_anything_hidden(
    write: Callable[[InterruptionReport], str], report: InterruptionReport
) -> None:
    text = write(report)
    assert text
    assert not hidden_in(text, allowed="\n")


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_safe_7_views_keep_their_bounds(report: InterruptionReport) -> None:
    assert max(len(line.text) for line in report_lines(report, 100)) <= 100
    assert len(markdown(report)) <= MAX_CHARS
    assert len(condition_of(report).message.encode()) <= 1024


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_safe_7_a_page_has_no_markup_of_others(report: InterruptionReport) -> None:
    text = page(report)
    assert "<http" not in text
    assert "<!channel" not in text
    assert "<@" not in text


def test_safe_7_the_live_view_shows_neither_hidden_characters_nor_markup() -> None:
    scene = made_hostile(a_scene(*BEGUN, after_seconds=30))
    stream = io.StringIO()
    Console(file=stream, force_terminal=False, width=400).print(view(scene, 400, 60))
    assert not hidden_in(stream.getvalue(), allowed="\n")
    assert "[red]" in stream.getvalue(), "rich's markup is text like any other"


def test_safe_7_kubernetes_gets_no_hidden_character() -> None:
    event = KubeEvent(
        at=0.0, session_id="s", node_name="one", reason="SpotInterruption", message=(HOSTILE + "\n") * 40
    )
    document = document_of(event, node=None, said=InstanceMetadata(), extra={}, host="one")
    message = str(document["message"])
    assert not hidden_in(message)
    assert len(message.encode()) <= 1024
    for body in (document, status_patch(condition_of(REPORTS["losing"]), at=0.0, changed=True)):
        msgspec.json.encode(body)


def spans_of(span: Span) -> list[Span]:
    return [span, *(found for child in span.children for found in spans_of(child))]


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_safe_7_traces_carry_nothing_hidden(report: InterruptionReport) -> None:
    trace = trace_of(report)
    assert trace is not None
    for span in spans_of(trace.root):
        for value in (span.error, *span.attributes.values()):
            for text in value if isinstance(value, tuple) else (value,):
                assert not hidden_in(str(text))
                assert len(str(text)) <= 2000


def test_safe_7_metrics_are_scraped_whatever_a_label_says() -> None:
    metric = next(metric for metric in METRICS if "node_event_id" in metric.labels)
    text = MetricsRegistry().text([Series(metric, tuple(HOSTILE for _ in metric.labels), 1.0)]).decode()
    assert not hidden_in(text, allowed="\n")
    assert metric.name in text


def hostile_story(name: str) -> list[Told]:
    return [made_hostile(one) for one in told(*STORIES[name])]


@pytest.mark.parametrize("json_form", [True, False], ids=["json", "text"])
@pytest.mark.parametrize("name", STORIES)
def test_safe_7_a_hostile_story_is_logged_line_by_line_and_read_back(name: str, json_form: bool) -> None:
    lines = log_of_told(hostile_story(name), json=json_form)
    plain = log_of_told(told(*STORIES[name]), json=json_form)
    assert len(lines) == len(plain)
    for line in lines:
        assert not hidden_in(line)
        if json_form:
            json.loads(line)


def test_safe_7_a_hostile_report_is_written_and_read_as_it_is() -> None:
    report = READABLE
    read = decode(json.loads(json.dumps(encode(report))))
    assert [pod.pod.ref for pod in read.pods] == [pod.pod.ref for pod in report.pods]
    assert [pod.reason for pod in read.pods] == [pod.reason for pod in report.pods]


@pytest.mark.parametrize("whole", [True, False], ids=["report", "so far"])
@pytest.mark.parametrize("json_form", [True, False], ids=["json", "text"])
@pytest.mark.parametrize(
    "command",
    [
        ["report"],
        ["report", "--markdown"],
        ["explain", "shop/"],
        ["explain", "ip-10"],
        ["explain", "\x1b]0;x\x07"],
    ],
    ids=lambda words: " ".join(words).replace("\x1b", "ESC").replace("\x07", ""),
)
def test_safe_7_the_commands_show_nothing_hidden(
    tmp_path: Path, capsys: Captured, command: list[str], json_form: bool, whole: bool
) -> None:
    lines = log_of_told(hostile_story("losing"), json=json_form)
    path = tmp_path / "handler.log"
    path.write_text("\n".join(lines if whole else without_end(lines)) + "\n", encoding="utf-8")
    cli.main([*command, str(path)])
    found = capsys.readouterr()
    assert found.out or found.err
    assert not hidden_in(found.out + found.err, allowed="\n")


def test_safe_7_a_raw_log_of_others_is_shown_without_what_is_hidden(tmp_path: Path, capsys: Captured) -> None:
    """Lines that no handler of ours wrote: raw control characters within JSON and text."""
    report: dict[str, Any] = encode(READABLE)
    fields = {"report": report, "session": f"s{HOSTILE}", "node": f"n{HOSTILE}"}
    said = {"level": "info", "time": "2026-11-22T08:30:00Z", "message": "x", **fields}
    path = tmp_path / "handler.log"
    path.write_text(json.dumps(said, ensure_ascii=True) + "\n")
    for command in (["report"], ["report", "--markdown"], ["report", "--html", str(tmp_path / "o\x1b.html")]):
        assert cli.main([*command, str(path)]) == 0
        found = capsys.readouterr()
        assert not hidden_in(found.out + found.err, allowed="\n")
    assert not hidden_in((tmp_path / "o\x1b.html").read_text("utf-8"), allowed="\n")


def test_safe_7_an_error_of_the_command_line_is_one_clean_line(capsys: Captured) -> None:
    for words in (["report", "/no\x1b[31m\nfile"], ["--no-such\x1bflag"], ["demo", "--scenario", "x\x9b"]):
        assert cli.main(words) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert not hidden_in(err, allowed="\n")


def test_safe_7_the_demo_s_log_is_written_whatever_was_told(tmp_path: Path) -> None:
    path = tmp_path / "demo.log"
    write_log(hostile_story("full"), str(path))
    assert not hidden_in(path.read_text("utf-8"), allowed="\n")


def test_safe_7_explain_names_pods_by_what_they_are_called() -> None:
    found = answers("shop", [REPORTS["losing"]])
    assert found
    assert all(hidden_in(answer.name) for answer in found), "only who writes makes it visible"


WRITES = re.compile(r"std(?:out|err)\.write|\bprint\(|\.writelines\(")
MAY_WRITE = {"ui/terminal.py", "settings/docs.py", "ui/picture.py"}


def test_safe_7_only_one_module_writes_on_the_terminal() -> None:
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if WRITES.search(re.sub(r"\bdef \w+|sprint\(|out\.print\(", "", path.read_text()))
    }
    assert found <= MAY_WRITE


PEAK = """
import pathlib, re, sys
from nth import cli
code = cli.main(["report", sys.argv[1]])
# Not getrusage: that begins with the peak of the process that started this one.
[peak_kib] = re.findall(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(code, peak_kib, file=sys.stderr)
"""


def test_safe_7_a_line_of_300_mb_in_a_packed_log_is_passed_over(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "handler.log.gz"
    lines = log_of_told(told(*FULL_STORY))
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write("\n".join([*lines, ""]).encode())
        for _ in range(300):
            stream.write(bytes(1 << 20))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert "Nothing was lost." in done.stdout
    told_, figures = done.stderr.splitlines()
    assert told_ == f"nth: skipped 1 line of over {MAX_LINE_BYTES >> 20} MiB"
    code, peak_kib = figures.split()
    assert code == "0"
    assert int(peak_kib) < 60 * 1024
