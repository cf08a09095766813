"""A dispatch with all that it can see, in memory; and the decisions that it has made."""

from dataclasses import dataclass, field
from typing import TypeVar

from nth.core.facts import Node
from nth.core.node.node_annotation import RECORD_ANNOTATION, NodeRecord, Seen, encode
from nth.core.notices.aws_facts import Instance, LifecycleAction
from nth.core.notices.events import Event, Noticed
from nth.core.policy import Policy
from nth.core.queue.dispatch import Dispatch
from nth.core.queue.dispatch_view import DispatchRules, Ref, View
from nth.core.queue.dispatch_words import (
    Decision,
    Delete,
    GiveNotice,
    Input,
    Leave,
    Log,
    NodeChanged,
    Woken,
)
from nth.core.queue.messages_in_hand import key_of
from nth.core.queue.node_owner import OwnerRules

US, OTHER = "nth-a", "nth-b"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/nth"
REF = Ref(QUEUE, "message-1")
T = TypeVar("T")


def a_node(
    name: str = "node-1",
    instance_id: str = "i-1",
    *,
    holder: str | None = None,
    events: tuple[Seen, ...] = (),
    ready: bool = True,
    cordoned: bool = False,
    version: int = 1,
) -> Node:
    """A node; with a record if there is a `holder`."""
    record = NodeRecord(session_id="s", holder=holder or "", events=events)
    return Node(
        name=name,
        uid=name,
        resource_version=str(version),
        provider_id=f"aws:///a/{instance_id}",
        ready=ready,
        unschedulable=cordoned,
        annotations={} if holder is None else {RECORD_ANNOTATION: encode(record)},
    )


@dataclass
class Sight:
    """All that a `View` has, in one."""

    nodes: dict[str, Node] = field(default_factory=dict)
    cached: dict[str, Instance | None] = field(default_factory=dict)
    living: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    over: set[LifecycleAction] = field(default_factory=set)
    node_names: tuple[str, ...] = ()
    has_nameless: bool = False
    is_fresh: bool = True

    def by_name(self, name: str) -> Node | None:
        return self.nodes.get(name)

    def find(self, instance_id: str) -> Node | None:
        found = [node for node in self.nodes.values() if node.instance_id == instance_id]
        return found[0] if len(found) == 1 else None

    def rivals(self, instance_id: str) -> tuple[Node, ...]:
        found = tuple(node for node in self.nodes.values() if node.instance_id == instance_id)
        return found if len(found) > 1 else ()

    def find_by_dns(self, private_dns_name: str) -> Node | None:
        return None

    def peek(self, instance_id: str) -> tuple[Instance | None] | None:
        return (self.cached[instance_id],) if instance_id in self.cached else None

    def is_alive(self, identity: str) -> bool:
        return identity in self.living

    def is_shown_alive(self, identity: str) -> bool:
        return identity in self.living & self.shown

    def others_alive(self) -> tuple[str, ...]:
        return tuple(sorted(self.living))

    def is_over(self, action: LifecycleAction) -> bool:
        return action in self.over


class DispatchWorld:
    """`now` moves when it is told to."""

    def __init__(self, rules: DispatchRules | None = None) -> None:
        self.now = 1_000_000.0
        self.sight = sight = Sight()
        self.rules = rules or DispatchRules(owner=OwnerRules(), policy=Policy())
        view = View(nodes=sight, instances=sight, replicas=sight, sessions=sight, hooks=sight)
        self.machine = Dispatch(self.rules, view, US)
        self.decisions: list[Decision] = []
        """All of them."""

    def feed(self, given: Input) -> list[Decision]:
        """What follows from it."""
        decided = self.machine.handle(given, self.now)
        self.decisions += decided
        return decided

    def sleep(self, seconds: float) -> None:
        """Let time pass, and wake the machine whenever it wants to be woken."""
        until_at = self.now + seconds
        while self.machine.wake_at <= until_at:
            self.now = max(self.now, self.machine.wake_at)
            self.feed(Woken())
            assert self.machine.wake_at > self.now, "it would never sleep"
        self.now = until_at

    def all(self, kind: type[T]) -> list[T]:
        """All decisions of a kind."""
        return [each for each in self.decisions if isinstance(each, kind)]

    def see(self, node: Node) -> None:
        """The watch tells of a node that is new or has changed."""
        before = self.sight.nodes.get(node.name)
        self.sight.nodes[node.name] = node
        self.feed(NodeChanged(before, node))

    def lose(self, name: str) -> None:
        """The watch tells that the node is gone."""
        self.feed(NodeChanged(self.sight.nodes.pop(name), None))

    def tell(self, node_name: str, event: Event, ref: Ref = REF) -> None:
        """A message in hand tells of the event."""
        self.machine.in_hand.open(ref, {key_of(event)})
        self.machine.in_hand.assign(node_name, event)

    @property
    def deleted(self) -> list[str]:
        """The ids of the messages that were deleted."""
        return [each.ref.message_id for each in self.all(Delete)]

    @property
    def left(self) -> list[str]:
        """The ids of the messages that were left."""
        return [each.ref.message_id for each in self.all(Leave)]

    @property
    def taken(self) -> list[tuple[str, Event]]:
        """What sessions were told."""
        notices = self.all(GiveNotice)
        return [(each.node_name, each.notice.event) for each in notices if isinstance(each.notice, Noticed)]

    @property
    def logged(self) -> list[str]:
        """The lines of the log."""
        return [each.text for each in self.all(Log)]
