"""The reader and the dispatch at work on noted sessions, hooks and queues: for tests of what comes in."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from nth.core.facts import Node
from nth.core.lifecycle.hook_messages import HookRules, Outcome
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, Seen, encode
from nth.core.notices.aws_facts import Instance, LifecycleAction, Message
from nth.core.notices.events import Event, Notice, Noticed, Withdrawn
from nth.core.policy import Policy
from nth.core.queue.dispatch_view import DispatchRules
from nth.core.queue.dispatch_words import NodeChanged, SessionSettled, Stage
from nth.core.queue.node_owner import OwnerRules
from nth.errors import AwsError
from nth.queue_mode.dispatcher import Dispatcher
from nth.queue_mode.reader import Reader
from nth.queue_mode.world import FleetRules, FleetWorld
from nth.simulation.aws import SimulatedAws
from nth.simulation.aws_link import AwsLink
from nth.simulation.clock import VirtualClock, run
from nth.simulation.cluster import SimulatedCluster

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/nth"
TAG = "managed"
OTHER = "nth-b"


def an_id(number: int) -> str:
    return f"i-{number:017x}"


def a_node(number: int, *, ready: bool = True) -> Node:
    """The node on that instance."""
    name = f"node-{number}"
    return Node(
        name=name, uid=name, resource_version="1", provider_id=f"aws:///a/{an_id(number)}", ready=ready
    )


@dataclass(slots=True)
class Notes:
    """A mail, sessions, hooks and replicas, that note everything."""

    held: set[str] = field(default_factory=set)
    settled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)
    taken: list[tuple[str, Event]] = field(default_factory=list)
    withdrawn: list[tuple[str, Withdrawn]] = field(default_factory=list)
    completed: list[LifecycleAction] = field(default_factory=list)
    over: set[str] = field(default_factory=set)
    """Tokens of lifecycle actions that have ended."""
    hook_seconds: float | None = 600.0
    """How long hooks wait; None = AWS does not tell."""
    slow_seconds: float = 0.0
    node_names: tuple[str, ...] = ()
    adopted: list[str] = field(default_factory=list)
    adopted_over: list[tuple[Withdrawn, ...]] = field(default_factory=list)

    def hold(self, message_id: str) -> None:
        self.held.add(message_id)

    def settle(self, message_id: str) -> None:
        self.settled.append(message_id)

    def leave(self, message_id: str) -> None:
        self.left.append(message_id)

    def give_back(self, message_id: str) -> None:
        self.given_back.append(message_id)

    def notice(self, node_name: str, notice: Notice, node: Node | None = None) -> None:
        if isinstance(notice, Noticed):
            self.taken.append((node_name, notice.event))
        elif isinstance(notice, Withdrawn):
            self.withdrawn.append((node_name, notice))

    def node_news(self, node_name: str, node: Node | None) -> None:
        pass

    def returned(self, node: Node, at: float, reason: str) -> bool:
        return True

    def adopt(
        self, node: Node, booted_at: float | None, *, over: Sequence[Withdrawn] = ()
    ) -> tuple[str, ...]:
        self.adopted.append(node.name)
        self.adopted_over.append(tuple(over))
        self.node_names = (*self.node_names, node.name)
        return tuple(each.event_id for each in over)

    def complete(self, action: LifecycleAction) -> None:
        self.completed.append(action)

    async def deadline_of(self, action: LifecycleAction, *, noticed_at: float) -> float | None:
        await asyncio.sleep(self.slow_seconds)
        return None if self.hook_seconds is None else noticed_at + self.hook_seconds

    def is_over(self, action: LifecycleAction) -> bool:
        return action.token in self.over


class NotedHooks:
    """Notes what is completed, and answers nothing."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def settle(self, action: LifecycleAction, **_: object) -> Outcome | None:
        self._notes.complete(action)
        return None

    async def deadline_of(self, action: LifecycleAction, *, noticed_at: float) -> float | None:
        return await self._notes.deadline_of(action, noticed_at=noticed_at)

    def is_over(self, action: LifecycleAction) -> bool:
        return self._notes.is_over(action)


class Others:
    """All replicas live."""

    def is_alive(self, identity: str) -> bool:
        return True

    def is_shown_alive(self, identity: str) -> bool:
        return True

    def others_alive(self) -> tuple[str, ...]:
        return (OTHER,)


@dataclass(slots=True)
class Cluster:
    """`NodeInformer` and `InstanceDirectory` in one."""

    nodes: dict[str, Node] = field(default_factory=dict)
    by_dns: dict[str, Node] = field(default_factory=dict)
    has_nameless: bool = False
    is_fresh: bool = True
    instances: dict[str, Instance] = field(default_factory=dict)
    error: AwsError | None = None
    slow_seconds: float = 0.0
    asked: list[str] = field(default_factory=list)

    def by_name(self, name: str) -> Node | None:
        return next((node for node in self.nodes.values() if node.name == name), None)

    def find(self, instance_id: str) -> Node | None:
        return self.nodes.get(instance_id)

    def rivals(self, instance_id: str) -> tuple[Node, ...]:
        return ()

    def find_by_dns(self, private_dns_name: str) -> Node | None:
        return self.by_dns.get(private_dns_name)

    def peek(self, instance_id: str) -> tuple[Instance | None] | None:
        return None

    async def look_up(self, instance_id: str, *, urgent: bool = False) -> Instance | None:
        self.asked.append(instance_id)
        await asyncio.sleep(self.slow_seconds)
        if self.error is not None:
            raise self.error
        return self.instances.get(instance_id)


