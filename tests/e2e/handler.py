"""The real program as a process of its own, as the DaemonSet runs it on one node."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

POLL_SECONDS = 0.05

Line = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Handler:
    """One handler after the other, all writing to the same log."""

    node_name: str
    kubeconfig: Path
    metadata_url: str
    folder: Path
    flags: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    developer_mode: bool = True
    """Python's: slower, and says more."""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        return self.folder / "handler.log"

    def start(self, *flags: str) -> None:
        """Begin; `flags` on top of the usual ones."""
        assert self._process is None, "it runs already"
        environment = {
            "PATH": os.environ["PATH"],
            "NODE_NAME": self.node_name,
            "KUBECONFIG": str(self.kubeconfig),
            "INSTANCE_METADATA_URL": self.metadata_url,
            "JSON_LOGGING": "true",
            **self.env,
        }
        python = [sys.executable, *(("-X", "dev") if self.developer_mode else ())]
        command = [*python, "-m", "nth", *self.flags, *flags]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def wait_ended(self, *, timeout_seconds: float = 15.0) -> int:
        """Its exit code; AssertionError if it goes on."""
        process = self._process
        assert process is not None
        for _ in range(int(timeout_seconds / POLL_SECONDS)):
            if process.poll() is not None:
                self._process = None
                return process.returncode
            await asyncio.sleep(POLL_SECONDS)
        raise AssertionError(f"still running after {timeout_seconds} s\n{self.tail()}")

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGTERM)
        return await self.wait_ended()

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def lines(self) -> list[Line]:
        """What it has logged, decoded; a line that is no JSON is a failure."""
        text = self.log_file.read_text() if self.log_file.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def said(self, text: str) -> list[Line]:
        """The lines whose message contains the text."""
        return [line for line in self.lines if text in str(line["message"])]

    async def wait_said(self, text: str, *, count: int = 1, timeout_seconds: float = 20.0) -> Line:
        """The `count`th line with that text; AssertionError if it does not come in time."""
        for _ in range(int(timeout_seconds / POLL_SECONDS)):
            if len(found := self.said(text)) >= count:
                return found[count - 1]
            await asyncio.sleep(POLL_SECONDS)
        raise AssertionError(f"{text!r} was not logged {count} times in {timeout_seconds} s\n{self.tail()}")

    def tail(self) -> str:
        """The end of the log, for a failure's message."""
        return self.log_file.read_text()[-4000:] if self.log_file.exists() else "(no log)"
