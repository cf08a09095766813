"""The pattern machine: Go's answers, and time in proportion to the text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotemplate.budget import MAX_STEPS, Budget
from gotemplate.errors import Problem
from gotemplate.regex.machine import Program


def span(pattern: str, text: str) -> tuple[int | None, ...] | None:
    return Program(pattern).search(text, 0, Budget())


atoms = st.sampled_from(["a", "b", "ab", ".", "[ab]", "[^a]", "(a|b)", "(ab)", "(?:a|bc)", "\\w"])
places = st.sampled_from(["$", "^", "\\b"])
repeats = st.sampled_from(["", "", "?", "*", "+", "{1,2}", "*?", "+?", "??"])
patterns = st.lists(st.builds(str.__add__, atoms, repeats) | places, min_size=1, max_size=4).map("".join)


@given(patterns, st.text("abc \n", max_size=12))
def test_matches_are_those_of_a_backtracking_engine(pattern: str, text: str) -> None:
    expected = re.search(pattern.replace("$", "\\Z"), text)
    found = span(pattern, text)
    assert (found and found[:2]) == (expected and expected.span())


@given(patterns, patterns, st.text("abc", max_size=10))
def test_of_two_alternatives_the_first_counts(first: str, second: str, text: str) -> None:
    pattern = f"(?:{first})|(?:{second})"
    expected = re.search(pattern.replace("$", "\\Z"), text)
    found = span(pattern, text)
    assert (found and found[:2]) == (expected and expected.span())


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(a*)*b", "(a|a?)+b", "(.*)*x", "((a{1,9}){1,9}b)+"]
)
def test_what_makes_others_hang_takes_few_steps(pattern: str) -> None:
    budget = Budget()
    Program(pattern).search("a" * 500 + "!", 0, budget)
    assert MAX_STEPS - budget.steps < 50_000


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "[a",
        "a**",
        "*a",
        "a{2,1}",
        "a{1001}",
        "\\",
        "\\q",
        "\\Z",
        "\\1",
        "(?<",
        "(?z)",
        "[b-a]",
        "[[:x:]]",
    ],
)
def test_what_go_refuses_is_refused(pattern: str) -> None:
    with pytest.raises(Problem, match="regular expression"):
        Program(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("(?i)straße", "STRASSE STRAßE", "STRAßE"),
        ("(?i)k", "\u212a", "\u212a"),
        ("\\d", "٣3", "3"),
        ("\\s", "\v\t", "\t"),
        ("(?s)a.b", "a\nb", "a\nb"),
        ("(?m)^b$", "a\nb\nc", "b"),
        ("(?U)a+", "aaa", "a"),
        ("\\Qa.b\\E+", "aab a.bbb", "a.bbb"),
        ("[\\d\\-x]+", "a1-x", "1-x"),
        ("\\x41\\x{42}\\103", "ABC", "ABC"),
        ("\\pL+\\PL", "ab1", "ab1"),
        ("[^\\p{Lu}]", "Aé", "é"),
        ("a{,2}", "a{,2}", "a{,2}"),
        ("\\Aa\\z", "a", "a"),
        ("o\\B", "o oo", "o"),
    ],
)
def test_a_pattern_finds(pattern: str, text: str, expected: str) -> None:
    found = span(pattern, text)
    assert found is not None
    assert text[found[0] : found[1]] == expected
