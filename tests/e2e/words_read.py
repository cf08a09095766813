"""Reads `nth report`: both words of each pod, and the counts in its sentences."""

import re
from collections import Counter

from tests.e2e.lives import Life

LEFT = ("politely", "forced", "cut off", "by itself", "not")
BECAME = ("moved", "ended", "not replaced yet", "came back", "lost", "unknown")
ROW = re.compile(
    rf"^  (?P<name>\S+) .*  (?:(?P<left>{'|'.join(LEFT)}), (?P<became>{'|'.join(BECAME)})|(?P<alone>LOST))"
    r"  +(?P<gone>[\d.]+ s|-)(?: +(?P<again>[\d.]+ s|-))?$",
    re.IGNORECASE | re.MULTILINE,
)
HOW_LEFT = re.compile(r"How \d+ pods? left: ([^.]*)\.")
WHAT_BECAME = re.compile(r"What became of them: ([^.]*)\.")


class Words:
    """What `nth report` says of each pod, by the pod's name in the report."""

    def __init__(self, report: str) -> None:
        self._rows = {row["name"]: row for row in ROW.finditer(report)}

    def of(self, life: Life) -> re.Match[str]:
        """Returns the row of the pod."""
        found = [row for name, row in self._rows.items() if _is_name_of(name, life.name)]
        assert len(found) == 1, f"{life.name} has {len(found)} rows"
        return found[0]

    def two(self, life: Life) -> tuple[str, str]:
        """Returns both words of the pod."""
        row = self.of(life)
        return ("not", "lost") if row["alone"] else (row["left"].lower(), row["became"].lower())


def _is_name_of(shown: str, name: str) -> bool:
    """Returns whether the report's name, without the template's hash, is that pod's."""
    begin, _, end = shown.rpartition("-")
    return shown == name or (bool(begin) and name.startswith(f"{begin}-") and name.endswith(f"-{end}"))


def flat(text: str) -> str:
    """Returns the text without its line ends."""
    return " ".join(text.split())


def counted(pattern: re.Pattern[str], report: str) -> Counter[str]:
    """Returns the numbers of one of the report's sentences, by its words."""
    found = pattern.search(flat(report))
    parts = found[1].split(", ") if found else ()
    pairs = (part.split(" ", 1) for part in parts)
    return Counter({word.replace("by themselves", "by itself"): int(number) for number, word in pairs})
