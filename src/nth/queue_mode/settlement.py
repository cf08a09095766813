"""What AWS waits for: once a session is through with an event, its hook is completed and its message deleted.

The hook comes first: if this process dies in between, the message brings the event again.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Protocol

from nth.core.lifecycle.hook_messages import Outcome
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch, AsgTermination, Event, Prolonged
from nth.core.queue.message_refs import Key
from nth.errors import AwsError
from nth.queue_mode.identity import Proof
from nth.queue_mode.messages_in_hand import Desk, key_of

logger = logging.getLogger("nth.fleet")


class Hooks(Protocol):
    """The lifecycle hooks that wait for us (`hooks.HookKeeper`)."""

    def begin(
        self,
        action: LifecycleAction,
        *,
        noticed_at: float,
        deadline_at: float | None = None,
        proof: Proof | None = None,
        known_as: LifecycleAction | None = None,
    ) -> Outcome | None:
        """Keep it waiting; how it ended, if it is over."""
        ...

    def settle(
        self,
        action: LifecycleAction,
        *,
        launching: bool = False,
        proof: Proof | None = None,
        known_as: LifecycleAction | None = None,
    ) -> Outcome | None:
        """Complete it; how it ended, if it is over already."""
        ...

    def abandon(self, action: LifecycleAction) -> None:
        """Neither keep it waiting nor complete it."""
        ...


class _Due(NamedTuple):
    """What is done for the messages that wait for this."""

    key: Key
    node_name: str = ""
    """Whose session says so; empty = a message itself does."""


class Settlement:
    """`released(node_name)`: another replica has the node. `prolong(node_name, notice)` tells its session.

    `settled(node_name, event, outcome)`: AWS waits no longer; the outcome is its hook's, if it had one.
    `prove(node_name, instance_id)`: None if that node is that instance (`identity`).
    """

    def __init__(
        self,
        desk: Desk,
        *,
        released: Callable[[str], None],
        prolong: Callable[[str, Prolonged], None],
        prove: Callable[[str, str], Awaitable[AwsError | None]],
        settled: Callable[[str, Event, Outcome | None], None] = lambda *_: None,
    ) -> None:
        self.hooks: Hooks
        """To be set before anything else: hooks and settlement know each other."""
        self.desk = desk
        self._released = released
        self._prolong = prolong
        self._prove = prove
        self._settled = settled
        self._engaged: dict[LifecycleAction, tuple[str, str]] = {}
        """The node and the event of each hook that a session drains for."""
        self._awaited: dict[LifecycleAction, set[_Due]] = {}
        """What is done when the hook is."""
        self._confirming: set[LifecycleAction] = set()
        """Actions that another replica has most likely completed."""

    # Said by sessions

    def engage(self, node_name: str, event: Event) -> None:
        """A session drains for this event."""
        if isinstance(event, AsgTermination):
            action, proof = self._told_to_aws(node_name, event)
            ended = self.hooks.begin(
                action,
                noticed_at=event.noticed_at,
                deadline_at=event.deadline_at,
                proof=proof,
                known_as=event.action,
            )
            if ended is None:
                self._engaged[action] = (node_name, event.event_id)

    def settle(self, node_name: str, event: Event, *, drained: bool) -> None:
        """The session of that node is through with this event."""
        due = _Due(key_of(event), node_name)
        if not isinstance(event, AsgTermination):
            self._done(due, None)
        elif drained:
            action, proof = self._told_to_aws(node_name, event)
            self._complete(action, due, proof=proof, known_as=event.action)
        else:
            # Nobody has drained the node for it: it runs into its own timeout.
            self._abandon(self._told_to_aws(node_name, event)[0])
            self._done(due, Outcome.TIMED_OUT)

    def let_go(self, node_name: str) -> None:
        """Another replica has the node, or will have it."""
        for action in [action for action, (name, _) in self._engaged.items() if name == node_name]:
            self._abandon(action)
        self._released(node_name)

    def _told_to_aws(self, node_name: str, event: AsgTermination) -> tuple[LifecycleAction, Proof | None]:
        """How the action is named to AWS, and what has to be proven before.

        What only a record tells can be nothing but that instance's own action, so its token is not used.
        """
        by_record = replace(event.action, token="")
        if (node_name, event.event_id) == self._engaged.get(by_record):
            return by_record, partial(self._doubt, node_name, event)
        heard = self._heard(node_name, event)
        return (by_record, partial(self._doubt, node_name, event)) if heard is None else (heard.action, None)

    def _heard(self, node_name: str, event: AsgTermination) -> AsgTermination | None:
        """The event as a message has told of it, if one has."""
        heard = self.desk.heard(key_of(event))
        if heard is None or heard[0] != node_name or not isinstance(heard[1], AsgTermination):
            return None
        return heard[1]

    async def _doubt(self, node_name: str, event: AsgTermination) -> AwsError | None:
        if self._heard(node_name, event) is not None:
            return None
        return await self._prove(node_name, event.instance_id)

    def _abandon(self, action: LifecycleAction) -> None:
        self._engaged.pop(action, None)
        self._awaited.pop(action, None)
        self.hooks.abandon(action)

    # Said by others

    def complete(self, event: AsgTermination | AsgLaunch) -> None:
        """Nothing is left to wait for, as a message has told."""
        due = _Due(Key(event.instance_id, event.event_id))
        self._complete(event.action, due, launching=isinstance(event, AsgLaunch))

    def confirm(self, event: Event, *, drained: bool) -> None:
        """Another replica is through with an event of which a message of ours tells.

        It may have been unable to prove whose hook it is: the message may only go when the hook is over.
        """
        if not (isinstance(event, AsgTermination) and drained):
            self.desk.done_event(event)
            return
        self._confirming.add(event.action)
        self.complete(event)

    def _complete(
        self,
        action: LifecycleAction,
        due: _Due,
        *,
        launching: bool = False,
        proof: Proof | None = None,
        known_as: LifecycleAction | None = None,
    ) -> None:
        self._awaited.setdefault(action, set()).add(due)
        outcome = self.hooks.settle(action, launching=launching, proof=proof, known_as=known_as)
        if outcome is not None:
            self.hook_done(action, outcome)

    # Said by hooks

    def hook_prolonged(self, action: LifecycleAction, deadline_at: float) -> None:
        """Until when the instance waits."""
        engaged = self._engaged.get(action)
        if engaged is not None:
            node_name, event_id = engaged
            self._prolong(node_name, Prolonged(event_id=event_id, deadline_at=deadline_at))

    def hook_done(self, action: LifecycleAction, outcome: Outcome) -> None:
        """It is completed, or over for another reason."""
        self._engaged.pop(action, None)
        confirming = action in self._confirming
        self._confirming.discard(action)
        for due in self._awaited.pop(action, set()):
            if confirming and outcome is Outcome.GONE:
                # The other replica has completed it, and has said so.
                self.desk.done(due.key)
            else:
                self._done(due, outcome)

    def _done(self, due: _Due, outcome: Outcome | None) -> None:
        heard = self.desk.heard(due.key)
        if due.node_name and (heard is None or heard[0] != due.node_name):
            # Only a record told of it, and a record decides about no message: least of all another node's.
            return
        assigned = self.desk.done(due.key)
        if assigned is None:
            return
        try:
            self._settled(*assigned, outcome)
        except Exception:
            # The messages of other events may wait for this very hook.
            logger.exception("what AWS waits for is settled, but that could not be told")
