"""What the intake works with: its rules, a case (one item of one message), and its neighbours as ports."""

from dataclasses import dataclass
from typing import Protocol

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance, LifecycleAction, Message
from nth.core.notices.events import AsgLaunch, Event, Withdrawn
from nth.core.notices.message import Ended, Item, instance_id_of
from nth.core.policy import Policy
from nth.core.queue.message_refs import Key, Ref
from nth.core.queue.node_owner import OwnerRules


class Index(Protocol):
    """The cluster's nodes (`node_index.NodeIndex`)."""

    @property
    def has_nameless(self) -> bool: ...

    def find(self, instance_id: str) -> Node | None: ...

    def rivals(self, instance_id: str) -> tuple[Node, ...]: ...

    def find_by_dns(self, private_dns_name: str) -> Node | None: ...


class Directory(Protocol):
    """EC2's instances, cached (`instances.InstanceDirectory`)."""

    def peek(self, instance_id: str) -> tuple[Instance | None] | None: ...

    async def look_up(self, instance_id: str, *, urgent: bool = False) -> Instance | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRules:
    """What the settings say."""

    owner: OwnerRules
    policy: Policy
    delete_if_not_found: bool = False
    """DELETE_SQS_MSG_IF_NODE_NOT_FOUND."""
    delete_not_for_us: bool = True
    delete_unreadable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One item of one message."""

    ref: Ref
    item: Item
    account: str
    sent_at: float

    @property
    def key(self) -> Key:
        """What its message waits for."""
        name = self.item.arn if isinstance(self.item, Ended) else self.item.event_id
        return Key(instance_id_of(self.item), name)


class Hands(Protocol):
    """Who does what a message asks for."""

    def take(self, node: Node, event: Event) -> None:
        """The node is ours, and this happens to it."""
        ...

    def withdraw(self, node: Node, notice: Withdrawn) -> bool:
        """An event of this node is over; False: another replica is to hear of it."""
        ...

    def launch(self, event: AsgLaunch, until_at: float) -> None:
        """A new instance of ours waits until its node is Ready, or its hook times out."""
        ...

    def overdue_launches(self, now: float) -> tuple[AsgLaunch, ...]:
        """Those that nobody waits for any more; each is told once."""
        ...

    def give_up(self, event: Event | AsgLaunch) -> None:
        """No node is this instance: settle the event without one."""
        ...

    def is_over(self, action: LifecycleAction) -> bool:
        """Whether we know that nobody waits in this lifecycle hook any more."""
        ...

    async def hook_deadline(self, action: LifecycleAction, noticed_at: float) -> float | None:
        """When the lifecycle hook times out; None if that cannot be told."""
        ...


def ref_of(message: Message) -> Ref:
    """What names a message."""
    return Ref(message.queue_url, message.message_id)
