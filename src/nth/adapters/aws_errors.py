"""Turns every error of botocore, aiohttp and AWS into an `AwsError`: here and nowhere else.

It decides nothing about trying again. Messages are one short line, in AWS's own words.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from nth.core.notices.aws_facts import EntryFailure
from nth.errors import ActionGone, AwsError, AwsRefused, AwsThrottled, AwsUnreachable, NoSuchQueue

MESSAGE_LIMIT_CHARS = 300
QUERY_PREFIX = "AWS.SimpleQueueService."
"""SQS puts this before some codes, and not before the same ones elsewhere."""

THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "KmsThrottled",
        "OverLimit",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
"""Each service has its own words.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""
NO_QUEUE = frozenset({"NonExistentQueue", "QueueDoesNotExist"})
ABOUT_ACTIONS = frozenset({"CompleteLifecycleAction", "RecordLifecycleActionHeartbeat"})


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Wrap a call of that action: every error that leaves it is an `AwsError`."""
    try:
        yield
    except ClientError as error:
        raise error_of_answer(error.response, action) from error
    except TimeoutError as error:
        raise AwsUnreachable(f"{action}: no answer in time") from error
    except AwsError:
        raise
    # All of them: HTTP, TLS, credentials and broken answers have errors of several families.
    except Exception as error:
        raise AwsUnreachable(one_line(f"{action}: {type(error).__name__}: {error}")) from error


def check_kind(answer: Mapping[str, Mapping[str, Any]], kind: str, action: str) -> None:
    """Raise AwsUnreachable if a proxy answered in AWS's place: botocore reads its page as empty.

    `kind`: `json` or `xml`. Either the answer is of that kind, or it at least has AWS's request id.
    """
    metadata = answer.get("ResponseMetadata", {})
    told = metadata.get("HTTPHeaders", {}).get("content-type", "")
    if kind not in told and not metadata.get("RequestId"):
        raise AwsUnreachable(f"{action}: the answer is not AWS's, but {told or 'of no kind'}")


def error_of_answer(response: Mapping[str, Mapping[str, object]], action: str) -> AwsError:
    """Returns the error that an answer outside 2xx stands for, as botocore's ClientError keeps it."""
    told = response.get("Error", {})
    code, words = plain_code(str(told.get("Code", ""))), str(told.get("Message", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = one_line(f"{action}: {code}: {words}")
    if code in THROTTLED or status == 429:
        return AwsThrottled(text)
    if not isinstance(status, int) or not 400 <= status < 500 or status == 408:
        return AwsUnreachable(text)
    return _refusal(code, words, action)(text, code=code)


def entry_failure(entry: Mapping[str, object]) -> EntryFailure:
    """Returns the fact of one `Failed` entry of a batch.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
    """
    return EntryFailure(
        plain_code(str(entry.get("Code", ""))),
        one_line(str(entry.get("Message", ""))),
        final=entry.get("SenderFault") is True,
    )


def plain_code(code: str) -> str:
    """Returns the code without its prefix: `com.amazonaws.sqs#QueueDoesNotExist`, `AWS.Simple...`."""
    return code.rpartition("#")[2].removeprefix(QUERY_PREFIX)


def one_line(text: str) -> str:
    """Returns the text on one line, short enough for a log."""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_LIMIT_CHARS else line[: MESSAGE_LIMIT_CHARS - 1] + "…"


def _refusal(code: str, words: str, action: str) -> type[AwsRefused]:
    if code in NO_QUEUE:
        return NoSuchQueue
    # AWS says in several ways that an action is over; besides, only our own result could be wrong.
    if code == "ValidationError" and action in ABOUT_ACTIONS and "lifecycleActionResult" not in words:
        return ActionGone
    return AwsRefused
