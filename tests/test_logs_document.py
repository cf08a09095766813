"""docs/logs.md says of every structured line what is in it, and names nothing that is not."""

import ast
import logging
import re
from collections import defaultdict
from pathlib import Path
from typing import get_args

import pytest

from nth.core.notices.events import (
    Event,
    InstanceStateChange,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.policy import Level
from nth.core.reports import Logged, NoticeReceived
from nth.report.log_lines import line_of
from nth.reporters.log_lines import JsonFormatter
from nth.settings import as_printed, read_settings
from tests.core.samples import T0, asg, rebalance, scheduled, spot
from tests.reading.logs import log_of
from tests.report.random_stories import SECRET_TOKEN, TERMINATION
from tests.report.stories import FULL_STORY
from tests.report.test_log_lines import LINES

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "nth"
DOCUMENT = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
HOLDERS = ("fields", "more")
"""What the dictionaries of fields are called."""
QUIET = ("demo", "reading", "simulation", "ui")
"""Rooms that write no lines of a handler's log."""

EVENTS: list[Event] = [
    spot().event,
    SpotInterruption(event_id="e", action="", interrupted_at=T0, instance_id="i-1", noticed_at=T0),
    rebalance().event,
    RebalanceRecommendation(event_id="e", noticed_at=T0, instance_id="i-1"),
    scheduled(code="system-reboot").event,
    ScheduledMaintenance(
        event_id="e", code="", not_before_at=T0, not_after_at=T0, reason="", instance_id="i-1"
    ),
    asg().event,
    TERMINATION.event,
    InstanceStateChange(event_id="e", instance_id="i-1", state="stopping", noticed_at=T0),
]
ALL_REPORTS: list[Logged] = [
    *(report for report, _, _ in LINES.values()),
    *(NoticeReceived(event=event, level=Level.DRAIN, drain_at=T0, deadline_at=T0) for event in EVENTS),
]


def section(title: str) -> list[list[str]]:
    """The cells of the table under this heading, without its head."""
    text = DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[1:]]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


TOLD = {row[0]: row for row in section("Lines of an interruption")}
FIELDS = {code(row[0])[0]: row for row in section("Fields")}


def test_no_kind_of_event_is_forgotten() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))


def test_every_report_has_its_row_with_its_levels_and_fields() -> None:
    levels: defaultdict[str, set[str]] = defaultdict(set)
    fields: defaultdict[str, set[str]] = defaultdict(set)
    for report in ALL_REPORTS:
        line = line_of(report)
        levels[type(report).__name__].add(line.level)
        fields[type(report).__name__] |= line.fields.keys()
    assert TOLD.keys() == levels.keys()
    for name, (_, level, _, documented, *_) in TOLD.items():
        assert set(level.split(", ")) == levels[name], name
        assert set(code(documented)) == fields[name], name


@pytest.mark.parametrize("report", ALL_REPORTS, ids=lambda report: type(report).__name__)
def test_the_text_of_each_report_is_the_documented_one(report: Logged) -> None:
    begins = code(TOLD[type(report).__name__][2])
    text = line_of(report).text
    assert any(text.startswith(begin) or (begin.startswith(" ") and begin in text) for begin in begins), text


def test_a_field_of_a_report_has_the_documented_type() -> None:
    types = {str: "text", int: "integer", float: "number", list: "list of texts", type(None): "null"}
    for report in ALL_REPORTS:
        for name, value in line_of(report).fields.items():
            assert types[type(value)] in FIELDS[name][1], name


def field_names(path: Path) -> set[str]:
    """Names that the module writes into dictionaries of fields."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "fields":
                    found |= keys(value)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id in HOLDERS:
                found |= keys(node.value)
            if isinstance(target, ast.Subscript) and ast.unparse(target.value) == "fields":
                found |= constants(target.slice)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "self._fields":
            found |= {keyword.arg for keyword in node.keywords if keyword.arg is not None}
    return found


def keys(node: ast.expr) -> set[str]:
    return set().union(*(constants(key) for key in node.keys if key)) if isinstance(node, ast.Dict) else set()


def constants(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def modules() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if path.relative_to(SOURCE).parts[0] not in QUIET]


def test_every_field_in_the_code_is_documented() -> None:
    loggers = [path for path in modules() if "getLogger" in path.read_text(encoding="utf-8")]
    written = {name: path.name for path in loggers for name in field_names(path)}
    assert {name: place for name, place in written.items() if name not in FIELDS} == {}


def test_every_documented_field_and_text_is_in_the_code() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in modules())
    flat = re.sub(r'"\s*\n\s*f?"', "", source)
    for name in FIELDS:
        assert f'"{name}"' in source or f"{name}=" in source, name
    for texts, _, fields in section("Other lines"):
        for text in code(texts):
            assert text.strip() in flat, text
        assert set(code(fields)) <= FIELDS.keys(), fields


def test_fields_are_in_order_and_none_stands_twice() -> None:
    names = [code(row[0])[0] for row in section("Fields")]
    assert names == sorted(set(names))


def test_nothing_secret_is_in_the_log_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    flags = [
        "--node-name=one",
        "--webhook-url=https://hooks.example/T0/secret-path",
        '--webhook-headers={"Authorization": "secret-token"}',
        "--webhook-proxy=http://user:secret-password@127.0.0.1:1",
        "--webhook-template=secret-text",
        "--metadata-url=http://user:secret-password@127.0.0.1:1338",
    ]
    start = logging.LogRecord("nth.app", logging.INFO, "", 0, "starts", None, None)
    start.fields = as_printed(read_settings(flags, {}).settings)
    lines = [JsonFormatter().format(start), *log_of((0.0, TERMINATION), *FULL_STORY)]
    assert any('"report":' in line for line in lines)
    text = "\n".join(lines)
    assert "secret" not in text
    assert SECRET_TOKEN not in text
