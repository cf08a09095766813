"""Reads the body of a queue's message into one envelope, by whichever way it came.

It comes from EventBridge or straight from Auto Scaling, bare or wrapped by SNS. The few readers that all
kinds share are here, too. It does not know the kinds: `eventbridge` does.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec

from nth.core.notices.message import NotForUs, Unreadable
from nth.core.times import parse_rfc3339

MAX_BODY = 1_048_576
"""In characters. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""
MAX_ID = 128
MAX_PLAIN = 100
LATEST_AT = 4_102_444_800.0
"""The year 2100: any later date is a mistake."""
DIRECT = ("aws.autoscaling", "")
"""The kind of a lifecycle hook's message without EventBridge."""

InstanceId = Annotated[str, msgspec.Meta(pattern=r"\Ai-[0-9a-f]{8,17}\Z")]

_ACCOUNT = re.compile(r"[0-9]{12}")
_OTHER = "expected an event of EventBridge or of Auto Scaling, bare or in a notification of SNS"
_NO_TIME = "time is missing or unreadable, took the time of receipt"
T = TypeVar("T")


class _Body(msgspec.Struct):
    """The fields that tell the forms apart, and those around the detail."""

    source: str | None = None
    detail_type: str | None = msgspec.field(name="detail-type", default=None)
    id: object = None
    time: object = None
    account: object = None
    detail: msgspec.Raw = msgspec.Raw(b"null")

    sns_type: str | None = msgspec.field(name="Type", default=None)
    sns_message: str | None = msgspec.field(name="Message", default=None)

    asg_event: str | None = msgspec.field(name="Event", default=None)
    asg_transition: str | None = msgspec.field(name="LifecycleTransition", default=None)
    asg_request_id: object = msgspec.field(name="RequestId", default=None)
    asg_token: object = msgspec.field(name="LifecycleActionToken", default=None)
    asg_account: object = msgspec.field(name="AccountId", default=None)
    asg_time: object = msgspec.field(name="Time", default=None)


_BODY = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The fields around the detail of an event."""

    kind: tuple[str, str]
    """EventBridge's source and detail-type, or `DIRECT`."""
    hex_id: str
    """The event's id, as the original writes it into its own: the bytes in lower-case hex."""
    at: float
    """The time when it was sent (epoch seconds); when it was received, if it gives none."""
    account: str
    """12 digits, or empty."""
    detail: msgspec.Raw | str
    """JSON, not yet read."""
    warnings: tuple[str, ...] = ()


def open_envelope(body: str, *, received_at: float) -> Envelope | NotForUs | Unreadable:
    """Returns the event in that body; SNS's wrapping is taken off, once.

    https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/prepare-for-lifecycle-notifications.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
    """
    form = _form(body)
    if isinstance(form, Unreadable):
        return form
    if form.source or not form.sns_message:
        return _envelope(form, body, received_at)
    if form.sns_type and form.sns_type != "Notification":
        return NotForUs(plain(f"SNS message of type {form.sns_type}"))
    inner = _form(form.sns_message)
    if isinstance(inner, Unreadable):
        return inner
    return _envelope(inner, form.sns_message, received_at)


def decode(decoder: msgspec.json.Decoder[T], document: str | msgspec.Raw, expected: str) -> T | Unreadable:
    """Returns the document, or an Unreadable that names `expected`; never raises or quotes the document."""
    try:
        return decoder.decode(document)
    except msgspec.DecodeError as error:
        # msgspec's message names the place and the type, with our names for them.
        return Unreadable(f"expected {expected}: {error}")
    except UnicodeEncodeError:
        return Unreadable(f"expected {expected}: it is not UTF-8")
    except RecursionError:
        return Unreadable(f"expected {expected}: it is nested too deeply")


def account_in(value: object) -> str:
    """Returns the account's 12 digits, or empty."""
    return value if isinstance(value, str) and _ACCOUNT.fullmatch(value) else ""


def instant_in(value: object) -> float | None:
    """Returns epoch seconds of an RFC 3339 or RFC 1123 text (`Thu, 27 Aug 2026 13:19:00 GMT`), else None."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        if value.endswith("GMT"):
            at = datetime.strptime(value, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC).timestamp()
        else:
            at = parse_rfc3339(value)
    except ValueError:
        return None
    return at if 0 <= at < LATEST_AT else None


def plain(text: str) -> str:
    """Returns the text fit for a line of a log: at most 100 characters, all printable."""
    cut = text if len(text) <= MAX_PLAIN else text[: MAX_PLAIN - 1] + "…"
    return "".join(char if char.isprintable() else "?" for char in cut)


def _form(body: str) -> _Body | Unreadable:
    if len(body) > MAX_BODY:
        return Unreadable("expected a message: it is longer than a queue takes")
    return decode(_BODY, body, "an event in JSON")


def _envelope(form: _Body, body: str, received_at: float) -> Envelope | NotForUs | Unreadable:
    if form.source and form.detail_type:
        at, warnings = _sent_at(form.time, received_at)
        return Envelope(
            kind=(form.source, form.detail_type),
            hex_id=_hex_id(form.id, body=body),
            at=at,
            account=account_in(form.account),
            detail=form.detail,
            warnings=warnings,
        )
    if form.asg_event:
        return NotForUs(plain(f"notification {form.asg_event}"))
    if form.asg_transition:
        at, warnings = _sent_at(form.asg_time, received_at)
        return Envelope(
            kind=DIRECT,
            hex_id=_hex_id(form.asg_request_id, form.asg_token, body=body),
            at=at,
            account=account_in(form.asg_account),
            detail=body,
            warnings=warnings,
        )
    return Unreadable(_OTHER)


def _sent_at(value: object, received_at: float) -> tuple[float, tuple[str, ...]]:
    at = instant_in(value)
    return (received_at, (_NO_TIME,)) if at is None else (at, ())


def _hex_id(*ids: object, body: str) -> str:
    for each in ids:
        if isinstance(each, str) and 0 < len(each) <= MAX_ID:
            return each.encode().hex()
    # An id only has to be the same in every delivery.
    return hashlib.sha256(body.encode()).hexdigest()
