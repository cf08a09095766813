"""The timeline of an interruption as an inline SVG: one bar a pod, from the notice to the deadline.

The page's style sheet gives the colours, by class. No namespace is declared and nothing is loaded:
inside HTML neither is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import ceil

from nth.core.visible import visible_line
from nth.report.interruption import InterruptionReport, PodOutcome, Stage
from nth.report.names import cut_middle
from nth.report.words import outcome_word, seconds_text, short_name

TOP, BAR, SIDE = 64, 16, 24
TICKS_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The measures of a chart, in pixels; its kind is a class of the style sheet."""

    kind: str
    plot_at: int
    """Where the bars begin."""
    plot_width: int
    row_height: int
    bar_at: int
    """Where a row's bar begins, below the row's top."""
    name_at: int
    name_chars: int
    """So many letters of a name fit."""
    most_ticks: int
    group: str
    """The class of a row."""

    @property
    def width(self) -> int:
        return self.plot_at + self.plot_width + SIDE


WIDE = Layout(
    kind="wide",
    plot_at=190,
    plot_width=770,
    row_height=30,
    bar_at=0,
    name_at=180,
    name_chars=28,
    most_ticks=10,
    group="pod",
)
"""Names stand beside their bars."""
NARROW = Layout(
    kind="narrow",
    plot_at=10,
    plot_width=332,
    row_height=46,
    bar_at=20,
    name_at=14,
    name_chars=50,
    most_ticks=5,
    group="narrow-pod",
)
"""Names stand above their bars."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Converts instants to pixels."""

    begin_at: float
    end_at: float
    layout: Layout

    def x(self, at: float) -> float:
        share = (at - self.begin_at) / (self.end_at - self.begin_at)
        return self.layout.plot_at + self.layout.plot_width * min(1.0, max(0.0, share))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a pod's bar."""

    kind: str
    begin_at: float
    end_at: float


def chart(report: InterruptionReport, layout: Layout = WIDE) -> str:
    """Returns the `<svg>` element."""
    scale = _scale(report, layout)
    height = TOP + layout.row_height * len(report.pods) + 40
    parts = [
        f'<svg class="chart {layout.kind}" viewBox="0 0 {layout.width} {height}" role="img" '
        'aria-label="Timeline of the pods">',
        *_axis(report, scale, height),
        *(part for row, pod in enumerate(report.pods) for part in _row(pod, report, scale, row)),
        *_markers(report, scale, height),
        "</svg>",
    ]
    return "\n".join(parts)


def _scale(report: InterruptionReport, layout: Layout) -> _Scale:
    """Returns a scale to the deadline, or to the last event if that is much earlier or later."""
    ready = [at for pod in report.pods if (at := pod.replaced_at) is not None]
    last_at = max([entry.at for entry in report.entries] + ready, default=report.began_at)
    end_at = max(last_at, report.deadline_at or 0)
    if end_at - report.first_at > 20 * (last_at - report.first_at + 5):
        end_at = last_at
    return _Scale(report.first_at, max(end_at, report.first_at + 1), layout)


def _axis(report: InterruptionReport, scale: _Scale, height: int) -> Iterator[str]:
    span = scale.end_at - scale.begin_at
    most = scale.layout.most_ticks
    step = next((tick for tick in TICKS_SECONDS if span / tick <= most), ceil(span / most))
    first, last = (int((at - report.began_at) / step) for at in (scale.begin_at, scale.end_at))
    for count in range(first, last + 1):
        x = scale.x(report.began_at + count * step)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - 30}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{height - 12}">{count * step} s</text>'


