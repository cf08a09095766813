"""The phases of a session and the triggers from one to the next, as a table.

The session follows this table, and the diagram in docs/how-it-decides.md is drawn from it.
"""

from enum import Enum


class Phase(Enum):
    """Where a node is on its way out, or back."""

    WAITING = "waiting"
    MARKING = "marking"
    CORDONED = "cordoned"
    DRAINING = "draining"
    DRAINED = "drained"
    UNDOING = "undoing"
    ENDED = "ended"


MEANINGS = {
    Phase.WAITING: "events are known, but none asks for anything yet",
    Phase.MARKING: "the node is being cordoned, tainted and labelled",
    Phase.CORDONED: "nothing new lands on the node; the drain is not asked for, or not yet",
    Phase.DRAINING: "pods are asked to go: politely, and forced at their latest moment",
    Phase.DRAINED: "the pods were read again, and none that has to go is left",
    Phase.UNDOING: "what we changed on the node is taken back; what is over but still listed is kept in mind",
    Phase.ENDED: "nothing more will be done",
}

MARKED_PHASES = (Phase.MARKING, Phase.CORDONED, Phase.DRAINING, Phase.DRAINED)
"""Our marks are on the node, or are being put there."""

OVER = "all events are over"
GONE = "the node is gone"
TAKEN = "another replica has the node"
HANDED_OVER = "the node is left to a successor"
DUE = "an event's time has come"
MARKED = "it is marked, or cannot be"
DRAIN_DUE = "a drain is due"
EMPTY = "no pod is left"
CALLED_OFF = "the drain is called off"
AGAIN = "one more event asks for a drain"
NEW = "a new event"
UNDONE = "undone"

FROM_ANY = (GONE, TAKEN, HANDED_OVER)
"""Triggers that end the session from every phase."""

TRANSITIONS: dict[tuple[Phase, str], Phase] = {
    (Phase.WAITING, DUE): Phase.MARKING,
    (Phase.MARKING, MARKED): Phase.CORDONED,
    (Phase.CORDONED, DRAIN_DUE): Phase.DRAINING,
    (Phase.DRAINING, EMPTY): Phase.DRAINED,
    (Phase.DRAINING, CALLED_OFF): Phase.CORDONED,
    (Phase.DRAINED, AGAIN): Phase.MARKING,
    (Phase.WAITING, OVER): Phase.UNDOING,
    (Phase.MARKING, OVER): Phase.UNDOING,
    (Phase.CORDONED, OVER): Phase.UNDOING,
    (Phase.DRAINING, OVER): Phase.UNDOING,
    (Phase.DRAINED, OVER): Phase.UNDOING,
    (Phase.UNDOING, NEW): Phase.WAITING,
    (Phase.UNDOING, UNDONE): Phase.ENDED,
    **{(phase, trigger): Phase.ENDED for phase in Phase for trigger in FROM_ANY if phase is not Phase.ENDED},
}
