"""Splits a message into cases, one for each item, and finds the node of each.

The dispatch begins our cases; all others end here.
"""

from typing import assert_never

from nth.core.facts import Node
from nth.core.notices.events import AsgLaunch, AsgTermination
from nth.core.notices.message import Ended, Heard, NotForUs, Unreadable
from nth.core.policy import demand_of
from nth.core.queue.dispatch_context import Context, Fields
from nth.core.queue.dispatch_view import Case, Ref
from nth.core.queue.dispatch_words import DEBUG, INFO, WARNING, AskInstance, MessageRead
from nth.core.queue.messages_in_hand import MessagesInHand
from nth.core.queue.node_owner import (
    Answer,
    AskEc2,
    Ec2,
    Later,
    Left,
    NotFound,
    NotOurs,
    Ours,
    Owner,
    Question,
    owner_of,
)
from nth.core.queue.node_table import instance_id_of
from nth.core.queue.owed_hooks import OwedHooks
from nth.core.queue.recent_keys import RecentValues

TIMEOUT_SECONDS = 3.0
"""EC2 is asked about a machine that certainly goes away for no longer than this."""
CALM_TIMEOUT_SECONDS = 15.0
REGISTER_SECONDS = 20.0
"""A node may still register so long after a message that names no deadline was sent."""
REGISTER_DOOMED_SECONDS = 120.0
"""Or so long if a deadline is named, which may be weeks ahead."""
REGISTER_NEW_SECONDS = 900.0
"""A new instance may take so long until its node registers: user data may do a lot."""
MAX_ABSENT = 1000
"""So many cases are kept waiting; further ones are left to the queue."""
MAX_INSTANCES = 20_000
MAX_NAMES = 8
"""Names of one instance: a client that may make Nodes may let many claim the same one."""
MAX_SECONDS = 3600.0


class Departed(RecentValues[frozenset[str]]):
    """Names of nodes that have left the cluster, by instance id.

    That a Node named an instance is a claim: `node_owner` decides when it counts.
    """

    def __init__(self) -> None:
        super().__init__(MAX_INSTANCES, MAX_SECONDS)

    def add(self, instance_id: str, node_name: str, now: float) -> None:
        """Add a node of this name, which claimed to be that instance, and has left."""
        names = self.names(instance_id, now)
        self.put(instance_id, names | {node_name} if len(names) < MAX_NAMES else names, now)

    def names(self, instance_id: str, now: float) -> frozenset[str]:
        """Returns the names of the nodes that have left and claimed this instance."""
        return self.get(instance_id, now) or frozenset()


