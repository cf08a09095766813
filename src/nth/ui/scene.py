"""The values that the live view shows at one instant."""

from dataclasses import dataclass

from nth.core.facts import Node, Pod
from nth.report.interruption import Entry, InterruptionReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A cluster, the report so far, and the log."""

    title: str
    now: float
    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...]
    dead: frozenset[str]
    """The names of nodes whose machine has no power."""
    node_name: str
    """The node of the interruption."""
    report: InterruptionReport | None
    """None until something has been reported."""
    log: tuple[Entry, ...]
