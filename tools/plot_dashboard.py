"""Draws the chart's Grafana dashboard from a Prometheus, as one SVG file, without Grafana.

`python -m tools.plot_dashboard http://127.0.0.1:9090 docs/dashboard.svg [MINUTES]`
"""

import json
import math
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from testbed.prometheus import Curve, Prometheus
from tools.chart.write import CHART

DASHBOARD: Final = CHART / "files" / "dashboard.json"
STEPS: Final = 120
"""The number of points of a curve."""
VARIABLES: Final = {"$__rate_interval": "10s", "$job": ".+"}
CELL: Final = 40
"""Pixels of a column of Grafana's grid, and of a line; LETTER: of a letter, about."""
COLOURS: Final = ("#3274d9", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#b58900", "#1f9e9e", "#6d6d6d")
MOST_LEGENDS: Final = 12
LETTER: Final = 5.5
_HEAD: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" '
    'font-family="sans-serif" font-size="11" fill="#24292e"><rect width="{0}" height="{1}" fill="#f4f5f5"/>'
)


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is drawn; epoch seconds."""

    since: float
    until: float

    @property
    def step_seconds(self) -> float:
        return (self.until - self.since) / STEPS

    def filled(self, expression: str) -> str:
        """Returns the query as Grafana would send it."""
        variables = {**VARIABLES, "$__range": f"{math.ceil(self.until - self.since)}s"}
        for name, value in variables.items():
            expression = expression.replace(name, value)
        return expression


def panels() -> list[Any]:
    """Returns the panels of the chart's dashboard, rows among them."""
    found: list[Any] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def curves(prometheus: Prometheus, panel: Any, window: Window) -> list[tuple[str, Curve]]:
    """Returns pairs of (legend, curve); points that are no number are left out."""
    found = []
    for target in panel.get("targets", ()):
        expression = window.filled(target["expr"])
        for curve in prometheus.query_range(expression, window.since, window.until, window.step_seconds):
            points = tuple(point for point in curve.points if math.isfinite(point[1]))
            if points:
                found.append((legend(target["legendFormat"], curve), Curve(curve.labels, points)))
    return sorted(found, key=lambda each: each[0])


def legend(form: str, curve: Curve) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda name: curve.labels.get(name[1], ""), form)


def drawing(prometheus: Prometheus, window: Window) -> str:
    """Returns the whole picture."""
    everything = [(panel, panel["gridPos"]) for panel in panels()]
    height = max(at["y"] + at["h"] for _, at in everything) * CELL
    lines = [_HEAD.format(24 * CELL, height)]
    for panel, at in everything:
        lines.append(f'<g transform="translate({at["x"] * CELL} {at["y"] * CELL})">')
        lines += _panel(panel, curves(prometheus, panel, window), window)
        lines.append("</g>")
    return "\n".join([*lines, "</svg>\n"])


def _panel(panel: Any, found: list[tuple[str, Curve]], window: Window) -> Iterator[str]:
    at = panel["gridPos"]
    width, height = at["w"] * CELL - 6, at["h"] * CELL - 6
    if panel["type"] == "row":
        yield _text(6, 26, panel["title"], size=15, weight="bold")
        return
    yield f'<rect x="3" y="3" width="{width}" height="{height}" fill="#fff" stroke="#d8d9da"/>'
    yield _text(12, 21, panel["title"], size=12, weight="bold")
    if not found:
        yield _text(12, height / 2, "No data", size=14, colour="#8e8e8e")
    elif panel["type"] == "stat":
        yield from _numbers(panel, found, width, height)
    else:
        yield from _plot(panel, found, window, (width, height))


def _numbers(panel: Any, found: list[tuple[str, Curve]], width: float, height: float) -> Iterator[str]:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    for number, (name, curve) in enumerate(found):
        x = 12 + number * (width - 12) / len(found)
        colour = _coloured(panel, curve.last)
        decimals = panel["fieldConfig"]["defaults"]["decimals"]
        yield _text(x, height / 2 + 12, written(round(curve.last, decimals), unit), size=26, colour=colour)
        yield _text(x, height / 2 + 32, name)


