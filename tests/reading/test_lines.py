"""One line of a log, whoever passed it on."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.reading.lines import parse
from nth.reporters.log_lines import JsonFormatter, TextFormatter

FIELDS: dict[str, object] = {
    "pod": "shop/web-1",
    "reason": 'The budget "web" needs 1; it has a=1 [or so]',
    "going": ["shop/a", "shop/b: two words [x] y"],
    "none": None,
    "empty": [],
    "report": {"v": 1, "text": 'a b=c ] } " \\'},
    "session": "ab12cd34",
    "node": "one",
}


def record(message: str, fields: dict[str, object]) -> logging.LogRecord:
    made = logging.LogRecord("nth.session", logging.WARNING, "", 0, "%s", (message,), None)
    made.created = 1795336200.25
    made.fields = fields
    return made


JSON = JsonFormatter().format(record("Pod gone after 1.0 s", FIELDS))
TEXT = TextFormatter().format(record("Pod gone after 1.0 s", FIELDS))
CLUSTER = {"kubernetes": {"pod": "x"}, "stream": "stderr"}


@pytest.mark.parametrize(
    "line",
    [
        JSON,
        TEXT,
        f"[pod/nth-x2x9k/handler] {JSON}",
        f"[pod/nth-x2x9k/handler] {TEXT}",
        f"2026-11-22T08:30:00.300000000Z {TEXT}",
        f"nth-x2x9k handler {JSON}  ",
        json.dumps({**CLUSTER, "log": f"{JSON}\n", "time": "2026-11-22T08:30:01Z"}),
        json.dumps({**CLUSTER, "log": f"{TEXT}\n"}),
        json.dumps({**CLUSTER, "message": TEXT}),
    ],
    ids=[
        "json",
        "text",
        "prefix json",
        "prefix text",
        "timestamps",
        "stern",
        "wrapped",
        "wrapped text",
        "message",
    ],
)
def test_our_line_is_found_in_what_others_made_of_it(line: str) -> None:
    found = parse(line)
    assert found is not None
    assert {name: value for name, value in found.items() if value is not None} == {
        name: value for name, value in FIELDS.items() if value is not None
    }


@pytest.mark.parametrize(
    "line",
    [
        "",
        "E1122 08:30:00 kubelet.go:1] something else",
        '{"level": "info", "msg": "another program"}',
        '{"level": 3, "time": "2026-11-22T08:30:00Z", "message": "x"}',
        '{"level": "info", "time": "yesterday", "message": "x"}',
        '["a list"]',
        JSON[: len(JSON) // 2],
        "2026/11/22 08:30",
        "2026/99/99 08:30:00 INF words",
        "{" * 100_000,
    ],
    ids=range(10),
)
def test_other_lines_and_cut_ones_are_none_of_ours(line: str) -> None:
    assert parse(line) is None


def test_a_cut_line_of_text_has_not_half_of_its_fields() -> None:
    assert parse("2026/11/22 08:30:00 INF Pods on node going=[a; b") == {}


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)
VALUES = PLAIN | st.lists(PLAIN.filter(lambda text: not {";", "]", "="} & set(text) and text == text.strip()))
NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(
    lambda name: name not in ("level", "time", "message")
)


@given(st.dictionaries(NAMES, VALUES, max_size=4), PLAIN.map(lambda text: text.replace("=", "").strip()))
def test_any_line_of_json_is_read_as_it_was_written(fields: dict[str, object], message: str) -> None:
    assert parse(JsonFormatter().format(record(message, fields))) == fields


@given(st.dictionaries(NAMES, PLAIN, max_size=4))
def test_any_texts_in_a_line_of_text_are_read_as_they_were_written(fields: dict[str, object]) -> None:
    assert parse(TextFormatter().format(record("Words of ours", fields))) == fields


@given(st.text(max_size=80))
def test_no_line_breaks_it(text: str) -> None:
    parse(text)
    parse("2026/11/22 08:30:00 INF " + text)
    parse('{"level":"info","time":"2026-11-22T08:30:00Z","message":"x",' + text)
