"""The lines of a file or of standard input; gzip is unpacked, and what runtimes cut is joined again."""

import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from nth.errors import SettingError

STDIN = "-"
GZIP_MAGIC = b"\x1f\x8b"
_CRI = re.compile(r"^\S+ (stdout|stderr) ([PF]) (.*)$", re.DOTALL)
"""A container runtime's own file: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md"""


def read_lines(path: str) -> Iterator[str]:
    """Lines without their ends. SettingError: the file cannot be read, in one line."""
    if path == STDIN and sys.stdin.isatty():
        raise SettingError("no log: name a file, or pipe one in (kubectl logs ... | nth report)")
    try:
        with open(0 if path == STDIN else path, "rb", closefd=path != STDIN) as stream:
            yield from joined(_text_lines(stream))
    except (OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingError(f"{path} cannot be read: {reason}") from error


def _text_lines(stream: BinaryIO) -> Iterator[str]:
    begin = stream.read(len(GZIP_MAGIC))
    whole = io.BufferedReader(_Rejoined(begin, stream))
    source = gzip.GzipFile(fileobj=whole) if begin == GZIP_MAGIC else whole
    try:
        for line in source:
            yield line.decode("utf-8", errors="replace").rstrip("\r\n")
    except EOFError:
        sys.stderr.write("nth: the packed log ends early; what came until then is used\n")


class _Rejoined(io.RawIOBase):
    """A stream of which the beginning was read already."""

    def __init__(self, begin: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._begin = begin
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        found = self._begin or self._rest.read(len(buffer))
        self._begin = b""
        buffer[: len(found)] = found
        return len(found)


def joined(lines: Iterable[str]) -> Iterator[str]:
    """Pieces of a line in a runtime's file, put together for each of its two streams."""
    pieces: dict[str, str] = {}
    for line in lines:
        match = _CRI.match(line)
        if match is None:
            yield line
            continue
        stream, tag, text = match.groups()
        whole = pieces.pop(stream, "") + text
        if tag == "P":
            pieces[stream] = whole
        else:
            yield whole
