"""Turns every error of the HTTP library and the API server into a `ClusterError`: here and nowhere else.

It decides nothing about trying again. Messages are one short line and never carry a header, so no
token can reach a log.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from nth.errors import (
    AdmissionFailed,
    Blocked,
    ClusterError,
    Conflict,
    Denied,
    Expired,
    Forbidden,
    Missing,
    Rejected,
    Throttled,
    Unreachable,
)

MESSAGE_LIMIT_CHARS = 300

ERROR_BY_CODE: dict[int, type[ClusterError]] = {
    401: Forbidden,
    403: Forbidden,
    404: Missing,
    408: Unreachable,
    409: Conflict,
    410: Expired,
    429: Throttled,
}

OTHER_UID = re.compile("UID in (the )?precondition|metadata.uid: Invalid value")
"""The server's ways to say that another object has the name."""

WEBHOOK_DENIED = 'admission webhook "'
WEBHOOK_FAILED = 'Internal error occurred: failed calling webhook "'
"""The begins of the server's words about a webhook, whose own words and code may be any.

staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go in kubernetes/kubernetes.
"""
POLICY_DENIED = r"\S+ \S+ is forbidden: ValidatingAdmissionPolicy "
ADMISSION_FORBIDS = r'\S+ \S+ is forbidden: (?!User ")'
"""Words of a 403 that is admission's: RBAC, and every other authorizer, names the user without the right."""

IN_OWN_WORDS = (Blocked, Denied, AdmissionFailed)
"""Refusals with whose words people are shown why a pod is still there."""

T = TypeVar("T")
Body = bytes | bytearray
"""The body of an answer, as received."""


class Cause(msgspec.Struct):
    """One of the reasons in a Status."""

    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: list[Cause] | None = None
    retryAfterSeconds: int = 0  # noqa: N815 - the API's name


class Status(msgspec.Struct):
    """A Status: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/"""

    message: str = ""
    code: int = 0
    details: _Details | None = None

    def cause(self, reason: str) -> Cause | None:
        causes = (self.details.causes if self.details else None) or []
        return next((cause for cause in causes if cause.reason == reason), None)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Wrap a call into the HTTP library: every error of it means that nothing is known.

    It takes any exception: authentication plug-ins and TLS raise errors outside the library's own tree.
    """
    try:
        yield
    except TimeoutError as error:
        raise Unreachable(f"{what}: no answer in time") from error
    except Exception as error:
        raise Unreachable(one_line(f"{what}: {type(error).__name__}: {error}")) from error


def decoded(data: Body, kind: type[T], what: str) -> T:
    """Returns the answer as that type; raises Unreachable if it is not one (a proxy's page, half of one)."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unreachable(one_line(f"{what}: the answer cannot be read: {error}")) from error


def error_of_answer(code: int, body: Body, retry_after: str | None, what: str) -> ClusterError:
    """Returns the error that an answer outside 2xx stands for; `retry_after` is the header, if any."""
    try:
        status = msgspec.json.decode(body, type=Status)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        # A load balancer in between answers with HTML; its code still counts.
        status = Status(message="an answer that is not from the Kubernetes API")
    return error_of_status(status, code, _seconds(retry_after), what)


def error_of_status(status: Status, code: int, retry_after_seconds: float | None, what: str) -> ClusterError:
    """Returns the error that a Status with this code stands for; the server's own words are its message."""
    if retry_after_seconds is None and status.details and status.details.retryAfterSeconds > 0:
        retry_after_seconds = float(status.details.retryAfterSeconds)
    kind, words = _classified(status, code)
    text = words if kind in IN_OWN_WORDS else f"{what}: {code}: {words}"
    return kind(one_line(text), retry_after_seconds=retry_after_seconds)


def one_line(text: str) -> str:
    """Returns the text on one line, short enough for a log."""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_LIMIT_CHARS else line[: MESSAGE_LIMIT_CHARS - 1] + "…"


def _classified(status: Status, code: int) -> tuple[type[ClusterError], str]:
    """Returns the error's class and words: the special cases first, then by the code.

    https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/#how-api-initiated-eviction-works
    """
    if (admission := _of_admission(status.message, code)) is not None:
        return admission, status.message
    budget = status.cause("DisruptionBudget")
    if code == 429 and (budget or "disruption budget" in status.message):
        return Blocked, budget.message if budget and budget.message else status.message
    if code == 500 and "more than one PodDisruptionBudget" in status.message:
        return Blocked, status.message
    if code in (409, 422) and OTHER_UID.search(status.message):
        return Missing, status.message
    return _by_code(code), status.message


def _of_admission(message: str, code: int) -> type[ClusterError] | None:
    """Returns the error of a request that admission let not pass; its code is anybody's choice."""
    if message.startswith(WEBHOOK_DENIED) or re.match(POLICY_DENIED, message):
        return Denied
    if message.startswith(WEBHOOK_FAILED):
        return AdmissionFailed
    return Denied if code == 403 and re.match(ADMISSION_FORBIDS, message) else None


def _by_code(code: int) -> type[ClusterError]:
    return ERROR_BY_CODE.get(code, Unreachable if code >= 500 else Rejected)


def _seconds(retry_after: str | None) -> float | None:
    # The API server sends seconds; a date, which HTTP also allows, counts as no header.
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
