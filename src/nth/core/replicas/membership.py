"""Which replicas of the handler live, judged by their leases.

As client-go's leader election does it, a lease's time is never compared with a clock of ours: what
counts is for how long, by our own clock, a lease that we could read has not changed.
https://pkg.go.dev/k8s.io/client-go/tools/leaderelection

Every replica renews its own lease and lists all of them each `RENEW_SECONDS`, and gives up a request
after as long. So a replica that the API server answers changes its lease at least every
3 x RENEW_SECONDS = LEASE_SECONDS, and one that has not done so is gone, or cannot reach the API server and
cannot evict anything either. This asks and writes nothing.
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
"""So many names without a lease are kept: whoever can write a record can make names up."""
EARLY_SECONDS = 0.01
"""Timers and floats may be a moment early; that must not cost one more round."""
TAKEN_AWAY_SECONDS = 60.0
"""Leases that could be listed and may not be any more: so long nobody is taken for dead."""
LONGEST_GAP_SECONDS = 2 * RENEW_SECONDS + 1
"""Answers that follow each other are never further apart, unless we were held up, or the clock was set."""


def lease_name(identity: str) -> str:
    """The name of a replica's lease; `identity` is the name of its pod."""
    return f"{PREFIX}-{identity}"


def identity_of(lease: Lease) -> str:
    """Whose lease it is, also when it has been released."""
    return lease.name.removeprefix(f"{PREFIX}-")


@dataclass(frozen=True, slots=True)
class _Other:
    """Another replica's lease, as last read."""

    mark: tuple[str, float]
    """Holder and time of renewal: that it changes is a sign of life."""
    changed_at: float
    """By our clock, when we first saw this mark, or began to count anew."""
    alive: bool


class Replicas:
    """What one replica knows of the others. `now` and `began_at` are epoch seconds of one clock."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.listed = False
        """Whether the leases could ever be listed."""
        self.alone = False
        """The leases may not be listed, or cannot be had, so nobody else is heeded."""
        self._others: dict[str, _Other] = {}
        self._dead: set[str] = set()
        self._asked: set[str] = set()
        """Named by somebody but in no list so far: the next list tells."""
        self._in_question: set[str] = set()
        """Of these, who was asked for before the list that is under way began."""
        self._listed_at: float | None = None
        self._interrupted = False
        self._forbidden_at: float | None = None

    def is_alive(self, identity: str) -> bool:
        """Whether to leave its nodes to it.

        A replica of which nothing is known counts as alive until a list that begins after this call
        has no lease of it: a replica has its lease before it takes a node. That is then a death.
        """
        if identity == self.identity:
            return True
        if self.alone or identity in self._dead:
            return False
        if identity not in self._others:
            if len(self._asked) >= MAX_NAMES:
                # So many replicas there are not: somebody makes names up.
                return False
            self._asked.add(identity)
        return True

    def is_shown_alive(self, identity: str) -> bool:
        """Whether its lease shows that it lives; where leases may not be listed, nothing shows otherwise."""
        known = self._others.get(identity)
        return self.alone or (known is not None and known.alive)

    def others_alive(self) -> tuple[str, ...]:
        """The other replicas that live, by what was listed, sorted."""
        return tuple(sorted(name for name, other in self._others.items() if other.alive))

    def asking(self) -> None:
        """A list begins."""
        self._in_question |= self._asked

    def interrupted(self) -> None:
        """A list failed, or our own renewal did: the others may have the same trouble, so count anew."""
        self._interrupted, self._forbidden_at = True, None

    def heard(self, leases: Iterable[Lease], *, began_at: float, now: float) -> tuple[str, ...]:
        """A list that began then was answered. Who has died since the last one: each death is told once."""
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
        """RBAC forbids the list. Who counts as dead by that; see `alone`.

        An API server that has just started forbids everything for a moment, and rules that are taken
        away later may be given back: they are an interruption like any other, but not for ever.
        """
        self._interrupted = True
        if self._forbidden_at is None:
            self._forbidden_at = now
        patience_seconds = TAKEN_AWAY_SECONDS if self.listed else LEASE_SECONDS
        if self.alone or now - self._forbidden_at < patience_seconds - EARLY_SECONDS:
            return ()
        return self.nowhere()

    def nowhere(self) -> tuple[str, ...]:
        """Nobody's lease can be had, so from now on we are alone. Who counts as dead by that."""
        deaths = tuple(sorted({*self.others_alive(), *self._asked}))
        self.alone, self._interrupted = True, True
        self._dead |= {*deaths, *self._others}
        self._others.clear()
        self._asked.clear()
        self._in_question.clear()
        return deaths

    def stale(self, now: float) -> tuple[str, ...]:
        """The names of leases that have been dead for more than `STALE_SECONDS`."""
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
        """`began_at`, not `now`: what a slow list says may have been read when it began."""
        mark = (lease.holder, lease.renewed_at)
        known = self._others.get(identity_of(lease))
        if known is None or known.mark != mark:
            return _Other(mark, now, alive=bool(lease.holder))
        silent = began_at - known.changed_at >= LEASE_SECONDS - EARLY_SECONDS
        return _Other(mark, known.changed_at, alive=known.alive and not silent)
