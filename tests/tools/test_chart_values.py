"""What the chart says of its values: names and defaults, the schema, the variables [contract 1.3]."""

import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

import nth
from nth.settings.table import TABLE
from tests.chart.original import ORIGINAL, nested
from tools.chart.keys import BOTH, CHARTED, DAEMON_SET, DEPLOYMENT, ELSEWHERE, key_of, workload_of
from tools.chart.table import VALUES
from tools.chart.values import NEEDED
from tools.chart.write import CHART, generated

BY_KEY = {value.key: value for value in VALUES}
TEMPLATES = CHART / "templates"
AWS_OWN = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
"""Variables that AWS's library reads."""


def variables(text: str) -> list[str]:
    return re.findall(r"^ *- name: ([A-Z_]+)$", text, re.MULTILINE)


def schema() -> Any:
    return json.loads((CHART / "values.schema.json").read_text())


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_a_generated_file_is_not_stale(path: Any) -> None:
    """`make docs` writes it anew."""
    assert path.read_text() == generated()[path]


def test_the_contract_has_108_values() -> None:
    assert len(ORIGINAL) == 108


@pytest.mark.parametrize("key", ORIGINAL)
def test_a_value_of_the_originals_chart_has_its_name_and_default(key: str) -> None:
    assert BY_KEY[key].default == ORIGINAL[key]
    assert type(BY_KEY[key].default) is type(ORIGINAL[key])


def test_no_value_is_there_twice() -> None:
    assert len(BY_KEY) == len(VALUES)


def test_values_yaml_holds_the_tables_defaults() -> None:
    defaults = {value.key: value.default for value in VALUES}
    assert yaml.safe_load((CHART / "values.yaml").read_text()) == nested(defaults)


def test_C10_every_setting_is_a_value_or_said_elsewhere() -> None:
    keys = {row.name: key_of(row) for row in TABLE if row.name not in ELSEWHERE}
    assert [name for name, key in keys.items() if key not in BY_KEY] == []
    assert len(set(keys.values())) == len(keys)
    assert set(ELSEWHERE) <= {row.name for row in TABLE}


def test_every_variable_of_the_templates_is_a_setting_and_none_is_missing() -> None:
    text = (TEMPLATES / "_settings.tpl").read_text() + (TEMPLATES / "_container.tpl").read_text()
    found = variables(text)
    in_a_pod = {row.variable for row in TABLE if row.name != "kubeconfig" and not row.successor}
    assert set(found) - AWS_OWN == in_a_pod
    # The two ways to say a webhook's URL are one variable.
    assert len(set(found)) == len(found)


def test_each_workload_has_the_variables_that_it_needs() -> None:
    workloads = {row.name: workload_of(row) for row in CHARTED}
    assert set(workloads.values()) == {BOTH, DAEMON_SET, DEPLOYMENT}
    assert workloads["queue_url"] == DEPLOYMENT
    assert workloads["metadata_url"] == DAEMON_SET
    assert workloads["dry_run"] == BOTH


def test_the_schema_is_one_and_takes_the_defaults() -> None:
    Draft7Validator.check_schema(schema())
    assert schema()["$schema"] == "http://json-schema.org/draft-07/schema#"
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert list(Draft7Validator(schema()).iter_errors(values)) == []


def test_the_schema_takes_the_originals_defaults_and_its_nulls() -> None:
    nulls = ("serviceAccount.name", "terminationGracePeriodSeconds", "awsAccessKeyID", "podMonitor.namespace")
    values = nested(dict(ORIGINAL) | dict.fromkeys(nulls))
    assert list(Draft7Validator(schema()).iter_errors(values)) == []


@pytest.mark.parametrize("key", BY_KEY)
def test_the_schema_refuses_what_no_value_can_be(key: str) -> None:
    wrong: object = [[]] if not isinstance(BY_KEY[key].default, list) else "word"
    found = list(Draft7Validator(schema()).iter_errors(nested({key: wrong})))
    path = key.split(".")
    assert [list(error.absolute_path)[: len(path)] for error in found] == [path] * len(found) != []


@pytest.mark.parametrize("key", sorted(BY_KEY.keys() - NEEDED))
def test_the_schema_takes_an_empty_text_for_every_value(key: str) -> None:
    assert list(Draft7Validator(schema()).iter_errors(nested({key: ""}))) == []


def test_the_chart_is_of_the_programs_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == nth.__version__
    assert chart["version"] == "0.28.0"
    assert chart["name"] == CHART.name == "aws-node-termination-handler"


def test_the_readme_has_a_line_for_each_value() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", (CHART / "README.md").read_text(), re.MULTILINE)
    assert rows == [value.key for value in VALUES]
