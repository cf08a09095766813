"""Decides which replicas of the handler live, by their leases.

As client-go's leader election does it, a lease's time is never compared with a clock of ours: it counts
for how long, by our own clock, a lease that we could read has not changed.
https://pkg.go.dev/k8s.io/client-go/tools/leaderelection

Every replica renews its own lease and lists all of them each `RENEW_SECONDS`, and gives up a request
after as long. So a replica that the API server answers changes its lease at least every
3 x RENEW_SECONDS = LEASE_SECONDS, and one that has not done so is gone, or cannot reach the API server and
cannot evict anything either. This module asks and writes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nth.core.facts import Lease
from nth.core.policy import PREFIX

RENEW_SECONDS = 2.0
LEASE_SECONDS = 6
STALE_SECONDS = 3600.0
"""A lease that has been dead for so long is garbage."""
MAX_NAMES = 1000
"""So many names without a lease are kept: a client that can write a record can make names up."""
EARLY_SECONDS = 0.01
"""Timers and floats may be a moment early; that must not cost one more round."""
TAKEN_AWAY_SECONDS = 60.0
"""After leases could be listed and may not be any more, no replica is taken for dead for so long."""
LONGEST_GAP_SECONDS = 2 * RENEW_SECONDS + 1
"""Answers that follow each other are never further apart, unless we were held up, or the clock was set."""


def lease_name(identity: str) -> str:
    """Returns the name of a replica's lease; `identity` is the name of its pod."""
    return f"{PREFIX}-{identity}"


def identity_of(lease: Lease) -> str:
    """Returns the replica whose lease it is, also when it has been released."""
    return lease.name.removeprefix(f"{PREFIX}-")


@dataclass(frozen=True, slots=True)
class _Other:
    """Another replica's lease, as last read."""

    mark: tuple[str, float]
    """Holder and time of renewal: a change of them is a sign of life."""
    changed_at: float
    """By our clock, when we first saw this mark, or began to count anew."""
    alive: bool


class Replicas:
    """The other replicas as one replica knows them. `now` and `began_at` are epoch seconds of one clock."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.listed = False
        """True if the leases could ever be listed."""
        self.alone = False
        """True if the leases may not be listed, or cannot be had: no other replica counts."""
        self._others: dict[str, _Other] = {}
        self._dead: set[str] = set()
        self._asked: set[str] = set()
        """Names that were asked about, and in no list so far: the next list tells."""
        self._in_question: set[str] = set()
        """Those of them that were asked about before the list that is under way began."""
        self._listed_at: float | None = None
        self._interrupted = False
        self._forbidden_at: float | None = None

    def is_alive(self, identity: str) -> bool:
        """True if its nodes are to be left to it.

        An unknown replica counts as alive until a list that begins after this call has no lease of it: a
        replica has its lease before it takes a node. That is then a death.
        """
        if identity == self.identity:
            return True
        if self.alone or identity in self._dead:
            return False
        if identity not in self._others:
            if len(self._asked) >= MAX_NAMES:
                # There are never so many replicas: a client makes names up.
                return False
            self._asked.add(identity)
        return True

    def is_shown_alive(self, identity: str) -> bool:
        """True if its lease shows that it lives, or if leases may not be listed."""
        known = self._others.get(identity)
        return self.alone or (known is not None and known.alive)

    def others_alive(self) -> tuple[str, ...]:
        """Returns the other replicas that live, by the last list, sorted."""
        return tuple(sorted(name for name, other in self._others.items() if other.alive))

    def asking(self) -> None:
        """Note that a list begins."""
        self._in_question |= self._asked

    def interrupted(self) -> None:
        """Note that a list or our own renewal failed: the others may have the same trouble, so count anew."""
        self._interrupted, self._forbidden_at = True, None

    def heard(self, leases: Iterable[Lease], *, began_at: float, now: float) -> tuple[str, ...]:
        """Take a list that began then. Returns the replicas that have died since the last one, each once."""
        believed = {*self.others_alive(), *self._in_question}
        if self._interrupted or not self._follows(now):
            self._count_anew(now)
        self._others = {
            identity_of(lease): self._judge(lease, began_at, now)
            for lease in leases
            if lease.name != lease_name(self.identity)
        }
        self._asked -= self._in_question
        self._in_question.clear()
        self._listed_at, self.listed, self.alone, self._interrupted = now, True, False, False
        alive = set(self.others_alive())
        dead = self._dead if len(self._dead) < MAX_NAMES else set()
        self._dead = (dead | believed | self._others.keys()) - alive
        return tuple(sorted(believed - alive))

    def forbidden(self, now: float) -> tuple[str, ...]:
        """Take the refusal of a list by RBAC. Returns the replicas that count as dead by that; see `alone`.

        An API server that has just started forbids everything for a moment, and rules that are taken
        away later may be given back: they are an interruption like any other, but not for ever.
        """
        self._interrupted = True
        if self._forbidden_at is None:
            self._forbidden_at = now
        timeout_seconds = TAKEN_AWAY_SECONDS if self.listed else LEASE_SECONDS
        if self.alone or now - self._forbidden_at < timeout_seconds - EARLY_SECONDS:
            return ()
        return self.nowhere()

    def nowhere(self) -> tuple[str, ...]:
        """Be alone from now on, as no lease can be had. Returns the replicas that count as dead by that."""
        deaths = tuple(sorted({*self.others_alive(), *self._asked}))
        self.alone, self._interrupted = True, True
        self._dead |= {*deaths, *self._others}
        self._others.clear()
        self._asked.clear()
        self._in_question.clear()
        return deaths

    def stale(self, now: float) -> tuple[str, ...]:
        """Returns the names of leases that have been dead for more than `STALE_SECONDS`."""
        return tuple(
            lease_name(name)
            for name, other in self._others.items()
            if not other.alive and now - other.changed_at > STALE_SECONDS
        )

    def _follows(self, now: float) -> bool:
        return self._listed_at is not None and 0 <= now - self._listed_at <= LONGEST_GAP_SECONDS

    def _count_anew(self, now: float) -> None:
        self._others = {
            name: _Other(other.mark, now if other.alive else min(now, other.changed_at), other.alive)
            for name, other in self._others.items()
        }

    def _judge(self, lease: Lease, began_at: float, now: float) -> _Other:
        """Judge by `began_at`, not `now`: a slow list may show how things were when it began."""
        mark = (lease.holder, lease.renewed_at)
        known = self._others.get(identity_of(lease))
        if known is None or known.mark != mark:
            return _Other(mark, now, alive=bool(lease.holder))
        silent = began_at - known.changed_at >= LEASE_SECONDS - EARLY_SECONDS
        return _Other(mark, known.changed_at, alive=known.alive and not silent)
