"""docs/metrics.md says of every metric what the table says."""

import re
from pathlib import Path

import pytest

from nth.report.metrics.table import METRICS, Metric

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` (\|.*)$", PAGE, re.MULTILINE))


def test_the_page_has_these_metrics_and_no_others() -> None:
    assert sorted(ROWS) == sorted(metric.name for metric in METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_kind_and_labels_are_as_in_the_table(metric: Metric) -> None:
    _, kind, labels, meaning, _ = (cell.strip() for cell in ROWS[metric.name].split("|", 4))
    assert kind == metric.kind.value
    same = ("node_action", "node_status") if labels.startswith("the same") else ()
    assert all(f"`{label}`" in labels for label in set(metric.labels) - set(same))
    assert meaning
