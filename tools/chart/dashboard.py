"""Writes files/dashboard.json of the chart: Grafana's JSON, from the panels' table.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from tools.chart.panels import ROWS, Panel, Row

Json = dict[str, Any]

COLUMNS: Final = 24
WIDTHS: Final = {"stat": 6, "timeseries": 8}
HEIGHTS: Final = {"stat": 5, "timeseries": 8}
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA_VERSION: Final = 39
"""Grafana 11; later ones bring it up to date by themselves."""


def dashboard() -> Json:
    """Returns the whole document."""
    return {
        "uid": "aws-node-termination-handler",
        "title": "AWS Node Termination Handler",
        "description": "Interruptions of nodes: whether pods were moved in time, and what is happening now.",
        "tags": ["kubernetes", "aws", "spot"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": [_datasource(), _job()]},
        "panels": list(_placed()),
    }


def dashboard_json() -> str:
    return json.dumps(dashboard(), indent=2) + "\n"


def _datasource() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _job() -> Json:
    query = "label_values(nth_build_info, job)"
    return {
        "name": "job",
        "label": "Job",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": "job"},
        "definition": query,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": "All", "value": "$__all"},
        "sort": 1,
    }


def _placed() -> Iterator[Json]:
    """Yield rows and panels with their places, in the order of the table."""
    y = 0
    for row in ROWS:
        yield {"type": "row", "title": row.title, "collapsed": False, "panels": [], **_at(0, y, COLUMNS, 1)}
        y += 1
        for line in _lines(row):
            x = 0
            for panel in line:
                yield _panel(panel) | _at(x, y, WIDTHS[panel.kind], HEIGHTS[panel.kind])
                x += WIDTHS[panel.kind]
            y += max(HEIGHTS[panel.kind] for panel in line)


def _lines(row: Row) -> Iterator[list[Panel]]:
    """Yield panels side by side, as many as there is room for."""
    line: list[Panel] = []
    for panel in row.panels:
        if sum(WIDTHS[each.kind] for each in line) + WIDTHS[panel.kind] > COLUMNS:
            yield line
            line = []
        line.append(panel)
    yield line


def _at(x: int, y: int, width: int, height: int) -> Json:
    return {"id": y * COLUMNS + x + 1, "gridPos": {"x": x, "y": y, "w": width, "h": height}}


def _panel(panel: Panel) -> Json:
    looks = _stat_looks(panel) if panel.kind == "stat" else _curve_looks(panel)
    defaults = {"unit": panel.unit, "thresholds": _thresholds(panel), **looks}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel),
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
                "range": panel.kind == "timeseries",
                "instant": panel.kind == "stat",
            }
            for number, query in enumerate(panel.queries)
        ],
    }


def _stat_looks(panel: Panel) -> Json:
    return {"decimals": 0 if panel.unit == "short" else 1}


def _curve_looks(panel: Panel) -> Json:
    drawn: Json = {"drawStyle": "line", "fillOpacity": 10, "showPoints": "never", "spanNulls": False}
    if panel.stacked:
        drawn |= {"fillOpacity": 40, "stacking": {"mode": "normal", "group": "A"}}
    return {"custom": drawn}


def _options(panel: Panel) -> Json:
    if panel.kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "auto",
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _thresholds(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.bad_above is not None:
        steps.append({"color": "red", "value": panel.bad_above})
    if panel.bad_below is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel.bad_below}]
    return {"mode": "absolute", "steps": steps}
