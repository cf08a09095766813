"""Reads the lines of a file or of standard input.

gzip is unpacked, exports of other tools are opened (`exports`), and lines that runtimes cut are joined.
Whatever the file holds, this takes the memory of few lines.
"""

import codecs
import gzip
import io
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from nth.errors import SettingError
from nth.reading.exports import csv_messages, folded, is_json_document, json_records, message_column
from nth.report.words import counted
from nth.ui.terminal import complain

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"
MAX_LINE_BYTES = 4 << 20
"""Ours have at most 0.5 MiB, and collectors that wrap them escape them once more."""
MAX_HEAD_BYTES = 1 << 16
MAX_BYTES = 8 << 30
TOO_LONG = f"the log is too long, over {MAX_BYTES >> 30} GiB; what came until then is used"
_CRI = re.compile(r"^\S+ (stdout|stderr) ([PF]) (.*)$", re.DOTALL)
"""A container runtime's own file: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md"""


class _Lines(Protocol):
    """A stream of bytes that knows lines."""

    def readline(self, size: int, /) -> bytes: ...


def read_lines(path: str) -> Iterator[str]:
    """Returns lines without their ends. SettingError: the file cannot be read, in one line."""
    if path == STDIN and sys.stdin.isatty():
        raise SettingError("no log: name a file, or pipe one in (kubectl logs ... | nth report)")
    try:
        with open(0 if path == STDIN else path, "rb", closefd=path != STDIN) as stream:
            yield from joined(_text_lines(stream))
    except (OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingError(f"{path} cannot be read: {reason}") from error


def _text_lines(stream: io.BufferedReader) -> Iterator[str]:
    begin = stream.read(len(GZIP_MAGIC))
    whole = _rejoined(begin, stream)
    source = gzip.GzipFile(fileobj=whole) if begin == GZIP_MAGIC else whole
    try:
        first = source.readline(MAX_LINE_BYTES).removeprefix(codecs.BOM_UTF8)
        yield from _records(first, _rejoined(first, source))
    except EOFError:
        complain("the packed log ends early; what came until then is used")


def _records(first: bytes, source: io.BufferedReader) -> Iterator[str]:
    """Returns the lines of a log, or those that a tool's export holds; `first` is where it begins."""
    if is_json_document(first):
        yield from json_records(bounded_read(source.read), MAX_LINE_BYTES)
        return
    lines = (line.decode("utf-8", errors="replace") for line in bounded_lines(source))
    column = message_column(first[:MAX_HEAD_BYTES].decode("utf-8", errors="replace"))
    if column is not None:
        yield from csv_messages(lines, column, MAX_LINE_BYTES)
    else:
        yield from folded((line.rstrip("\r\n") for line in lines), MAX_LINE_BYTES)


def bounded_read(read: Callable[[int], bytes], *, most_bytes: int = MAX_BYTES) -> Callable[[int], bytes]:
    """Returns a function that reads as `read` does, and after so many bytes no more, with a complaint."""
    left_bytes = most_bytes

    def read_on(size: int) -> bytes:
        nonlocal left_bytes
        if left_bytes <= 0:
            complain(TOO_LONG)
            return b""
        found = read(min(size, left_bytes))
        left_bytes -= len(found)
        return found

    return read_on


def bounded_lines(source: _Lines, *, most_bytes: int = MAX_BYTES) -> Iterator[bytes]:
    """Returns lines with their ends, none over MAX_LINE_BYTES: a longer one is skipped, with a complaint.

    A packed log of a few MB can unfold to anything, so its whole is bounded, too.
    """
    skipped, skipping = 0, False
    while piece := source.readline(MAX_LINE_BYTES):
        most_bytes -= len(piece)
        if most_bytes < 0:
            complain(TOO_LONG)
            break
        whole = piece.endswith(b"\n") or len(piece) < MAX_LINE_BYTES
        if not skipping and whole:
            yield piece
        skipped += whole and skipping
        skipping = not whole
    if skipped or skipping:
        complain(f"skipped {counted(skipped + skipping, 'line')} of over {MAX_LINE_BYTES >> 20} MiB")


class _Source(Protocol):
    """A stream that gives what it has, without waiting for all that is asked for."""

    def read1(self, size: int, /) -> bytes: ...


def _rejoined(begin: bytes, rest: _Source) -> io.BufferedReader:
    return io.BufferedReader(_Rejoined(begin, rest))


class _Rejoined(io.RawIOBase):
    """A stream whose beginning was read already."""

    def __init__(self, begin: bytes, rest: _Source) -> None:
        super().__init__()
        self._begin = begin
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        found = self._begin[: len(buffer)] or self._rest.read1(len(buffer))
        self._begin = self._begin[len(found) :]
        buffer[: len(found)] = found
        return len(found)


def joined(lines: Iterable[str]) -> Iterator[str]:
    """Returns whole lines: a runtime's pieces are joined, stream by stream, unless they get too long."""
    pieces: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    for line in lines:
        match = _CRI.match(line)
        if match is None:
            yield line
            continue
        stream, tag, text = match.groups()
        size = sizes.get(stream, 0) + len(text)
        if size <= MAX_LINE_BYTES:
            pieces.setdefault(stream, []).append(text)
        if tag == "P":
            sizes[stream] = size + 1
            continue
        sizes.pop(stream, None)
        whole = "".join(pieces.pop(stream, ()))
        if size <= MAX_LINE_BYTES:
            yield whole
