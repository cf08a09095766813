"""Hidden characters are shown as escapes, and everything else stays as it is."""

import json
import math
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.visible import json_text, quoted, visible, visible_line, visible_lines, within_bytes
from tests.hostile import ESCAPES, HOSTILE, TEXTS, hidden_in, merged

HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_safe_7_every_control_and_format_character_of_unicode_is_escaped() -> None:
    for code in range(0x110000):
        letter = chr(code)
        if unicodedata.category(letter) in HIDDEN_CATEGORIES:
            shown = visible(letter)
            assert shown.isascii(), hex(code)
            assert merged(json.loads(f'"{shown}"')) == letter or 0xD800 <= code <= 0xDFFF


@pytest.mark.parametrize(
    ("letter", "shown"),
    [
        ("\x1b", "\\u001b"),
        ("\x9b", "\\u009b"),
        ("\u202e", "\\u202e"),
        ("\u3164", "\\u3164"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\udb40\\udc41"),
    ],
)
def test_safe_7_an_escape_is_json_s(letter: str, shown: str) -> None:
    assert visible(letter) == shown


@pytest.mark.parametrize(
    "text", ["", "plain", "Übung 東京 é 🚀 ⚠️", "a\\u001b", "[red] <b> `x` a=b", "no\u00a0break", "שלום"]
)
def test_safe_7_benign_text_stays(text: str) -> None:
    assert visible(text) == visible_line(text) == visible_lines(text) == text


@given(TEXTS)
def test_safe_7_no_text_has_anything_hidden_and_twice_is_once(text: str) -> None:
    for made in (visible, visible_line):
        assert not hidden_in(made(text))
        assert made(made(text)) == made(text)
    assert not hidden_in(visible_lines(text), allowed="\n\t")


def test_line_ends_become_spaces_where_one_line_is_wanted() -> None:
    assert visible_line("one\ntwo\r\n\tthree\n") == "one two three"
    assert visible_lines("one\n\ttwo\r") == "one\n\ttwo\\u000d"


@given(TEXTS)
def test_safe_7_a_quoted_text_reads_back(text: str) -> None:
    shown = quoted(text)
    assert not hidden_in(shown)
    assert json.loads(shown) == merged(text)


@given(
    st.recursive(
        TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )
)
def test_safe_7_any_value_is_json_on_one_line(value: object) -> None:
    shown = json_text(value)
    assert not hidden_in(shown)
    json.loads(shown)


class Odd:
    def __str__(self) -> str:
        return ESCAPES + "\ud800"


def test_safe_7_what_json_does_not_know_is_text() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    value = {
        "odd": Odd(),
        "at": datetime(2026, 11, 22, tzinfo=UTC),
        "nan": math.nan,
        "big": 10**30,
        "set": {1},
        "\ud800": "\udfff",
        "deep": deep,
    }
    found = json.loads(json_text(value))
    assert found["odd"] == ESCAPES + "\ud800"
    assert found["nan"] is None
    assert found["\\ud800"] == "\udfff"
    assert found["big"] == str(10**30)
    assert "too deep" in json_text(value)


def test_safe_7_a_bound_in_bytes_keeps_whole_letters() -> None:
    assert within_bytes("short", 5) == "short"
    cut = within_bytes("ü" * 600, 1024)
    assert cut == "ü" * 510 + " ..."
    assert len(within_bytes(visible(HOSTILE) * 50, 1024).encode()) <= 1024
