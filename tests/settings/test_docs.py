"""docs/configuration.md."""

import subprocess
import sys
from pathlib import Path

from nth.settings.docs import configuration_markdown
from nth.settings.table import TABLE

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_document_is_fresh() -> None:
    hint = "run: python -m nth.settings.docs > docs/configuration.md"
    assert DOCUMENT.read_text(encoding="utf-8") == configuration_markdown(), hint


def test_command_prints_the_document() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "nth.settings.docs"], capture_output=True, check=True, encoding="utf-8"
    )
    assert run.stdout == configuration_markdown()
    assert run.stderr == ""


def _lines_of(variable: str) -> list[str]:
    return [line for line in configuration_markdown().splitlines() if f"| `{variable}` |" in line]


def test_every_setting_has_one_line_of_six_cells() -> None:
    for row in TABLE:
        (line,) = _lines_of(row.variable)
        assert line.startswith(f"| `{row.flag}` |")
        assert line.count(" | ") == 5


def test_line_of_a_number() -> None:
    assert _lines_of("WORKERS") == [
        "| `--workers` | `WORKERS` | n | `10` | a whole number, 1 or more "
        "| How many drains without a deadline may run at the same time. "
        "A drain with a deadline never waits. |"
    ]


def test_V6_deprecated_settings_are_marked() -> None:
    (line,) = _lines_of("GRACE_PERIOD")
    assert line.endswith("| Deprecated: use --pod-termination-grace-period. |")


def test_secrets_are_marked() -> None:
    (line,) = _lines_of("WEBHOOK_URL")
    assert "| Secret. " in line


def test_queue_settings_are_marked() -> None:
    _, _, after = configuration_markdown().partition("\n## Queue mode\n\n")
    assert after.startswith("These have an effect in queue mode only.\n")
