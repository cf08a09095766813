"""The two forms of a line, whatever it has to say."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.visible import HIDDEN
from nth.reading.lines import parse
from nth.reporters.log_lines import MAX_LINE_CHARS, JsonFormatter, TextFormatter
from tests.hostile import FORGED, HOSTILE, TEXTS, hidden_in, merged

FORMATTERS = (TextFormatter(), JsonFormatter())
NAMES = st.from_regex(r"[a-z][a-z_]{0,6}", fullmatch=True).filter(
    lambda name: name not in ("level", "time", "message", "stack")
)
VALUES = TEXTS | st.lists(TEXTS, max_size=4)


def record(
    message: str, fields: dict[str, object] | None = None, error: BaseException | None = None
) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("nth.session", logging.WARNING, "", 0, "%s", (message,), exc_info)
    made.created = 1795336200.25
    made.fields = fields or {}
    return made


def meant(value: object) -> object:
    return [merged(str(item)) for item in value] if isinstance(value, list) else merged(str(value))


@given(TEXTS, st.dictionaries(NAMES, VALUES, max_size=4))
def test_safe_7_any_line_of_text_is_one_line_without_anything_hidden_and_reads_back(
    message: str, fields: dict[str, object]
) -> None:
    line = TextFormatter().format(record(message, fields))
    assert not hidden_in(line)
    found = parse(line)
    assert found is not None
    assert found == {name: meant(value) for name, value in fields.items()}


@given(TEXTS, st.dictionaries(NAMES, VALUES, max_size=4))
def test_safe_7_any_line_of_json_is_valid_has_nothing_hidden_and_reads_back(
    message: str, fields: dict[str, object]
) -> None:
    line = JsonFormatter().format(record(message, fields))
    assert not hidden_in(line)
    found = parse(line)
    assert found is not None
    assert json.loads(line)["message"] == merged(message)
    assert found == {name: meant(value) for name, value in fields.items()}


def test_safe_7_no_list_and_no_message_forges_a_field() -> None:
    reason = "x]; level=error node=other"
    fields: dict[str, object] = {"left": ["shop/web-1: " + reason], "node": "one"}
    line = TextFormatter().format(record(f"Event is over: {reason} session=zz", fields))
    assert line.count(" node=") == 2, line
    found = parse(line)
    assert found is not None
    assert found == fields
    assert " session=" not in line


def test_safe_7_a_line_that_is_quoted_in_another_is_no_line() -> None:
    json_line = JsonFormatter().format(record("Node successfully cordoned", {"node": "other"}))
    text_line = TextFormatter().format(record("Node successfully cordoned", {"node": "other"}))
    for formatter in FORMATTERS:
        for inner in (json_line, text_line):
            found = parse(formatter.format(record(f"Event is over: {inner}", {"node": "one"})))
            assert found is not None
            assert found == {"node": "one"}


def test_safe_7_a_traceback_cannot_forge_a_line() -> None:
    failed = record("it failed", {"node": "one"}, ValueError(FORGED + HOSTILE))
    for formatter in FORMATTERS:
        line = formatter.format(failed)
        assert not hidden_in(line)
        found = parse(line)
        assert found is not None
        assert found.keys() == {"node", "stack"}
        assert "ValueError" in str(found["stack"])


@pytest.mark.parametrize("letter", ["x", "\x1b", "ü", "🚀", "\ud800", '"', "\\", "\U000e0041"])
@pytest.mark.parametrize("formatter", FORMATTERS, ids=["text", "json"])
def test_safe_7_a_line_is_bounded_and_says_that_it_was_cut(formatter: TextFormatter, letter: str) -> None:
    long = letter * 200_000
    cases: tuple[tuple[str, dict[str, object]], ...] = (
        (long, {"node": "one"}),
        ("words", {"reason": long, "node": "one"}),
        ("words", {"left": [long] * 3, "node": "one"}),
        ("words", {"left": [letter * 30] * 20_000, "node": "one"}),
        ("words", {**{f"field_{chr(97 + n)}": long for n in range(20)}, "node": "one"}),
    )
    for message, fields in cases:
        line = formatter.format(record(message, fields))
        assert len(line) <= MAX_LINE_CHARS
        assert "are cut)" in line
        found = parse(line)
        assert found is not None
        assert found["node"] == "one"


def test_safe_7_a_report_has_a_bound_of_its_own() -> None:
    report = {"v": 1, "pods": ["x" * 100] * 1000}
    for formatter in FORMATTERS:
        found = parse(formatter.format(record("words", {"report": report, "node": "one"})))
        assert found is not None
        assert found["report"] == report
        found = parse(formatter.format(record("words", {"report": {"x": "y" * 600_000}, "node": "one"})))
        assert found is not None
        assert found["report"] == "(600008 characters are cut)"


def test_safe_7_benign_lines_are_as_they_were() -> None:
    fields: dict[str, object] = {
        "pod": "shop/web-1",
        "reason": "The disruption budget web needs 1",
        "going": ["shop/a", "shop/b: a DaemonSet would only put it back"],
        "url": "https://sqs.eu-west-1.amazonaws.com/1/q?a=b",
        "deadline": None,
        "seconds": 1.5,
        "report": {"v": 1, "t": "ü"},
    }
    line = TextFormatter().format(record("Pod gone after 1.0 s; KUBE_API_QPS is 5", fields))
    assert line == (
        "2026/11/22 08:30:00 WRN Pod gone after 1.0 s; KUBE_API_QPS is 5 pod=shop/web-1 "
        'reason="The disruption budget web needs 1" '
        "going=[shop/a; shop/b: a DaemonSet would only put it back] "
        'url=https://sqs.eu-west-1.amazonaws.com/1/q?a=b deadline=None seconds=1.5 report={"v":1,"t":"ü"}'
    )


def test_the_class_of_hidden_characters_has_no_printable_ascii() -> None:
    import re

    assert not re.search(f"[{HIDDEN}]", "".join(map(chr, range(0x20, 0x7F))))
