"""Every way to fail has one error of ours, and none of a library's gets through."""

import httpx2
import msgspec
import pytest
from lightkube.core import exceptions as lightkube_exceptions

from nth.adapters.kubernetes_errors import decoded, error_of_answer, one_line, translated
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


def _exceptions_of(module: object) -> list[type[Exception]]:
    found = [value for value in vars(module).values() if isinstance(value, type)]
    return sorted((kind for kind in found if issubclass(kind, Exception)), key=lambda kind: kind.__name__)


HTTPX2_EXCEPTIONS = _exceptions_of(httpx2)
LIGHTKUBE_EXCEPTIONS = _exceptions_of(lightkube_exceptions)


def _status(message: str, **details: object) -> bytes:
    return msgspec.json.encode({"kind": "Status", "message": message, "details": details})


def _cause(reason: str, message: str) -> dict[str, object]:
    return {"causes": [{"reason": reason, "message": message}]}


def test_the_libraries_errors_are_enumerated() -> None:
    names = {kind.__name__ for kind in HTTPX2_EXCEPTIONS + LIGHTKUBE_EXCEPTIONS}
    assert {"ConnectError", "ReadTimeout", "InvalidURL", "StreamClosed", "ApiError", "ConfigError"} <= names


@pytest.mark.parametrize(
    "kind",
    [*HTTPX2_EXCEPTIONS, *LIGHTKUBE_EXCEPTIONS, TimeoutError, OSError, ValueError],
    ids=lambda kind: kind.__name__,
)
def test_needs_W34_no_error_of_a_library_leaves_the_adapter(kind: type[Exception]) -> None:
    # Built without its constructor: what counts is the type.
    foreign = kind.__new__(kind)
    if kind.__str__ is not Exception.__str__:
        foreign.__dict__.update(name="x", messages=["y"], message="z")
    with pytest.raises(Unreachable) as caught, translated("get nodes"):
        raise foreign
    assert caught.value.__cause__ is foreign
    assert str(caught.value).startswith("get nodes: ")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (302, Rejected),
        (400, Rejected),
        (401, Forbidden),
        (403, Forbidden),
        (404, Missing),
        (405, Rejected),
        (408, Unreachable),
        (409, Conflict),
        (410, Expired),
        (422, Rejected),
        (429, Throttled),
        (500, Unreachable),
        (502, Unreachable),
        (503, Unreachable),
        (504, Unreachable),
    ],
)
def test_each_code_has_its_error(code: int, kind: type[ClusterError]) -> None:
    error = error_of_answer(code, _status("the server's words"), None, "get node n")
    assert type(error) is kind
    assert str(error) == f"get node n: {code}: the server's words"
    assert error.retry_after_seconds is None


def test_a_budget_that_refuses_is_named_in_the_servers_words() -> None:
    words = "The disruption budget web needs 2 healthy pods and has 2 currently"
    body = _status(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        **_cause("DisruptionBudget", words),
        retryAfterSeconds=10,
    )
    error = error_of_answer(429, body, None, "evict p")
    assert type(error) is Blocked
    assert str(error) == words
    assert error.retry_after_seconds == 10.0


def test_a_budget_that_refuses_without_a_cause_is_known_by_the_message() -> None:
    words = "Cannot evict pod as it would violate the pod's disruption budget."
    error = error_of_answer(429, _status(words), None, "evict p")
    assert type(error) is Blocked
    assert str(error) == words


def test_a_429_of_a_busy_server_says_how_long() -> None:
    error = error_of_answer(429, _status("Too many requests"), "7", "evict p")
    assert type(error) is Throttled
    assert error.retry_after_seconds == 7.0


@pytest.mark.parametrize("text", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "soon", "²", ""])
def test_a_retry_after_that_is_no_number_of_seconds_is_none(text: str) -> None:
    assert error_of_answer(429, b"{}", text, "evict p").retry_after_seconds is None


def test_two_budgets_for_one_pod_block_it() -> None:
    words = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    error = error_of_answer(500, _status(words), None, "evict p")
    assert type(error) is Blocked
    assert str(error) == words


@pytest.mark.parametrize(
    "cause",
    [
        "The disruption budget web needs 2 healthy pods and has 2 currently",
        "The disruption budget web is still being processed by the server.",
    ],
)
def test_each_state_of_a_budget_that_refuses_is_blocked_in_the_servers_words(cause: str) -> None:
    words = "Cannot evict pod as it would violate the pod's disruption budget."
    body = _status(words, **_cause("DisruptionBudget", cause))
    error = error_of_answer(429, body, None, "evict p")
    assert (type(error), str(error)) == (Blocked, cause)


