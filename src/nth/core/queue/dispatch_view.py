"""The inputs of the queue's dispatch: rules, cases (items of messages), and the view of the world."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance, LifecycleAction
from nth.core.notices.message import Ended, Item, instance_id_of
from nth.core.policy import Policy
from nth.core.queue.node_owner import OwnerRules


class Ref(NamedTuple):
    """A message of a queue."""

    queue_url: str
    message_id: str


class Key(NamedTuple):
    """An event of an instance."""

    instance_id: str
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One item of one message."""

    ref: Ref
    item: Item
    account: str
    sent_at: float

    @property
    def key(self) -> Key:
        """Returns the key of the case, for which its message waits."""
        name = self.item.arn if isinstance(self.item, Ended) else self.item.event_id
        return Key(instance_id_of(self.item), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRules:
    """The settings of the dispatch."""

    owner: OwnerRules
    policy: Policy
    delete_if_not_found: bool = False
    """DELETE_SQS_MSG_IF_NODE_NOT_FOUND."""
    delete_not_for_us: bool = True
    delete_unreadable: bool = False


class Nodes(Protocol):
    """The cluster's nodes (`node_informer.NodeInformer`)."""

    is_fresh: bool

    @property
    def has_nameless(self) -> bool: ...

    def by_name(self, name: str) -> Node | None: ...

    def find(self, instance_id: str) -> Node | None: ...

    def rivals(self, instance_id: str) -> tuple[Node, ...]: ...

    def find_by_dns(self, private_dns_name: str) -> Node | None: ...


class Instances(Protocol):
    """EC2's instances, as far as they are cached."""

    def peek(self, instance_id: str) -> tuple[Instance | None] | None: ...


class Replicas(Protocol):
    """The other replicas."""

    def is_alive(self, identity: str) -> bool: ...

    def is_shown_alive(self, identity: str) -> bool: ...

    def others_alive(self) -> tuple[str, ...]: ...


class Sessions(Protocol):
    """The sessions of this replica."""

    @property
    def node_names(self) -> tuple[str, ...]: ...


class Hooks(Protocol):
    """The lifecycle hooks that wait for us."""

    def is_over(self, action: LifecycleAction) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that the dispatch can see; it only reads."""

    nodes: Nodes
    instances: Instances
    replicas: Replicas
    sessions: Sessions
    hooks: Hooks
