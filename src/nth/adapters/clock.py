"""Reads the machine's clock, and when it was last booted, from the kernel's uptime file.

https://man7.org/linux/man-pages/man5/proc_uptime.5.html
"""

import time
from math import inf, nan
from pathlib import Path

DEFAULT_FILE = "/proc/uptime"


class WallClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


def booted_at(path: str, now: float) -> float:
    """Returns seconds since the epoch. OSError or ValueError if the file cannot be used."""
    path = path or DEFAULT_FILE
    first = Path(path).read_text(encoding="ascii").partition(" ")[0].strip()
    try:
        uptime_seconds = float(first)
    except ValueError:
        uptime_seconds = nan
    if not 0 <= uptime_seconds < inf:
        raise ValueError(f"{path}: {first!r} is not an uptime")
    return now - uptime_seconds
