"""The forms in which a report is written down: plain data with short names, checked when it is read.

Of two versions: a field that the older one lacks has a default.
"""

from typing import Annotated

import msgspec

from nth.core.limits import END_OF_DATES, Instant
from nth.report.interruption import Became

NONE = -1
"""The number that stands for no text."""

Milliseconds = Annotated[int, msgspec.Meta(ge=-(10**12), le=10**12)]
"""After `first_at`: no interruption takes thirty years."""
Seconds = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
Beginning = Annotated[float, msgspec.Meta(ge=0, lt=END_OF_DATES - 1e9)]
"""Epoch seconds, from which every `Milliseconds` leads to a date."""


class NoticeForm(msgspec.Struct, omit_defaults=True):
    at: Milliseconds
    kind: str
    event: dict[str, object]
    level: str
    deadline_at: Instant | None = None
    drain_at: Instant | None = None
    withdrawn_at: Milliseconds | None = msgspec.field(default=None, name="withdrawn")


class PodForm(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A pod, without its node, which is the report's."""

    ns: str
    name: str
    uid: str
    owner: int = NONE
    why: int = NONE
    grace: int = 30
    priority: str = ""
    local: bool = False
    never: bool = False
    """Its annotation forbids to force it."""


class OutcomeForm(PodForm, omit_defaults=True, kw_only=True):
    """A pod that had to go, with its outcome."""

    stage: str
    known_at: Milliseconds = msgspec.field(name="known")
    refused_at: Milliseconds | None = msgspec.field(default=None, name="refused")
    force_due_at: Instant | None = msgspec.field(default=None, name="due_at")
    asked_at: Milliseconds | None = msgspec.field(default=None, name="asked")
    grace_seconds: int | None = msgspec.field(default=None, name="given")
    cut: bool = False
    forced: bool = False
    by_itself: bool = msgspec.field(default=False, name="alone")
    ends_at: Milliseconds | None = msgspec.field(default=None, name="ends")
    gone_at: Milliseconds | None = msgspec.field(default=None, name="gone")
    was_ready: bool = msgspec.field(default=False, name="ready")
    finished: bool = msgspec.field(default=False, name="done")
    came_back: bool = msgspec.field(default=False, name="again")
    became: str = Became.UNKNOWN.value
    replaced_at: Milliseconds | None = msgspec.field(default=None, name="back")
    heir: tuple[str, str, Milliseconds | None] | None = None
    """Name and node of its successor, and when that became Ready."""


class ControllerForm(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The replacement of a controller's pods."""

    namespace: str = msgspec.field(name="ns")
    owner: int
    ready: int
    replaced_at: Milliseconds | None = msgspec.field(default=None, name="back")
    before: int | None = None
    wanted: int | None = None
    released: bool = False
    deleted: bool = False
    failed: bool = False
    final: bool = True
    why: int = NONE


class Form(msgspec.Struct, omit_defaults=True):
    v: int
    node_name: str = msgspec.field(name="node")
    session_id: str = msgspec.field(name="session")
    first_at: Beginning
    began_at: Milliseconds = msgspec.field(name="began")
    until_at: Milliseconds = msgspec.field(name="until")
    notices: list[NoticeForm] = []
    deadline_at: Instant | None = None
    cordoned_at: Milliseconds | None = msgspec.field(default=None, name="cordoned")
    taints: tuple[str, ...] = ()
    restored_at: Milliseconds | None = msgspec.field(default=None, name="restored")
    drained_at: Milliseconds | None = msgspec.field(default=None, name="drained")
    margin_seconds: Seconds | None = None
    replaced_at: Milliseconds | None = msgspec.field(default=None, name="replaced")
    owners: list[tuple[str, str, str]] = []
    reasons: list[str] = []
    controllers: list[ControllerForm] = []
    pods: list[OutcomeForm] = []
    staying: list[PodForm] = []
    in_the_way: list[tuple[str, str, str, str]] = []
    force_forbidden: bool = False
    planned: tuple[str, ...] = ()
    entries: list[tuple[Milliseconds, str, str]] = []
    entries_left_out: int = 0
    pods_left_out: int = 0
    called_off: bool = False
    late: bool = False
    unsettled: bool = False
    resumed: bool = False
    final: bool = True
