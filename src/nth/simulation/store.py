"""The API server's storage: objects with resource versions, and the log of changes that watches read.

Every write gets the next version of one counter, as in etcd, and calls `on_change` once. It knows
no rules: those are in `deletion`, `eviction`, the controllers and the kubelets.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from uuid import UUID

from nth.core.facts import Node, Pod, PodRef
from nth.errors import Expired, Missing
from nth.simulation.admission import AdmissionSpec
from nth.simulation.objects import BudgetObject, LeaseObject, NodeObject, PodObject, WorkloadObject

SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
FIRST_VERSION = 1000
"""Earlier changes are forgotten: a cluster is never as young as its storage."""
REMEMBERED = 5000
"""The number of changes that are kept; the real server keeps five minutes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One write: the object before (None: created) and after (None: removed)."""

    version: int
    before: T | None
    after: T | None


class History(Generic[T]):
    """The changes since `version`; earlier ones are forgotten."""

    def __init__(self, version: int) -> None:
        self._changes: deque[Change[T]] = deque(maxlen=REMEMBERED)
        self._compacted_version = version

    def add(self, change: Change[T]) -> None:
        """Add the newest change."""
        if len(self._changes) == REMEMBERED:
            self._compacted_version = self._changes[0].version
        self._changes.append(change)

    def after(self, version: int) -> Iterator[Change[T]]:
        """Returns every change after that version, oldest first; Expired if some are forgotten."""
        if version < self._compacted_version:
            raise Expired(f"410: too old resource version: {version} ({self._compacted_version})")
        newer: list[Change[T]] = []
        for change in reversed(self._changes):
            if change.version <= version:
                break
            newer.append(change)
        return reversed(newer)

    def forget(self, version: int) -> None:
        """Compact, as etcd does: a watch can no longer begin before that version."""
        self._changes.clear()
        self._compacted_version = version


class Store:
    """All objects of the cluster."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._names = 0
        self._pods: dict[tuple[str, str], PodObject] = {}
        self.pod_history: History[Pod] = History(FIRST_VERSION)
        self.node_history: History[Node] = History(FIRST_VERSION)
        self.wake = asyncio.Event()
        self.version = FIRST_VERSION
        self.nodes: dict[str, NodeObject] = {}
        self.workloads: dict[tuple[str, str], WorkloadObject] = {}
        self.budgets: dict[tuple[str, str], BudgetObject] = {}
        self.leases: dict[str, LeaseObject] = {}
        self.admission: AdmissionSpec | None = None
        self.has_lease_namespace = True

    # Names

    def new_uid(self) -> str:
        self._names += 1
        return str(UUID(int=self._names, version=4))

    def new_suffix(self, length: int = 5) -> str:
        """Returns a unique suffix, of the letters that the API server uses for generated names."""
        self._names += 1
        # The factor has no common divisor with a power of the number of letters: no name comes twice.
        return suffix_of(self._names * 7_368_787, length)

    # Pods

    @property
    def pods(self) -> Mapping[tuple[str, str], PodObject]:
        """All pods by (namespace, name), in the order in which they were created."""
        return self._pods

    def pod(self, ref: PodRef) -> PodObject:
        """Returns that very pod; Missing if it is gone or another one has its name."""
        found = self._pods.get((ref.namespace, ref.name))
        if found is None:
            raise Missing(f'pod {ref}: 404: pods "{ref.name}" not found')
        if found.ref.uid != ref.uid:
            raise Missing(
                f"pod {ref}: 409: Precondition failed: UID in precondition: {ref.uid}, "
                f"UID in object meta: {found.ref.uid}"
            )
        return found

    def put_pod(self, pod: PodObject) -> None:
        """Create or change it; writing the same again is no write."""
        key = (pod.ref.namespace, pod.ref.name)
        before = self._pods.get(key)
        if before == pod:
            return
        self._pods[key] = pod
        self.version += 1
        self.pod_history.add(Change(self.version, before.fact if before else None, pod.fact))
        self._written()

    def change_pod(self, pod: PodObject, fact: Pod) -> PodObject:
        """Store another fact of the pod, and return the pod."""
        changed = replace(pod, fact=fact)
        self.put_pod(changed)
        return changed

    def remove_pod(self, pod: PodObject) -> None:
        del self._pods[pod.ref.namespace, pod.ref.name]
        self.version += 1
        self.pod_history.add(Change(self.version, pod.fact, None))
        self._written()

    def pods_by_workload(self) -> dict[tuple[str, str], list[PodObject]]:
        """Returns the pods of each workload, by its (namespace, name)."""
        groups: dict[tuple[str, str], list[PodObject]] = defaultdict(list)
        for pod in self._pods.values():
            groups[pod.workload].append(pod)
        return groups

    def pods_by_node(self) -> dict[str, list[PodObject]]:
        """Returns the pods bound to each node, by its name; under "" those that are bound to none."""
        groups: dict[str, list[PodObject]] = defaultdict(list)
        for pod in self._pods.values():
            groups[pod.fact.node_name].append(pod)
        return groups

    # Other objects

    def put_node(self, node: NodeObject) -> NodeObject:
        """Create or change it; returns it with the new resource version. The same again is no write."""
        old = self.nodes.get(node.name)
        if old == node:
            return old
        self.version += 1
        stored = replace(node, fact=replace(node.fact, resource_version=str(self.version)))
        self.nodes[node.name] = stored
        self.node_history.add(Change(self.version, old.fact if old else None, stored.fact))
        self._written()
        return stored

    def change_node(self, node: NodeObject, fact: Node) -> NodeObject:
        """Store another fact of the node, and return the node."""
        return self.put_node(replace(node, fact=fact))

    def remove_node(self, name: str) -> None:
        old = self.nodes.pop(name)
        self.version += 1
        self.node_history.add(Change(self.version, old.fact, None))
        self._written()

    def put_workload(self, workload: WorkloadObject) -> None:
        """Create or replace it."""
        self.workloads[workload.key] = workload
        self._touched()

    def remove_workload(self, workload: WorkloadObject) -> None:
        del self.workloads[workload.key]
        self._touched()

    def put_budget(self, budget: BudgetObject) -> None:
        """Create or replace it; the same again is no write."""
        key = (budget.spec.namespace, budget.spec.name)
        if self.budgets.get(key) != budget:
            self.budgets[key] = budget
            self._touched()

    def put_lease(self, lease: LeaseObject) -> LeaseObject:
        """Create or replace it; returns it with the new resource version. Nothing else depends on it."""
        self.version += 1
        stored = replace(lease, fact=replace(lease.fact, resource_version=str(self.version)))
        self.leases[stored.fact.name] = stored
        return stored

    def remove_lease(self, name: str) -> None:
        self.version += 1
        del self.leases[name]

    # Watching

    def wake_watches(self) -> None:
        """Set and replace `wake`: a watch takes it before reading, and waits for it afterwards."""
        self.wake.set()
        self.wake = asyncio.Event()

    def forget_history(self) -> None:
        """Compact, as etcd does: a watch can no longer begin before now."""
        self.pod_history.forget(self.version)
        self.node_history.forget(self.version)

    def _written(self) -> None:
        """Let watches and machinery look: an object was written."""
        self.wake_watches()
        self._on_change()

    def _touched(self) -> None:
        self.version += 1
        self._on_change()


def suffix_of(number: int, length: int) -> str:
    """Returns the number in the letters of generated names; neighbours look nothing alike."""
    letters = []
    for _ in range(length):
        number, digit = divmod(number, len(SUFFIX_LETTERS))
        letters.append(SUFFIX_LETTERS[digit])
    return "".join(letters)