@pytest.mark.parametrize("code", [400, 403, 404, 409, 410, 413, 422, 429, 500, 503, 504])
def test_an_admission_webhooks_denial_is_a_denial_whatever_code_it_chooses(code: int) -> None:
    words = 'admission webhook "guard.example.com" denied the request: Eviction triggered evacuation of VMI'
    error = error_of_answer(code, _status(words, retryAfterSeconds=7), None, "evict p")
    assert (type(error), str(error)) == (Denied, words)
    assert error.retry_after_seconds == 7.0


def test_a_denial_that_speaks_of_budgets_uids_or_webhooks_is_a_denial() -> None:
    denied = 'admission webhook "guard.example.com" denied the request'
    for words in (
        f"{denied} without explanation",
        f"{denied}: the disruption budget web needs 2 healthy pods",
        f"{denied}: This pod has more than one PodDisruptionBudget",
        f"{denied}: UID in precondition: a",
        f'{denied}: failed calling webhook "other"',
    ):
        assert type(error_of_answer(409, _status(words), None, "evict p")) is Denied
        assert type(error_of_answer(429, _status(words), None, "evict p")) is Denied
        assert type(error_of_answer(500, _status(words), None, "evict p")) is Denied


@pytest.mark.parametrize(
    "why",
    [
        'failed to call webhook: an error on the server ("boom") has prevented the request from succeeding',
        'failed to call webhook: Post "https://127.0.0.1:1/?timeout=1s": context deadline exceeded',
        'failed to call webhook: Post "https://10.0.0.9/": dial tcp 10.0.0.9:443: connection refused',
        'failed to call webhook: Post "https://svc.nowhere.svc:443/?timeout=1s": service "svc" not found',
        'received invalid webhook response: expected response.uid="a", got "x"',
    ],
)
def test_a_webhook_that_cannot_be_asked_is_not_the_server_that_is_silent(why: str) -> None:
    words = f'Internal error occurred: failed calling webhook "guard.example.com": {why}'
    error = error_of_answer(500, _status(words), None, "evict p")
    assert (type(error), str(error)) == (AdmissionFailed, words)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (422, "ValidatingAdmissionPolicy 'keep' with binding 'all' denied request: keep it"),
        (403, "ValidatingAdmissionPolicy 'keep' with binding 'all' denied request: keep it"),
        (413, "ValidatingAdmissionPolicy 'keep' with binding 'all' denied request: keep it"),
        (403, "expression 'object.nope == 1' resulted in error: no such key: nope"),
        (403, 'node "a" is not allowed to modify node "b"'),
        (403, "unable to create new content in namespace shop because it is being terminated"),
    ],
)
def test_an_admission_policys_refusal_is_no_lack_of_rights(code: int, why: str) -> None:
    words = f'pods "web-1" is forbidden: {why}'
    error = error_of_answer(code, _status(words), None, "evict p")
    assert (type(error), str(error)) == (Denied, words)


@pytest.mark.parametrize(
    "words",
    [
        'pods "web-1" is forbidden: User "system:serviceaccount:kube-system:nth" cannot create resource '
        '"pods/eviction" in API group "" in the namespace "shop"',
        'pods is forbidden: User "eks:nth" cannot list resource "pods" in API group "" at the cluster scope: '
        "access entry without policy",
        "Unauthorized",
    ],
)
def test_a_missing_rule_is_a_lack_of_rights(words: str) -> None:
    assert type(error_of_answer(403, _status(words), None, "evict p")) is Forbidden


@pytest.mark.parametrize(
    "words",
    [
        "Precondition failed: UID in precondition: a, UID in object meta: b",
        'Operation cannot be fulfilled on Pod "p": the UID in the precondition (a) does not match (b)',
    ],
)
def test_another_uid_means_that_ours_is_gone(words: str) -> None:
    assert type(error_of_answer(409, _status(words), None, "evict p")) is Missing


@pytest.mark.parametrize("body", [b"<html>502</html>", b"", b"\xff\xfe", b"[]", b'{"details": 1}'])
def test_an_answer_that_is_no_status_is_judged_by_its_code(body: bytes) -> None:
    error = error_of_answer(502, body, None, "get node n")
    assert type(error) is Unreachable
    assert str(error) == "get node n: 502: an answer that is not from the Kubernetes API"


@pytest.mark.parametrize("data", [b"<html>", b"{", b'{"message": 1}', b"[" * 100_000])
def test_a_document_that_cannot_be_read_is_no_answer(data: bytes) -> None:
    with pytest.raises(Unreachable, match=r"^get node n: the answer cannot be read: "):
        decoded(data, dict[str, str], "get node n")


def test_messages_are_one_short_line() -> None:
    text = one_line("a\n b\t" + "x" * 1000)
    assert text.startswith("a b xxx")
    assert len(text) == 300
    assert text.endswith("…")
