"""The matrix is one: it has enough sets, and they leave no value out."""

import pytest

from tests.chart.matrix import SETS, examples
from tests.chart.rendering import Values
from tools.chart.table import VALUES
from tools.chart.values import Value


def value_of(values: Values, key: str) -> object:
    found: object = values
    for name in key.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def test_there_are_at_least_40_sets() -> None:
    assert len(SETS) >= 40


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.key)
def test_every_value_is_tried_with_another_than_its_default(value: Value) -> None:
    tried = [value_of(values, value.key) for values in SETS.values()]
    assert [each for each in tried if each not in (None, value.default)]


def test_every_example_says_something() -> None:
    assert all(examples().values())
