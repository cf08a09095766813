"""Words what is taken back on a node, what stays there, and why a node is left as it is."""

from collections.abc import Iterable

from nth.core.facts import Node
from nth.core.node.node_annotation import Seen
from nth.core.node.restoration import Restoration
from nth.core.notices.events import SpotInterruption
from nth.core.policy import OUT_OF_SERVICE_TAINT
from nth.core.times import utc_text


def marks_of(found: Restoration) -> str:
    """Returns `the cordon, the taint a/b, the labels c, d and the record`."""
    parts = ["the cordon"] if found.marks.cordoned else []
    parts += _named("taint", (taint.key for taint in found.marks.taints))
    parts += _named("label", found.marks.labels)
    parts += ["the record"] if found.record else []
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _named(noun: str, names: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(names))
    return [f"the {noun}{'s' if len(found) > 1 else ''} {', '.join(found)}"] if found else []


def rest_of(found: Restoration, node: Node) -> str:
    """Returns what of the kind stays on the node, and why; empty if nothing does."""
    kept = ""
    if found.kept_cordon:
        kept += "; it stays cordoned, " + _by_whom(node)
    if found.kept_taint:
        kept += f"; the taint {OUT_OF_SERVICE_TAINT.key} stays, because no record shows that a handler set it"
    return kept


def _by_whom(node: Node) -> str:
    if not node.cordoned_by:
        return "because the API server does not say who set that"
    return f"which {', '.join(node.cordoned_by)} set"


def doubt_of(found: Restoration) -> str:
    """Returns why it takes `--force`."""
    if found.unreadable:
        return f"{found.unreadable}, so it is not known whether an interruption stands; --force ignores that"
    kinds = " and ".join(dict.fromkeys(_standing(seen) for seen in found.standing))
    stand = "stands" if " and " not in kinds else "stand"
    return f"{kinds} still {stand}: a handler that runs would mark the node again; --force ignores that"


def _standing(seen: Seen) -> str:
    at = f" of {utc_text(seen.event.interrupted_at)}" if isinstance(seen.event, SpotInterruption) else ""
    return seen.event.kind.title + at
