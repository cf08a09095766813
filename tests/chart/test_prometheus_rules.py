"""The chart's rules and alerts, judged by promtool: each alert fires once, and once it does not.

The dashboard and the rules speak only of metrics that there are.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import nth
from nth.report.metrics.table import METRICS, SCOPE, Kind
from testbed.helm import Helm
from testbed.prometheus import promtool
from tests.chart.alert_cases import CASES, JOB, RUNNING, Case, Series
from tests.chart.rendering import QUEUE, Chart, Values, kinds
from tools.chart.panels import ROWS
from tools.chart.write import CHART

RULES: Values = {"enablePrometheusServer": True, "prometheusRule": {"create": True}}
RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks.md"
LABELS = {metric.name: {*metric.labels, *(SCOPE if metric.scoped else ())} for metric in METRICS}
HISTOGRAMS = {metric.name for metric in METRICS if metric.kind is Kind.HISTOGRAM}
OF_PROMETHEUS = {"job", "instance", "pod", "node", "le"}
PAGE = "https://wiki.example/nth"
OF_OTHERS = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}


def rules_of(chart: Chart, **values: Any) -> list[dict[str, Any]]:
    """All rules of queue mode."""
    told = {**QUEUE, **RULES, "prometheusRule": {"create": True, **values}}
    spec = chart.one("PrometheusRule", told)["spec"]
    return [rule for group in spec["groups"] for rule in group["rules"]]


def alerts_of(chart: Chart, **values: Any) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules_of(chart, **values) if "alert" in rule}


@pytest.fixture
def rule_file(chart: Chart, tmp_path: Path) -> Path:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(chart.one("PrometheusRule", {**QUEUE, **RULES})["spec"]))
    return path


def tried(folder: Path, rules: Path, *tests: Mapping[str, Any]) -> tuple[int, str]:
    """promtool's verdict."""
    document = {"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}
    path = folder / "tests.json"
    path.write_text(json.dumps(document))
    return promtool("test", "rules", path)


def input_of(series: Series) -> list[dict[str, str]]:
    return [
        {"series": f"{name[:-1]},job='{JOB}'}}".replace("'", '"'), "values": values}
        for name, values in series.items()
    ]


def alert_test(name: str, case: Case, rule: Mapping[str, Any], *, fires: bool) -> dict[str, Any]:
    """One that fails unless the alert is as the case says, or is not there."""
    expected = {
        "exp_labels": {"job": JOB, **rule["labels"], **case.labels},
        "exp_annotations": {**rule["annotations"], "description": case.says},
    }
    running = {} if case.absent and fires else RUNNING
    return {
        "interval": "1m",
        "input_series": input_of({**running, **(case.fires if fires else case.quiet)}),
        "alert_rule_test": [
            {
                "eval_time": f"{case.at_minutes}m",
                "alertname": name,
                "exp_alerts": [expected] if fires else [],
            }
        ],
    }


def test_promtool_has_nothing_to_say_of_the_rules(rule_file: Path) -> None:
    code, said = promtool("check", "rules", "--lint=all", "--lint-fatal", rule_file)
    assert code == 0, said


def test_promtool_sees_a_broken_rule(rule_file: Path) -> None:
    rule_file.write_text(rule_file.read_text().replace("absent(", "absent("[:-1] + "[", 1))
    assert promtool("check", "rules", rule_file)[0] != 0


def test_every_alert_has_a_case(chart: Chart) -> None:
    assert sorted(CASES) == sorted(alerts_of(chart))


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_when_it_should(chart: Chart, rule_file: Path, tmp_path: Path, name: str) -> None:
    code, said = tried(tmp_path, rule_file, alert_test(name, CASES[name], alerts_of(chart)[name], fires=True))
    assert code == 0, said


@pytest.mark.parametrize("name", CASES)
def test_an_alert_is_silent_when_it_should_be(
    chart: Chart, rule_file: Path, tmp_path: Path, name: str
) -> None:
    code, said = tried(
        tmp_path, rule_file, alert_test(name, CASES[name], alerts_of(chart)[name], fires=False)
    )
    assert code == 0, said


def test_the_share_of_met_deadlines_is_recorded(rule_file: Path, tmp_path: Path) -> None:
    ended = "nth_interruptions_total{{instance='a',kind='SPOT_ITN',result='{}'}}"
    series = {
        "nth_missed_deadlines_total{instance='a'}": "0x10 1x60",
        ended.format("missed"): "0x10 1x60",
        ended.format("drained"): "0x10 9x60",
        ended.format("cancelled"): "0x10 90x60",
    }
    expected = {"labels": f'job:nth_deadlines_met:ratio1d{{job="{JOB}"}}', "value": 0.9}
    query = {"expr": "job:nth_deadlines_met:ratio1d", "eval_time": "30m", "exp_samples": [expected]}
    told = {"interval": "1m", "input_series": input_of(series), "promql_expr_test": [query]}
    code, said = tried(tmp_path, rule_file, told)
    assert code == 0, said


def test_thresholds_and_names_are_values(chart: Chart) -> None:
    given = {"forcedPods": 7, "marginSeconds": "21", "sourceSilentSeconds": 3_000_000, "queueAgeSeconds": 99}
    alerts = alerts_of(chart, **given, job="others", runbookURL="https://wiki.example/nth")
    assert alerts["NodeTerminationPodsForced"]["expr"].endswith("> 7")
    assert alerts["NodeTerminationMarginShort"]["expr"].endswith("< 21")
    assert alerts["NodeTerminationSourceBlind"]["expr"].endswith("> 3e+06")
    assert alerts["NodeTerminationQueueAge"]["expr"].endswith("> 99")
    assert alerts["NodeTerminationHandlerAbsent"]["expr"] == 'absent(nth_build_info{job="others"})'
    found = alerts["NodeTerminationHookStuck"]["annotations"]["runbook_url"]
    assert found == "https://wiki.example/nth#nodeterminationhookstuck"
    assert "%{" not in json.dumps(rules_of(chart, **given))


def test_metadata_mode_has_no_rules_of_queue_mode(chart: Chart) -> None:
    groups = chart.one("PrometheusRule", RULES)["spec"]["groups"]
    assert [group["name"] for group in groups] == ["node-termination.recorded", "node-termination.alerts"]


def test_rules_and_dashboard_are_made_on_demand_only(chart: Chart) -> None:
    wanted = {"prometheusRule": {"create": True}, "dashboard": {"create": True}}
    beside = {"PrometheusRule", "ConfigMap"}
    assert beside <= set(kinds(chart.objects({"enablePrometheusServer": True, **wanted})))
    assert not beside & set(kinds(chart.objects({"enablePrometheusServer": True})))
    assert not beside & set(kinds(chart.objects(wanted)))


def test_the_dashboards_config_map_is_found_by_grafanas_sidecar(chart: Chart) -> None:
    values = {"enablePrometheusServer": True, "dashboard": {"create": True, "namespace": "monitoring"}}
    found = chart.one("ConfigMap", values)
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["namespace"] == "monitoring"
    (text,) = found["data"].values()
    assert json.loads(text) == json.loads((CHART / "files" / "dashboard.json").read_text())


def test_every_alert_has_its_words_and_its_runbook(chart: Chart) -> None:
    headings = re.findall(r"^## (\w+)$", RUNBOOKS.read_text(), re.MULTILINE)
    alerts = alerts_of(chart, runbookURL=PAGE)
    assert sorted(headings) == sorted(alerts)
    for name, alert in alerts.items():
        assert alert["labels"]["severity"] in ("critical", "warning")
        said = alert["annotations"]
        assert sorted(said) == ["description", "runbook_url", "summary"]
        assert said["runbook_url"] == f"{PAGE}#{name.lower()}"
        assert re.search(r", run: (kubectl|nth) ", said["description"]), "it says what to type"


def test_alerts_link_to_the_runbooks_of_the_charts_own_home(helm: Helm, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(CHART, tmp_path / "chart"))
    metadata = folder / "Chart.yaml"
    home = "https://git.example/nodes/aws-node-termination-handler"
    metadata.write_text(
        re.sub(r"https://github.com/MY_[^/]+/aws-node-termination-handler", home, metadata.read_text())
    )
    alerts = alerts_of(Chart(helm, folder))
    link = f"{home}/blob/v{nth.__version__}/docs/runbooks.md#nodeterminationpodslost"
    assert alerts["NodeTerminationPodsLost"]["annotations"]["runbook_url"] == link


def test_alerts_without_a_page_have_no_link_that_leads_nowhere(chart: Chart) -> None:
    values = {**QUEUE, **RULES}
    groups = chart.one("PrometheusRule", values)["spec"]["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert alerts
    assert [alert for alert in alerts if "runbook_url" in alert["annotations"]] == []


def test_a_page_that_is_not_absolute_is_refused(chart: Chart) -> None:
    done = chart.attempt({**RULES, "prometheusRule": {"create": True, "runbookURL": "docs/runbooks.md"}})
    assert done.returncode == 1
    assert "/prometheusRule/runbookURL" in done.stderr


def expressions(chart: Chart) -> Iterator[str]:
    yield from (rule["expr"] for rule in rules_of(chart))
    yield from (query.expr for row in ROWS for panel in row.panels for query in panel.queries)


def test_queries_name_metrics_and_labels_that_there_are(chart: Chart) -> None:
    for expression in expressions(chart):
        selectors = re.findall(r"([a-z_]+)\{([^}]*)\}", expression)
        assert selectors, expression
        known = set(OF_PROMETHEUS)
        for name, matchers in selectors:
            metric = re.sub(r"_(bucket|count)$", "", name) if name not in LABELS else name
            assert name in OF_OTHERS or metric in LABELS, name
            assert name == metric or metric in HISTOGRAMS, name
            known |= LABELS.get(metric, set())
            assert set(re.findall(r"(\w+)=~?\"", matchers)) <= known, expression
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            assert set(grouped.split(", ")) <= known, expression


def test_annotations_name_labels_that_their_alerts_have(chart: Chart) -> None:
    for name, alert in alerts_of(chart).items():
        used = set(re.findall(r"\$labels\.(\w+)", json.dumps(alert["annotations"])))
        grouped = {
            label for labels in re.findall(r"by \(([^)]*)\)", alert["expr"]) for label in labels.split(", ")
        }
        assert used <= {"job", *grouped, *CASES[name].labels}, name
