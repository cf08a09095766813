"""Our errors that are caught somewhere, by the service at fault.

    NthError
    ├── SettingError         the user: a wrong flag or variable; ends the start with exit code 2
    ├── ClusterError         the Kubernetes API server said no, or said nothing
    │   ├── Missing          404, or the object of that UID is gone
    │   ├── Conflict         409: another client wrote first; read again
    │   ├── Expired          410: the resource version of a watch is too old; list again
    │   ├── Forbidden        401, 403: the rule is missing, or the token is refused
    │   ├── Rejected         any other 4xx: asking again with the same words is no use
    │   ├── Denied           an admission webhook or policy refuses this request
    │   ├── AdmissionFailed  an admission webhook that has to be asked gave no usable answer
    │   ├── Blocked          a PodDisruptionBudget refuses the eviction
    │   ├── Throttled        429: the server is busy
    │   └── Unreachable      5xx, refused, reset or timed out: ask again
    ├── MetadataError        the instance metadata service
    │   ├── Silent           no usable answer: refused, timed out, 401, 5xx, cut off
    │   └── BadDocument      an answer that is not the document it should be
    └── AwsError             SQS, EC2 or Auto Scaling said no, or said nothing
        ├── AwsThrottled     the account asks too often
        ├── AwsUnreachable   5xx, refused, reset or timed out: ask again
        └── AwsRefused       any other 4xx, with AWS's code: no permission, wrong words
            ├── NoSuchQueue  the queue does not exist
            ├── NotProven    only a record on a node speaks for it: we do not ask
            └── ActionGone   the lifecycle action is over: completed, timed out, or the instance is gone

Adapters translate their library's errors into these in one place; nothing else of a library
leaves its adapter.
"""


class NthError(Exception):
    """Any error of ours."""


class SettingError(NthError):
    """A setting that cannot be used: one line that names flag and variable, value and what is allowed."""


class ClusterError(NthError):
    """The Kubernetes API server said no, or said nothing.

    `retry_after_seconds` is what the server asked for (the Retry-After header), or None.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Missing(ClusterError):
    """The object is not there (404), or another one has its name."""


class Conflict(ClusterError):
    """Another client changed the object first (409)."""


class Expired(ClusterError):
    """A watch cannot go on from this resource version (410)."""


class Forbidden(ClusterError):
    """RBAC has no rule for this, or the token was refused (401, 403)."""


class Rejected(ClusterError):
    """The server will not do this, however often it is asked (other 4xx)."""


class Denied(ClusterError):
    """Admission refuses this request: a webhook, a policy, a namespace that ends. RBAC allows it.

    https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
    """


class AdmissionFailed(ClusterError):
    """An admission webhook that has to be asked gave no usable answer: the API server itself answers."""


class Blocked(ClusterError):
    """A PodDisruptionBudget allows no eviction of this pod now."""


class Throttled(ClusterError):
    """The server asks us to slow down (429)."""


class Unreachable(ClusterError):
    """No answer, or a server error: nothing is known of what was asked."""


class MetadataError(NthError):
    """The instance metadata service gave nothing that can be used."""


class Silent(MetadataError):
    """The metadata service did not answer, or not with a document (timeout, refused, 401, 5xx)."""


class BadDocument(MetadataError):
    """The metadata service answered with something that is not the expected document."""


class AwsError(NthError):
    """An API of AWS said no, or said nothing."""


class AwsThrottled(AwsError):
    """AWS asks us to slow down (Throttling, RequestLimitExceeded ...)."""


class AwsUnreachable(AwsError):
    """No answer, or a server error: nothing is known of what was asked."""


class AwsRefused(AwsError):
    """AWS will not do this, however often it is asked; `code` is its word for why."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class NoSuchQueue(AwsRefused):
    """There is no queue of that URL."""


class NotProven(AwsRefused):
    """We do not ask it of AWS: only a record on a node speaks for it, and something speaks against it."""


class ActionGone(AwsRefused):
    """No such lifecycle action any more: it was completed, has timed out, or its instance is gone."""
