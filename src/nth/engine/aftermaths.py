"""Runs what goes on after sessions whose node is gone: one at most for each node.

A new session of that node ends it: two that speak of one node could not be told apart.
"""

import asyncio
import logging
from collections.abc import Callable

from nth.core.decisions import Woken
from nth.core.node.aftermath import Aftermath
from nth.core.node.phases import GONE
from nth.core.reports import SessionEnded, Told
from nth.engine.session_runner import SessionRunner
from nth.ports import Clock, Cluster

logger = logging.getLogger("nth.engine")


class Aftermaths:
    """The aftermaths that are under way, by node."""

    def __init__(self, cluster: Cluster, clock: Clock, tell: Callable[[Told], None]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._tell = tell
        self._running: dict[str, tuple[Aftermath, asyncio.Task[None]]] = {}

    def begin(self, tasks: asyncio.TaskGroup, aftermath: Aftermath) -> None:
        """Run it until it ends by itself."""
        name = aftermath.node_name
        self._running[name] = aftermath, tasks.create_task(self._run(aftermath), name=f"aftermath {name}")

    def end(self, node_name: str) -> None:
        """End that of a node, if there is one."""
        aftermath, task = self._running.pop(node_name, (None, None))
        if aftermath is not None and task is not None:
            task.cancel()
            self._say_end(aftermath)

    async def _run(self, aftermath: Aftermath) -> None:
        runner = SessionRunner(aftermath, self._cluster, self._clock, self._tell, outward=lambda _: None)
        runner.put(Woken())
        try:
            await runner.run()
        except Exception:
            logger.exception("the replacements of a node's pods are not followed to their end")
            self._say_end(aftermath)
        self._running.pop(aftermath.node_name, None)

    def _say_end(self, aftermath: Aftermath) -> None:
        report, at = SessionEnded(reason=GONE), self._clock.now()
        name, session_id = aftermath.node_name, aftermath.session_id
        self._tell(Told(at=at, session_id=session_id, node_name=name, report=report))
