"""Starts programs in the background, finds ports for them, and stops each by its id, never by a name."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_POLL_SECONDS = 0.01


def spawn(argv: list[str], log: Path, environment: Mapping[str, str]) -> int:
    """Start a program in a session of its own, which a Ctrl-C here does not reach; returns its id."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        argv[0],
        argv,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def is_running(pid: int) -> bool:
    """Returns whether it still runs; a child that has ended is reaped."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return _exists(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # It has ended without being reaped by its parent: where an init does not reap either, it stays for good.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def belongs_to(pid: int, folder: Path) -> bool:
    """Returns whether this id is still the program that was started with that folder in its arguments."""
    arguments = Path(f"/proc/{pid}/cmdline")
    return is_running(pid) and (not arguments.exists() or str(folder).encode() in arguments.read_bytes())


def stop(pid: int, *, patience_seconds: float) -> None:
    """Ask it to end, then force it; returns when it is gone."""
    for number, seconds in ((signal.SIGTERM, patience_seconds), (signal.SIGKILL, 10.0)):
        if not is_running(pid):
            return
        os.kill(pid, number)
        if wait_for(lambda: not is_running(pid), timeout_seconds=seconds):
            return
    raise RuntimeError(f"process {pid} does not end")


def wait_for(condition: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Returns whether it became true in time."""
    end = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def accepts(port: int) -> bool:
    """Returns whether a program listens on that loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Returns ports on which no program listens now, all different."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
