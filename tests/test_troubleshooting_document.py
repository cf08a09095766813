"""docs/troubleshooting.md quotes what the handler writes, and sends nobody nowhere."""

import re
from itertools import chain

import pytest
import yaml

from nth.settings.table import BY_NAME
from tests.documents import ROOT, links

PAGE = ROOT / "docs" / "troubleshooting.md"
TEXT = PAGE.read_text(encoding="utf-8")
SAID = "the log says"
"""The head of a column whose code is quoted from the log."""
SYMPTOMS = (
    *("does not start", "Nothing happens on a notice", "stays cordoned", "does not end", "forced"),
    *("not replaced", "hook times out", "stays in the queue", "webhook is not received", "OOMKilled"),
)
EXAMPLES = re.compile(r"^(REBALANCE_RECOMMENDATION|\.\.\.; allowed: \.\.\.)$")
"""Code in such a column that is the value of a field, or is shown by a test of its own."""


def quoted() -> list[str]:
    """Each text that a table gives as a line of the log, and each that a sentence begins with."""
    tables = re.findall(rf"^\| {SAID} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    cells = [line.split(" | ")[0] for line in "".join(tables).splitlines()]
    texts = [text for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
    sentences = re.findall(r"^`([A-Z][a-z]+ [a-z][^`]*)`", TEXT, re.MULTILINE)
    return [text for text in chain(texts, sentences) if not EXAMPLES.match(text)]


def source() -> str:
    """The handler's own, with texts that go on over several lines in one piece."""
    files = (ROOT / "src" / "nth").rglob("*.py")
    return re.sub(r'"\s*\n\s*f?"', "", "".join(path.read_text(encoding="utf-8") for path in files))


def test_each_line_that_is_quoted_is_one_that_the_handler_writes() -> None:
    flat = source()
    texts = quoted()
    assert len(texts) > 30
    for text in texts:
        assert all(part.strip() in flat for part in text.split("...") if part.strip()), text


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_each_symptom_has_a_section_of_its_own(symptom: str) -> None:
    assert [line for line in TEXT.splitlines() if line.startswith("## ") and symptom in line]


def test_values_and_settings_that_are_named_are_there() -> None:
    values = yaml.safe_load((ROOT / "charts/aws-node-termination-handler/values.yaml").read_text())
    variables = {setting.variable for setting in BY_NAME.values()}
    named = re.findall(r"`([a-z]+(?:[A-Z][A-Za-z]+)+)(?:=[^`]*)?`", TEXT)
    assert len(named) > 15
    # Those of Kubernetes, and of the pod's own specification.
    theirs = {"terminationGracePeriodSeconds", "maxUnavailable", "emptyDir", "nodeName"}
    assert set(named) - values.keys() - theirs == set()
    assert set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", TEXT)) - variables <= {
        "REBALANCE_RECOMMENDATION"
    }


def test_each_link_leads_somewhere() -> None:
    assert links(PAGE) == []
