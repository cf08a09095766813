"""When the machine was last booted, from the kernel's uptime file.

https://man7.org/linux/man-pages/man5/proc_uptime.5.html
"""

from pathlib import Path

DEFAULT_FILE = "/proc/uptime"


def booted_at(path: str, now: float) -> float:
    """Seconds since the epoch. OSError or ValueError if the file cannot be used."""
    first = Path(path or DEFAULT_FILE).read_text(encoding="ascii").split()[0]
    uptime_seconds = float(first)
    if uptime_seconds < 0:
        raise ValueError(f"{path}: {first} is not an uptime")
    return now - uptime_seconds
