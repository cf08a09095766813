"""docs/compatibility.md is the key to the ids in the tests' names, and names log lines that there are."""

import re
from collections import Counter
from pathlib import Path

from nth.report.log_lines import line_of
from tests.test_logs_document import ALL_REPORTS, FIELDS, code, modules

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "compatibility.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ((?:needs_W|[PVCSQAEMWLT])[0-9]+)( °)? \| [^|]+ \| (.+) \|$", re.MULTILINE)
ID = re.compile(r"(?<=_)(?:needs_W|(?<!needs_)[PVCSQAEMWLT])[0-9]+(?=_)")
NO_TEST = " °"
ITEMS = {"P": 18, "V": 10, "C": 14, "S": 11, "Q": 20, "A": 19, "E": 12, "M": 9, "W": 8, "L": 3, "T": 28}
"""How many items the contract has under each letter."""
WEAKNESSES = 37


def names_of_tests() -> set[str]:
    found = (
        re.findall(r"\bdef (test_\w+)", path.read_text(encoding="utf-8")) for path in TESTS.rglob("*.py")
    )
    return {name for names in found for name in names}


def named_ids() -> set[str]:
    return {each for name in names_of_tests() for each in ID.findall(name)}


def rows(title: str) -> list[list[str]]:
    """The cells of the table under this heading, without its head."""
    text = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def test_every_item_is_listed_once_and_in_order() -> None:
    listed = [match[1] for match in ROW.finditer(PAGE)]
    contract = [f"{letter}{number}" for letter, most in ITEMS.items() for number in range(1, most + 1)]
    assert listed == contract + [f"needs_W{number}" for number in range(1, WEAKNESSES + 1)]


def test_every_id_in_a_tests_name_is_listed() -> None:
    assert named_ids() - {match[1] for match in ROW.finditer(PAGE)} == set()


def test_an_id_begins_with_a_capital() -> None:
    assert [name for name in names_of_tests() if re.match(r"test_(needs_)?[pvcsqaemwlt][0-9]+_", name)] == []


def test_every_item_has_a_test_or_is_marked_as_without_one() -> None:
    marks = {match[1]: match[2] == NO_TEST for match in ROW.finditer(PAGE)}
    named = named_ids()
    assert {each: marked for each, marked in marks.items() if marked == (each in named)} == {}


def test_every_item_says_what_it_is_here() -> None:
    verdicts = Counter(match[3].split("**")[1] for match in ROW.finditer(PAGE) if match[3].startswith("**"))
    assert verdicts.keys() == {"same", "better", "not"}
    assert verdicts.total() == sum(ITEMS.values()) + WEAKNESSES


def test_every_line_of_ours_is_in_the_code() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in modules())
    said = [line_of(report).text for report in ALL_REPORTS]
    known = "\n".join([re.sub(r'"\s*\n\s*f?"', "", source), *said])
    ours = {text for _, _, here in rows("Log lines") for text in code(here)}
    assert {text for text in ours if text.strip() not in known} == set()


def test_every_field_of_ours_is_documented() -> None:
    named = {name for _, _, here in rows("Fields") for name in code(here)}
    assert named - FIELDS.keys() - {"LOG_FORMAT_VERSION=2", "monitor_type"} == set()
