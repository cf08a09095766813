"""Hands out the changes of all pods to the subscribers that they concern. Nothing here waits or asks.

It keeps the last changes and the UIDs that each subscriber knows, and no pod besides. A subscriber gets
the changes that a watch of its own scope would bring.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from nth.core.facts import PodChange, PodGone, PodList, PodScope, PodSeen
from nth.errors import ClusterError, Expired
from nth.queue_mode.pod_scopes import Key, ScopeRule, keys_of

REMEMBERED_CHANGES = 1000
"""Between a list and its watch pass milliseconds; a later subscriber lists again."""
REMEMBERED_LISTS = 1000

Heard = Callable[[PodChange | ClusterError], None]
"""Takes a change, or the error that ends them."""
K = TypeVar("K")


@dataclass(eq=False, slots=True)
class Subscription:
    """A subscriber to one scope, from a version on."""

    rule: ScopeRule
    version: int
    known: set[str]
    """UIDs of the pods in the scope as far as the subscriber knows."""
    heard: Heard

    def offer(self, version: int, change: PodChange) -> None:
        """Hand over a change if it concerns the subscriber."""
        if version <= self.version:  # its list is newer
            return
        if isinstance(change, PodSeen):
            uid = change.pod.ref.uid
            if self.rule.matches(change.pod):
                self.known.add(uid)
                self.heard(change)
            elif uid in self.known:
                self.known.remove(uid)
                self.heard(PodGone(change.pod.ref, change.resource_version))
        elif change.ref.uid in self.known:
            self.known.remove(change.ref.uid)
            self.heard(change)


@dataclass(slots=True)
class PodFeed:
    """All changes after the version `anchor`: those of pods compare as integers.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions (KEP-5504)
    """

    anchor: int
    _oldest: int = field(init=False)
    """Every change after this version is remembered."""
    _changes: deque[tuple[int, PodChange]] = field(init=False, default_factory=deque)
    _lists: dict[PodScope, tuple[str, frozenset[str]]] = field(init=False, default_factory=dict)
    """The last list of a scope: its version, and the UIDs."""
    _index: dict[Key, dict[Subscription, None]] = field(init=False, default_factory=dict)
    _knowing: dict[str, dict[Subscription, None]] = field(init=False, default_factory=dict)
    """The subscribers that know the pod, by UID: they have to hear that it is gone."""
    subscriptions: set[Subscription] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._oldest = self.anchor

    def listed(self, scope: PodScope, found: PodList) -> None:
        """Take a list, from which its caller may subscribe."""
        self._lists.pop(scope, None)
        self._lists[scope] = found.resource_version, frozenset(pod.ref.uid for pod in found.pods)
        if len(self._lists) > REMEMBERED_LISTS:
            del self._lists[next(iter(self._lists))]

    def subscribe(
        self, scope: PodScope, rule: ScopeRule, resource_version: str, heard: Heard
    ) -> Subscription:
        """Returns a subscription: `heard` gets every change after that list of the scope, also past ones.

        Expired: that list is not the scope's last one, or the changes after it are forgotten.
        """
        version, known = self._lists.pop(scope, ("", frozenset[str]()))
        if version != resource_version or int(version) < self._oldest:
            raise Expired(f"the shared watch cannot go on from version {resource_version}, list again")
        subscription = Subscription(rule, int(version), set(known), heard)
        for past_version, change in self._after(int(version)):
            subscription.offer(past_version, change)
        for key in rule.keys:
            self._index.setdefault(key, {})[subscription] = None
        for uid in subscription.known:
            self._knowing.setdefault(uid, {})[subscription] = None
        self.subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """End a subscription."""
        self.subscriptions.discard(subscription)
        for key in subscription.rule.keys:
            _drop(self._index, key, subscription)
        for uid in subscription.known:
            _drop(self._knowing, uid, subscription)

    def tell(self, change: PodChange) -> None:
        """Hand out the next change. It costs as much as it concerns, however many subscribe."""
        version = int(change.resource_version)
        self._remember(version, change)
        uid = change.pod.ref.uid if isinstance(change, PodSeen) else change.ref.uid
        concerned = dict(self._knowing.get(uid, ()))
        if isinstance(change, PodSeen):
            for key in keys_of(change.pod):
                concerned.update(self._index.get(key, ()))
        for subscription in concerned:
            subscription.offer(version, change)
            if uid in subscription.known:
                self._knowing.setdefault(uid, {})[subscription] = None
            else:
                _drop(self._knowing, uid, subscription)

    def end(self, error: ClusterError) -> None:
        """End all subscriptions with the error."""
        for subscription in self.subscriptions:
            subscription.heard(error)

    def _remember(self, version: int, change: PodChange) -> None:
        self._changes.append((version, change))
        if len(self._changes) > REMEMBERED_CHANGES:
            self._oldest, _ = self._changes.popleft()

    def _after(self, version: int) -> Iterable[tuple[int, PodChange]]:
        newer: list[tuple[int, PodChange]] = []
        for entry in reversed(self._changes):
            if entry[0] <= version:
                break
            newer.append(entry)
        return reversed(newer)


def _drop(index: dict[K, dict[Subscription, None]], key: K, subscription: Subscription) -> None:
    """Remove the subscription, and a place that is empty then."""
    there = index.get(key)
    if there is not None:
        there.pop(subscription, None)
        if not there:
            del index[key]
