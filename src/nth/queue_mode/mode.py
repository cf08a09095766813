"""Queue mode: the queues of a whole cluster, from start to shutdown.

Everything of the outside comes in as ports; the caller makes the taker of notices (the engine, or the
dry run in its place), because it has to know the parts that are made here.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from nth.core.decisions import Engage, Settle
from nth.core.drain.pod_filter import grace_left_seconds, own_pod_in
from nth.core.facts import Node, PodScope
from nth.core.lifecycle.hook_messages import Outcome
from nth.core.notices.aws_facts import Instance, Message
from nth.core.notices.events import Event
from nth.core.notices.imds import InstanceMetadata
from nth.core.notices.kinds import SQS_MONITOR
from nth.core.queue.dispatch_words import (
    HookEnded,
    HookProlonged,
    Input,
    NodeChanged,
    ReplicaGone,
    SessionEngaged,
    SessionLetGo,
    SessionSettled,
    Stage,
)
from nth.core.queue.node_table import instance_id_of
from nth.core.reports import AwsSettled, MonitorFailed, Told
from nth.errors import ClusterError
from nth.ports import Queue
from nth.queue_mode.dispatcher import Dispatcher
from nth.queue_mode.health import Health
from nth.queue_mode.hooks import HookKeeper
from nth.queue_mode.instances import InstanceDirectory
from nth.queue_mode.node_informer import NodeInformer
from nth.queue_mode.own_node import OwnNode
from nth.queue_mode.reader import Reader
from nth.queue_mode.sqs_receiver import QueueSource
from nth.queue_mode.world import FleetRules, FleetWorld, Replicas, Sessions

logger = logging.getLogger("nth.queue_mode")

FINISH_LOOK_SECONDS = 0.5
"""The pause between two looks for another replica, while we finish alone."""
SHARED_SECONDS = 0.3
"""A storm that several replicas share is waited for so long, since its last sign."""
LEAVE_SECONDS = 3.0
"""Everything has to be handed over so long before the grace ends."""
HAND_OVER_SECONDS = 5.0
FLUSH_SECONDS = 3.0


class QueueMode:
    """One replica's handler."""

    def __init__(
        self,
        world: FleetWorld,
        rules: FleetRules,
        *,
        new_sessions: Callable[["QueueMode"], Sessions],
        new_replicas: Callable[["QueueMode"], Replicas],
        tell: Callable[[Told], None] = lambda _: None,
    ) -> None:
        """`tell`: gets reports about AWS, besides those of the sessions."""
        self._world = world
        self._tell = tell
        self._rules = rules
        clock = world.clock
        owner = rules.messages.owner
        self.nodes = NodeInformer(world.cluster, clock, on_change=self._node_changed)
        self.directory = InstanceDirectory(
            world.instances, clock, tag_keys=(owner.tag_key,) if owner.tag_key else ()
        )
        self.sources = {queue.url: self._new_source(queue) for queue in world.queues}
        self.hooks = HookKeeper(
            world.hooks,
            clock,
            rules.hooks,
            prolonged=lambda action, deadline_at: self._feed(HookProlonged(action, deadline_at)),
            done=lambda action, outcome: self._feed(HookEnded(action, outcome)),
        )
        self.sessions = new_sessions(self)
        self.replicas = new_replicas(self)
        self.dispatcher = Dispatcher(
            world,
            rules,
            sources=self.sources,
            nodes=self.nodes,
            directory=self.directory,
            replicas=self.replicas,
            sessions=self.sessions,
            hooks=self.hooks,
            settled=self._settled,
        )
        self.dispatch = self.dispatcher.machine
        self._reader = Reader(clock, feed=self.dispatcher.feed, is_known=self.dispatch.cases.is_known)
        self._own_node = self._new_own_node()
        self._shared_at = float("-inf")
        health = Health(self.sources, self.nodes, clock)
        self.is_alive, self.is_ready = health.is_alive, health.is_ready

    def _new_source(self, queue: Queue) -> QueueSource:
        return QueueSource(
            queue,
            self._world.clock,
            visibility_seconds=self._rules.visibility_seconds,
            jitter=self._world.jitter,
            failing=self._failing,
        )

    def _new_own_node(self) -> OwnNode:
        return OwnNode(
            self._world.cluster,
            self._world.clock,
            node_name=self._rules.node_name,
            own_pod=self._rules.own_pod,
            record=lambda: self.dispatch.adoptions.records.get(self._rules.node_name),
            idle=lambda: self.sessions.idle,
        )

    # Start and shutdown

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, and the sessions are finished or handed over."""
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(part(), name=name)
                for name, part in (
                    ("nodes", self.nodes.run),
                    ("instances", self.directory.run),
                    ("replicas", self.replicas.run),
                    ("engine", self.sessions.run),
                    ("hooks", self.hooks.run),
                    ("dispatch", self.dispatcher.run),
                    ("reader", self._reader.run),
                )
            ]
            if self._rules.evicts:
                running.append(tasks.create_task(self._own_node.run(), name="own node"))
            starting = tasks.create_task(self._start(tasks, running), name="start")
            await stop.wait()
            starting.cancel()
            await self._shut_down()
            for task in running:
                task.cancel()

    async def _start(self, tasks: asyncio.TaskGroup, running: list[asyncio.Task[None]]) -> None:
        """Begin to receive when nodes and replicas are known: the node of a message is found only then."""
        await self.nodes.synced.wait()
        await self.replicas.known.wait()
        if self._rules.takes_over:
            self._feed(Stage.STARTED)
        for url, source in self.sources.items():
            running.append(tasks.create_task(source.run(self._take), name=f"queue {url}"))
        logger.info(
            "Started watching for interruption events",
            extra={"fields": {"queues": list(self.sources), "nodes": len(self.nodes.all())}},
        )

    async def _shut_down(self) -> None:
        """Give back messages that are not begun; hand over the others, or finish them if we are alone."""
        for source in self.sources.values():
            source.stop_receiving()
        self._reader.close()
        self._feed(Stage.CLOSING)
        if not self.replicas.others_alive():
            await self._finish(await self._grace_seconds())
        self._feed(Stage.LEAVING)
        await self.sessions.hand_over(HAND_OVER_SECONDS)
        # No replica may take us for alive when our messages come to it: it would leave a node to us that we
        # could not hand over in time. And a message that a hook's completion settles is not to be given back.
        await asyncio.gather(self.replicas.release(), self.hooks.flush(FLUSH_SECONDS))
        self._feed(Stage.LEFT)
        await asyncio.gather(*(source.flush(FLUSH_SECONDS) for source in self.sources.values()))

    async def _finish(self, seconds: float) -> None:
        """Go on for so long, unless another replica comes that can take over."""
        finishing = asyncio.ensure_future(self.sessions.wind_down(seconds))
        while not finishing.done() and not self.replicas.others_alive():
            await asyncio.wait([finishing], timeout=FINISH_LOOK_SECONDS)
        finishing.cancel()

    async def _grace_seconds(self) -> float:
        """Returns how long we may go on: until our own pod is killed, if that can be read."""
        leave_seconds = LEAVE_SECONDS + HAND_OVER_SECONDS + FLUSH_SECONDS
        if self._rules.shutdown_grace_seconds is not None:
            return self._rules.shutdown_grace_seconds
        pod = None
        try:
            listed = await self._world.cluster.list_pods(PodScope(node_name=self._rules.node_name))
            pod = own_pod_in(listed.pods, self._rules.own_pod)
        except ClusterError as error:
            logger.warning("Cannot read our own pod, assuming the default grace: %s", error)
        return max(0.0, grace_left_seconds(pod, self._world.clock.now()) - leave_seconds)

    # Nodes

    def _node_changed(self, before: Node | None, after: Node | None) -> None:
        self._feed(NodeChanged(before, after))
        if after is not None and after.unschedulable and not (before and before.unschedulable):
            self._note_cordon(after.name)

    def _take(self, messages: Sequence[Message]) -> None:
        if self.replicas.others_alive():
            # Those have received as many: our pods are not to land on the nodes that they cordon.
            self._shared_at = self._world.clock.now()
        self._reader.take(messages)

    def _note_cordon(self, node_name: str) -> None:
        """Note a cordon: another replica that made it is likely to make more."""
        record = self.dispatch.adoptions.records.get(node_name)
        if record is not None and record.is_anothers(self._rules.identity):
            self._shared_at = self._world.clock.now()

    def group_of(self, node_name: str) -> str:
        """Returns the group whose drains without a deadline are limited together; empty = none."""
        node = self.nodes.by_name(node_name)
        if node is None:
            return ""
        if self._rules.group_label:
            return node.labels.get(self._rules.group_label, "")
        instance = self._instance_of(node)
        return instance.group if instance else ""

    def known(self, node_name: str) -> tuple[Node | None, InstanceMetadata]:
        """Returns the node as the watch last saw it, and the facts about its machine that the queue gives."""
        return self.nodes.by_name(node_name), InstanceMetadata(account_id=self._rules.messages.owner.account)

    def group(self, node_name: str) -> tuple[str, bool]:
        """Returns its Auto Scaling group, and whether it carries our tag; if EC2 was asked lately."""
        node = self.nodes.by_name(node_name)
        instance = None if node is None else self._instance_of(node)
        if instance is None:
            return "", False
        return instance.group, self._rules.messages.owner.tag_key in instance.tags

    def _instance_of(self, node: Node) -> Instance | None:
        known = self.directory.peek(instance_id_of(node))
        return known[0] if known else None

    @property
    def gathering(self) -> bool:
        """True if more notices of a storm are probably on their way."""
        shared = self._world.clock.now() < self._shared_at + SHARED_SECONDS
        return shared or any(source.gathering for source in self.sources.values())

    # Inputs and reports of the dispatch

    def replica_died(self, identity: str) -> None:
        """Take the death of a replica: its nodes are abandoned now."""
        self._feed(ReplicaGone(identity))

    def heed(self, node_name: str, said: Engage | Settle | None) -> None:
        """Take a session's word about an event; None: another replica has the node, or will have it."""
        match said:
            case Engage(event):
                self._feed(SessionEngaged(node_name, event))
            case Settle(event, drained):
                self._feed(SessionSettled(node_name, event, drained))
            case None:
                self._feed(SessionLetGo(node_name))

    def _feed(self, given: Input) -> None:
        self.dispatcher.feed(given)

    def _settled(self, node_name: str, event: Event, outcome: Outcome | None) -> None:
        reason = "" if outcome is None else f"its lifecycle hook: {outcome.value}"
        report = AwsSettled(event=event, completed=outcome in (None, Outcome.COMPLETED), reason=reason)
        self._tell_of(node_name, report)

    def _failing(self, reason: str) -> None:
        self._tell_of(self._rules.node_name, MonitorFailed(monitor=SQS_MONITOR, reason=reason))

    def _tell_of(self, node_name: str, report: AwsSettled | MonitorFailed) -> None:
        self._tell(Told(at=self._world.clock.now(), session_id="", node_name=node_name, report=report))
