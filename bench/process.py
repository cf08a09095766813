"""Reads the kernel's figures of a process: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""

import os
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Returns VmRSS."""
    return _status_mib(pid, "VmRSS:")


def cpu_seconds(pid: int) -> float:
    """Returns the seconds of user and system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def peak_mib(pid: int) -> float:
    """Returns VmHWM: the most that was resident at any time."""
    return _status_mib(pid, "VmHWM:")


def forget_peak() -> None:
    """Count the peak of this process from now on."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status_mib(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
