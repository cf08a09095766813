"""The command line of the demo."""

import pytest

from nth.demo.arguments import DEFAULT_SPEED, help_text, read_options
from nth.errors import SettingError


def test_defaults() -> None:
    options = read_options([])
    assert (options.speed, options.plain, options.html, options.scenario) == (
        DEFAULT_SPEED,
        False,
        "",
        "spot",
    )
    assert options.handler_flags == ()


def test_every_flag_and_the_handlers_own() -> None:
    argv = ["--speed=max", "--plain", "--html", "r.html", "--scenario", "scheduled-cancelled"]
    options = read_options([*argv, "--", "--force-policy", "never", "--taint-node"])
    assert options.speed is None
    assert options.plain
    assert options.html == "r.html"
    assert options.scenario == "scheduled-cancelled"
    assert options.handler_flags == ("--force-policy", "never", "--taint-node")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--speed", "0"], "--speed is '0'; allowed: 0.01 to 1000, or max"),
        (["--speed", "nan"], "--speed is 'nan'; allowed"),
        (["--speed", "inf"], "--speed is 'inf'; allowed"),
        (["--speed", "fast"], "--speed is 'fast'; allowed"),
        (["--speed"], "--speed: expected one argument"),
        (["--scenario", "flood"], "--scenario: invalid choice: 'flood'"),
        (["--sped", "3"], "unrecognized arguments: --sped 3"),
        (["stray"], "unrecognized arguments: stray"),
    ],
)
def test_a_wrong_flag_is_one_clear_line(argv: list[str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_options(argv)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_help_names_every_flag_and_scenario() -> None:
    text = help_text()
    for word in ("--speed", "--plain", "--html", "--scenario", "rebalance-then-spot", "Exit codes"):
        assert word in text
    assert read_options(["--help"]).help
