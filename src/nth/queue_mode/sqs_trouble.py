"""Logs the calls of a queue that fail: once when it begins, once when it is over."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from nth.core.trouble import Outage
from nth.errors import AwsError, AwsRefused, NoSuchQueue

logger = logging.getLogger("nth.sources.sqs")

CALM_SECONDS = 10.0
"""Some of many calls may fail for a while: trouble that was over is not logged again soon. Unlike sessions'
calm (`core.trouble`), this one ends by itself: calls that still fail now and then are logged again."""
NOT_PERMITTED = ("AccessDenied", "Kms")
"""The first words of codes about missing permissions. Others are about credentials or words.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
"""


@dataclass(frozen=True, slots=True)
class Texts:
    """The log lines of one kind of call, for a person who is woken by them."""

    failing: str
    refused: str
    grant: str
    """The permission to be granted, if one is missing."""
    over: str

    def refused_for(self, code: str) -> str:
        """Returns the line for a refusal; `code`: AWS's word for the reason."""
        if code.startswith(NOT_PERMITTED):
            return f"{self.refused}: grant {self.grant}"
        return f"{self.refused}; the credentials, AWS_REGION or the queue's URL may be wrong"


RECEIVING = Texts(
    "The queue does not answer; its messages wait until it does",
    "AWS does not let us receive from the queue, so no notice is read",
    "sqs:ReceiveMessage (and kms:Decrypt for a queue with a key of its own)",
    "The queue answers again",
)
DELETING = Texts(
    "Messages that are done with cannot be deleted; trying again",
    "AWS does not let us delete messages, so they are delivered again and again",
    "sqs:DeleteMessage",
    "Messages can be deleted again",
)
EXTENDING = Texts(
    "Messages that are being worked on cannot be kept hidden; trying again",
    "AWS does not let us keep messages hidden while they are worked on, so they are delivered several times",
    "sqs:ChangeMessageVisibility",
    "Messages can be kept hidden again",
)
GIVING_BACK = Texts(
    "Messages cannot be given back to the queue; trying again",
    "AWS does not let us give messages back, so they stay hidden for a while",
    "sqs:ChangeMessageVisibility",
    "Messages can be given back again",
)


def is_refused(error: AwsError) -> bool:
    """True if asking again is no use until a policy is changed; a queue that is gone may be made anew."""
    return isinstance(error, AwsRefused) and not isinstance(error, NoSuchQueue)


class CallTrouble:
    """One kind of call to one queue. `failing(reason)` is called where a failure is logged."""

    def __init__(self, texts: Texts, queue_url: str, failing: Callable[[str], None] = lambda _: None) -> None:
        self._failing = failing
        self._texts = texts
        self._queue_url = queue_url
        self._outage = Outage()
        self._over_at = float("-inf")
        self.failures = 0
        """Failures in a row."""

    def failed(self, error: AwsError, now: float) -> None:
        """Take the failure of a call, or of entries of it that might work the next time."""
        self.failures += 1
        if now < self._over_at + CALM_SECONDS or not self._outage.failed(str(error), now):
            return
        fields = {"queue_url": self._queue_url, "error": str(error)}
        if isinstance(error, AwsRefused):
            fields["code"] = error.code
        if isinstance(error, AwsRefused) and is_refused(error):
            logger.error(self._texts.refused_for(error.code), extra={"fields": fields})
        else:
            logger.warning(self._texts.failing, extra={"fields": fields})
        self._failing(str(error))

    def worked(self, now: float) -> None:
        """Take a good answer to a call."""
        failures, self.failures = self.failures, 0
        seconds = self._outage.worked(now)
        if seconds is not None:
            self._over_at = now
            fields = {"queue_url": self._queue_url, "seconds": round(seconds, 1), "failures": failures}
            logger.info(self._texts.over, extra={"fields": fields})
