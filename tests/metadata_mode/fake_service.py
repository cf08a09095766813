"""A metadata service in memory that a test scripts by path and time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from nth.ports import Clock

Answer = bytes | Exception | None
Script = Callable[[float], Answer]
"""Seconds since the start -> the answer."""


@dataclass
class FakeService:
    """Answers after `takes_seconds(at)`; what has no script is not there (404)."""

    clock: Clock
    scripts: dict[str, Script] = field(default_factory=dict)
    takes_seconds: Callable[[float], float] = lambda at: 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start_at = self.clock.now()

    def times(self, path: str) -> list[float]:
        """When that path was asked for, in seconds since the start."""
        return [round(at, 3) for at, asked in self.asked if asked == path]

    async def get(self, path: str) -> bytes | None:
        at = self.clock.now() - self.start_at
        self.asked.append((at, path))
        if seconds := self.takes_seconds(at):
            await asyncio.sleep(seconds)
        script = self.scripts.get(path)
        answer = script(at) if script else None
        if isinstance(answer, Exception):
            raise answer
        return answer
