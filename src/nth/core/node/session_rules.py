"""All that the settings say about a session."""

from dataclasses import dataclass, field

from nth.core.drain.drain import DrainRules
from nth.core.node.event_ledger import MarkRules
from nth.core.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """All that the settings say about a session."""

    policy: Policy = field(default_factory=Policy)
    marks: MarkRules = field(default_factory=MarkRules)
    drain: DrainRules = field(default_factory=DrainRules)
    identity: str = ""
    """Who we are among the replicas; empty = there are no others."""
    needs_drain_slot: bool = False
    """Wait for a drain slot before the first eviction."""
    watch_node: bool = False
    """The node is ours alone, and nobody else tells what becomes of it."""
