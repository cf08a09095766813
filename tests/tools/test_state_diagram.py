"""The diagram that users read is the table that the session follows."""

from nth.core.node.phases import TRANSITIONS, Phase
from tools.state_diagram import DOCUMENT, diagram, drawn_into


def test_the_document_is_not_stale() -> None:
    """`make docs` writes it anew."""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert drawn_into(text) == text


def test_every_phase_and_every_trigger_is_drawn() -> None:
    drawn = diagram()
    assert all(f"| {phase.value} |" in drawn for phase in Phase)
    assert all(trigger in drawn for _, trigger in TRANSITIONS)
