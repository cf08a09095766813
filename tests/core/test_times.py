"""Instants as people and APIs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.times import parse_rfc3339, utc_text
from tests.core.samples import T0


def test_instant_is_written_in_utc_to_the_second() -> None:
    assert utc_text(T0 + 0.9) == "2026-11-22T08:30:00Z"


@pytest.mark.parametrize("text", ["2026-11-22T08:30:00Z", "2026-11-22T08:30:00", "2026-11-22T09:30:00+01:00"])
def test_instant_is_read_and_is_utc_without_a_zone(text: str) -> None:
    assert parse_rfc3339(text) == T0


@pytest.mark.parametrize("text", ["", "tomorrow", "22 Nov 2026 08:30:00 GMT"])
def test_other_texts_are_value_errors(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rfc3339(text)


@given(st.integers(0, 4_000_000_000))
def test_what_was_written_can_be_read(at: int) -> None:
    """Whole seconds survive writing and reading."""
    assert parse_rfc3339(utc_text(at)) == at