class Cases:
    """Reads messages, and places cases."""

    def __init__(
        self,
        context: Context,
        in_hand: MessagesInHand,
        hooks: OwedHooks,
    ) -> None:
        self._context = context
        self._in_hand = in_hand
        self._hooks = hooks
        self._departed = Departed()
        self._absent: dict[Case, float] = {}
        """Until when the node of each may register (epoch seconds)."""

    def read(self, given: MessageRead) -> tuple[Case, ...]:
        """Returns the cases of the message; it is open until all of them are done."""
        ref = given.ref
        match given.reading:
            case Unreadable(reason):
                self._unreadable(given, reason)
            case NotForUs(reason):
                self._context.counts["not for us"] += 1
                fields = {"message_id": ref.message_id, "reason": reason}
                self._context.log(DEBUG, "A message is not for us", fields)
                self._put_aside(ref, delete=self._context.rules.delete_not_for_us)
            case Heard(items=items, account=account, warnings=warnings):
                for warning in warnings:
                    fields = {"message_id": ref.message_id, "warning": warning}
                    text = "Something in a message cannot be read, going on"
                    self._context.log(WARNING, text, fields)
                at = given.sent_at
                cases = tuple(Case(ref=ref, item=item, account=account, sent_at=at) for item in items)
                self._in_hand.open(ref, {case.key for case in cases})
                return cases
            case _:
                assert_never(given.reading)
        return ()

    def _unreadable(self, given: MessageRead, reason: str) -> None:
        self._context.counts["unreadable"] += 1
        fields = {"message_id": given.ref.message_id, "reason": reason, "bytes": given.chars}
        then = "deleting it" if self._context.rules.delete_unreadable else "leaving it in the queue"
        text = f"A message cannot be read, {then}"
        if self._context.dry_run and self._context.rules.delete_unreadable:
            text = "A message cannot be read; it would have been deleted, but dry-run flag was set"
        self._context.log_once(given.ref.message_id, WARNING, text, fields)
        self._put_aside(given.ref, delete=self._context.rules.delete_unreadable)

    def _put_aside(self, ref: Ref, *, delete: bool) -> None:
        if delete:
            self._in_hand.delete(ref)
        else:
            self._in_hand.leave(ref)

    def place(self, case: Case, answer: Answer) -> Node | None:
        """Returns the node of the case, if it is ours; else the case is decided, or EC2 is asked first."""
        match self._owner(case, answer):
            case AskEc2():
                calm = self._deadline_at(case) is None
                seconds = CALM_TIMEOUT_SECONDS if calm else TIMEOUT_SECONDS
                self._context.decide(AskInstance(case, seconds, urgent=self.is_known(case)))
            case Ours(node, doubt):
                self._context.counts["ours"] += 1
                if doubt:
                    text = "Going on with a node whose machine certainly goes away"
                    self._context.log(WARNING, text, {"node": node.name, "doubt": doubt})
                return node
            case Left(reason):
                self._node_left(case, reason)
            case NotOurs(reason, of_our_cluster):
                self._not_ours(case, reason, of_our_cluster=of_our_cluster)
            case Later(reason, found):
                self._later(case, reason, found=found)
            case NotFound(reason):
                self._not_found(case, reason)
            case owner:
                assert_never(owner)
        return None

    def _not_ours(self, case: Case, reason: str, *, of_our_cluster: bool) -> None:
        self._context.counts["not ours"] += 1
        if of_our_cluster:
            text = "Doing nothing for a node of our cluster"
            self._context.log_once(case.key.instance_id, WARNING, text, _fields(case, reason))
        self._context.log(DEBUG, "An event is not ours", _fields(case, reason))
        if self._context.rules.delete_not_for_us:
            self._in_hand.done(case.key)
        else:
            self._in_hand.leave(case.ref)

    def _later(self, case: Case, reason: str, *, found: bool) -> None:
        self._context.counts["later"] += 1
        self._log_once(case, "An event has to wait", reason)
        expected = found or isinstance(case.item, AsgLaunch)
        if expected and self._wait(case):
            self._in_hand.hold(case.ref)
        else:
            self._in_hand.leave(case.ref)

    def _not_found(self, case: Case, reason: str) -> None:
        self._context.counts["not found"] += 1
        if not self._context.rules.delete_if_not_found:
            self._log_once(case, "No node for an event, leaving its message", reason)
            self._in_hand.leave(case.ref)
            return
        text = "No node for an event, deleting its message"
        if self._context.dry_run:
            text = "No node for an event; its message would have been deleted, but dry-run flag was set"
        self._context.log(INFO, text, _fields(case, reason))
        if isinstance(case.item, Ended | AsgLaunch):
            # An instance that never became a node is better replaced: its hook is not completed.
            self._in_hand.done(case.key)
        else:
            self._in_hand.hold(case.ref)
            self._hooks.give_up(case.item)

    def _log_once(self, case: Case, text: str, reason: str) -> None:
        """Log it of this event: a message that stays in the queue is delivered again and again."""
        key = f"{case.key.instance_id} {case.key.event_id}"
        self._context.log_once(key, INFO, text, _fields(case, reason))

    def _node_left(self, case: Case, reason: str) -> None:
        self._context.counts["node left"] += 1
        assert isinstance(case.item, AsgTermination)
        instance_id, event_id = case.key
        fields = {
            "instance_id": instance_id,
            "event_id": event_id,
            "hook": case.item.action.hook,
            "reason": reason,
        }
        if self._context.rules.delete_if_not_found:
            if not self._context.dry_run:
                text = "Nothing is left to drain, so the lifecycle hook is completed"
                self._context.log(INFO, text, fields)
            self._in_hand.hold(case.ref)
            self._hooks.give_up(case.item)
        elif self._context.view.hooks.is_over(case.item.action):
            self._in_hand.done(case.key)
        else:
            text = (
                "No node for a lifecycle hook, leaving its message; with "
                "DELETE_SQS_MSG_IF_NODE_NOT_FOUND the hook would be completed"
            )
            self._context.log_once(case.key.event_id, WARNING, text, fields)
            self._in_hand.leave(case.ref)

    # Owners

    def __len__(self) -> int:
        return len(self._absent)

    def _owner(self, case: Case, answer: Answer) -> Owner:
        """Returns the owner of the case, given EC2's answer about its instance."""
        instance_id, nodes, now = case.key.instance_id, self._context.view.nodes, self._context.now
        left_by = self._departed.names(instance_id, now)
        question = Question(
            instance_id=instance_id,
            node=nodes.find(instance_id),
            was_ours=bool(left_by),
            hook_left_by=left_by if isinstance(case.item, AsgTermination) else frozenset(),
            rivals=nodes.rivals(instance_id),
            patient=isinstance(case.item, AsgTermination | AsgLaunch),
            nameless=nodes.has_nameless,
            account=case.account,
            doomed=self._deadline_at(case) is not None,
            until_at=self._until_at(case),
        )
        return owner_of(question, answer, self._context.rules.owner, now, nodes.find_by_dns)

    def cached(self, case: Case) -> Answer:
        """Returns EC2's last answer about the instance, if it is cached."""
        known = self._context.view.instances.peek(case.key.instance_id)
        return Ec2.UNASKED if known is None else known[0]

    def is_known(self, case: Case) -> bool:
        """True if a node of the cluster names the instance."""
        instance_id, nodes = case.key.instance_id, self._context.view.nodes
        return nodes.find(instance_id) is not None or bool(nodes.rivals(instance_id))

    def _deadline_at(self, case: Case) -> float | None:
        """Returns when the machine goes away; None if that is not known."""
        if isinstance(case.item, AsgLaunch | Ended):
            return None
        return demand_of(case.item, case.sent_at, self._context.rules.policy).deadline_at

    def _wait(self, case: Case) -> bool:
        """Keep the case until its node registers, or its time is over. False: too many wait already."""
        if len(self._absent) >= MAX_ABSENT:
            return False
        self._absent[case] = self._until_at(case)
        return True

    def due(self) -> tuple[Case, ...]:
        """Returns the cases that need to wait no longer: their node may be here, or their time is over."""
        now, nameless = self._context.now, self._context.view.nodes.has_nameless
        due = tuple(
            case
            for case, until_at in self._absent.items()
            if until_at <= now or nameless or self.is_known(case)
        )
        for case in due:
            del self._absent[case]
        return due

    def left(self, node: Node) -> None:
        """Note that the node has left the cluster."""
        if instance_id := instance_id_of(node):
            self._departed.add(instance_id, node.name, self._context.now)

    def _until_at(self, case: Case) -> float:
        if isinstance(case.item, AsgLaunch):
            return case.sent_at + REGISTER_NEW_SECONDS
        deadline_at = self._deadline_at(case)
        if deadline_at is None:
            return case.sent_at + REGISTER_SECONDS
        return min(deadline_at, case.sent_at + REGISTER_DOOMED_SECONDS)


def _fields(case: Case, reason: str) -> Fields:
    return {"instance_id": case.key.instance_id, "event_id": case.key.event_id, "reason": reason}
