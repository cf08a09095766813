"""Whose node the instance of a case is, and the cases that wait because their node may register yet."""

from nth.core.facts import Node
from nth.core.notices.events import AsgLaunch, AsgTermination
from nth.core.notices.message import Ended
from nth.core.policy import demand_of
from nth.core.queue.departed import Departed
from nth.core.queue.dispatch_context import Context
from nth.core.queue.dispatch_view import Case
from nth.core.queue.node_owner import Answer, Ec2, Owner, Question, owner_of
from nth.core.queue.node_table import instance_id_of

REGISTER_SECONDS = 20.0
"""A node may still register so long after a message that names no deadline was sent."""
REGISTER_DOOMED_SECONDS = 120.0
"""Or so long if a deadline is named, which may be weeks ahead."""
REGISTER_NEW_SECONDS = 900.0
"""A new instance may take so long until its node registers: user data may do a lot."""
MAX_ABSENT = 1000
"""So many cases are kept waiting; what is more is left to the queue."""


class WhoseNode:
    """`rules.owner` says which instances are ours."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._departed = Departed()
        self._absent: dict[Case, float] = {}
        """Until when the node of each may register (epoch seconds)."""

    def __len__(self) -> int:
        return len(self._absent)

    def owner(self, case: Case, answer: Answer) -> Owner:
        """Whose the case is, if that is what EC2 says of its instance."""
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
            doomed=self.deadline_at(case) is not None,
            until_at=self._until_at(case),
        )
        return owner_of(question, answer, self._context.rules.owner, now, nodes.find_by_dns)

    def cached(self, case: Case) -> Answer:
        """What EC2 said of the instance lately."""
        known = self._context.view.instances.peek(case.key.instance_id)
        return Ec2.UNASKED if known is None else known[0]

    def is_known(self, case: Case) -> bool:
        """Whether a node of the cluster says that it is the instance."""
        instance_id, nodes = case.key.instance_id, self._context.view.nodes
        return nodes.find(instance_id) is not None or bool(nodes.rivals(instance_id))

    def deadline_at(self, case: Case) -> float | None:
        """When the machine goes away; None = that is not said."""
        if isinstance(case.item, AsgLaunch | Ended):
            return None
        return demand_of(case.item, case.sent_at, self._context.rules.policy).deadline_at

    def wait(self, case: Case) -> bool:
        """Keep the case until its node registers, or its time is over. False: too many wait already."""
        if len(self._absent) >= MAX_ABSENT:
            return False
        self._absent[case] = self._until_at(case)
        return True

    def due(self) -> tuple[Case, ...]:
        """The cases that need to wait no longer: their node may be here, or their time is over."""
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
        """The node has left the cluster."""
        if instance_id := instance_id_of(node):
            self._departed.add(instance_id, node.name, self._context.now)

    def _until_at(self, case: Case) -> float:
        if isinstance(case.item, AsgLaunch):
            return case.sent_at + REGISTER_NEW_SECONDS
        deadline_at = self.deadline_at(case)
        if deadline_at is None:
            return case.sent_at + REGISTER_SECONDS
        return min(deadline_at, case.sent_at + REGISTER_DOOMED_SECONDS)
