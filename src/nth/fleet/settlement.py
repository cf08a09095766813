"""What AWS waits for: once a session is through with an event, its hook is completed and its message deleted.

The hook comes first: if this process dies in between, the message brings the event again.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from nth.core.aws_facts import LifecycleAction
from nth.core.docket import Key
from nth.core.events import AsgLaunch, AsgTermination, Event, Prolonged
from nth.core.hook_words import Outcome
from nth.fleet.desk import Desk, key_of

logger = logging.getLogger("nth.fleet")


class Hooks(Protocol):
    """The lifecycle hooks that wait for us (`hooks.HookKeeper`)."""

    def begin(
        self, action: LifecycleAction, *, noticed_at: float, deadline_at: float | None = None
    ) -> Outcome | None:
        """Keep it waiting; how it ended, if it is over."""
        ...

    def settle(self, action: LifecycleAction, *, launching: bool = False) -> Outcome | None:
        """Complete it; how it ended, if it is over already."""
        ...

    def abandon(self, action: LifecycleAction) -> None:
        """Neither keep it waiting nor complete it."""
        ...


class Settlement:
    """`released(node_name)`: another replica has the node. `prolong(node_name, notice)` tells its session.

    `settled(node_name, event, outcome)`: AWS waits no longer; the outcome is its hook's, if it had one.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        released: Callable[[str], None],
        prolong: Callable[[str, Prolonged], None],
        settled: Callable[[str, Event, Outcome | None], None] = lambda *_: None,
    ) -> None:
        self.hooks: Hooks
        """To be set before anything else: hooks and settlement know each other."""
        self.desk = desk
        self._released = released
        self._prolong = prolong
        self._settled = settled
        self._engaged: dict[LifecycleAction, tuple[str, str]] = {}
        """The node and the event of each hook that a session drains for."""
        self._awaited: dict[LifecycleAction, set[Key]] = {}
        """What is done when the hook is."""

    # Said by sessions

    def engage(self, node_name: str, event: Event) -> None:
        """A session drains for this event."""
        if isinstance(event, AsgTermination):
            ended = self.hooks.begin(event.action, noticed_at=event.noticed_at, deadline_at=event.deadline_at)
            if ended is None:
                self._engaged[event.action] = (node_name, event.event_id)

    def settle(self, event: Event, *, drained: bool) -> None:
        """A session is through with this event."""
        if isinstance(event, AsgTermination) and drained:
            self.complete(event)
            return
        if isinstance(event, AsgTermination):
            # Nobody has drained the node for it: it runs into its own timeout.
            self._abandon(event.action)
            self._done(key_of(event), Outcome.TIMED_OUT)
        else:
            self._done(key_of(event), None)

    def let_go(self, node_name: str) -> None:
        """Another replica has the node, or will have it."""
        for action in [action for action, (name, _) in self._engaged.items() if name == node_name]:
            self._abandon(action)
        self._released(node_name)

    def _abandon(self, action: LifecycleAction) -> None:
        self._engaged.pop(action, None)
        self._awaited.pop(action, None)
        self.hooks.abandon(action)

    # Said by others

    def complete(self, event: AsgTermination | AsgLaunch) -> None:
        """Nothing is left to wait for."""
        key = Key(event.instance_id, event.event_id)
        outcome = self.hooks.settle(event.action, launching=isinstance(event, AsgLaunch))
        if outcome is None:
            self._awaited.setdefault(event.action, set()).add(key)
        else:
            self._done(key, outcome)

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
        for key in self._awaited.pop(action, set()):
            self._done(key, outcome)

    def _done(self, key: Key, outcome: Outcome | None) -> None:
        assigned = self.desk.done(key)
        if assigned is None:
            return
        try:
            self._settled(*assigned, outcome)
        except Exception:
            # The messages of other events may wait for this very hook.
            logger.exception("what AWS waits for is settled, but that could not be told")
