"""Whatever the text, the data, the format or the pattern: a result or a TemplateError, within the limits."""

import json
import re
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gotemplate import TemplateError, parse
from gotemplate.budget import MAX_CHARACTERS, Budget
from gotemplate.errors import Problem
from gotemplate.functions import supported
from gotemplate.regex.machine import Program
from gotemplate.times import GoTime, date_of, days_of
from tests.gotemplate.samples import NOW_AT, webhook_data

GOLDEN = json.loads((Path(__file__).parent / "corpus" / "golden.json").read_text())
TEMPLATES = [case["template"] for case in GOLDEN["cases"]]
SPOT = GOLDEN["data"]["spot"]["data"]
WORDS = """
{{ }} {{- -}} - | . .. $ $x := = , ; ( ) 'a' "a" `b` "%v" 1 -1 1.5 0x1F 9223372036854775807 1e300 é \\
nil true if else end range with define template block break continue /* */ {{end}} {{else}}
.Pods .NodeLabels .Kind .StartTime
"""
PIECES = (
    *WORDS.split(),
    *("\n", " ", "{{range .Pods}}", "{{if .Kind}}", "{{$x := 1}}", " -}}", "{{- ", " |"),
    *('{{define "q"}}', '{{template "q" .}}'),
)
VALUES = """
1 -3 0 2.5 1e300 9223372036854775807 "" "(a*)*b" "2006-01-02" "日本" "\\xff" nil true . now
.Pods .NodeLabels .StartTime .Kind
"""
ARGUMENTS = (
    *VALUES.split(),
    *('"a b"', '"%d %s"', '(list 1 "a" nil)', '(dict "a" 1)', "(until 5)", '(repeat 50 "ab ")', "(add 1 2)"),
)
limited = settings(max_examples=300)
"""That no template takes too long is the limits' business: test_limits."""


def outcome(text: str, data: object) -> None:
    try:
        template = parse(text)
        template.check(data, NOW_AT)
        result = template.render(data, NOW_AT)
    except TemplateError as error:
        result = str(error)
        if not re.fullmatch(r"template: webhook:\d+:\d+: .+", result):
            raise
    assert len(result) <= MAX_CHARACTERS
    result.encode()


@given(st.text())
@limited
def test_no_text_crashes(text: str) -> None:
    outcome("{{" + text + "}}", None)
    outcome(text, None)


@given(st.lists(st.sampled_from(PIECES), max_size=25))
@limited
def test_no_row_of_pieces_crashes(pieces: list[str]) -> None:
    outcome("{{ " + " ".join(pieces), webhook_data(SPOT))
    outcome("".join(pieces), webhook_data(SPOT))


@st.composite
def cut_and_joined(draw: st.DrawFn) -> str:
    first, second = draw(st.sampled_from(TEMPLATES)), draw(st.sampled_from(TEMPLATES))
    return str(first[: draw(st.integers(0, len(first)))] + second[draw(st.integers(0, len(second))) :])


@given(cut_and_joined())
@limited
def test_no_mixture_of_templates_crashes(text: str) -> None:
    outcome(text, webhook_data(SPOT))


@given(st.sampled_from(supported()), st.lists(st.sampled_from(ARGUMENTS), max_size=4), st.booleans())
@settings(limited, max_examples=1500)
def test_no_call_of_a_function_crashes(name: str, arguments: list[str], piped: bool) -> None:
    call = f"{arguments[-1]} | {name} {' '.join(arguments[:-1])}" if piped and arguments else ""
    outcome("{{ " + (call or f"{name} {' '.join(arguments)}") + " }}", webhook_data(SPOT))


@given(
    st.text("%vdsqxXoObcUeEfFgGtTw0123456789+-# .*[]a", max_size=20),
    st.lists(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats()
        | st.text(max_size=5)
        | st.lists(st.integers(-5, 5), max_size=3)
        | st.dictionaries(st.text(max_size=3), st.integers(-5, 5), max_size=3),
        max_size=3,
    ),
)
@limited
def test_no_format_crashes(format_: str, values: list[Any]) -> None:
    arguments = " ".join(f"(index .values {index})" for index in range(len(values)))
    outcome("{{ printf .format " + arguments + " }}", {"format": format_, "values": values})


@given(st.text("ab.*+?()[]{}|^$\\dwsbpL12,-:i", max_size=15), st.text("ab1 \n", max_size=30))
@limited
def test_no_pattern_crashes_or_hangs(pattern: str, text: str) -> None:
    try:
        spans = Program(pattern).search(text, 0, Budget())
    except Problem:
        return
    if spans is not None:
        assert spans[0] is not None
        assert spans[1] is not None
        assert 0 <= spans[0] <= spans[1] <= len(text)


@given(st.text("JanMony0123456789 -:.,ZTPMpm_/", max_size=20), st.text(max_size=20))
@limited
def test_no_layout_crashes(layout: str, text: str) -> None:
    outcome("{{ toDate .layout .text }}{{ now | date .layout }}", {"layout": layout, "text": text})


@given(st.integers(-10_000_000, 10_000_000))
def test_a_day_is_the_day_of_its_date(days: int) -> None:
    assert days_of(*date_of(days)) == days


@given(st.integers(-62_135_596_800, 253_402_300_799), st.integers(0, 999_999_999))
def test_a_time_that_is_written_is_read_again(seconds: int, nanoseconds: int) -> None:
    layout = "2006-01-02T15:04:05.999999999Z07:00"
    time = GoTime(seconds, nanoseconds)
    read = parse("{{ (toDate .layout .text).UnixNano }} {{ eq (toDate .layout .text).Unix .seconds }}")
    data = {"layout": layout, "text": time.format(layout), "seconds": seconds}
    assert read.render(data, NOW_AT).endswith(" true")
