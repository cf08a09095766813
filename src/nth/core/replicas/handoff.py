"""Decides about an event of a node that another replica has.

It is posted into the record on the node, where the holder finds it; its message is kept until the
holder has written that it is done, or is gone itself.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from enum import Enum

from nth.core.facts import Node, NodePatch
from nth.core.node.node_annotation import MAX_EVENTS, RECORD_ANNOTATION, NodeRecord, Seen, decode, encode
from nth.core.notices.events import Event
from nth.core.policy import Level


class Step(Enum):
    """The next step with an event."""

    TAKE = "take"
    """No other replica has the node: it is ours."""
    POST = "post"
    WAIT = "wait"
    DONE = "done"


def next_step(
    event: Event,
    level: Level,
    node: Node,
    record: NodeRecord | None,
    identity: str,
    is_alive: Callable[[str], bool],
    *,
    is_shown_alive: Callable[[str], bool] = lambda _: True,
    overdue: bool = False,
) -> Step:
    """Returns the next step. Total: whatever is on the node.

    `overdue`: the event has waited for long enough. It waits on only where a replica that is shown to live
    has it in its record: another writer there must not keep the node from being drained.
    """
    if record is None or not record.is_anothers(identity) or not is_alive(record.holder):
        return Step.TAKE
    posted = next((seen for seen in record.events if seen.event.event_id == event.event_id), None)
    if posted is None and event.event_id in record.finished and event.kind.outlived:
        return Step.DONE
    if overdue and (posted is None or not is_shown_alive(record.holder)):
        return Step.TAKE
    if posted is None:
        return Step.POST if len(record.events) < MAX_EVENTS else Step.WAIT
    reached = posted.settled or level is Level.NOTIFY or (level is Level.CORDON and node.unschedulable)
    return Step.DONE if reached else Step.WAIT


def post_over(event_ids: Collection[str], node: Node) -> NodePatch:
    """Returns the patch that marks events in the record as over; as `post`.

    The replica that has the node finds them among the finished ones, and withdraws them.
    """
    record = decode(node.annotations.get(RECORD_ANNOTATION, ""))
    open_events = tuple(seen for seen in record.events if seen.event.event_id not in event_ids)
    finished = tuple(dict.fromkeys((*record.finished, *event_ids)))
    text = encode(replace(record, events=open_events, finished=finished))
    metadata = {"resourceVersion": node.resource_version, "annotations": {RECORD_ANNOTATION: text}}
    return NodePatch({"metadata": metadata})


def post(event: Event, node: Node, now: float) -> NodePatch:
    """Returns the patch that adds the event to the record; it fails if the Node has changed meanwhile.

    ValueError: there is no record that can be read.
    """
    record = decode(node.annotations.get(RECORD_ANNOTATION, ""))
    text = encode(replace(record, events=(*record.events, Seen(event, now))))
    metadata = {"resourceVersion": node.resource_version, "annotations": {RECORD_ANNOTATION: text}}
    return NodePatch({"metadata": metadata})
