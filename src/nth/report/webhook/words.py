"""Words an announcement in one sentence: the least that a chat message needs."""

from nth.report.webhook.announcement import Announcement
from nth.report.words import counted, seconds_text


def summary(announcement: Announcement) -> str:
    """Returns `Spot interruption of node ip-10-0-1-17: drained after 12.3 s, 107.7 s before the ...`."""
    kind = None if announcement.notice is None else announcement.notice.event.kind
    what = "Interruption" if kind is None else kind.webhook_title or kind.title
    more = len(announcement.event_ids) - 1
    also = f" (and {counted(more, 'more event')})" if more > 0 else ""
    return f"{what} of node {announcement.node_name}{also}: {_outcome(announcement)}"


def _outcome(announcement: Announcement) -> str:
    after = f"after {seconds_text(announcement.duration_seconds)}"
    match announcement.phase:
        case "received":
            return _urgency(announcement)
        case "cordoned":
            return f"cordoned {after}"
        case "drained":
            return f"drained {after}{_ahead(announcement)}{_moved(announcement)}"
        case "forced":
            return f"a pod is forced past its budget: {announcement.reason}"
        case "failed":
            return f"FAILED {after}: {announcement.reason}"
        case "cancelled":
            return f"called off: {announcement.reason}"
        case "replaced":
            return f"all pods run elsewhere {after}"


def _urgency(announcement: Announcement) -> str:
    margin = announcement.margin_seconds
    if margin is None:
        return "received, without a deadline"
    return f"received, {seconds_text(max(0.0, margin))} before the machine may stop"


def _ahead(announcement: Announcement) -> str:
    margin = announcement.margin_seconds
    if margin is None:
        return ""
    if margin < 0:
        return f", {seconds_text(-margin)} past the deadline"
    return f", {seconds_text(margin)} before the deadline"


def _moved(announcement: Announcement) -> str:
    forced = f", {announcement.forced} forced past a budget" if announcement.forced else ""
    return f"; {counted(announcement.evicted, 'pod')} evicted{forced}"
