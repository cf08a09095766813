"""What holds of every reading, whatever the body was: for the property tests and the fuzzer."""

import json
import re
from collections.abc import Iterator

from nth.core.notices.events import AsgLaunch, AsgTermination, ScheduledMaintenance, SpotInterruption
from nth.core.notices.message import Heard, Item, Many, Reading, instance_id_of
from nth.core.times import utc_text

_INSTANCE_ID = re.compile(r"i-[0-9a-f]{8,17}")
MAX_REASON = 200
MAX_EVENT_ID = 400


def broken_invariant(body: str, reading: Reading) -> str:
    """Which one does not hold, or empty."""
    if isinstance(reading, Many):
        items = tuple(item for some in reading.slices for item in some)
        said = set(_strings(json.loads(body, strict=False)))
        return next((broken for item in items if (broken := _broken_item(item, said))), "")
    if not isinstance(reading, Heard):
        fine = len(reading.reason) <= MAX_REASON and reading.reason.isprintable()
        return "" if fine else "a reason that no line of a log should hold"
    if not reading.items:
        return "heard, but of nothing"
    if reading.account and not re.fullmatch(r"[0-9]{12}", reading.account):
        return "an account that is none"
    said = set(_strings(json.loads(body, strict=False)))
    return next((broken for item in reading.items if (broken := _broken_item(item, said))), "")


def _broken_item(item: Item, said: set[str]) -> str:
    instance_id = instance_id_of(item)
    if not _INSTANCE_ID.fullmatch(instance_id):
        return "an instance id that is none"
    if instance_id not in said:
        return "an instance that the body does not name"
    if isinstance(item, AsgTermination | AsgLaunch) and not _in(item, said):
        return "a lifecycle action that the body does not name"
    if len(getattr(item, "event_id", "")) > MAX_EVENT_ID:
        return "an event id without end"
    for at in _instants(item):
        utc_text(at)
    return ""


def _in(item: AsgTermination | AsgLaunch, said: set[str]) -> bool:
    action = item.action
    return action.instance_id == item.instance_id and {action.group, action.hook, action.token} <= said


def _instants(item: Item) -> Iterator[float]:
    if isinstance(item, SpotInterruption):
        yield item.interrupted_at
    if isinstance(item, ScheduledMaintenance):
        yield item.not_before_at
        yield item.not_after_at
    yield getattr(item, "noticed_at", 0.0)


def _strings(value: object, *, inside: bool = True) -> Iterator[str]:
    """Every string of the document, and of the one that SNS wraps in it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each, inside=False)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _strings(each, inside=False)
            if inside and key == "Message" and isinstance(each, str) and each.lstrip()[:1] == "{":
                try:
                    yield from _strings(json.loads(each, strict=False), inside=False)
                except ValueError:
                    continue
