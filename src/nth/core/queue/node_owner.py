"""Finds the node of an instance. Total: every combination of known facts has one answer.

The cluster's own nodes answer first. EC2 is asked only for facts that they lack: the tag, and the
name of an instance where nodes carry no provider id. "Not found" and "could not ask" are different
answers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance
from nth.core.queue.node_table import chosen


class Ec2(Enum):
    """The reasons for having no answer of EC2."""

    UNASKED = "unasked"
    SILENT = "silent"
    """It could not be asked in time."""


Answer = Instance | None | Ec2
"""None: there is no such instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRules:
    """The settings about owners."""

    tag_key: str = ""
    """MANAGED_TAG; empty = the tag is not looked at."""
    tag_value: str | None = None
    """None: any value will do."""
    account: str = ""
    """Our account; empty = not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The facts about an instance that are known without asking EC2."""

    instance_id: str
    node: Node | None
    """The cluster's only node that names that instance."""
    was_ours: bool
    """A node that claimed to be it was in the cluster, and is gone."""
    nameless: bool
    """Some nodes name no instance, so it may be one of them."""
    account: str
    """The account in the message; may be empty."""
    doomed: bool
    """The machine certainly goes away."""
    until_at: float
    """Until then its node may still register."""
    hook_left_by: frozenset[str] = frozenset()
    """For a termination hook: the names of the nodes that claimed to be it, and are gone."""
    rivals: tuple[Node, ...] = ()
    """The nodes that name that instance, if there are several."""
    patient: bool = False
    """There is time, and a wrong node would let the machine go: a lifecycle hook waits."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The instance is this node; `doubt` is the fact that could not be checked, or empty."""

    node: Node
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """A lifecycle hook waits for an instance whose node was ours and has left: nothing is left to drain."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotOurs:
    """The message is not for this cluster."""

    reason: str
    of_our_cluster: bool = False
    """True if the node is in our cluster all the same: a person may wonder why nothing happens."""


class AskEc2:
    """EC2 has to be asked first."""


@dataclass(frozen=True, slots=True)
class Later:
    """The owner cannot be told yet."""

    reason: str
    found: bool = False
    """EC2 knows the instance as one of ours: its node may register any moment."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """No node of the cluster is this instance, and its time is over."""

    reason: str


LEFT = "its node has left the cluster"
GOING = ("shutting-down", "terminated")
"""States of an instance from which it does not come back, whatever becomes of its hook."""

Owner = Ours | Left | NotOurs | AskEc2 | Later | NotFound


def owner_of(
    asked: Question,
    answer: Answer,
    rules: OwnerRules,
    now: float,
    find_by_dns: Callable[[str], Node | None] = lambda _: None,
) -> Owner:
    """Returns the owner. `find_by_dns` finds a node by its instance's private DNS name."""
    if asked.rivals:
        return _of_rivals(asked, answer, rules)
    if asked.node is not None and asked.nameless and not asked.node.instance_id:
        return _of_labelled(asked.node, asked, answer, rules, find_by_dns)
    if asked.node is not None:
        return _of_node(asked.node, asked, answer, rules)
    if asked.hook_left_by:
        # To complete a hook lets its machine go: that a Node once claimed to be it is not enough for that.
        if (owner := _of_departed(asked, answer, rules)) is not None:
            return owner
    elif asked.was_ours:
        return NotOurs(LEFT)
    if rules.account and asked.account and asked.account != rules.account:
        return NotOurs(f"it is of account {asked.account}")
    if rules.tag_key or asked.nameless:
        return _of_instance(asked, answer, rules, now, find_by_dns)
    return _absent(asked, now)


def _of_departed(asked: Question, answer: Answer, rules: OwnerRules) -> Owner | None:
    """Returns None if the claim of a node that has left is not confirmed, and counts for nothing."""
    match answer:
        case Ec2.UNASKED:
            return AskEc2()
        case None:
            return Left(LEFT)
        case Instance() if rules.tag_key and not _is_tagged(answer, rules):
            return NotOurs(_untagged(rules))
        case Instance() if answer.state in GOING or has_name(answer, asked.hook_left_by):
            return Left(LEFT)
        case _:
            return None


