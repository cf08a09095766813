"""The command line of the demo."""

import pytest

from nth import cli
from nth.demo.arguments import demo
from nth.demo.command import DEFAULT_SPEED


def test_defaults() -> None:
    given = demo.make_context("demo", [])
    assert given.params == {"speed": DEFAULT_SPEED, "plain": False, "html": "", "log": "", "scenario": "spot"}
    assert given.obj == ()


def test_every_flag_and_the_handlers_own() -> None:
    argv = ["--speed=max", "--plain", "--html", "r.html", "--log=l", "--scenario", "scheduled-cancelled"]
    given = demo.make_context("demo", [*argv, "--", "--force-policy", "never", "--taint-node"])
    assert given.params == {
        "speed": None,
        "plain": True,
        "html": "r.html",
        "log": "l",
        "scenario": "scheduled-cancelled",
    }
    assert given.obj == ("--force-policy", "never", "--taint-node")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--speed", "0"], "--speed is '0'; allowed: 0.01 to 1000, or max"),
        (["--speed", "nan"], "--speed is 'nan'; allowed"),
        (["--speed", "inf"], "--speed is 'inf'; allowed"),
        (["--speed", "fast"], "--speed is 'fast'; allowed"),
        (["--speed"], "option '--speed' requires an argument; nth demo --help shows what is allowed"),
        (["--scenario", "flood"], "invalid value for '--scenario': 'flood' is not one of 'spot',"),
        (["--sped", "3"], "no such option '--sped'; did you mean --speed?"),
        (["stray"], "got unexpected extra argument (stray)"),
        (["--", "stray"], "belongs to no flag; allowed: flags and their values"),
        (["--", "--dry-runn"], "there is no flag '--dry-runn'; did you mean --dry-run (DRY_RUN)?"),
    ],
)
def test_a_wrong_flag_is_one_clear_line(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", *argv]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_help_names_every_flag_and_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--help"]) == 0
    text = capsys.readouterr().out
    for word in ("--speed", "--plain", "--html", "--scenario", "rebalance-then-spot", "Exit codes"):
        assert word in text
