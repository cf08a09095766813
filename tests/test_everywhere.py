"""That the tests hold on every machine: a busy one, and one whose shell ignores Ctrl-C."""

import ast
import logging
from pathlib import Path

import hypothesis
import pytest

TESTS = Path(__file__).parent


def own_limits(source: str) -> set[str]:
    """What calls of `settings` say of a deadline, which the one profile decides."""
    return {
        ast.unparse(keyword.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "settings"
        for keyword in node.keywords
        if keyword.arg == "deadline"
    }


def test_safe_22_no_property_test_has_a_deadline() -> None:
    assert hypothesis.settings().deadline is None
    assert own_limits("few = hypothesis.settings(max_examples=3, deadline=200)") == {"200"}
    sources = {str(path): path.read_text() for path in TESTS.rglob("*.py")}
    # Parsing all would take seconds.
    suspects = [name for name, text in sources.items() if "settings" in text and "deadline=" in text]
    assert [name for name in suspects if own_limits(sources[name])] == []


def test_safe_22_no_test_sees_what_the_loop_logs(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("asyncio").warning("Executing something took 7 seconds")
    logging.getLogger("nth").warning("ours")
    assert caplog.messages == ["ours"]
