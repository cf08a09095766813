"""What documents and `deploy/` say of the kinds of event is written from one table."""

from pathlib import Path

import pytest

from nth.core.notices.kinds import KINDS, EventKind
from tools.event_kinds import DECISIONS, LAUNCH, MESSAGES, RULES, written


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_no_document_or_template_is_stale(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == written()[path]


def test_no_rule_and_no_row_is_of_an_unknown_kind() -> None:
    known = {kind.event for kind in KINDS} | {LAUNCH}
    assert {*RULES, *(event for event, _ in (*DECISIONS, *MESSAGES))} <= known


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.event)
def test_each_kind_has_its_rule_and_its_rows(kind: EventKind) -> None:
    assert kind.event in {event for event, _ in DECISIONS}
    by_queue = bool(kind.queue_text)
    assert (kind.event in RULES) is by_queue
    assert (kind.event in {event for event, _ in MESSAGES}) is by_queue
