"""All that the live view shows at one instant. Values only."""

from dataclasses import dataclass

from nth.core.facts import Node, Pod
from nth.report.interruption import Entry, InterruptionReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A cluster, what has been told so far, and the log."""

    title: str
    now: float
    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...]
    dead: frozenset[str]
    """Names of nodes whose machine has no power."""
    node_name: str
    """The node that all this is about."""
    report: InterruptionReport | None
    """None until something has been told."""
    log: tuple[Entry, ...]
