"""Doomed nodes, a haven for their pods, and replicas of the handler between a queue of ours and proxies.

Each replica has its own log and its own proxy to the API server, so it can be told who wrote what.
AWS is the tests' server (`tests.servers.aws`): with moto, and with lifecycle hooks that really time out.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nth.core.facts import Node, Pod
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, decode
from nth.simulation.lifecycle import HookSpec
from testbed.bed import RealBed
from testbed.helm import NAMESPACE
from testbed.rights import QUEUE_HANDLER
from tests.contract.bed import NodeSpec, Workload
from tests.core.queue_samples import GROUP, HOOK, LAUNCHING, TERMINATING
from tests.e2e.handler import Handler, Line
from tests.e2e.proxy import Asked, Proxy, proxying, write_kubeconfig
from tests.e2e.stage import DRAINED, LISTENS, QUICK
from tests.servers.aws import ENVIRONMENT, REGION, AwsServer

MANAGED = {"aws-node-termination-handler/managed": "true"}
HAVEN = "haven"
COMPLETED = "Completed ASG Lifecycle Hook"
NOBODY = "http://127.0.0.1:9"
"""In the place of a metadata service: queue mode must not ask for one."""


@dataclass(slots=True, kw_only=True)
class Replica:
    """One process, and its way to the API server."""

    name: str
    handler: Handler
    proxy: Proxy


@dataclass(slots=True, kw_only=True)
class Fleet:
    """One cluster with its queue."""

    bed: RealBed
    aws: AwsServer
    queue_url: str
    replicas: Mapping[str, Replica]
    instances: dict[str, str] = field(default_factory=dict)
    """Instance ids by the names of the doomed nodes."""
    pods_before: tuple[Pod, ...] = ()
    """All that has to move."""

    @property
    def handler(self) -> Handler:
        """That of the only replica."""
        (replica,) = self.replicas.values()
        return replica.handler

    @property
    def doomed(self) -> str:
        """The only doomed node."""
        (name,) = self.instances
        return name

    @property
    def instance_id(self) -> str:
        """Of the only doomed node."""
        return self.instances[self.doomed]

    # Before

    async def set_up(
        self, nodes: int = 1, *, pods: int = 2, stops: tuple[float, float] = QUICK, group: str = ""
    ) -> None:
        """Doomed nodes with so many pods in all, each of them Ready there, and an empty haven."""
        for i in range(nodes):
            # Nodes are called as EC2 calls their instances: what a record says of them can be proven.
            dns = f"doomed-{i}.eu-west-1.compute.internal"
            machine = self.aws.add_instance(group=group, tags=MANAGED, private_dns_name=dns)
            self.instances[f"doomed-{i}"] = machine.instance_id
        await asyncio.gather(
            *(self.bed.add_node(NodeSpec(name=name, instance_id=i)) for name, i in self.instances.items())
        )
        web = Workload(name="web", replicas=pods, ready_after_seconds=0.2, stops_after_seconds=stops)
        await self.bed.run(web)
        await self.bed.run(Workload(name="agent", kind="DaemonSet", ready_after_seconds=0.1))
        self.pods_before = await self.bed.wait_ready("web", pods)
        await self.bed.wait_ready("agent", nodes)
        await self.bed.add_node(NodeSpec(name=HAVEN, instance_id="i-0fedcba9876543210"))

    def put_hook(self, *, heartbeat_seconds: float = 300.0, launching: bool = False) -> None:
        """The group's lifecycle hook; nobody who completes it means ABANDON."""
        transition = LAUNCHING if launching else TERMINATING
        self.aws.put_hook(
            HookSpec(group=GROUP, name=HOOK, transition=transition, heartbeat_seconds=heartbeat_seconds)
        )

    async def listen(self, *flags: str, replicas: Sequence[str] = ()) -> None:
        """Start all replicas, or these; returns when they read the queue."""
        names = replicas or tuple(self.replicas)
        before = {name: len(self.replicas[name].handler.said(LISTENS)) for name in names}
        for name in names:
            self.replicas[name].handler.start(*flags)
        for name in names:
            await self.replicas[name].handler.wait_said(LISTENS, count=before[name] + 1)

    def say(self, *bodies: str) -> None:
        """Messages into the queue."""
        self.aws.send(self.queue_url, *bodies)

    # What is true

    async def node(self, name: str = "") -> Node:
        return await self.bed.node(name or self.doomed)

    async def record(self, name: str = "") -> NodeRecord | None:
        """What the handler has written on that node."""
        text = (await self.node(name)).annotations.get(RECORD_ANNOTATION)
        return None if text is None else decode(text)

    async def web_pods_on(self, name: str) -> list[Pod]:
        return [pod for pod in await self.bed.pods("web") if pod.node_name == name]

    def said(self, text: str) -> list[Line]:
        """By any replica."""
        return [line for replica in self.replicas.values() for line in replica.handler.said(text)]

    def asked(self) -> list[Asked]:
        """By any replica."""
        return [asked for replica in self.replicas.values() for asked in replica.proxy.asked]

    def tails(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"-- {name}\n{r.handler.tail()}" for name, r in self.replicas.items())

    # What must become true

    async def wait_until(self, condition: Callable[[], bool], *, timeout_seconds: float = 20.0) -> None:
        """Ask AWS or a log again and again."""

        async def so() -> bool:
            return await asyncio.to_thread(condition)

        try:
            await self.bed.wait_until(so, timeout_seconds=timeout_seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tails()}") from error

    async def assert_cordoned(self, *taints: str) -> None:
        """With these taints."""

        async def marked() -> bool:
            node = await self.node()
            return node.unschedulable and set(taints) <= {taint.key for taint in node.taints}

        await self.bed.wait_until(marked)

    async def assert_evicted(self) -> None:
        """All pods are Ready in the haven, and the DaemonSets' pods have stayed."""
        await self.wait_until(lambda: len(self.said(DRAINED)) >= len(self.instances), timeout_seconds=60)
        pods = await self.bed.wait_ready("web", len(self.pods_before))
        assert {pod.node_name for pod in pods} == {HAVEN}
        for name in self.instances:
            assert [pod.labels["app"] for pod in await self.bed.pods_on(name)] == ["agent"]

    async def assert_queue_empty(self, *, deleted: int, timeout_seconds: float = 20.0) -> None:
        """And nothing is in flight."""

        def empty() -> bool:
            counts = self.aws.queue_counts(self.queue_url)
            return (counts.messages, counts.in_flight) == (0, 0)

        await self.wait_until(empty, timeout_seconds=timeout_seconds)
        assert self.aws.queue_counts(self.queue_url).deleted == deleted

    def assert_hooks_completed(self, results: Sequence[str]) -> None:
        """Exactly these, each once."""
        assert sorted(ended.how for ended in self.aws.ended()) == sorted(results), self.tails()
        tokens = [ended.action.token for ended in self.aws.ended()]
        assert len(tokens) == len(set(tokens))

    def assert_evicted_once(self) -> None:
        """Each pod was evicted, the API server accepted that once, and nothing else removed a pod.

        Of several replicas one may evict while the other has not cordoned all of its nodes yet: a pod's
        replacement that lands on one of those has to go, too.
        """
        removals = [asked for asked in self.asked() if asked.is_pod_removal and "/pods/" in asked.path]
        assert all(asked.is_eviction for asked in removals)
        uids, before = {asked.pod_uid for asked in removals}, {pod.ref.uid for pod in self.pods_before}
        assert before <= uids, f"never evicted: {before - uids}"
        assert len(self.replicas) > 1 or uids == before, f"replacements: {uids - before}"
        accepted = Counter(asked.path for asked in removals if asked.accepted)
        twice = [path for path, count in accepted.items() if count > 1]
        assert not twice, "\n".join(
            f"{asked.at:.3f} {name} {asked.status} {asked.path}"
            for name, replica in self.replicas.items()
            for asked in replica.proxy.asked
            if asked.path in twice
        )

    def assert_no_tracebacks(self) -> None:
        for name, replica in self.replicas.items():
            log = replica.handler.log_file.read_text()
            assert "Traceback" not in log, f"{name}: {log[-4000:]}"
            assert not [line for line in replica.handler.lines if line["level"] in ("error", "fatal")]


