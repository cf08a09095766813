"""A drain's turn among the drains of all nodes, as its session sees it.

Who gets one when is `turns`' business.
"""

from nth.core.decisions import Decision, GiveTurn, WantTurn


class Turn:
    """`needed` False: every drain may begin at once."""

    def __init__(self, *, needed: bool) -> None:
        self.granted = not needed
        self._needed = needed
        self._asked: tuple[float | None] | None = None
        self._yielded = False

    @property
    def wanted(self) -> bool:
        """It was asked for, and is ours or will be."""
        return self._asked is not None

    @property
    def limits_others(self) -> bool:
        """It is ours, and without a deadline: another drain may have to wait for it."""
        return self._asked == (None,) and self.granted and not self._yielded

    def ask(self, deadline_at: float | None) -> list[Decision]:
        """Ask once, and again when the deadline has changed: with one, a drain is not limited."""
        if not self._needed or self._yielded or self._asked == (deadline_at,):
            return []
        self._asked = (deadline_at,)
        return [WantTurn(deadline_at)]

    def grant(self) -> None:
        """It is our turn, if we still want it."""
        self.granted = self._asked is not None

    def yield_it(self) -> list[Decision]:
        """The drain has had its time: it goes on, and another one may begin. It does not ask again."""
        if not self.limits_others:
            return []
        self._yielded = True
        return [GiveTurn()]

    def give_back(self) -> list[Decision]:
        """The drain is over, or called off."""
        if self._asked is None:
            return []
        given: list[Decision] = [] if self._yielded else [GiveTurn()]
        self._asked, self.granted, self._yielded = None, False, False
        return given
