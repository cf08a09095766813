"""The settings of a session."""

from dataclasses import dataclass, field

from nth.core.drain.drain import DrainRules
from nth.core.node.event_ledger import MarkRules
from nth.core.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """The settings of a session."""

    policy: Policy = field(default_factory=Policy)
    marks: MarkRules = field(default_factory=MarkRules)
    drain: DrainRules = field(default_factory=DrainRules)
    identity: str = ""
    """Our name among the replicas; empty = there are no others."""
    needs_drain_slot: bool = False
    """True if a drain slot is needed before the first eviction."""
    watch_node: bool = False
    """True if the node is ours alone, and no other part watches it."""
