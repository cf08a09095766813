"""Names as reports print them, and as people type them back.

A name that is too long loses its middle: replicas differ in their ends, and workloads in their beginnings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CUT = ".."
"""Stands for the middle of a name. No name of Kubernetes has two dots in a row."""
CUT_SIGNS = (CUT, "\N{HORIZONTAL ELLIPSIS}")
"""The signs that a reader may type for it: the live view draws it as one character."""


def cut_middle(name: str, width: int, sign: str = CUT) -> str:
    """Returns the name in at most `width` characters, its beginning and (more of) its end."""
    if len(name) <= width:
        return name
    room = width - len(sign)
    if room < 2:
        return name[:width]
    return f"{name[: room // 2]}{sign}{name[room // 2 - room :]}"


def hosts(names: Sequence[str]) -> list[str]:
    """Returns the names without their domains, if they differ without: EC2's differ nowhere else."""
    short = [name.partition(".")[0] or name for name in names]
    return short if len(set(short)) == len(set(names)) else list(names)


@dataclass(frozen=True, slots=True)
class Typed:
    """A name that somebody typed: a whole one, how it begins, or as a table had cut it."""

    text: str

    def is_whole(self, names: Iterable[str]) -> bool:
        """Returns whether it is one of the names."""
        return self.text in names

    def fits(self, names: Sequence[str]) -> bool:
        """Returns whether one of the names begins so, or is cut so."""
        for sign in CUT_SIGNS:
            begin, cut, end = self.text.partition(sign)
            if cut:
                least = len(begin) + len(end)
                return any(
                    len(name) > least and name.startswith(begin) and name.endswith(end) for name in names
                )
        return any(name.startswith(self.text) for name in names)