def at(line: Line) -> float:
    """When it was logged (epoch seconds)."""
    return datetime.fromisoformat(str(line["time"])).timestamp()


@contextlib.asynccontextmanager
async def fleet_of(
    bed: RealBed, aws: AwsServer, folder: Path, *names: str, account: str = QUEUE_HANDLER, **settings: str
) -> AsyncIterator[Fleet]:
    """Replicas with these pod names, not started yet; `settings` by their variables' names."""
    aws.reset()
    queue_url = aws.create_queue("interruptions")
    token = bed.plane.handler_token(account)
    environment = {
        **ENVIRONMENT,
        "ENABLE_SQS_TERMINATION_DRAINING": "true",
        "QUEUE_URL": queue_url,
        "AWS_ENDPOINT": aws.url,
        "AWS_REGION": REGION,
        "NAMESPACE": NAMESPACE,
        **settings,
    }
    async with contextlib.AsyncExitStack() as stack:
        replicas = {}
        for name in names or ("nth-a",):
            proxy = await stack.enter_async_context(proxying(bed.plane))
            own = folder / name
            own.mkdir()
            write_kubeconfig(own / "kubeconfig", proxy, token)
            handler = Handler(
                node_name=HAVEN,
                kubeconfig=own / "kubeconfig",
                metadata_url=NOBODY,
                folder=own,
                env={**environment, "POD_NAME": name},
            )
            stack.callback(handler.kill)
            replicas[name] = Replica(name=name, handler=handler, proxy=proxy)
        yield Fleet(bed=bed, aws=aws, queue_url=queue_url, replicas=replicas)
