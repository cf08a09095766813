"""Which interruptions of a log are wanted: of a session, of a node, since an instant. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nth.core.times import parse_rfc3339, utc_text
from nth.report.interruption import InterruptionReport

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGO = re.compile(r"(?:\d{1,6}[smhd])+")
_PART = re.compile(r"(\d+)([smhd])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The interruptions that somebody asks for. Empty texts and None: all."""

    session: str = ""
    node: str = ""
    since_at: float | None = None

    def chosen(self, reports: Iterable[InterruptionReport]) -> list[InterruptionReport]:
        """Returns those that are asked for. Since an instant are those that were not over by then."""
        return [
            one
            for one in reports
            if self.session in ("", one.session_id)
            and self.node in ("", one.node_name, one.node_name.partition(".")[0])
            and (self.since_at is None or one.until_at >= self.since_at)
        ]

    def __str__(self) -> str:
        """Returns ` of node a since 2026-11-22T08:30:00Z`; empty if all are asked for."""
        names = (("session", self.session), ("node", self.node))
        of = " and ".join(f"{word} {name}" for word, name in names if name)
        since = "" if self.since_at is None else f" since {utc_text(self.since_at)}"
        return f"{' of ' if of else ''}{of}{since}"


def instant_of(text: str, now: float) -> float:
    """Returns the instant that `2h`, `1d12h` (before now) or RFC 3339 stand for. ValueError: neither."""
    if _AGO.fullmatch(text):
        return now - sum(int(count) * UNIT_SECONDS[unit] for count, unit in _PART.findall(text))
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise ValueError("allowed: 30m, 2h, 1d12h or an instant such as 2026-11-22T08:30:00Z") from None
