"""The inputs and decisions of the queue's dispatch: happenings go in, work for the shell comes out.

A question is a decision whose answer is an input that carries it (`asked`). `dispatch` decides what follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from nth.core.facts import Node
from nth.core.lifecycle.hook_messages import Outcome
from nth.core.node.node_annotation import NodeRecord
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch, AsgTermination, Event, Notice
from nth.core.notices.message import Heard, NotForUs, Unreadable
from nth.core.queue.dispatch_view import Case, Key, Ref
from nth.core.queue.node_owner import Answer
from nth.core.queue.staleness import Verdict
from nth.errors import ClusterError

# Decisions about messages


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the message hidden: its events are known, and not done yet."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class Delete:
    ref: Ref


@dataclass(frozen=True, slots=True)
class Leave:
    """Let it become visible when its visibility timeout ends."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Let it become visible at once."""

    ref: Ref


# Questions


@dataclass(frozen=True, slots=True)
class AskInstance:
    """Answered by InstanceKnown, at the latest after that time."""

    case: Case
    seconds: float
    urgent: bool


@dataclass(frozen=True, slots=True)
class AskHookTimeout:
    """Answered by HookTimeoutKnown. `node` is the event's."""

    ref: Ref
    event: AsgTermination | AsgLaunch
    node: Node


@dataclass(frozen=True, slots=True)
class AskWhetherOver:
    """The event is old. Answered by OldEventJudged."""

    node_name: str
    event: Event


@dataclass(frozen=True, slots=True)
class PostToHolder:
    """Add the event to the node's record, for the replica that has the node. Answered by Posted."""

    node: Node
    event: Event
    holder: str


@dataclass(frozen=True, slots=True)
class GiveBackNode:
    """Undo our changes to the node from before the launch. NodeGivenBack once nothing is left."""

    launch: AsgLaunch
    node: Node


# Decisions about nodes and hooks


@dataclass(frozen=True, slots=True)
class GiveNotice:
    """Give a notice to the session of that node; `node` is the node as known.

    `settles`: the key that is done with once the notice is given (`NoticeGiven`).
    """

    node_name: str
    notice: Notice
    node: Node | None = None
    settles: Key | None = None


@dataclass(frozen=True, slots=True)
class TellSession:
    """Tell the session how the node is now; None = it is gone."""

    node_name: str
    node: Node | None


@dataclass(frozen=True, slots=True)
class Adopt:
    """Go on with a node that no replica works on, unless its recorded events have to be checked first."""

    node: Node
    record: NodeRecord


@dataclass(frozen=True, slots=True)
class KeepHookWaiting:
    """Keep the hook waiting. `unproven`: a node whose record alone names it; its identity is proven first."""

    action: LifecycleAction
    event: AsgTermination
    unproven: str = ""


@dataclass(frozen=True, slots=True)
class CompleteHook:
    """Complete the action. Answered by HookEnded. `unproven`: as above."""

    action: LifecycleAction
    event: AsgTermination | AsgLaunch
    unproven: str = ""


@dataclass(frozen=True, slots=True)
class AbandonHook:
    """Send no more heartbeats, and no completion but one that is under way."""

    action: LifecycleAction


# Decisions to log

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
"""Levels, as `logging` has them."""


@dataclass(frozen=True, slots=True)
class ReportSettled:
    """Report that the event is settled; `outcome` is that of its hook, if it had one."""

    node_name: str
    event: Event
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Log:
    level: int
    text: str
    fields: Mapping[str, object]
    defect: Exception | None = None
    """An error of our own code."""


MessageDecision = Hold | Delete | Leave | GiveBack
Question = AskInstance | AskHookTimeout | AskWhetherOver | PostToHolder | GiveBackNode
SessionDecision = GiveNotice | TellSession | Adopt
HookDecision = KeepHookWaiting | CompleteHook | AbandonHook
Decision = MessageDecision | Question | SessionDecision | HookDecision | ReportSettled | Log


# Inputs: messages


@dataclass(frozen=True, slots=True)
class MessageRead:
    ref: Ref
    sent_at: float
    chars: int
    reading: Heard | NotForUs | Unreadable


@dataclass(frozen=True, slots=True)
class LargeMessageBegun:
    """A large message is read in slices, and is not done before the last one."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class SliceRead:
    ref: Ref
    cases: tuple[Case, ...]
    last: bool = False


@dataclass(frozen=True, slots=True)
class MessageLeft:
    """The message cannot be read now, or not all of it."""

    ref: Ref


# Inputs: answers


@dataclass(frozen=True, slots=True)
class InstanceKnown:
    asked: AskInstance
    answer: Answer


@dataclass(frozen=True, slots=True)
class HookTimeoutKnown:
    asked: AskHookTimeout
    deadline_at: float | None
    """None: AWS did not give one."""


@dataclass(frozen=True, slots=True)
class OldEventJudged:
    asked: AskWhetherOver
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Posted:
    asked: PostToHolder
    error: ClusterError | None


@dataclass(frozen=True, slots=True)
class NoticeGiven:
    """The session has taken a notice with which that key is done."""

    key: Key


@dataclass(frozen=True, slots=True)
class NodeGivenBack:
    asked: GiveBackNode


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler itself failed at this decision."""

    decision: Decision
    error: Exception


# Inputs: the world


@dataclass(frozen=True, slots=True)
class NodeChanged:
    """`before` None: the node is new; `after` None: it is gone."""

    before: Node | None
    after: Node | None


@dataclass(frozen=True, slots=True)
class SessionEngaged:
    """A session of that node drains for the event."""

    node_name: str
    event: Event


@dataclass(frozen=True, slots=True)
class SessionSettled:
    """The session is through with the event."""

    node_name: str
    event: Event
    drained: bool


@dataclass(frozen=True, slots=True)
class SessionLetGo:
    """Another replica has the node, or will have it."""

    node_name: str


@dataclass(frozen=True, slots=True)
class HookProlonged:
    """The instance waits until then."""

    action: LifecycleAction
    deadline_at: float


@dataclass(frozen=True, slots=True)
class HookEnded:
    action: LifecycleAction
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ReplicaGone:
    identity: str


class Stage(Enum):
    """The stages of a replica's life, in this order."""

    STARTED = "started"
    """All nodes and replicas are known: nodes that no replica works on may be adopted."""
    CLOSING = "closing"
    """Begin nothing new, and give back the messages whose events no session works on."""
    LEAVING = "leaving"
    """Nodes that sessions let go from now on are not passed on by us."""
    LEFT = "left"
    """Every node is handed over: give back all messages."""


@dataclass(frozen=True, slots=True)
class Woken:
    """`wake_at` has come."""


Reading = MessageRead | LargeMessageBegun | SliceRead | MessageLeft
Answered = InstanceKnown | HookTimeoutKnown | OldEventJudged | Posted | NoticeGiven | NodeGivenBack
SessionSaid = SessionEngaged | SessionSettled | SessionLetGo
HookSaid = HookProlonged | HookEnded
Input = Reading | Answered | SessionSaid | HookSaid | NodeChanged | ReplicaGone | Stage | Failed | Woken
