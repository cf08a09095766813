"""The context that the dispatch's parts share: rules, view, time and decisions."""

from collections import Counter
from collections.abc import Mapping

from nth.core.queue.dispatch_view import DispatchRules, View
from nth.core.queue.dispatch_words import Decision, Log
from nth.core.queue.recent_keys import Remembered

NEVER = float("inf")
Fields = Mapping[str, object]


class Context:
    """`identity` is our name among the replicas; empty = there are no others."""

    def __init__(self, rules: DispatchRules, view: View, identity: str, *, dry_run: bool = False) -> None:
        self.rules = rules
        self.dry_run = dry_run
        self.view = view
        self.identity = identity
        self.now = 0.0
        self.counts: Counter[str] = Counter()
        """Counts messages and items by outcome."""
        self._decisions: list[Decision] = []
        self._logged = Remembered()

    def decide(self, decision: Decision) -> None:
        """Add a decision; they are carried out in this order."""
        self._decisions.append(decision)

    def log(self, level: int, text: str, fields: Fields) -> None:
        """Decide to log a line."""
        self.decide(Log(level, text, fields))

    def log_once(self, key: str, level: int, text: str, fields: Fields) -> None:
        """Decide to log a line, unless one was logged under that key lately."""
        if self._logged.is_news(key, self.now):
            self.log(level, text, fields)

    def decided(self) -> list[Decision]:
        """Returns all decisions since the last call."""
        decisions, self._decisions = self._decisions, []
        return decisions
