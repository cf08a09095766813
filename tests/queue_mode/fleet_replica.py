"""A handler of queue mode as a process in a simulated world: it can be stopped, and it can be killed.

Made as `nth.wiring.queue_app` makes it, with the simulated ports.
"""

import asyncio
from typing import TYPE_CHECKING

from nth.core.notices.queue_urls import account_of
from nth.core.queue.drain_slots import SlotRules
from nth.core.reports import Told
from nth.engine.dry_run import DryRun
from nth.engine.engine import Engine
from nth.errors import AwsError, AwsUnreachable, ClusterError, Unreachable
from nth.ports import LifecycleHooks, Queue
from nth.queue_mode.dry_run import Alone, DryHooks, DryQueue
from nth.queue_mode.mode import QueueMode
from nth.queue_mode.pod_informer import PodInformer
from nth.queue_mode.replicas import ReplicaWatch
from nth.queue_mode.world import FleetWorld, Replicas, Sessions
from nth.settings import read_settings
from nth.simulation import aws_link
from nth.simulation.aws_link import AwsLink
from nth.simulation.connection import Link, Request
from nth.wiring.queue_app import fleet_rules
from nth.wiring.rules import identity, session_rules

if TYPE_CHECKING:
    from tests.queue_mode.fleet_worlds import Stage

NAMESPACE = "kube-system"


class Replica:
    """A handler of queue mode, as one process: it can be stopped, and it can be killed."""

    def __init__(self, stage: "Stage", name: str, node_name: str) -> None:
        env = {**stage.env, "POD_NAME": name, "NAMESPACE": NAMESPACE, "NODE_NAME": node_name}
        self.name = name
        self.settings = read_settings([], env).settings
        self.told: list[Told] = []
        self.dead = False
        self._stage = stage
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.connection = stage.cluster.connect(
            Link(before=self._kube_before, after=lambda request: stage.kube_acted(self, request))
        )
        self.aws = stage.aws.connect(
            AwsLink(before=self._aws_before, after=stage.aws_acted, entry_fault=stage.entry_fault)
        )
        self.pods = PodInformer(self.connection)
        dry = self.settings.dry_run
        queues: list[Queue] = [self.aws.queue(url) for url in stage.urls]
        hooks: LifecycleHooks = self.aws.hooks
        world = FleetWorld(
            cluster=self.pods,
            queues=[DryQueue(queue) for queue in queues] if dry else queues,
            instances=self.aws.instances,
            hooks=DryHooks(hooks) if dry else hooks,
            clock=stage.clock,
            jitter=lambda: 0.5,
        )
        rules = fleet_rules(self.settings, account_of(stage.urls[0]))
        self.mode = QueueMode(
            world,
            rules,
            new_sessions=self._sessions,
            new_replicas=self._replicas,
            tell=self.told.append,
        )

    def _kube_before(self, request: Request) -> ClusterError | None:
        return Unreachable("killed") if self.dead else self._stage.kube_fault(self, request)

    def _aws_before(self, request: aws_link.Request) -> AwsError | None:
        return AwsUnreachable("killed") if self.dead else self._stage.aws_fault(request)

    def _sessions(self, mode: QueueMode) -> Sessions:
        rules, stage = session_rules(self.settings), self._stage
        if self.settings.dry_run:
            return DryRun(self.pods, stage.clock, rules, tell=self.told.append)
        return Engine(
            self.pods,
            stage.clock,
            rules,
            tell=self.told.append,
            new_session_id=stage.new_session_id,
            cached_lists=self.settings.use_apiserver_cache,
            dues=mode.heed,
            slot_rules=SlotRules(workers=self.settings.workers, per_group=self.settings.workers_per_group),
            group_of=mode.group_of,
            gathering=lambda: mode.gathering,
            learned=mode.nodes.learn,
            is_alive=lambda name: mode.replicas.is_alive(name),
        )

    def _replicas(self, mode: QueueMode) -> Replicas:
        name = identity(self.settings)
        if not name:
            return Alone()
        leases = self._stage.cluster.leases_through(self.connection)
        return ReplicaWatch(leases, self._stage.clock, name, on_death=mode.replica_died)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self.pods.run(), name="pods")
            await self.mode.run(self._stop)
            following.cancel()

    def start(self) -> "Replica":
        self._task = asyncio.create_task(self._run(), name=self.name)
        return self

    def die(self) -> None:
        """kill -9: from now on nothing of it reaches a server."""
        self.dead = True
        assert self._task is not None
        self._task.cancel()

    def terminate(self) -> None:
        """SIGTERM."""
        self._stop.set()

    async def ended(self) -> None:
        """Until it has ended by itself; raises what it ended with."""
        assert self._task is not None
        await self._task

    async def gone(self) -> None:
        """Until it has ended, however."""
        assert self._task is not None
        await asyncio.wait([self._task])

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def engine(self) -> Engine:
        assert isinstance(self.mode.sessions, Engine)
        return self.mode.sessions

    @property
    def in_hand(self) -> dict[str, int]:
        """What it still has to do for AWS; empty = nothing."""
        mode = self.mode
        source = [each.statistics() for each in mode.sources.values()]
        numbers = {
            "events": len(mode.dispatch.in_hand),
            "hooks": mode.hooks.waiting,
            "handoffs": len(mode.dispatch.handoffs),
            "launches": len(mode.dispatch.launches),
            "absent": len(mode.dispatch.cases),
            "messages": sum(each.undecided + each.held + each.unanswered for each in source),
        }
        return {key: number for key, number in numbers.items() if number}

    @property
    def remembered(self) -> dict[str, int]:
        """What is kept of nodes that are gone; empty = nothing."""
        mode = self.mode
        numbers = {
            "engine": len(self.engine._nodes),
            "turns": len(self.engine._slots._slots._wishes),
            "engaged": len(mode.dispatch.hooks._engaged),
            "awaited": len(mode.dispatch.hooks._awaited),
            "assigned": len(mode.dispatch.in_hand._assigned),
            "records": len(mode.dispatch.adoptions.records),
        }
        return {key: number for key, number in numbers.items() if number}