def has_name(instance: Instance, names: Iterable[str]) -> bool:
    """True if one of the names is EC2's name of the instance, in whatever domain, or its id.

    A kubelet cannot choose its node's name. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/hostname-types.html
    """
    hosts = {instance.private_dns_name.partition(".")[0], instance.instance_id} - {""}
    return any(name.partition(".")[0] in hosts for name in names)


def _of_rivals(asked: Question, answer: Answer, rules: OwnerRules) -> Owner:
    """Returns the owner by EC2's name for the instance; if it fits none of them, by the only Ready node."""
    match answer:
        case Ec2.UNASKED:
            return AskEc2()
        case None:
            return NotOurs("EC2 knows no such instance", of_our_cluster=True)
        case Instance():
            named = tuple(node for node in asked.rivals if has_name(answer, [node.name]))
            node = chosen(named or asked.rivals)
            doubt = "" if named else "EC2's name for the instance fits none of the nodes that claim it"
        case _:
            node = chosen(asked.rivals) if asked.doomed and not asked.patient else None
            doubt = "EC2 did not say in time which of several nodes the instance is"
    if node is None:
        return Later("several nodes say that they are this instance, and EC2 cannot tell which")
    owner = _of_node(node, asked, answer, rules)
    return Ours(node, doubt or owner.doubt) if isinstance(owner, Ours) else owner


def _of_labelled(
    node: Node, asked: Question, answer: Answer, rules: OwnerRules, find_by_dns: Callable[[str], Node | None]
) -> Owner:
    """Returns the owner if only a label names the instance: a nameless node of its DNS name comes first."""
    match answer:
        case Ec2.UNASKED:
            return AskEc2()
        case Ec2.SILENT if asked.patient or not asked.doomed:
            return Later("EC2 could not be asked whether the label on the node is right")
        case Instance() if answer.private_dns_name and (found := find_by_dns(answer.private_dns_name)):
            return _of_node(found, asked, answer, rules)
    return _of_node(node, asked, answer, rules)


def _of_node(node: Node, asked: Question, answer: Answer, rules: OwnerRules) -> Owner:
    if not rules.tag_key:
        return Ours(node)
    match answer:
        case Ec2.UNASKED:
            return AskEc2()
        case Ec2.SILENT if asked.doomed:
            return Ours(node, f"EC2 did not say in time whether it has the tag {rules.tag_key}")
        case Ec2.SILENT:
            return Later("EC2 could not be asked for its tags")
        case None:
            return NotOurs("EC2 knows no such instance", of_our_cluster=True)
        case Instance() if _is_tagged(answer, rules):
            return Ours(node)
        case _:
            return NotOurs(_untagged(rules), of_our_cluster=True)


def _of_instance(
    asked: Question, answer: Answer, rules: OwnerRules, now: float, find_by_dns: Callable[[str], Node | None]
) -> Owner:
    if answer is Ec2.UNASKED:
        return AskEc2()
    if not isinstance(answer, Instance):
        return Later("EC2 could not be asked") if answer else NotOurs("EC2 knows no such instance")
    if rules.tag_key and not _is_tagged(answer, rules):
        return NotOurs(_untagged(rules))
    node = find_by_dns(answer.private_dns_name) if answer.private_dns_name else None
    if node is not None:
        return Ours(node)
    if not answer.private_dns_name and answer.state != "running":
        return NotOurs(f"it is {answer.state}, and has no node")
    return _absent(asked, now, found=bool(rules.tag_key))


def _absent(asked: Question, now: float, *, found: bool = False) -> Owner:
    reason = "the cluster has no such node"
    return Later(reason, found) if now < asked.until_at else NotFound(reason)


def _is_tagged(instance: Instance, rules: OwnerRules) -> bool:
    value = instance.tags.get(rules.tag_key)
    return value is not None and rules.tag_value in (None, value)


def _untagged(rules: OwnerRules) -> str:
    value = "" if rules.tag_value is None else f"={rules.tag_value}"
    return f"it does not have the tag {rules.tag_key}{value}"
