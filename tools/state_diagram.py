"""Draws the session's state diagram from its table into docs/how-it-decides.md.

`python -m tools.state_diagram` writes it anew; a test fails when it is stale.
"""

from pathlib import Path

from nth.core.node.phases import FROM_ANY, MEANINGS, TRANSITIONS, Phase

DOCUMENT = Path(__file__).parent.parent / "docs" / "how-it-decides.md"
BEGIN = "<!-- The diagram is drawn by `make docs`; do not edit. -->\n"
END = "<!-- End of the diagram. -->\n"


def diagram() -> str:
    """Returns the table as a Mermaid diagram, and the meaning of each phase."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Phase.WAITING.value}"]
    # The ends from every phase are in words, because seven more arrows would hide the others.
    lines += [
        f"    {before.value} --> {after.value}: {trigger}"
        for (before, trigger), after in TRANSITIONS.items()
        if trigger not in FROM_ANY
    ]
    lines += [f"    {Phase.ENDED.value} --> [*]", "```", "", "| phase | what it means |", "|---|---|"]
    lines += [f"| {phase.value} | {meaning} |" for phase, meaning in MEANINGS.items()]
    lines += ["", f"From every phase the session ends when {', or '.join(FROM_ANY)}."]
    return "\n".join(lines) + "\n"


def drawn_into(text: str) -> str:
    """Returns the document with the diagram as it should be. ValueError if its place is not marked."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT.name} has no place for the diagram")
    return f"{before}{BEGIN}{diagram()}{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(drawn_into(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
