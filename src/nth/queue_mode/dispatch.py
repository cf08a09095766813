"""Puts each event into the right hands: a session of ours, the replica that has the node, or AWS at once."""

from collections.abc import Callable
from typing import Protocol

from nth.core.facts import Node
from nth.core.node.node_annotation import NodeRecord
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch, AsgTermination, Event, Notice, Noticed, Withdrawn
from nth.errors import AwsError
from nth.queue_mode.handoff import Wards
from nth.queue_mode.hooks import HookKeeper
from nth.queue_mode.launches import Launches
from nth.queue_mode.messages_in_hand import Desk, key_of


class Sessions(Protocol):
    """The engine, or the rehearsal in its place."""

    @property
    def node_names(self) -> tuple[str, ...]: ...

    def notice(self, node_name: str, notice: Notice, node: Node | None = None) -> None: ...


class Hands:
    """`record_of` a node's name: what stands on it. `is_alive`: whether that replica lives.

    `check` an event before it is delivered (`old_news.Gate`).
    """

    def __init__(
        self,
        *,
        sessions: Sessions,
        desk: Desk,
        wards: Wards,
        launches: Launches,
        complete: Callable[[AsgTermination | AsgLaunch], None],
        hooks: HookKeeper,
        identity: str,
        record_of: Callable[[str], NodeRecord | None],
        is_alive: Callable[[str], bool],
        check: Callable[[Node, Event], None],
    ) -> None:
        self._sessions = sessions
        self._desk = desk
        self._wards = wards
        self._launches = launches
        self._complete = complete
        self._hooks = hooks
        self._identity = identity
        self._record_of = record_of
        self._is_alive = is_alive
        self._check = check

    def take(self, node: Node, event: Event) -> None:
        """This happens to one of our nodes, if it is not over by now."""
        self._check(node, event)

    def deliver(self, node: Node, event: Event) -> None:
        """This happens to one of our nodes."""
        if self._is_anothers(node.name):
            self._wards.add(node.name, event)
        else:
            self.keep(node, event)

    def keep(self, node: Node, event: Event) -> None:
        """This happens to a node that we have, or take."""
        self._sessions.notice(node.name, Noticed(event=event), node)

    def _is_anothers(self, node_name: str) -> bool:
        if node_name in self._sessions.node_names:
            return False
        record = self._record_of(node_name)
        if record is None or not record.is_anothers(self._identity):
            return False
        return self._is_alive(record.holder)

    def withdraw(self, node: Node, notice: Withdrawn) -> bool:
        """An event of this node is over; False: another replica has the node, and is to hear of it."""
        if self._is_anothers(node.name):
            return False
        self._sessions.notice(node.name, notice, node)
        return True

    def launch(self, event: AsgLaunch, until_at: float) -> None:
        """A new instance of ours waits until its node is Ready, or its hook times out."""
        self._launches.add(event, until_at)

    def overdue_launches(self, now: float) -> tuple[AsgLaunch, ...]:
        """Those that nobody waits for any more."""
        return self._launches.overdue(now)

    def give_up(self, event: Event | AsgLaunch) -> None:
        """No node is this instance: nothing is left to wait for."""
        if isinstance(event, AsgLaunch | AsgTermination):
            self._complete(event)
        else:
            self._desk.done(key_of(event))

    def is_over(self, action: LifecycleAction) -> bool:
        """Whether we know that nobody waits in this lifecycle hook any more."""
        return self._hooks.is_over(action)

    async def hook_deadline(self, action: LifecycleAction, noticed_at: float) -> float | None:
        """When the lifecycle hook times out; None if AWS does not tell."""
        try:
            return await self._hooks.deadline_of(action, noticed_at=noticed_at)
        except AwsError:
            return None
