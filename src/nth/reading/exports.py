"""Finds log lines in what other tools export: JSON documents and tables of comma-separated values.

- an array of objects or lines: Grafana, `jq -s`, CloudWatch Logs Insights
- an object whose `events` or `results` are one: `aws logs filter-log-events` and `get-query-results`
- objects that take several lines each, as `jq .` writes them
- the same behind an instant: `aws logs tail --format json`
- a table with a column of messages: CloudWatch Logs Insights, Grafana

https://docs.aws.amazon.com/cli/latest/reference/logs/filter-log-events.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-ExportQuery.html
"""

import codecs
import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator

from nth.ui.terminal import complain

MESSAGE_COLUMNS = ("@message", "message", "line", "log")
"""The columns that hold a log line; of several the first one here counts."""
MAX_COLUMNS = 200
CHUNK_BYTES = 1 << 16
_ARRAY = re.compile(rb"\s*\[\s*([\[{\]\"]|$)")
_OBJECT = re.compile(rb"\s*\{\s*$")
_SCALAR = r"(?:\"[^\"\\]*\"|[\d.]+|true|false|null)"
_LIST = rf"\s*\{{\s*(?:\"\w+\"\s*:\s*{_SCALAR}\s*,\s*)*\"(?:events|results)\"\s*:\s*\["
_LIST_BYTES, _LIST_TEXT = re.compile(_LIST.encode()), re.compile(_LIST)
_UNFOLDED = re.compile(r"\d{4}-[01]\d-[0-3]\dT\S*(?: \S+)? \{\s*$")
"""The first line of an object that `aws logs tail --format json` writes over several."""
_BETWEEN = re.compile(r"[\s,:\[\]}]*")
"""Characters that stand between the values of a document."""
_DECODER = json.JSONDecoder()


def is_json_document(first: bytes) -> bool:
    """Returns whether a file whose first line this is holds a document, not a line for each record."""
    return any(form.match(first) for form in (_ARRAY, _OBJECT, _LIST_BYTES))


def json_records(read: Callable[[int], bytes], most_chars: int) -> Iterator[str]:
    """Returns each record, JSON or a line. One of over `most_chars` ends the document, with a complaint."""
    document = _Document(read, most_chars)
    count = 0
    while (record := document.next_record()) is not None:
        count += bool(record)
        if record:
            yield record
    if document.broken:
        complain(f"the JSON ends early or is broken after {count} records; what came until then is used")


class _Document:
    """The values of a JSON document that is read piece by piece; it keeps one value in memory."""

    def __init__(self, read: Callable[[int], bytes], most_chars: int) -> None:
        self.broken = False
        self._read = read
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._most_chars = most_chars
        self._text, self._at, self._ended = "", 0, False
        self._fill()
        self._is_array = self._text.lstrip()[:1] == "["

    def next_record(self) -> str | None:
        """Returns the next record; empty: a value that is none; None: there is no more."""
        while True:
            self._at = self._end_of(_BETWEEN)
            if self._at < len(self._text):
                break
            if self._ended:
                return None
            self._fill()
        while True:
            found = self._value()
            if found is not None:
                return found
            if self._ended or len(self._text) - self._at > self._most_chars:
                self.broken = True
                return None
            self._fill()

    def _value(self) -> str | None:
        """Returns the record that begins here; empty: a value that is none; None: it is not all here."""
        opened = _LIST_TEXT.match(self._text, self._at)
        if opened is not None:
            self._at = opened.end()
            return ""
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return None
        begin, self._at = self._at, end
        if isinstance(value, str) and self._is_array:
            return value.rstrip("\r\n")
        # Logs Insights makes an object of each field of a line.
        found = isinstance(value, dict) and value.get("field", "@message") == "@message"
        return self._text[begin:end] if found else ""

    def _end_of(self, form: "re.Pattern[str]") -> int:
        match = form.match(self._text, self._at)
        assert match is not None, "it matches nothing, too"
        return match.end()

    def _fill(self) -> None:
        """Read on, as much again as is waiting, so that the work grows with the length and no faster."""
        rest = self._text[self._at :]
        piece = self._read(max(CHUNK_BYTES, len(rest)))
        self._ended = not piece
        self._text, self._at = rest + self._decode(piece, final=self._ended), 0


def folded(lines: Iterable[str], most_chars: int) -> Iterator[str]:
    """Returns lines; one that an instant and an indented object make of several is one again."""
    pieces: list[str] = []
    chars = 0
    for line in lines:
        if not pieces and _UNFOLDED.match(line) is None:
            yield line
            continue
        pieces.append(line)
        chars += len(line)
        if len(pieces) > 1 and (chars > most_chars or not line.startswith((" ", "\t"))):
            yield from ["".join(pieces)] if line.startswith("}") else pieces
            pieces, chars = [], 0
    yield from pieces


def message_column(first: str) -> int | None:
    """Returns the place of the messages in a table that has this head; None: it is no head of a table."""
    try:
        names = [name.strip().lower() for name in next(csv.reader([first]), [])]
    except csv.Error:
        return None
    if len(names) > MAX_COLUMNS or (len(names) < 2 and names != ["@message"]):
        return None
    return next((names.index(name) for name in MESSAGE_COLUMNS if name in names), None)


def csv_messages(lines: Iterable[str], column: int, most_chars: int) -> Iterator[str]:
    """Returns the messages below the head. A table that is broken ends there, with a complaint."""
    csv.field_size_limit(most_chars)
    count = 0
    try:
        for row in csv.reader(lines):
            count += 1
            if len(row) > column and count > 1:
                yield row[column].rstrip("\r\n")
    except csv.Error as error:
        complain(f"the table is broken after {count} rows ({error}); what came until then is used")
