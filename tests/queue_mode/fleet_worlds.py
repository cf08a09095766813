"""Queue mode in a simulated world: a fleet, an AWS account, and replicas of the handler that can die.

Everything but the world is real: settings, queue source, sessions, leases. Two minutes take milliseconds.
While a story runs, `Stage.violations` collects what must never happen, whoever does it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from nth.core.facts import Node, Pod
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, record_of
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.reports import Report
from nth.errors import AwsError, ClusterError, Missing
from nth.simulation import aws_link
from nth.simulation.aws import SimulatedAws
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.connection import Request
from nth.simulation.lifecycle import LAUNCHING, HookSpec
from nth.simulation.objects import MachineSpec, PodTemplate, WorkloadSpec
from tests.core import queue_samples as samples
from tests.queue_mode.fleet_replica import Replica

T = TypeVar("T")
R = TypeVar("R", bound=Report)

GROUP = "fleet"
HANDLER = "nth"
MANAGED = "aws-node-termination-handler/managed"
NODE_GONE_SECONDS = 3.0
"""From the end of a machine to the deletion of its Node, as the cloud's controller does it."""
STEP_SECONDS = 0.05


def instance_of(name: str) -> str:
    """The instance id of the machine of that name."""
    return f"i-{name.encode().hex():0>17}"


