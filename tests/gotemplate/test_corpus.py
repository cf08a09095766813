"""Our renderer against Go's own text/template with sprig, over the golden corpus (tools/go_templates).

What Go refuses, we refuse; where Go prints, we print the same bytes, but for the functions that we refuse.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gotemplate import Template, TemplateError, parse
from gotemplate.functions import refused, supported
from tests.gotemplate.samples import NOW_AT, data_of

GOLDEN = json.loads((Path(__file__).parent / "corpus" / "golden.json").read_text())
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in GOLDEN["cases"]}
REFUSED_BY_US = [name for name in CASES if name.startswith("refused by us: ")]


def floats(value: Any) -> Any:
    """The numbers that Go's JSON gives."""
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case list():
            return [floats(item) for item in value]
        case dict():
            return {key: floats(item) for key, item in value.items()}
    return value


def rendered(case: dict[str, Any], template: Template) -> str:
    data = GOLDEN["data"][case["data"]]
    given = data["data"] if data["kind"] == "webhook" else floats(data["data"])
    return template.render(data_of(data["kind"], given), NOW_AT)


@pytest.mark.parametrize("name", [name for name in CASES if name not in REFUSED_BY_US])
def test_W2_a_template_gives_what_go_gives(name: str) -> None:
    case = CASES[name]
    if case["output"] is None:
        with pytest.raises(TemplateError):
            rendered(case, parse(case["template"]))
    else:
        assert rendered(case, parse(case["template"])).encode() == case["output"].encode()


@pytest.mark.parametrize("name", REFUSED_BY_US)
def test_what_go_renders_and_we_refuse_is_refused_by_name(name: str) -> None:
    function = name.removeprefix("refused by us: ")
    assert CASES[name]["output"] is not None
    with pytest.raises(TemplateError, match=f"function '{function}' is not supported: "):
        parse(CASES[name]["template"])


def test_the_corpus_is_large_and_mostly_renders() -> None:
    assert len([case for case in CASES.values() if case["output"] is not None]) >= 150


def test_every_function_of_sprig_is_in_the_corpus() -> None:
    words = set(re.findall(r"\w+", " ".join(case["template"] for case in CASES.values())))
    assert set(supported()) - words == {"sha512sum"}, "which the original's version of sprig has not yet"


def test_every_function_can_be_loaded() -> None:
    for name in supported():
        assert parse("{{ if false }}{{ " + name + " }}{{ end }}").render(None, NOW_AT) == ""


def test_no_function_is_both_supported_and_refused() -> None:
    assert not set(supported()) & set(refused())
