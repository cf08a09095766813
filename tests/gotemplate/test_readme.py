"""The package's README says what is so: its examples run, and its figures are those of the code."""

import doctest
import json
from pathlib import Path

import gotemplate
from gotemplate.budget import MAX_CHARACTERS, MAX_NESTING, MAX_STEPS, MAX_TEMPLATE_CHARACTERS
from gotemplate.functions import refused
from gotemplate.regex.machine import MAX_PROGRAM
from gotemplate.regex.reading import MAX_PATTERN

README = Path(gotemplate.__file__).parent / "README.md"
CASES = json.loads((Path(__file__).parent / "corpus" / "golden.json").read_text())["cases"]


def test_its_examples_give_what_it_says() -> None:
    results = doctest.testfile(str(README), module_relative=False)
    assert results.attempted >= 5
    assert results.failed == 0


def test_its_figures_are_those_of_the_code() -> None:
    text = " ".join(README.read_text().split())
    for figure in (MAX_STEPS, MAX_CHARACTERS, MAX_TEMPLATE_CHARACTERS, MAX_NESTING):
        assert f"| {figure:,} |" in text
    assert f"| {MAX_PATTERN:,}, and {MAX_PROGRAM:,} |" in text
    assert f"holds {len(CASES)} templates" in text
    assert f"Go refuses {sum(case['output'] is None for case in CASES)} of them" in text


def test_the_functions_that_it_names_as_refused_are_refused() -> None:
    paragraph = README.read_text().split("These functions are refused")[1].split("\n- ")[0]
    named = set(paragraph.split("`")[1::2])
    assert len(named) > 8
    assert named <= set(refused())
