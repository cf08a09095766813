"""Facts of AWS's APIs in plain types: messages, instances and lifecycle hooks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nth.core.limits import Id, IdOrNone


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One delivery of a message by a queue.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    """

    queue_url: str
    message_id: str
    """The same in every delivery."""
    receipt_handle: str
    """Another one in every delivery; only the newest is sure to work."""
    body: str
    sent_at: float
    """SentTimestamp, epoch seconds."""
    receive_count: int
    """ApproximateReceiveCount: 1 in the first delivery."""


@dataclass(frozen=True, slots=True)
class EntryFailure:
    """The reason why one entry of a batch was not carried out."""

    code: str
    """AWS's name for it: `ReceiptHandleIsInvalid`, `InternalError` ..."""
    reason: str
    final: bool
    """True if AWS says that the entry itself is wrong, so that asking again is no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An EC2 instance, as DescribeInstances describes it."""

    instance_id: str
    state: str
    """pending, running, shutting-down, terminated, stopping or stopped."""
    private_dns_name: str = ""
    """Empty once it is terminated."""
    tags: Mapping[str, str] = field(default_factory=dict)
    launched_at: float | None = None
    """Its last start (epoch seconds): each start sets it anew."""

    @property
    def group(self) -> str:
        """Its Auto Scaling group, or empty."""
        return self.tags.get("aws:autoscaling:groupName", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleAction:
    """One instance waiting in one lifecycle hook: the names in heartbeats and the completion."""

    group: str
    hook: Id
    token: IdOrNone
    instance_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTimeouts:
    """The timeouts of a lifecycle hook.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LifecycleHook.html
    """

    heartbeat_seconds: float
    """Since the instance began to wait, or the last heartbeat."""
    global_seconds: float
    """Since the instance began to wait, whatever heartbeats say."""
