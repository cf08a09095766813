"""The drain slot of one session: asked for, granted, released. `core.queue.drain_slots` grants it."""

from nth.core.decisions import Decision, ReleaseSlot, WantSlot


class DrainSlot:
    """`needed` False: every drain may begin at once."""

    def __init__(self, *, needed: bool) -> None:
        self.granted = not needed
        self._needed = needed
        self._asked: tuple[float | None] | None = None
        self._yielded = False

    @property
    def wanted(self) -> bool:
        """True if it was asked for, and is ours or will be."""
        return self._asked is not None

    @property
    def limits_others(self) -> bool:
        """True if it is ours, and without a deadline: another drain may have to wait for it."""
        return self._asked == (None,) and self.granted and not self._yielded

    def ask(self, deadline_at: float | None) -> list[Decision]:
        """Ask once, and again when the deadline has changed: with one, a drain is not limited."""
        if not self._needed or self._yielded or self._asked == (deadline_at,):
            return []
        self._asked = (deadline_at,)
        return [WantSlot(deadline_at)]

    def grant(self) -> None:
        """Take the slot, if it is still wanted."""
        self.granted = self._asked is not None

    def yield_it(self) -> list[Decision]:
        """Give the slot back while the drain goes on, as it has had its time. It does not ask again."""
        if not self.limits_others:
            return []
        self._yielded = True
        return [ReleaseSlot()]

    def give_back(self) -> list[Decision]:
        """Give the slot back: the drain is over, or called off."""
        if self._asked is None:
            return []
        given: list[Decision] = [] if self._yielded else [ReleaseSlot()]
        self._asked, self.granted, self._yielded = None, False, False
        return given
