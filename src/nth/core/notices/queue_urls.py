"""Reads region and account from the URL of an SQS queue.

The region comes from the host alone, for a queue may be named after any region; and from the host's
shape, not from a table, so that a region or partition that opens tomorrow is understood.
https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
"""

import re
from urllib.parse import urlsplit

_REGION = r"([a-z]{2,}(?:-[a-z0-9]+)*-[a-z]+-[0-9]{1,2})"
_HOST = re.compile(
    # sqs.eu-west-1.amazonaws.com, sqs-fips.us-gov-west-1.api.aws, vpce-1a-2b.sqs.eu-west-1.vpce.amazonaws.com
    rf"(?:[a-z0-9-]+\.)?sqs(?:-fips)?\.{_REGION}\.[a-z0-9.-]+"
    # The old form: eu-west-1.queue.amazonaws.com
    rf"|{_REGION}\.queue\.[a-z0-9.-]+"
)
_OLDEST_HOST = "queue.amazonaws.com"
_ACCOUNT = re.compile(r"[0-9]{12}")


def region_of(queue_url: str) -> str:
    """Returns the region that the host names (`eu-west-1`), or empty."""
    host = _parts(queue_url)[0]
    if host == _OLDEST_HOST:
        return "us-east-1"
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]) if match else ""


def account_of(queue_url: str) -> str:
    """Returns the 12 digits before the queue's name, or empty."""
    segments = _parts(queue_url)[1]
    return segments[-2] if len(segments) > 1 and _ACCOUNT.fullmatch(segments[-2]) else ""


def _parts(queue_url: str) -> tuple[str, list[str]]:
    try:
        url = urlsplit(queue_url)
        return (url.hostname or "").rstrip("."), [part for part in url.path.split("/") if part]
    except ValueError:
        # Brackets that are no IPv6 address: the URL tells nothing.
        return "", []
