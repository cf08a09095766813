"""Grants drain slots when they are due, as `core.queue.drain_slots` decides."""

import asyncio
import logging
from collections.abc import Callable

from nth.core.queue.drain_slots import DrainSlots, SlotRules
from nth.ports import Clock

logger = logging.getLogger("nth.engine")

LOOK_SECONDS = 0.02
"""The pause between two looks: cordons are answered, and notices come in, within milliseconds."""


class SlotKeeper:
    """Calls `grant` with the name of each node whose drain may begin.

    `gathering`: notices are still coming in, or nodes are still being cordoned. `group_of` a node's name:
    drains without a deadline are limited per group.
    """

    def __init__(
        self,
        rules: SlotRules,
        clock: Clock,
        *,
        grant: Callable[[str], None],
        gathering: Callable[[], bool],
        group_of: Callable[[str], str],
    ) -> None:
        self._slots = DrainSlots(rules)
        self._clock = clock
        self._grant = grant
        self._gathering = gathering
        self._group_of = group_of
        self._timer: asyncio.Handle | None = None

    def want(self, node_name: str, deadline_at: float | None) -> None:
        """Ask for a slot: a drain is due, or its deadline has changed."""
        self._slots.want(node_name, deadline_at, self._group_of(node_name), self._clock.now())
        self._serve_soon()

    def give(self, node_name: str) -> None:
        """Give the slot back: a drain is over, or not wanted any more."""
        self._slots.give(node_name)
        self._serve_soon()

    def _serve_soon(self) -> None:
        self._cancel()
        # Not at once: this very step of a session may ask for more.
        self._timer = asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        self._timer = None
        now = self._clock.now()
        for name in self._slots.granted(now, gathering=self._is_gathering()):
            self._tell(name)
        wake_at = self._slots.wake_at(now)
        if wake_at is not None:
            seconds = min(wake_at - now, LOOK_SECONDS)
            self._timer = asyncio.get_running_loop().call_later(seconds, self._serve)

    def _is_gathering(self) -> bool:
        try:
            return self._gathering()
        except Exception:
            # A defect there must not keep every drain from its slot.
            logger.exception("it is not known whether more notices are coming, going on without them")
            return False

    def _tell(self, node_name: str) -> None:
        try:
            self._grant(node_name)
        except Exception:
            logger.exception("a drain could not be given its slot, going on with the others")

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
