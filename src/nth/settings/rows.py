"""The type of a line of the table of settings: a field of `Settings` with all that documents it."""

from dataclasses import Field, dataclass, field
from typing import Final, TypeVar

from nth.settings.kinds import Kind

T = TypeVar("T")

MODE: Final = "Mode and identity"
NOTICES: Final = "Which notices are acted on"
NODE: Final = "What is done to the node"
DRAIN: Final = "The drain"
METADATA: Final = "Instance metadata service"
QUEUE: Final = "Queue mode"
AWS: Final = "AWS"
KUBERNETES: Final = "Kubernetes API"
WEBHOOK: Final = "Webhook"
EVENTS: Final = "Kubernetes events and conditions"
SERVERS: Final = "Metrics and probes"
LOG: Final = "Log, reports, traces"
GROUPS: Final = (
    MODE,
    NOTICES,
    NODE,
    DRAIN,
    METADATA,
    QUEUE,
    AWS,
    KUBERNETES,
    WEBHOOK,
    EVENTS,
    SERVERS,
    LOG,
)
"""In the order of the documents."""


def setting(
    group: str,
    kind: Kind[T],
    default: T,
    help: str,  # noqa: A002
    *,
    variable: str = "",
    secret: bool = False,
    successor: str = "",
) -> T:
    row = {
        "default": default,
        "group": group,
        "kind": kind,
        "help": help,
        "variable": variable,
        "secret": secret,
        "successor": successor,
    }
    return field(default=default, repr=not secret, metadata=row)


Value = bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: the setting `name`, a field of `Settings`, with all that documents it."""

    name: str
    default: Value
    group: str
    kind: Kind[Value]
    help: str
    variable: str
    secret: bool
    """True: its value is never shown, not even in an error."""
    successor: str
    """The name of the setting to use instead, if this one is deprecated; else empty."""

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def __str__(self) -> str:
        """Returns flag and variable, as messages name a setting."""
        return f"{self.flag} ({self.variable})"


def row(column: Field[Value]) -> Row:
    known = {**column.metadata, "variable": column.metadata["variable"] or column.name.upper()}
    return Row(name=column.name, **known)
