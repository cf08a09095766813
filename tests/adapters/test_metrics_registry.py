"""The text that Prometheus reads, read again with the library's own parser."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nth.adapters.metrics_registry import CONTENT_TYPE, MetricsRegistry
from nth.report.metrics.counters import Series
from nth.report.metrics.histogram import Histogram
from nth.report.metrics.table import ACTIONS, BUILD, MARGIN, PODS, SESSIONS, TAGGED_NODES

SCOPED = 'otel_scope_name="aws.node.termination.handler",otel_scope_version=""'
REGISTRY = MetricsRegistry()


def lines(*series: Series) -> list[str]:
    """Without those of the process and of Python."""
    text = REGISTRY.text(series).decode()
    return [line for line in text.splitlines() if "process_" not in line and "python_" not in line]


def test_M1_the_originals_metrics_are_written_as_it_writes_them() -> None:
    """Its end-to-end scripts search for exactly this, and compare the number as a whole one."""
    assert lines(Series(ACTIONS, ("cordon-and-drain", "success"), 3.0)) == [
        "# HELP actions_total Number of actions",
        "# TYPE actions_total counter",
        f'actions_total{{node_action="cordon-and-drain",node_status="success",{SCOPED}}} 3',
    ]
    assert lines(Series(TAGGED_NODES, (), 2.0))[-1] == f"nth_tagged_nodes{{{SCOPED}}} 2"


def test_ours_carry_no_scope_and_are_written_in_the_order_of_the_table() -> None:
    mixed = [
        Series(SESSIONS, ("draining",), 1),
        Series(PODS, ("moved",), 1.0),
        Series(PODS, ("lost",), 0.0),
        Series(BUILD, ("queue", '1.0"\\'), 1),
    ]
    assert [line for line in lines(*mixed) if not line.startswith("#")] == [
        'nth_pods_total{outcome="moved"} 1',
        'nth_pods_total{outcome="lost"} 0',
        'nth_active_sessions{phase="draining"} 1',
        'nth_build_info{mode="queue",version="1.0\\"\\\\"} 1',
    ]


def test_a_histogram_is_written_with_sums_of_buckets_also_below_zero() -> None:
    histogram = Histogram(MARGIN.bounds)
    for value in (-100.5, 0.0, 29.9, 1000.0):
        histogram.observe(value)
    written = dict(line.rsplit(" ", 1) for line in lines(Series(MARGIN, ("SPOT_ITN",), histogram)))
    name = "nth_deadline_margin_seconds"
    assert written[f'{name}_bucket{{kind="SPOT_ITN",le="-60.0"}}'] == "1"
    assert written[f'{name}_bucket{{kind="SPOT_ITN",le="0.0"}}'] == "2"
    assert written[f'{name}_bucket{{kind="SPOT_ITN",le="30.0"}}'] == "3"
    assert written[f'{name}_bucket{{kind="SPOT_ITN",le="+Inf"}}'] == "4"
    assert written[f'{name}_count{{kind="SPOT_ITN"}}'] == "4"
    assert float(written[f'{name}_sum{{kind="SPOT_ITN"}}']) == pytest.approx(929.4)


def test_M6_the_process_and_python_are_told_and_all_of_it_can_be_parsed() -> None:
    text = REGISTRY.text([Series(PODS, ("moved",), 1.0)]).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["process_resident_memory_bytes"].samples[0].value > 1e6
    assert {"process_cpu_seconds", "process_open_fds", "python_info", "nth_pods"} <= families.keys()
    assert not re.search(r"_created|\.0$", text, re.MULTILINE)
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"


def test_what_is_not_given_again_is_not_served_again() -> None:
    assert lines(Series(PODS, ("moved",), 1.0))
    assert lines() == []
