"""Finds the news in a metadata document, compared with the events known before. Values in, values out.

A reader takes the known events and a body, and returns the events known then and the notices. It keeps
nothing itself, so a notice that could not be handed on is found again at the next reading.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from nth.core.notices.events import Event, Notice, Noticed, ScheduledMaintenance, Withdrawn
from nth.core.notices.imds import DOCUMENTS, Document, ScheduledDocument, scheduled_events

DRIFT_SECONDS = 120.0
"""A notice's time may move on by less than this between two readings of the same notice.

amazon-ec2-metadata-mock counts the time from each request unless it is told one; AWS gives a
Spot notice two minutes, so a second notice cannot follow sooner.
"""

Known = Mapping[str, Event | None]
"""Event id, as it was handed on -> the event as last read; None: known by its id only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The result of reading one answer."""

    known: Known
    notices: tuple[Notice, ...] = ()
    problems: tuple[str, ...] = ()
    """One line for each part of the document that could not be read."""


Reader = Callable[[Known, bytes | None], Reading]


def reader_of(kind: type[Event], node_name: str) -> tuple[str, Reader]:
    """Returns the path of the document that tells of this kind of event, and its reader."""
    document = DOCUMENTS[kind]
    return document.path, read_scheduled if document.parse is None else _single(document, node_name)


def known_scheduled(event_ids: Collection[str]) -> Known:
    """Returns the ids of scheduled events among these, as known by their id only."""
    others = tuple(document.id_prefix for document in DOCUMENTS.values() if document.id_prefix)
    return {event_id: None for event_id in event_ids if not event_id.startswith(others)}


def _single(document: Document, node_name: str) -> Reader:
    """Returns a reader of a document that holds one notice, or (404) none.

    A notice that vanishes is not withdrawn: AWS promises nothing of the kind.
    """

    def read(known: Known, body: bytes | None) -> Reading:
        seen = document.parse(body, node_name) if document.parse and body is not None else None
        if seen is None:
            return Reading(known=known)
        for event_id, event in known.items():
            if event_id == seen.event_id or (event and _drifted(event, seen, document.moving)):
                return Reading(known={**known, event_id: seen})
        return Reading(known={**known, seen.event_id: seen}, notices=(Noticed(event=seen),))

    return read


def _drifted(known: Event, seen: Event, moving: str) -> bool:
    """Returns whether both are the same notice, whose instant has moved on."""
    if not moving or type(known) is not type(seen):
        return False
    then_at, now_at = getattr(known, moving), getattr(seen, moving)
    same = replace(known, **{moving: now_at, "event_id": seen.event_id}) == seen
    return same and 0 <= now_at - then_at < DRIFT_SECONDS


def read_scheduled(known: Known, body: bytes | None) -> Reading:
    """Reads the scheduled events: new or moved ones are noticed, ended or vanished ones withdrawn.

    None (404) is an empty list. While an entry cannot be read, nothing counts as vanished.
    """
    document = scheduled_events(body) if body is not None else ScheduledDocument()
    listed = {event.event_id: event for event in document.active}
    withdrawn: list[Notice] = []
    kept: dict[str, Event | None] = {}
    for event_id, event in known.items():
        if state := document.ended.get(event_id):
            withdrawn.append(Withdrawn(event_id=event_id, reason=f"AWS says it is {state}"))
        elif event_id not in listed and not document.problems:
            withdrawn.append(Withdrawn(event_id=event_id, reason="AWS lists it no longer"))
        else:
            kept[event_id] = event
    new: list[Notice] = [Noticed(event=e) for e in listed.values() if _moved(kept.get(e.event_id), e)]
    return Reading(known={**kept, **listed}, notices=(*new, *withdrawn), problems=document.problems)


def _moved(known: Event | None, seen: ScheduledMaintenance) -> bool:
    # AWS keeps the id when it moves an event; a new wording alone is no news.
    if not isinstance(known, ScheduledMaintenance):
        return True
    return (known.code, known.not_before_at, known.not_after_at) != (
        seen.code,
        seen.not_before_at,
        seen.not_after_at,
    )