@dataclass
class Stage:
    """The world of one test: `n0`, `n1` ... are doomed, `rest-0` ... are not."""

    clock: VirtualClock
    cluster: SimulatedCluster
    aws: SimulatedAws
    urls: list[str]
    env: dict[str, str]
    replicas: list[Replica] = field(default_factory=list)
    evicted: Counter[str] = field(default_factory=Counter)
    """How often an eviction of the pod of that name was accepted."""
    evicted_by: dict[str, set[str]] = field(default_factory=dict)
    """Node -> the replicas that have evicted from there."""
    violations: list[str] = field(default_factory=list)
    sent: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    """Message id -> the nodes that have to be empty and the hook (token) that has to be over before."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Token of a lifecycle action -> the node that has to be empty before it is completed."""
    cordoned_at_first_eviction: frozenset[str] = frozenset()
    first_eviction_at: float | None = None
    kube_fault: Callable[[Replica, Request], ClusterError | None] = lambda replica, request: None
    aws_fault: Callable[[aws_link.Request], AwsError | None] = lambda request: None
    entry_fault: aws_link.EntryFault = aws_link.no_entry_fault
    on_write: Callable[[Replica, Request], None] = lambda replica, request: None
    numbers: int = 0

    # The handler

    def replica(self, name: str = "nth-a", node_name: str = "rest-0") -> Replica:
        """A new process; it runs already."""
        replica = Replica(self, name, node_name)
        self.replicas.append(replica)
        return replica.start()

    def new_session_id(self) -> str:
        self.numbers += 1
        return f"session-{self.numbers}"

    def reports(self, kind: type[R]) -> list[R]:
        """Of all replicas, in order."""
        told = sorted((told for each in self.replicas for told in each.told), key=lambda told: told.at)
        return [each.report for each in told if isinstance(each.report, kind)]

    def reports_of(self, node_name: str, kind: type[R]) -> list[R]:
        told = (told for each in self.replicas for told in each.told if told.node_name == node_name)
        return [each.report for each in told if isinstance(each.report, kind)]

    # What AWS sends

    def send(self, body: str, *nodes: str, token: str = "", queue: int = 0) -> str:
        """A message; the nodes have to be empty when it is deleted. Its id."""
        message_id = self.aws.send(self.urls[queue], body)
        self.sent[message_id] = (nodes, token)
        return message_id

    def event_id(self) -> str:
        self.numbers += 1
        return f"00000000-0000-4000-8000-{self.numbers:012x}"

    def spot(self, name: str, *, event_id: str = "", queue: int = 0) -> str:
        event_id = event_id or self.event_id()
        body = samples.spot_message(instance_of(name), self.clock.now(), event_id=event_id)
        return self.send(body, name, queue=queue)

    def rebalance(self, name: str, *, event_id: str = "") -> str:
        event_id = event_id or self.event_id()
        return self.send(
            samples.rebalance_message(instance_of(name), self.clock.now(), event_id=event_id), name
        )

    def state(self, name: str, *, state: str = "stopping") -> str:
        body = samples.state_message(
            instance_of(name), self.clock.now(), state=state, event_id=self.event_id()
        )
        return self.send(body, name)

    def health(self, *names: str) -> str:
        ids = [instance_of(name) for name in names]
        return self.send(samples.health_message(ids, self.clock.now(), event_id=self.event_id()), *names)

    def hook(self, *, seconds: float = 600.0, name: str = "drain-first", launching: bool = False) -> None:
        """The group has this lifecycle hook from now on."""
        more = {"transition": LAUNCHING} if launching else {}
        self.aws.put_hook(HookSpec(group=GROUP, name=name, heartbeat_seconds=seconds, **more))

    def asg(self, name: str) -> str:
        """The group takes the instance out, and its hook tells us. The message's id."""
        (action,) = self.aws.begin_termination(instance_of(name))
        self.tokens[action.token] = name
        return self.tell_hook(name, action)

    def tell_hook(self, name: str, action: LifecycleAction) -> str:
        return self.send(self.hook_body(name, action), name, token=action.token)

    def hook_body(self, name: str, action: LifecycleAction, **more: str) -> str:
        return samples.asg_message(
            instance_of(name),
            self.clock.now(),
            token=action.token,
            group=action.group,
            hook=action.hook,
            event_id=self.event_id(),
            **more,
        )

    def launch(self, name: str) -> LifecycleAction:
        """A new instance waits in the launch hook; its node does not exist yet."""
        (action,) = self.aws.begin_launch(instance_of(name), group=GROUP, tags={MANAGED: ""})
        self.send(self.hook_body(name, action, transition=LAUNCHING), token=action.token)
        return action

    # What can be seen

    def node(self, name: str) -> Node:
        return self.cluster.node(name)

    def record(self, name: str) -> NodeRecord | None:
        return record_of(self.node(name))

    def movable(self, name: str) -> tuple[Pod, ...]:
        """The pods on that node that have to go."""
        pods = self.cluster.pods_on(name)
        return tuple(pod for pod in pods if pod.labels.get("app") not in ("agent", HANDLER))

    def is_cordoned(self, name: str) -> bool:
        return self.node(name).unschedulable

    @property
    def queued(self) -> int:
        """All messages in all queues, those in flight too."""
        return sum(len(self.aws.queue_store(url)) for url in self.urls)

    @property
    def in_flight(self) -> int:
        now = self.clock.now()
        return sum(self.aws.queue_store(url).in_flight(now) for url in self.urls)

    def how_ended(self) -> Counter[str]:
        """How the lifecycle actions ended that are over."""
        return Counter(each.how for each in self.aws.ended)

    # What must never happen

    def kube_acted(self, replica: Replica, request: Request) -> ClusterError | None:
        if request.verb == "evict_pod":
            self._evicted(replica, request)
        if request.writes:
            self.on_write(replica, request)
        return None

    def _evicted(self, replica: Replica, request: Request) -> None:
        self.evicted[request.what] += 1
        if self.evicted[request.what] > 1:
            self.violations.append(f"{request.what} was evicted once more by {replica.name}")
        if self.first_eviction_at is None:
            self.first_eviction_at = request.at
            cordoned = (node.name for node in self.cluster.nodes if node.unschedulable)
            self.cordoned_at_first_eviction = frozenset(cordoned)
        for pod in self.cluster.pods:
            if str(pod.ref) == request.what:
                self.evicted_by.setdefault(pod.node_name, set()).add(replica.name)
                if not self.is_gone(pod.node_name) and not self.is_cordoned(pod.node_name):
                    self.violations.append(f"{request.what} was evicted from a node that is not cordoned")

    def aws_acted(self, request: aws_link.Request) -> AwsError | None:
        if request.action == "DeleteMessageBatch":
            deleted = {each for url in self.urls for each in self.aws.queue_store(url).deleted}
            for handle in request.what:
                if (message_id := handle.rpartition("#")[0]) in deleted:
                    self._deleted(message_id)
        if request.action == "CompleteLifecycleAction":
            # By its token, or by the instance.
            _, _, token, instance_id = request.what
            names = {self.tokens.get(token, "")} | {
                name for name in self.tokens.values() if instance_of(name) == instance_id
            }
            for name in names - {""}:
                self._need_empty(name, "its hook was completed")
        return None

    def _deleted(self, message_id: str) -> None:
        nodes, token = self.sent.pop(message_id, ((), ""))
        for name in nodes:
            self._need_empty(name, "its message was deleted")
        # Who drains for another one's message keeps the hook in the node's record.
        kept = any(token in node.annotations.get(RECORD_ANNOTATION, "") for node in self.cluster.nodes)
        if token and not kept and token not in {each.action.token for each in self.aws.ended}:
            self.violations.append(f"a message was deleted before its hook {token} was completed")

    def _need_empty(self, name: str, what: str) -> None:
        left = [str(pod.ref) for pod in self.movable(name)]
        if left:
            self.violations.append(f"{name} still has {', '.join(left)} when {what}")

    # The end of every story

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> float:
        """Wait for it; for how many seconds that took. AssertionError: not in that time."""
        began_at = self.clock.now()
        while not condition():
            assert self.clock.now() - began_at < seconds, f"not within {seconds:g} s: {self.look()}"
            await asyncio.sleep(STEP_SECONDS)
        return self.clock.now() - began_at

    def look(self) -> Mapping[str, object]:
        """For messages of failed assertions."""
        records = {node.name: record_of(node) for node in self.cluster.nodes}
        return {
            "queued": self.queued,
            "in flight": self.in_flight,
            "hands": {each.name: (each.in_hand, each.remembered) for each in self.replicas if each.running},
            "records": {name: record for name, record in records.items() if record is not None},
            "violations": self.violations,
        }

    async def settled(self, seconds: float = 180.0) -> float:
        """Until the queue is empty and nobody has anything left to do for AWS."""
        return await self.until(
            lambda: (
                self.queued == 0
                and self.hooked == []
                and not any(each.in_hand for each in self.replicas if each.running)
            ),
            seconds,
        )

    @property
    def hooked(self) -> list[str]:
        """The nodes whose instance waits in a lifecycle hook."""
        return [name for name in self.tokens.values() if ":Wait" in self.aws.state_of(instance_of(name))]

    async def end_well(self, *drained: str, seconds: float = 180.0) -> None:
        """What has to hold at the end of every story, when the drained machines are really gone."""
        await self.settled(seconds)
        assert self.violations == [], self.violations
        assert self.in_flight == 0
        for name in drained:
            if not self.is_gone(name):
                assert self.is_cordoned(name)
                assert self.movable(name) == ()
        for name in drained:
            if not self.is_gone(name):
                self.aws.terminate_instance(instance_of(name))
        await self.until(self.is_forgotten, NODE_GONE_SECONDS + 30)
        assert self.cluster.lost == (), self.cluster.lost

    def is_forgotten(self) -> bool:
        """Nobody has anything to do, nor keeps anything of nodes that are gone (needs_W17)."""
        return not any(each.in_hand or each.remembered for each in self.replicas if each.running)

    def is_gone(self, name: str) -> bool:
        try:
            self.node(name)
        except Missing:
            return True
        return False

    async def close(self) -> None:
        for replica in self.replicas:
            if replica.running:
                replica.die()
                await replica.gone()


