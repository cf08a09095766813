"""Tells several listeners of a change of a node: a defect in one keeps no other from hearing of it."""

import logging
from collections.abc import Callable

from nth.core.facts import Node

logger = logging.getLogger("nth.fleet")

OnChange = Callable[[Node | None, Node | None], None]
"""Of the node before and after; None = there was no such node, or there is none any more."""


def each_of(*listeners: OnChange) -> OnChange:
    """One listener that tells all of these, in this order."""

    def tell(before: Node | None, after: Node | None) -> None:
        for listener in listeners:
            try:
                listener(before, after)
            except Exception:
                node = after or before
                fields = {"node": node.name if node else ""}
                logger.exception("a change of a node could not be handled", extra={"fields": fields})

    return tell
