"""Logs as other tools export them: the same interruptions are found in each."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nth.reading.exports import folded, json_records
from nth.reading.files import MAX_LINE_BYTES, bounded_read, read_lines
from nth.reading.past import past_of
from tests.reading.logs import log_of
from tests.report.stories import FULL_STORY

AT = "2026-11-22T08:30:00Z"
JSON, TEXT = log_of(*FULL_STORY), log_of(*FULL_STORY, json=False)
Lines = Sequence[str]


def as_table(lines: Lines, *, head: Sequence[str] = ("@timestamp", "@message"), end: str = "\n") -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator=end)
    table.writerow(head)
    table.writerows([*([AT] * (len(head) - 1)), f"{line}\n"] for line in lines)
    return out.getvalue()


def of_log_groups(lines: Lines) -> dict[str, object]:
    """As `aws logs filter-log-events` prints it."""
    events = [
        {"logStreamName": "kube/handler", "timestamp": 1795336200000, "message": line, "eventId": "3"}
        for line in lines
    ]
    return {"events": events, "searchedLogStreams": [{"logStreamName": "x"}], "nextToken": "abc"}


def of_insights(lines: Lines) -> dict[str, object]:
    """As `aws logs get-query-results` prints it."""
    results = [
        [
            {"field": "@timestamp", "value": "2026-11-22 08:30:00.000"},
            {"field": "@message", "value": line},
            {"field": "@ptr", "value": "Cm0KKwon"},
        ]
        for line in lines
    ]
    return {"queryLanguage": "CWLI", "results": results, "statistics": {"bytesScanned": 1.0}, "status": "x"}


def parsed(lines: Lines) -> list[object]:
    return [json.loads(line) for line in lines]


def loki(lines: Lines) -> list[dict[str, object]]:
    labels = {"app": 'nth "{x}"', "pod": "nth-x2x9k"}
    return [{"labels": labels, "line": line, "timestamp": AT} for line in lines]


ANY: dict[str, Callable[[Lines], str]] = {
    "an array of lines": lambda lines: json.dumps(list(lines)),
    "an array of what wraps them": lambda lines: json.dumps([{"log": line} for line in lines], indent=2),
    "logcli jsonl": lambda lines: "\n".join(map(json.dumps, loki(lines))),
    "logcli raw": "\n".join,
    "logcli default": lambda lines: "\n".join(
        f'{AT} {{app="n\\"t{{h}}", pod="nth-x2x9k"}} {line}' for line in lines
    ),
    "logcli default without labels": lambda lines: "\n".join(f"{AT} {{}} {line}" for line in lines),
    "Grafana's JSON": lambda lines: json.dumps(loki(lines), indent=4),
    "Grafana's table": lambda lines: as_table(lines, head=("Time", "Line"), end="\r\n"),
    "CloudWatch filter-log-events": lambda lines: json.dumps(of_log_groups(lines), indent=4),
    "CloudWatch filter-log-events on one line": lambda lines: json.dumps(of_log_groups(lines)),
    "CloudWatch as text": lambda lines: "\n".join(f"EVENTS\t38\t1795336200000\t{line}\t17" for line in lines),
    "CloudWatch tail": lambda lines: "\n".join(f"2026-11-22T08:30:00.1+00:00 kube/nth {li}" for li in lines),
    "Logs Insights query results": lambda lines: json.dumps(of_insights(lines), indent=4),
    "Logs Insights table": as_table,
    "Logs Insights table with a BOM": lambda lines: "\ufeff" + as_table(lines, end="\r\n"),
    "Logs Insights only messages": lambda lines: as_table(lines, head=("@message",)),
    "Logs Insights JSON": lambda lines: json.dumps([{"@timestamp": AT, "@message": li} for li in lines]),
}
OF_JSON: dict[str, Callable[[Lines], str]] = {
    "an array": lambda lines: json.dumps(parsed(lines)),
    "an array, indented": lambda lines: json.dumps(parsed(lines), indent=2),
    "jq": lambda lines: "\n".join(json.dumps(one, indent=2) for one in parsed(lines)),
    "CloudWatch tail, JSON": lambda lines: "\n".join(
        f"2026-11-22T08:30:00.1+00:00 kube/nth {json.dumps(one, indent=4)}" for one in parsed(lines)
    ),
    "Logs Insights JSON, parsed": lambda lines: json.dumps(
        [{"@timestamp": AT, "@message": one} for one in parsed(lines)]
    ),
}
CASES = {
    **{f"{name}, JSON": (form, JSON) for name, form in (ANY | OF_JSON).items()},
    **{f"{name}, text": (form, TEXT) for name, form in ANY.items()},
}


@pytest.mark.parametrize(("form", "lines"), CASES.values(), ids=CASES)
def test_an_export_has_the_same_interruption_and_no_line_too_many(
    form: Callable[[Lines], str], lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "export"
    path.write_text(form(lines), encoding="utf-8", newline="")
    found, expected = past_of(read_lines(str(path))), past_of(lines)
    assert found.reports == expected.reports
    assert found.lines == expected.lines
    assert found.foreign[0][0] <= 1  # The name of a stream that was searched.
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("form", "lines"), CASES.values(), ids=CASES)
def test_what_came_of_an_export_that_is_cut_off_is_used(
    form: Callable[[Lines], str], lines: Lines, tmp_path: Path
) -> None:
    text, path = form(lines), tmp_path / "export"
    for share in (0.2, 0.5, 0.9):
        path.write_text(text[: int(len(text) * share)], encoding="utf-8", newline="")
        found = past_of(read_lines(str(path)))
        assert 0 < found.lines <= len(lines)


def test_what_only_begins_like_an_object_over_several_lines_hides_no_line_behind_it() -> None:
    odd = [f"{AT} kube/nth {{", "  x", *JSON]
    assert list(folded(odd, MAX_LINE_BYTES)) == odd
    assert list(folded([*JSON, odd[0]], MAX_LINE_BYTES)) == [*JSON, odd[0]]
    endless = [odd[0], *["  x"] * 40]
    assert list(folded(endless, 60)) == endless


def test_a_document_that_ends_early_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "export"
    path.write_text(json.dumps(parsed(JSON))[:-50], encoding="utf-8")
    assert len(list(read_lines(str(path)))) == len(JSON) - 1
    assert capsys.readouterr().err == (
        f"nth: the JSON ends early or is broken after {len(JSON) - 1} records; what came until then is used\n"
    )


def records(text: str, most_chars: int = MAX_LINE_BYTES, *, step: int = 7) -> list[str]:
    """The records of a document that comes in small pieces."""
    stream = io.BytesIO(text.encode())
    return list(json_records(lambda size: stream.read(min(size, step)), most_chars))


def test_a_document_is_read_in_pieces_and_a_record_that_is_too_long_ends_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = json.dumps([{"log": "ü" * 10}, {"log": "x"}, {"log": "y" * 2000}, {"log": "z"}])
    assert len(records(text)) == 4
    assert capsys.readouterr().err == ""
    assert len(records(text, 500)) == 2
    assert "after 2 records" in capsys.readouterr().err


def test_a_document_of_any_length_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    endless = io.BytesIO(b"[" + b'{"log":"x"},' * 100_000)
    found = list(json_records(bounded_read(endless.read, most_bytes=120_001), MAX_LINE_BYTES))
    assert len(found) == 10_000
    assert "the log is too long" in capsys.readouterr().err


@settings(max_examples=200)
@given(st.text(alphabet='[]{}",:\\ \n1aevntsult', max_size=60), st.integers(1, 9))
def test_no_document_breaks_it(text: str, step: int) -> None:
    records("[" + text, 40, step=step)
    records('{"events": [' + text, 40, step=step)
    records(text, 40, step=step)


def test_a_table_that_is_broken_ends_with_a_complaint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "export.csv"
    path.write_text(as_table(JSON) + 'x,"' + "never ends\n" * 500_000, encoding="utf-8")
    assert past_of(read_lines(str(path))).reports == past_of(JSON).reports
    assert "the table is broken after" in capsys.readouterr().err


@pytest.mark.parametrize("line", JSON[:1] + TEXT[:1] + ["[pod/nth-x2x9k/handler] " + TEXT[0]])
def test_lines_are_no_export(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(f"{line}\n{line}\n", encoding="utf-8")
    assert list(read_lines(str(path))) == [line, line]
