"""Writes and reads instants as people and APIs do."""

from datetime import UTC, datetime

from nth.core.limits import END_OF_DATES

SILENT_AFTER_SECONDS = 150.0
"""A service that has not answered for this long counts as gone."""


def is_old(answered_at: float | None, now: float) -> bool:
    """Returns whether there was no answer for too long, or none at all."""
    return answered_at is None or now - answered_at > SILENT_AFTER_SECONDS


def soonest(*moments: float | None) -> float | None:
    """Returns the first of the moments that there are; None without any."""
    return min((at for at in moments if at is not None), default=None)


def utc_text(at: float) -> str:
    """Returns RFC 3339 in UTC, to the second: `2026-11-22T08:30:00Z`; others become the nearest date."""
    return datetime.fromtimestamp(min(max(0.0, at), END_OF_DATES - 1), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def gmt_text(at: float) -> str:
    """Returns the instant as AWS dates scheduled events: `2 Oct 2026 07:06:40 GMT`.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_scheduled_events.html
    """
    moment = datetime.fromtimestamp(min(max(0.0, at), END_OF_DATES - 1), UTC)
    return f"{moment.day} {moment:%b %Y %H:%M:%S} GMT"


def parse_rfc3339(text: str) -> float:
    """Returns seconds since the epoch; a text without a zone is UTC. ValueError if it is no such text."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
