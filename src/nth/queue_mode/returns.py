"""Gives the node of a machine that comes back into service: changes for earlier events are undone first.

An instance of a warm pool keeps its id, and its Node our changes. That it is launched proves that earlier
events are over; later ones stand.
"""

import asyncio
import logging
from collections.abc import Callable

from nth.core.facts import Node
from nth.core.node.node_annotation import RECORD_ANNOTATION, Marks, NodeRecord
from nth.core.notices.events import AsgLaunch, Withdrawn
from nth.core.queue.recent_keys import Remembered
from nth.core.replicas.handoff import post_over
from nth.errors import Conflict
from nth.ports import Clock, Cluster
from nth.queue_mode.world import Sessions

logger = logging.getLogger("nth.queue_mode.returns")

REASON = "the instance was launched after it"


class Returns:
    """Undoes changes. `run` comes first. `record_of` a node's name; `is_alive`: that replica lives."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        identity: str,
        *,
        sessions: Sessions,
        record_of: Callable[[str], NodeRecord | None],
        is_alive: Callable[[str], bool],
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._identity = identity
        self._sessions = sessions
        self._record_of = record_of
        self._is_alive = is_alive
        self._told = Remembered()
        self._posting: set[str] = set()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await asyncio.get_running_loop().create_future()

    def is_given_back(self, launch: AsgLaunch, node: Node) -> bool:
        """True if nothing on the node is left from before the launch. If something is, it is being undone."""
        if self._ours(launch, node):
            return True
        fields = {"node": node.name, "instance_id": launch.instance_id, "event_id": launch.event_id}
        if self._told.is_news(launch.event_id, self._clock.now()):
            logger.info(
                "An instance is launched again, its node is given back first", extra={"fields": fields}
            )
        if node.ready and self._told.is_news(f"ready {launch.event_id}", self._clock.now()):
            logger.warning(
                "The launch hook waits: what earlier events did to its node is not undone yet",
                extra={"fields": fields},
            )
        return False

    def _ours(self, launch: AsgLaunch, node: Node) -> bool:
        at = launch.noticed_at
        if node.name in self._sessions.node_names:
            return self._sessions.returned(node, at, REASON)
        record = self._record_of(node.name)
        if record is None:
            self._tell_unreadable(launch, node)
            return True
        older = tuple(seen.event.event_id for seen in record.events if seen.began_at < at)
        if not older:
            return bool(record.events) or record.marks == Marks() or self._give_back(node, record, older)
        if record.is_anothers(self._identity) and self._is_alive(record.holder):
            self._post(node, older)
            return False
        return self._give_back(node, record, older)

    def _tell_unreadable(self, launch: AsgLaunch, node: Node) -> None:
        """Log an unreadable record: it holds up no launch, and does not show which changes are ours."""
        cordoned = node.unschedulable and RECORD_ANNOTATION in node.annotations
        if cordoned and self._told.is_news(f"unreadable {launch.event_id}", self._clock.now()):
            fields = {"node": node.name, "instance_id": launch.instance_id, "event_id": launch.event_id}
            logger.warning(
                "An instance is launched again, and its node stays cordoned: "
                "whose cordon it is cannot be read on the node",
                extra={"fields": fields},
            )

    def _give_back(self, node: Node, record: NodeRecord, older: tuple[str, ...]) -> bool:
        """Adopt a node that no session has: ours undoes the changes. Returns False: it is not done yet."""
        over = [Withdrawn(event_id=each, reason=REASON) for each in (*older, *record.finished)]
        # Without events only marks are left, of the original handler perhaps: the machine was booted since.
        self._sessions.adopt(node, None if record.events else self._clock.now(), over=over)
        return False

    def _post(self, node: Node, older: tuple[str, ...]) -> None:
        if node.name not in self._posting and self._tasks is not None:
            self._posting.add(node.name)
            self._tasks.create_task(self._write(node, older), name=f"return of {node.name}")

    async def _write(self, node: Node, older: tuple[str, ...]) -> None:
        fields = {"node": node.name, "event_ids": list(older)}
        try:
            await self._cluster.patch_node(node.name, post_over(older, node))
        except Conflict:
            # Most likely its holder wrote; the next look sees the new node.
            pass
        except Exception as error:
            # Every error is caught: it is tried again, and must not end other work.
            logger.warning(
                "cannot tell the replica that has the node, trying again: %s", error, extra={"fields": fields}
            )
        else:
            logger.info(
                "another replica has the node, and learns which events are over", extra={"fields": fields}
            )
        finally:
            self._posting.discard(node.name)
