"""A pod's way as a row of cells: one cell a slice of time, one character a state.

The text report prints the characters, the live view gives them colours.
"""

from dataclasses import dataclass

from nth.report.interruption import InterruptionReport, PodOutcome, Stage

FUTURE = " "
WAITING = "."
BLOCKED = "x"
STOPPING = "="
FORCED = "#"
GONE = "-"
READY = "+"
LOST = "!"
DEADLINE = "|"

LEGEND = {
    WAITING: "waits its turn",
    BLOCKED: "eviction refused",
    STOPPING: "stopping",
    FORCED: "stopping (forced)",
    GONE: "gone, not yet replaced",
    READY: "gone and replaced",
    LOST: "lost",
    DEADLINE: "deadline",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A stretch of time, cut into cells."""

    begin_at: float
    end_at: float
    cells: int

    def cell(self, at: float) -> int:
        """Returns the index of the cell that an instant falls into, held inside the axis."""
        share = (at - self.begin_at) / max(1e-9, self.end_at - self.begin_at)
        return min(self.cells - 1, max(0, int(share * self.cells)))

    def middle_at(self, cell: int) -> float:
        """Returns the instant in the middle of a cell."""
        return self.begin_at + (cell + 0.5) * (self.end_at - self.begin_at) / self.cells


def axis_of(report: InterruptionReport, cells: int) -> Axis:
    """Returns an axis from the first notice to the deadline, or without one to the last event."""
    end_at = report.deadline_at or max((entry.at for entry in report.entries), default=report.until_at)
    if report.deadline_at is not None and report.called_off is False and _is_far_away(report):
        end_at = report.until_at
    return Axis(begin_at=report.first_at, end_at=max(end_at, report.first_at + 1), cells=cells)


def _is_far_away(report: InterruptionReport) -> bool:
    """Returns whether the deadline is so far away that everything would fall into one cell."""
    assert report.deadline_at is not None
    return report.deadline_at - report.first_at > 20 * (report.until_at - report.first_at + 30)


def bar(outcome: PodOutcome, report: InterruptionReport, axis: Axis) -> str:
    """Returns `axis.cells` characters; the future is blank."""
    cells = [_state_at(outcome, report, axis.middle_at(cell)) for cell in range(axis.cells)]
    # A state shorter than a cell is shown all the same, above all the request to go.
    for at, sign in ((outcome.refused_at, BLOCKED), (outcome.asked_at, _sign(outcome))):
        if at is not None:
            cells[axis.cell(at)] = sign
    if report.deadline_at is not None and report.deadline_at <= axis.end_at:
        cells[-1] = LOST if outcome.stage is Stage.LOST else DEADLINE
    return "".join(cells)


def _sign(outcome: PodOutcome) -> str:
    return FORCED if outcome.forced else STOPPING


def _state_at(outcome: PodOutcome, report: InterruptionReport, at: float) -> str:
    if at > report.until_at or at < outcome.known_at:
        return FUTURE
    if outcome.gone_at is not None and at >= outcome.gone_at:
        return READY if outcome.replaced_at is not None and at >= outcome.replaced_at else GONE
    if outcome.asked_at is not None and at >= outcome.asked_at:
        return _sign(outcome)
    return BLOCKED if outcome.refused_at is not None and at >= outcome.refused_at else WAITING