class Office:
    """A reader and a dispatch at work, in virtual time."""

    def __init__(self, clock: VirtualClock, rules: DispatchRules) -> None:
        self.clock = clock
        self.notes = Notes()
        self.cluster = Cluster()
        self.aws = SimulatedAws(clock)
        aws = self.aws.connect(AwsLink())
        world = FleetWorld(
            cluster=SimulatedCluster(clock).connect(),
            queues=(),
            instances=aws.instances,
            hooks=aws.hooks,
            clock=clock,
            jitter=lambda: 0.5,
        )
        self.dispatcher = Dispatcher(
            world,
            fleet_rules(rules),
            sources=cast(Any, {QUEUE: self.notes}),
            nodes=cast(Any, self.cluster),
            directory=cast(Any, self.cluster),
            replicas=cast(Any, Others()),
            sessions=cast(Any, self.notes),
            hooks=cast(Any, NotedHooks(self.notes)),
            settled=lambda *_: None,
        )
        self.dispatch = self.dispatcher.machine
        self.reader = Reader(clock, feed=self.dispatcher.feed, is_known=self.dispatch.cases.is_known)
        self._numbers = 0

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.dispatcher.run())
            tasks.create_task(self.reader.run())

    def done(self, node_name: str, event: Event) -> None:
        """The session of that node is through with this event, of which AWS waits for nothing else."""
        self.dispatcher.feed(SessionSettled(node_name, event, drained=False))

    def node_changed(self, before: Node | None, after: Node | None) -> None:
        """A watch says so."""
        self.dispatcher.feed(NodeChanged(before, after))

    def close(self) -> None:
        """As at the begin of the shutdown."""
        self.reader.close()
        self.dispatcher.feed(Stage.CLOSING)

    def another_has(self, number: int, holder: str = OTHER, events: tuple[Seen, ...] = ()) -> None:
        """Another replica has that node of ours, or had it."""
        node = self.cluster.nodes[an_id(number)]
        text = encode(NodeRecord(session_id="s", holder=holder, events=events))
        self.cluster.nodes[an_id(number)] = held = replace(node, annotations={RECORD_ANNOTATION: text})
        self.node_changed(node, held)

    def add_node(self, number: int, *, tagged: bool = True, ready: bool = True, **instance: str) -> Node:
        """A node of ours on its instance."""
        node = self.cluster.nodes[an_id(number)] = a_node(number, ready=ready)
        self.add_instance(number, tagged=tagged, **instance)
        return node

    def add_instance(self, number: int, *, tagged: bool = True, **instance: str) -> None:
        """An instance that EC2 knows."""
        tags = {TAG: "yes"} if tagged else {}
        given = {"state": "running", "private_dns_name": f"ip-{number}.internal", **instance}
        self.cluster.instances[an_id(number)] = Instance(
            instance_id=an_id(number),
            tags=tags,
            state=given["state"],
            private_dns_name=given["private_dns_name"],
        )

    def message(self, body: str, *, age_seconds: float = 0.0) -> Message:
        """A delivery."""
        self._numbers += 1
        return Message(
            queue_url=QUEUE,
            message_id=f"message-{self._numbers}",
            receipt_handle=f"handle-{self._numbers}",
            body=body,
            sent_at=self.clock.now() - age_seconds,
            receive_count=1,
        )

    def deliver(self, *bodies: str, age_seconds: float = 0.0) -> list[str]:
        """The ids of the messages."""
        messages = [self.message(body, age_seconds=age_seconds) for body in bodies]
        self.reader.take(messages)
        return [message.message_id for message in messages]


def rules(*, check_tag: bool = False, policy: Policy | None = None, **changes: bool) -> DispatchRules:
    owner = OwnerRules(tag_key=TAG if check_tag else "", account="123456789012")
    return DispatchRules(owner=owner, policy=policy or Policy(), **changes)


def fleet_rules(messages: DispatchRules) -> FleetRules:
    return FleetRules(
        identity="nth-a",
        node_name="",
        own_pod=("", ""),
        takes_over=True,
        evicts=True,
        visibility_seconds=20,
        messages=messages,
        hooks=HookRules(),
        group_label="",
        shutdown_grace_seconds=None,
    )


def play(
    story: Callable[[Office], Coroutine[object, object, None]], given: DispatchRules | None = None
) -> None:
    """Run a story beside the office."""

    async def main(clock: VirtualClock) -> None:
        office = Office(clock, given or rules())
        running = asyncio.create_task(office.run())
        await asyncio.sleep(0.001)
        await story(office)
        assert not running.done(), "nothing ends the dispatch"
        running.cancel()

    run(main)
