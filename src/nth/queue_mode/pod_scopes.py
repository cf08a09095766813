"""Judges which changes concern which subscribers: a scope as a rule for pods, and as keys for its look-up.

Only the scopes that this program makes (`core.drain.replacement`): any other is None, not a guess.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nth.core.facts import Pod, PodScope

Key = tuple[str, ...]

_ONE_OF = re.compile(r"(?P<key>[A-Za-z0-9._/-]+) in \((?P<values>[A-Za-z0-9._,-]*)\)")


@dataclass(frozen=True, slots=True)
class ScopeRule:
    """A scope, read once."""

    node_name: str
    namespace: str
    label: str = ""
    values: frozenset[str] = frozenset()

    def matches(self, pod: Pod) -> bool:
        """True if the pod belongs to the scope."""
        return (
            self.node_name in ("", pod.node_name)
            and self.namespace in ("", pod.ref.namespace)
            and (not self.label or pod.labels.get(self.label) in self.values)
        )

    @property
    def keys(self) -> tuple[Key, ...]:
        """Returns keys: every pod of the scope has one of them among its own (`keys_of`)."""
        if self.node_name:
            return (("node", self.node_name),)
        if self.label and self.namespace:
            return tuple((self.namespace, self.label, value) for value in self.values)
        return ((self.namespace,),)


def rule_of(scope: PodScope) -> ScopeRule | None:
    """Returns the rule; None: a selector of a shape that is not known here.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    if not scope.label_selector:
        return ScopeRule(scope.node_name, scope.namespace)
    found = _ONE_OF.fullmatch(scope.label_selector)
    if found is None:
        return None
    return ScopeRule(scope.node_name, scope.namespace, found["key"], frozenset(found["values"].split(",")))


def selector_of(label: str, values: Iterable[str]) -> str:
    """Returns the selector of pods that have one of these values."""
    return f"{label} in ({','.join(sorted(values))})"


def keys_of(pod: Pod) -> Iterator[Key]:
    """Returns all keys that a scope with this pod may have."""
    namespace = pod.ref.namespace
    yield ("",)
    yield (namespace,)
    yield ("node", pod.node_name)
    for label in pod.labels.items():
        yield (namespace, *label)
