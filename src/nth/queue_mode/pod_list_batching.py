"""Joins lists that several ask for at the same time into one request: by a label's values, or of a namespace.

In a storm each node's session asks for the pods of the same controllers: forty lists of the same four
hundred pods cost the API server and us more than the evictions. A caller that comes while such a list is
under way waits for the next one, which names the values of all that wait; so its answer was asked for after
it came.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from nth.core.facts import PodList, PodScope
from nth.errors import ClusterError
from nth.queue_mode.outage_log import anew
from nth.queue_mode.pod_scopes import ScopeRule, selector_of

MAX_VALUES = 200
"""In one request: a URL has its limits."""


class Lister(Protocol):
    """The part of `ports.Cluster` that is used here."""

    async def list_pods(self, scope: PodScope, *, cached: bool = False) -> PodList: ...


@dataclass(eq=False, slots=True)
class _Wish:
    rule: ScopeRule
    answer: PodList | ClusterError | None = None


@dataclass(slots=True)
class _Line:
    """The callers that wait for lists of the same label in the same namespace."""

    wishes: list[_Wish] = field(default_factory=list)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class JointLists:
    """Lists by a label or of a namespace, through `cluster`."""

    def __init__(self, cluster: Lister, *, max_values: int = MAX_VALUES) -> None:
        self._cluster = cluster
        self._max_values = max_values
        self._lines: dict[tuple[str, str, bool], _Line] = {}

    async def list_pods(self, rule: ScopeRule, *, cached: bool) -> PodList:
        """Returns the pods of a scope that has a label or a namespace, and no node."""
        key = (rule.namespace, rule.label, cached)
        line = self._lines.setdefault(key, _Line())
        wish = _Wish(rule)
        line.wishes.append(wish)
        try:
            async with line.asking:
                if wish.answer is None:
                    await self._ask(line, wish, cached)
        finally:
            line.wishes.remove(wish)
            if not line.wishes:
                self._lines.pop(key, None)
        assert wish.answer is not None
        if isinstance(wish.answer, ClusterError):
            raise anew(wish.answer)
        return wish.answer

    async def _ask(self, line: _Line, first: _Wish, cached: bool) -> None:
        chosen, values = [first], first.rule.values
        for wish in line.wishes:
            together = values | wish.rule.values
            if wish.answer is None and wish is not first and len(together) <= self._max_values:
                chosen.append(wish)
                values = together
        rule = first.rule
        selector = selector_of(rule.label, values) if rule.label else ""
        scope = PodScope(namespace=rule.namespace, label_selector=selector)
        try:
            found = await self._cluster.list_pods(scope, cached=cached)
        except ClusterError as error:
            for wish in chosen:
                wish.answer = error
        else:
            for wish in chosen:
                wish.answer = PodList(tuple(filter(wish.rule.matches, found.pods)), found.resource_version)
