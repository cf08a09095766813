"""Reads the requests to the API server from its own audit log, for tests and benchmarks that count.

The parts of the control plane itself are not in it (audit.yaml).
https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from datetime import datetime
from pathlib import Path

import msgspec


class _User(msgspec.Struct):
    username: str = ""


class _Reference(msgspec.Struct):
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


class _Answer(msgspec.Struct):
    code: int = 0


class Request(msgspec.Struct, rename="camel"):
    """One line of the log."""

    verb: str
    """get, list, watch, create, patch, update, delete ..."""
    audit_id: str = msgspec.field(name="auditID")
    user: _User
    received: datetime = msgspec.field(name="requestReceivedTimestamp")
    answered: datetime = msgspec.field(name="stageTimestamp")
    user_agent: str = ""
    object_ref: _Reference = msgspec.field(default_factory=_Reference)
    response_status: _Answer = msgspec.field(default_factory=_Answer)

    @property
    def username(self) -> str:
        return self.user.username

    @property
    def resource(self) -> str:
        """`nodes`, `pods`, `pods/eviction`."""
        ref = self.object_ref
        return f"{ref.resource}/{ref.subresource}" if ref.subresource else ref.resource

    @property
    def name(self) -> str:
        return self.object_ref.name

    @property
    def code(self) -> int:
        return self.response_status.code

    @property
    def received_at(self) -> float:
        return self.received.timestamp()

    @property
    def answered_at(self) -> float:
        """The time of the answer; for a watch, of its begin."""
        return self.answered.timestamp()


class AuditLog:
    """Reads on from where it was made, so that a test sees only later requests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin = path.stat().st_size

    def requests(self, username_part: str = "") -> list[Request]:
        """Returns all requests since, in the order of their answers, of users whose name has that part."""
        with self._path.open("rb") as log:
            log.seek(self._begin)
            # The last line may be half written.
            whole_lines = log.read().rpartition(b"\n")[0].splitlines()
        entries = [_DECODER.decode(line) for line in whole_lines]
        # A watch is there twice: when it begins and when it ends.
        first = {entry.audit_id: entry for entry in reversed(entries)}
        return [entry for entry in reversed(first.values()) if username_part in entry.username]


_DECODER = msgspec.json.Decoder(Request)
