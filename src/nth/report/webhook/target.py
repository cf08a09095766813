"""One receiver of webhooks: its announcements, and its address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gotemplate import GoStruct, TemplateError, parse
from nth.errors import SettingError
from nth.report.webhook.announcement import Announcement, Phase, phase_of

USUAL_NAME: Final = "webhook"
"""The target that settings describe."""
DEFAULT_HEADERS: Final[Mapping[str, str]] = {"Content-type": "application/json"}


class BodyTemplate:
    """The template of a target's posts. SettingError with the position, if the text is none."""

    def __init__(self, text: str, source: str) -> None:
        """`source`: its name in messages."""
        self.source = source
        self.wants_report = ".Report" in text
        try:
            self._template = parse(text)
        except TemplateError as error:
            raise self._unusable(error) from error

    def render(self, data: GoStruct, now: float) -> str:
        """Returns the body. TemplateError."""
        return self._template.render(data, now)

    def tried(self, sample: GoStruct, now: float) -> str:
        """Returns the body for sample data; a failure with it, in any branch, is a SettingError."""
        try:
            self._template.check(sample, now)
            return self._template.render(sample, now)
        except TemplateError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: TemplateError) -> SettingError:
        return SettingError(f"{self.source} cannot be used: {error}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One receiver. Empty filters let everything through."""

    name: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: DEFAULT_HEADERS, repr=False)
    proxy: str = field(default="", repr=False)
    """The URL of an HTTP or SOCKS5 proxy; empty = none."""
    template: BodyTemplate = field(repr=False)
    phases: frozenset[Phase] = frozenset()
    """Empty = one post, when the attempt to cordon or drain is over."""
    kinds: frozenset[str] = frozenset()
    node_labels: Mapping[str, str] = field(default_factory=dict)
    tries: int = 1

    @property
    def host(self) -> str:
        """Returns the only part of its URL that may be logged."""
        return urlsplit(self.url).hostname or ""

    def wants(self, announcement: Announcement, labels: Mapping[str, str]) -> bool:
        """True if this is to be posted there; `labels` are the node's."""
        timely = announcement.phase in self.phases if self.phases else announcement.attempt
        # An announcement known only by ids, after a restart, is rather posted too often than not at all.
        fitting = not self.kinds or not announcement.kinds or not self.kinds.isdisjoint(announcement.kinds)
        return timely and fitting and all(labels.get(key) == value for key, value in self.node_labels.items())


def usual_target(
    template: BodyTemplate,
    *,
    url: str = "",
    headers: str = "",
    proxy: str = "",
    phases: str = "",
    tries: int = 1,
) -> Target:
    """Returns the target that settings describe: `headers` as a JSON object, `phases` with commas between.

    ValueError: a word is no phase, or the headers are none.
    """
    return Target(
        name=USUAL_NAME,
        url=url,
        headers=msgspec.json.decode(headers, type=dict[str, str]) if headers else DEFAULT_HEADERS,
        proxy=proxy,
        template=template,
        phases=phases_of(phases),
        tries=tries,
    )


def phases_of(text: str) -> frozenset[Phase]:
    """Returns the phases in `drained, failed`, as in WEBHOOK_PHASES; ValueError names a word that is none."""
    return frozenset(phase_of(word.strip()) for word in text.split(",")) if text.strip() else frozenset()