def _coloured(panel: Any, value: float) -> str:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    colour = [step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]
    return {"green": "#37872d", "red": "#c4162a"}[colour]


def _plot(
    panel: Any, found: list[tuple[str, Curve]], window: Window, size: tuple[float, float]
) -> Iterator[str]:
    custom, unit = panel["fieldConfig"]["defaults"]["custom"], panel["fieldConfig"]["defaults"]["unit"]
    shown = found[:MOST_LEGENDS]
    left, right, top, bottom = 52.0, size[0] - 8, 32.0, size[1] - 24 - 14 * math.ceil(len(shown) / 2)
    filled = "stacking" in custom
    stacked = list(_stacked(found)) if filled else [(name, c.points) for name, c in found]
    values = [value for _, points in stacked for _, value in points]
    marks = scale(min(0.0, *values), max(0.0, *values))
    low, high = marks[0], marks[-1]

    def place(point: tuple[float, float]) -> str:
        x = left + (right - left) * (point[0] - window.since) / (window.until - window.since)
        return f"{x:.1f},{bottom - (bottom - top) * (point[1] - low) / (high - low):.1f}"

    for value in marks:
        y = bottom - (bottom - top) * (value - low) / (high - low)
        yield f'<path d="M{left} {y:.1f}H{right}" stroke="#e4e5e6"/>'
        yield _text(left - 5, y + 4, written(value, unit), anchor="end", size=10)
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = time.gmtime(window.since + (window.until - window.since) * share)
        x = left + (right - left) * share
        yield _text(x, bottom + 14, time.strftime("%H:%M:%S", at), anchor=anchor, size=10)
    # The lower curves are drawn last: they cover the rest of those above.
    for number, (_, points) in reversed(list(enumerate(stacked))):
        path = " ".join(map(place, points))
        colour = COLOURS[number % len(COLOURS)]
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        if filled:
            ends = f"{place((points[-1][0], low))} {place((points[0][0], low))}"
            yield f'<polygon points="{path} {ends}" fill="{colour}" stroke="none"/>'
    for number, (name, _) in enumerate(shown):
        x, y = 12 + (number % 2) * size[0] / 2, bottom + 30 + 14 * (number // 2)
        colour = COLOURS[number % len(COLOURS)]
        yield f'<rect x="{x}" y="{y - 8}" width="10" height="4" fill="{colour}"/>'
        yield _text(x + 14, y, name[: int(size[0] / 2 / LETTER) - 3], size=10)


def _stacked(found: Iterable[tuple[str, Curve]]) -> Iterator[tuple[str, tuple[tuple[float, float], ...]]]:
    below: dict[float, float] = {}
    for name, curve in found:
        for at, value in curve.points:
            below[at] = below.get(at, 0.0) + value
        yield name, tuple((at, below[at]) for at, _ in curve.points)


def scale(low: float, high: float) -> list[float]:
    """Returns four to eight round numbers, from below `low` to above `high`."""
    rough = (high - low) / 5 or 0.25
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    first, last = math.floor(low / step), math.ceil(high / step) or 1
    return [step * number for number in range(first, last + 1)]


def written(value: float, unit: str) -> str:
    """Returns the value with its unit, as short as can be."""
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    suffix = {"s": " s", "reqps": "/s"}.get(unit, "")
    return f"{value:.3g}{suffix}"


def _text(
    x: float, y: float, words: str, *, size: int = 11, weight: str = "", anchor: str = "", colour: str = ""
) -> str:
    more = (("font-weight", weight), ("text-anchor", anchor), ("fill", colour))
    told = "".join(f' {name}="{value}"' for name, value in more if value)
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"{told}>{escape(words)}</text>'


def main(url: str, path: str, minutes: str = "10") -> None:
    """Draw the last minutes."""
    now = time.time()
    window = Window(now - 60 * float(minutes), now)
    Path(path).write_text(drawing(Prometheus(url), window), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
