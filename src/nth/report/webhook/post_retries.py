"""Reads the answer to a post: whether, and when, it is worth trying again."""

from dataclasses import dataclass
from datetime import UTC, datetime

from nth.core.backoff import Backoff

BACKOFF = Backoff(1.0, 30.0)
MAX_RETRY_AFTER_SECONDS = 60.0
"""A longer wait that the receiver asks for is cut to this."""
RETRIED = frozenset({408, 425, 429})
"""Besides 5xx. https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostAnswer:
    """The answer to a post. It must name no URL, for that may be a secret."""

    status: int = 0
    """0 = there was no answer."""
    reason: str = ""
    """Why there was no answer, in a few words."""
    retry_after: str = ""
    """The header Retry-After as it was sent."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def may_pass(self) -> bool:
        """True if another try may succeed."""
        return self.status == 0 or self.status >= 500 or self.status in RETRIED


def pause_seconds(answer: PostAnswer, tries: int, *, jitter: float, now: float) -> float:
    """Returns the pause after try number `tries` (from 1); `jitter` in [0, 1) takes up to half of it."""
    usual = BACKOFF.pause_seconds(tries) * (1 - jitter / 2)
    return max(usual, min(MAX_RETRY_AFTER_SECONDS, retry_after_seconds(answer.retry_after, now)))


def retry_after_seconds(text: str, now: float) -> float:
    """Returns the header's seconds or date, from now on; 0 if it is neither, or over.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return 0.0
    return max(0.0, at.timestamp() - now)