def play(
    main: Callable[[Stage], Coroutine[object, object, T]],
    *,
    doomed: int = 1,
    rest: int = 2,
    pods: int = 4,
    machine: Callable[[str], MachineSpec] = lambda name: MachineSpec(
        name=name, instance_id=instance_of(name)
    ),
    workloads: Sequence[WorkloadSpec] = (),
    **env: str,
) -> T:
    """Run a story on a new stage; `pods` for each doomed node, `env` are settings."""

    async def story(clock: VirtualClock) -> T:
        cluster = SimulatedCluster(clock)
        aws = SimulatedAws(clock, power_off=lambda instance_id: _power_off(cluster, instance_id))
        names = [f"n{number}" for number in range(doomed)]
        for name in names:
            cluster.add_node(machine(name))
        if pods:
            template = PodTemplate(grace_seconds=20)
            cluster.add_workload(WorkloadSpec(name="web", replicas=pods * doomed, template=template))
        for workload in workloads:
            cluster.add_workload(workload)
        await cluster.come_to_rest()
        others = [f"rest-{number}" for number in range(rest)]
        for name in others:
            cluster.add_node(machine(name))
        await cluster.come_to_rest()
        for name in (*names, *others):
            aws.add_instance(
                instance_of(name),
                group=GROUP,
                private_dns_name=f"{name}.eu-west-1.compute.internal",
                tags={MANAGED: ""},
            )
        url = aws.create_queue()
        settings = {"ENABLE_SQS_TERMINATION_DRAINING": "true", "QUEUE_URL": url, **env}
        stage = Stage(clock, cluster, aws, [url], settings)
        try:
            return await main(stage)
        finally:
            await stage.close()

    return run(story)


def _power_off(cluster: SimulatedCluster, instance_id: str) -> None:
    for node in cluster.nodes:
        if instance_of(node.name) == instance_id and node.name not in cluster.dead:
            cluster.kill_node(node.name)
            asyncio.get_running_loop().call_later(NODE_GONE_SECONDS, cluster.remove_node, node.name)
