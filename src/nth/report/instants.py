"""Instants that no report tells, but follow from a notice."""

from nth.report.interruption import NoticeSeen


def due_before(at: float, begin_at: float, notices: tuple[NoticeSeen, ...]) -> float:
    """What came last before an instant: the beginning, or that a notice's work was due."""
    due = [notice.drain_at for notice in notices if notice.drain_at is not None and notice.drain_at <= at]
    return max(begin_at, min(due, default=begin_at))