def _row(outcome: PodOutcome, report: InterruptionReport, scale: _Scale, row: int) -> Iterator[str]:
    layout = scale.layout
    top = TOP + layout.row_height * row
    y = top + layout.bar_at
    yield f'<g class="{layout.group}"><title>{plain(_story(outcome, report))}</title>'
    name = plain(cut_middle(visible_line(short_name(outcome.pod)), layout.name_chars))
    yield f'<text class="name" x="{layout.name_at}" y="{top + 13}">{name}</text>'
    for piece in _pieces(outcome, report):
        x, end = scale.x(piece.begin_at), scale.x(piece.end_at)
        width = max(2.0, end - x)
        yield f'<rect class="{piece.kind}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>'
    yield from _end(outcome, report, scale, y)
    yield "</g>"


def _pieces(outcome: PodOutcome, report: InterruptionReport) -> Iterator[_Piece]:
    """Yield the times of waiting, blocked, stopping, and of the wait until the successor is Ready."""
    end_at = outcome.gone_at or report.over_at
    asked_at = outcome.asked_at or end_at
    refused_at = min(outcome.refused_at or asked_at, asked_at)
    if outcome.stage is Stage.STAYS:
        yield _Piece("waiting", outcome.known_at, report.restored_at or end_at)
        return
    pieces = (
        _Piece("waiting", outcome.known_at, refused_at),
        _Piece("blocked", refused_at, asked_at),
        _Piece("forced" if outcome.forced else "stopping", asked_at, end_at),
        _Piece("absent", outcome.gone_at or end_at, outcome.replaced_at or end_at),
    )
    yield from (piece for piece in pieces if piece.end_at > piece.begin_at + 0.05)


def _end(outcome: PodOutcome, report: InterruptionReport, scale: _Scale, y: int) -> Iterator[str]:
    middle = y + BAR / 2
    if outcome.stage is Stage.LOST:
        x = scale.x(report.deadline_at or report.until_at)
        yield f'<text class="lost" x="{x - 8:.1f}" y="{middle + 5:.1f}">LOST</text>'
    if outcome.replaced_at is not None:
        x = scale.x(outcome.replaced_at)
        yield f'<circle class="ready" cx="{x:.1f}" cy="{middle:.1f}" r="6"/>'


def _story(outcome: PodOutcome, report: InterruptionReport) -> str:
    words = [f"{outcome.pod.ref}: {outcome_word(outcome)}"]
    moments = (
        ("refused", outcome.refused_at),
        ("asked to stop", outcome.asked_at),
        ("gone", outcome.gone_at),
        ("successor Ready", outcome.replaced_at),
    )
    words += [f"{word} after {seconds_text(at - report.began_at)}" for word, at in moments if at is not None]
    return ", ".join(words)


def _markers(report: InterruptionReport, scale: _Scale, height: int) -> Iterator[str]:
    """Yield notices, cordon, forced deletions and the deadline as vertical lines, each with its name."""
    marks = [(seen.at, "notice", "notice", 0) for seen in report.notices]
    if report.cordoned_at is not None:
        marks.append((report.cordoned_at, "cordon", "cordon", 1))
    marks += [(pod.asked_at, "force", "forced", 0) for pod in report.pods if pod.forced and pod.asked_at]
    if report.restored_at is not None:
        marks.append((report.restored_at, "cordon", "given back", 1))
    if report.drained_at is not None:
        marks.append((report.drained_at, "cordon", "drained", 1))
    if report.deadline_at is not None and report.deadline_at <= scale.end_at:
        marks.append((report.deadline_at, "deadline", "deadline", 0))
    for at, kind, name, level in dict.fromkeys(marks):
        x, y = scale.x(at), 18 + 18 * level
        anchor = "end" if x > scale.layout.width - SIDE - 110 else "start"
        shift = -5 if anchor == "end" else 5
        yield f'<line class="mark {kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 10}" y2="{height - 30}"/>'
        yield f'<text class="mark {kind}" text-anchor="{anchor}" x="{x + shift:.1f}" y="{y}">{name}</text>'


def plain(text: str) -> str:
    """Returns text from outside for an element or a quoted attribute: no markup, nothing hidden."""
    return escape(visible_line(text))
