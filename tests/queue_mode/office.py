"""An intake with hands that only note what they are given: for tests of what comes in."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance, LifecycleAction, Message
from nth.core.notices.events import AsgLaunch, Event, Withdrawn
from nth.core.policy import Policy
from nth.core.queue.node_owner import OwnerRules
from nth.errors import AwsError
from nth.queue_mode.intake import Intake
from nth.queue_mode.intake_parts import IntakeRules
from nth.queue_mode.messages_in_hand import Desk
from nth.simulation.clock import VirtualClock, run

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/nth"
TAG = "managed"


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
    """A mail, and hands, that note everything."""

    held: set[str] = field(default_factory=set)
    settled: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)
    taken: list[tuple[str, Event]] = field(default_factory=list)
    withdrawn: list[tuple[str, Withdrawn]] = field(default_factory=list)
    launched: list[tuple[AsgLaunch, float]] = field(default_factory=list)
    given_up: list[Event | AsgLaunch] = field(default_factory=list)
    others: bool = False
    """Another replica has every node."""
    over: set[str] = field(default_factory=set)
    """Tokens of lifecycle actions that have ended."""
    hook_seconds: float | None = 600.0
    """How long hooks wait; None = AWS does not tell."""
    slow_seconds: float = 0.0

    def hold(self, message_id: str) -> None:
        self.held.add(message_id)

    def settle(self, message_id: str) -> None:
        self.settled.append(message_id)

    def leave(self, message_id: str) -> None:
        self.left.append(message_id)

    def give_back(self, message_id: str) -> None:
        self.given_back.append(message_id)

    def take(self, node: Node, event: Event) -> None:
        self.taken.append((node.name, event))

    def withdraw(self, node: Node, notice: Withdrawn) -> bool:
        self.withdrawn.append((node.name, notice))
        return not self.others

    def launch(self, event: AsgLaunch, until_at: float) -> None:
        self.launched.append((event, until_at))

    def overdue_launches(self, now: float) -> tuple[AsgLaunch, ...]:
        over = tuple(event for event, until_at in self.launched if until_at <= now)
        self.launched = [each for each in self.launched if each[0] not in over]
        return over

    def give_up(self, event: Event | AsgLaunch) -> None:
        self.given_up.append(event)

    def is_over(self, action: LifecycleAction) -> bool:
        return action.token in self.over

    async def hook_deadline(self, action: LifecycleAction, noticed_at: float) -> float | None:
        await asyncio.sleep(self.slow_seconds)
        return None if self.hook_seconds is None else noticed_at + self.hook_seconds


@dataclass(slots=True)
class Cluster:
    """`NodeIndex` and `InstanceDirectory` in one."""

    nodes: dict[str, Node] = field(default_factory=dict)
    by_dns: dict[str, Node] = field(default_factory=dict)
    has_nameless: bool = False
    instances: dict[str, Instance] = field(default_factory=dict)
    error: AwsError | None = None
    slow_seconds: float = 0.0
    asked: list[str] = field(default_factory=list)

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
    """An intake at work, in virtual time."""

    def __init__(self, clock: VirtualClock, rules: IntakeRules) -> None:
        self.clock = clock
        self.notes = Notes()
        self.cluster = Cluster()
        self.desk = Desk({QUEUE: self.notes})
        self.intake = Intake(self.desk, self.cluster, self.cluster, self.notes, clock, rules)
        self._numbers = 0

    def add_node(self, number: int, *, tagged: bool = True, **instance: str) -> Node:
        """A node of ours on its instance."""
        node = self.cluster.nodes[an_id(number)] = a_node(number)
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
        self.intake.take(messages)
        return [message.message_id for message in messages]


def rules(*, check_tag: bool = False, policy: Policy | None = None, **changes: bool) -> IntakeRules:
    owner = OwnerRules(tag_key=TAG if check_tag else "", account="123456789012")
    return IntakeRules(owner=owner, policy=policy or Policy(), **changes)


def play(
    story: Callable[[Office], Coroutine[object, object, None]], given: IntakeRules | None = None
) -> None:
    """Run a story beside the intake."""

    async def main(clock: VirtualClock) -> None:
        office = Office(clock, given or rules())
        running = asyncio.create_task(office.intake.run())
        await asyncio.sleep(0)
        await story(office)
        assert not running.done(), "nothing ends the intake"
        running.cancel()

    run(main)
