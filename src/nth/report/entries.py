"""The timeline of an interruption: a bounded list of lines for a person."""

from nth.core.reports import MonitorFailed, Told
from nth.report.interruption import Entry
from nth.report.log_lines import line_of
from nth.report.notice_clock import NoticeClock

SHOWN_FIELDS = ("reason", "missing", "released", "left", "taints")
"""Fields of a line that a person needs; the pod comes before the text."""
MAX_ENTRIES = 600
"""A drain of 110 pods that are all refused first makes 330 entries."""
MAX_ENTRY_CHARS = 400


class Entries:
    """Keeps the first and the last lines: the beginning and the end matter most."""

    def __init__(self) -> None:
        self.left_out = 0
        """Counts the lines that are missing in the middle."""
        self._entries: list[Entry] = []
        self._clock = NoticeClock()

    def add(self, told: Told) -> None:
        """Add one more line."""
        self._entries.append(entry_of(told, self._clock.seconds(told)))
        if len(self._entries) > MAX_ENTRIES:
            del self._entries[MAX_ENTRIES // 2]
            self.left_out += 1

    def all(self) -> tuple[Entry, ...]:
        """Returns the lines, oldest first."""
        return tuple(self._entries)


def entry_of(told: Told, since_seconds: float | None) -> Entry:
    """Returns a record as one line; `since_seconds`: since the notice, if that is known."""
    assert not isinstance(told.report, MonitorFailed), "it is of no session"
    line = line_of(told.report, since_seconds)
    details = [_words(line.fields[key]) for key in SHOWN_FIELDS if line.fields.get(key)]
    pod = f"{line.fields['pod']}: " if "pod" in line.fields else ""
    extra = f" ({'; '.join(details)})" if details else ""
    text = shortened(f"{pod}{line.text}{extra}", MAX_ENTRY_CHARS)
    return Entry(at=round(told.at, 3), level=line.level, text=text)


def shortened(text: str, chars: int) -> str:
    """Returns at most so many characters; dots show that some are missing."""
    return text if len(text) <= chars else f"{text[: chars - 4]} ..."


def _words(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
