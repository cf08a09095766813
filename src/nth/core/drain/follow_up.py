"""Follows the replacements of a node's pods to their end, and reports what became of them.

It outlives a single evacuation: a further event may ask for another drain while pods of the first one are
still Pending elsewhere. How many pods a controller wants is asked only when it is to be reported as short.
"""

from collections.abc import Iterable

from nth.core.decisions import (
    Decision,
    FollowPods,
    ListPods,
    PodChanged,
    PodsChanged,
    PodsListed,
    ReadWanted,
    StopFollowing,
    Tell,
    WantedRead,
)
from nth.core.drain.replacement import Replacement
from nth.core.facts import Pod, PodScope
from nth.core.reports import ReplacementEnded
from nth.errors import ClusterError, Forbidden

FOLLOW_SECONDS = 600.0
"""Replacements are followed for so long after the report of the missing ones."""
ANSWER_SECONDS = 1.0
"""A report waits for the numbers of wanted pods for so long: the time until the deadline is short."""
READ_AGAIN_SECONDS = 60.0
"""Controllers that were reported as short are asked again after this, and ever less often."""
MAX_READ = 20
"""So many controllers of one node are asked at a time; of any more it is not known what they want."""


class FollowUp:
    """The controllers that have lost pods of one node, until each is back or wants no more."""

    def __init__(self, node_name: str) -> None:
        self._node_name = node_name
        self._replacement = Replacement(node_name)
        self._following: tuple[PodScope, ...] = ()
        self._noticed_at = 0.0
        self._last_asked_at = 0.0
        """The time when the last pod was asked to go."""
        self._told_at: float | None = None
        """The time of the first report that was not final."""
        self._read_again_at = 0.0
        self._reading_at: float | None = None
        """The time when controllers were asked that have not been judged yet."""
        self._unanswered: set[str] = set()
        self._forbidden: set[str] = set()
        """Kinds that may not be read."""

    def begin(self, pods: Iterable[Pod], noticed_at: float, now: float) -> list[Decision]:
        """Take the pods that have to go, of a drain that was noticed then."""
        if not self._following:
            self._noticed_at = noticed_at
        self._told_at = self._reading_at = None
        pods = tuple(pods)
        decisions = self._follow(self._replacement.add(pods))
        for pod in pods:
            if pod.deleting_until_at is not None:
                decisions += self.asked(pod, now)
        return decisions

    def asked(self, pod: Pod, now: float) -> list[Decision]:
        """Note that a pod of the node is on its way out."""
        self._last_asked_at = now
        return self._follow(self._replacement.asked(pod, now))

    def _follow(self, scopes: Iterable[PodScope]) -> list[Decision]:
        known = self._following
        new = tuple(scope for scope in scopes if scope not in known)
        self._following = (*known, *new)
        # The pods of another controller may be among those that are followed already.
        return [FollowPods(scope) if scope in new else ListPods(scope) for scope in scopes]

    def follows(self, scope: PodScope) -> bool:
        """Returns whether pods of this scope are counted."""
        return scope in self._following

    def heard(self, given: PodsListed | PodChanged | PodsChanged, now: float) -> list[Decision]:
        """Take news of pods that may be replacements."""
        if not isinstance(given, PodsListed):
            each = (self._replacement.changed(given.scope, change, now) for change in given.changes)
            return [Tell(told) for replaced in each for told in replaced]
        if isinstance(given.answer, ClusterError):
            return []
        return [Tell(told) for told in self._replacement.listed(given.scope, given.answer, now)]

    def wanted_read(self, given: WantedRead) -> None:
        """Take the number of pods that a controller wants."""
        if given.controller.uid not in self._unanswered:
            return
        self._unanswered.discard(given.controller.uid)
        if isinstance(given.answer, Forbidden):
            self._forbidden.add(given.controller.kind)
        self._replacement.wanted_read(given.controller, given.answer)

    def step(self, now: float, late_at: float, *, proven: bool) -> list[Decision]:
        """Returns the reports and questions that are due. `proven`: no pod is left that has to go."""
        if not self._replacement.controllers:
            return self._end() if proven else []
        # An empty list is no success before the proof: pods that were never asked have no place in it.
        due = self._replacement.any_missing and now >= self._due_at(late_at)
        decisions = self._judge(now) if due else []
        if proven and self._replacement.controllers and not self._replacement.any_missing:
            decisions += [self._tell(now, final=True), *self._end()]
        return decisions

    def _judge(self, now: float) -> list[Decision]:
        """Ask the controllers that are short how many pods they want; then report on them, if that is due."""
        if self._reading_at is None:
            self._reading_at = now
            asking = self._questions()
            self._unanswered = {each.controller.uid for each in asking}
            # A list that was refused is asked for again; one that is watched comes by itself.
            unread = [ListPods(scope) for scope in self._replacement.unread()]
            if asking or unread:
                return [*unread, *asking]
        self._reading_at, self._unanswered = None, set()
        if not self._replacement.any_missing:
            return []
        if self._told_at is None:
            self._told_at, self._read_again_at = now, now + READ_AGAIN_SECONDS
            return [self._tell(now, final=False)]
        if now >= self._ends_at(self._told_at):
            return [self._tell(now, final=True), *self._end()]
        self._read_again_at = now + (now - self._told_at)
        return []

    def _questions(self) -> list[ReadWanted]:
        short = [each for each in self._replacement.short() if each[1].kind not in self._forbidden]
        return [ReadWanted(namespace, controller) for namespace, controller in short[:MAX_READ]]

    def _due_at(self, late_at: float) -> float:
        """Returns when the controllers that are short are to be judged."""
        if self._reading_at is not None:
            return self._reading_at + (ANSWER_SECONDS if self._unanswered else 0.0)
        if self._told_at is None:
            return late_at
        ends_at = self._ends_at(self._told_at)
        return min(self._read_again_at, ends_at) if self._read_again_at > self._told_at else ends_at

    def _ends_at(self, told_at: float) -> float:
        return max(told_at, self._last_asked_at) + FOLLOW_SECONDS

    def _tell(self, now: float, *, final: bool) -> Decision:
        found = self._replacement
        report = ReplacementEnded(
            missing=found.missing(),
            released=found.released(),
            controllers=found.controllers,
            seconds=now - self._noticed_at,
            final=final,
        )
        found.reported_short()
        return Tell(report)

    def _end(self) -> list[Decision]:
        """Follow no pod any more; those that are asked to go from now on are followed anew."""
        self._replacement = Replacement(self._node_name)
        self._told_at = self._reading_at = None
        self._unanswered = set()
        return self.pause()

    def pause(self) -> list[Decision]:
        """Stop following, and keep the counts."""
        ending, self._following = self._following, ()
        return [StopFollowing(scope) for scope in ending]

    def resume(self) -> list[Decision]:
        """Follow again what was followed before the pause."""
        return self._follow(self._replacement.scopes)

    @property
    def unfinished(self) -> bool:
        """True if a controller is short of pods."""
        return self._replacement.any_missing

    def wake_at(self, late_at: float) -> float | None:
        """Returns when `step` has something to do, if nothing else happens before."""
        return self._due_at(late_at) if self._replacement.any_missing else None
