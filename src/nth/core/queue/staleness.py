"""Decides whether an old event is over, from the answers of EC2, Auto Scaling and the Node.

A message may come hours after its event: a handler was down, and the queue keeps messages for days. Meanwhile
the same instance may have been stopped and started again. That an instance is running, or its Node Ready,
proves nothing: instances run through Terminating:Wait and through a notice's last seconds.
"""

from dataclasses import dataclass
from enum import Enum

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance
from nth.core.notices.events import AsgTermination, Event, InstanceStateChange, SpotInterruption
from nth.core.policy import Policy, demand_of

OLD_SECONDS = 120.0
"""Younger events are taken at their word."""
TIMEOUT_SECONDS = 10.0
"""An answer is waited for at least so long, however near the deadline."""

Checked = SpotInterruption | InstanceStateChange | AsgTermination
"""Events of these kinds are checked; of others age proves nothing, and no service can be asked."""


class Asked(Enum):
    """The service that can tell whether an event is over."""

    EC2 = "EC2"
    AUTO_SCALING = "Auto Scaling"


@dataclass(frozen=True, slots=True)
class Over:
    """It is proven that the event is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stands:
    """The event is to be handled; `doubt` is the fact that could not be checked, or empty."""

    doubt: str = ""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """It cannot be told yet."""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """It cannot be told, and to handle it could do no more good."""

    reason: str


Verdict = Over | Stands | LeftAlone


def as_checked(event: Event, now: float) -> Checked | None:
    """Returns the event if it has to be checked first: it is old, and of a kind that can be checked."""
    if not isinstance(event, Checked) or now - event.noticed_at <= OLD_SECONDS:
        return None
    return event


def asked_about(event: Checked) -> Asked:
    """Returns the service to be asked."""
    return Asked.AUTO_SCALING if isinstance(event, AsgTermination) else Asked.EC2


def node_says_over(event: Checked, node: Node | None) -> Over | None:
    """Returns that it is over if the Node itself proves it, without a question."""
    if node is None or isinstance(event, AsgTermination):
        return None
    if node.created_at is not None and node.created_at > event.noticed_at:
        return Over("its Node was registered after it")
    return None


def judge(event: Checked, answer: Instance | str | None) -> Over | Stands | AskAgain:
    """Returns the verdict. `answer`: the instance, or its state in Auto Scaling; None = unknown there."""
    if isinstance(event, AsgTermination):
        assert not isinstance(answer, Instance)
        return _of_hook(answer)
    assert not isinstance(answer, str)
    if answer is None or answer.launched_at is None or answer.launched_at <= event.noticed_at:
        return Stands()
    if answer.state == "pending":
        return AskAgain()
    return Over("the instance was started after it") if answer.state == "running" else Stands()


def _of_hook(state: str | None) -> Over | Stands:
    """Returns the verdict by the instance's lifecycle state.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
    """
    if not state:
        return Over("Auto Scaling does not know the instance any more")
    return Stands() if "Terminating" in state else Over(f"Auto Scaling says that the instance is {state}")


def hook_is_over(state: str | None) -> str:
    """Returns why no termination hook waits for an instance in this state; empty: one may."""
    judged = _of_hook(state)
    return judged.reason if isinstance(judged, Over) else ""


def waits_until(event: Checked, policy: Policy, asked_at: float) -> float | None:
    """Returns until when an answer is waited for; None = for as long as it takes.

    There is no hurry once the deadline has passed: the machine is gone, or nothing happens to it. A hook
    may wait on, but nothing says for how long.
    """
    deadline_at = event.deadline_at if isinstance(event, AsgTermination) else _deadline_at(event, policy)
    if deadline_at is None or deadline_at <= asked_at:
        return None
    return max(asked_at + TIMEOUT_SECONDS, deadline_at - policy.node_grace_seconds)


def unanswered(event: Checked, policy: Policy, now: float, why: str) -> Stands | LeftAlone:
    """Returns the verdict where the question is refused, or its answer did not come in time.

    A machine that may still have time is drained. A hook may wait for us for hours: to miss it costs pods,
    an unneeded drain costs none, because a deadline that has passed forces nothing.
    """
    if isinstance(event, AsgTermination) or _deadline_at(event, policy) > now:
        return Stands(why)
    return LeftAlone(why)


def _deadline_at(event: SpotInterruption | InstanceStateChange, policy: Policy) -> float:
    deadline_at = demand_of(event, event.noticed_at, policy).deadline_at
    return event.noticed_at if deadline_at is None else deadline_at
