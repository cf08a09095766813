"""The examples in docs/report.md are what the commands print for the demo's log."""

from pathlib import Path

import pytest

from nth import cli

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "report.md").read_text(encoding="utf-8")


@pytest.fixture
def log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    path = tmp_path / "demo.log"
    assert cli.main(["demo", "--plain", "--speed", "max", "--log", str(path)]) == 0
    capsys.readouterr()
    return str(path)


def test_the_report(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", log]) == 0
    out = capsys.readouterr().out
    example = out[out.index("\nPods\n") + 1 :]
    assert f"```\n{example}```\n" in DOCUMENT


def test_the_explanation(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "billing", log]) == 0
    assert f"```\n{capsys.readouterr().out}```\n" in DOCUMENT
