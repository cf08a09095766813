"""Go's forms of the command line."""

import pytest

from nth.errors import SettingError
from nth.settings.arguments import texts_of_flags


@pytest.mark.parametrize(
    ("argv", "texts"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param(["-dry-run"], {"dry_run": "true"}, id="switch, one dash"),
        pytest.param(["--dry-run"], {"dry_run": "true"}, id="switch, two dashes"),
        pytest.param(["--dry-run=T"], {"dry_run": "T"}, id="switch with a value"),
        pytest.param(["--dry-run="], {"dry_run": ""}, id="switch with an empty value"),
        pytest.param(["--node-name", "x"], {"node_name": "x"}, id="value apart"),
        pytest.param(["-node-name", "x"], {"node_name": "x"}, id="value apart, one dash"),
        pytest.param(["--node-name=x"], {"node_name": "x"}, id="value attached"),
        pytest.param(["--node-name=x=y"], {"node_name": "x=y"}, id="value with an equals sign"),
        pytest.param(["--node-name="], {"node_name": ""}, id="empty value attached"),
        pytest.param(["--node-name", ""], {"node_name": ""}, id="empty value apart"),
        pytest.param(["--grace-period", "-1"], {"grace_period": "-1"}, id="negative number apart"),
        pytest.param(
            ["--node-name", "--dry-run"], {"node_name": "--dry-run"}, id="value that looks like a flag"
        ),
        pytest.param(["--node-name", "--"], {"node_name": "--"}, id="value that looks like the end"),
        pytest.param(["--workers=1", "--workers=2"], {"workers": "2"}, id="the last one wins"),
        pytest.param(
            ["--dry-run", "--workers", "2"], {"dry_run": "true", "workers": "2"}, id="switch, then a flag"
        ),
        pytest.param(["--dry-run", "--"], {"dry_run": "true"}, id="end of flags"),
    ],
)
def test_forms(argv: list[str], texts: dict[str, str]) -> None:
    assert texts_of_flags(argv) == texts


STRAY = "belongs to no flag; allowed: flags and their values, a switch's with '=': --dry-run=false (DRY_RUN)"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["S3CRET"], f"argument 1 {STRAY}", id="word at the start"),
        pytest.param([""], f"argument 1 {STRAY}", id="empty word"),
        pytest.param(["-"], f"argument 1 {STRAY}", id="lone dash"),
        pytest.param(
            ["--dry-run", "S3CRET"],
            f"argument 2, after --dry-run (DRY_RUN), {STRAY}",
            id="switch with a value apart",
        ),
        pytest.param(
            ["--workers", "2", "--", "S3CRET"],
            f"argument 4, after --workers (WORKERS), {STRAY}",
            id="word after the end of flags",
        ),
        pytest.param(["--", "--dry-run"], f"argument 2 {STRAY}", id="flag after the end of flags"),
        pytest.param(
            ["--node-name"],
            "--node-name (NODE_NAME) has no value; allowed: any text",
            id="value of a text missing",
        ),
        pytest.param(
            ["--workers"],
            "--workers (WORKERS) has no value; allowed: a whole number, 1 or more",
            id="value of a number missing",
        ),
        pytest.param(
            ["--dry-rum=S3CRET"],
            "there is no flag '--dry-rum'; did you mean --dry-run (DRY_RUN)?",
            id="misspelt",
        ),
        pytest.param(
            ["-nodename=x"],
            "there is no flag '-nodename'; did you mean --node-name (NODE_NAME)?",
            id="missing dash",
        ),
        pytest.param(
            ["--DRY-RUN"],
            "there is no flag '--DRY-RUN'; --help shows them all",
            id="the case matters, as in Go",
        ),
        pytest.param(
            ["---dry-run"],
            "there is no flag '---dry-run'; did you mean --dry-run (DRY_RUN)?",
            id="three dashes",
        ),
        pytest.param(["--=x"], "there is no flag '--'; --help shows them all", id="no name"),
        pytest.param(
            ["--xyzzy\n2"], r"there is no flag '--xyzzy\n2'; --help shows them all", id="line break"
        ),
        pytest.param(
            ["--" + "q" * 999], f"there is no flag '--{'q' * 58}'; --help shows them all", id="very long"
        ),
    ],
)
def test_refusals(argv: list[str], message: str) -> None:
    with pytest.raises(SettingError) as raised:
        texts_of_flags(argv)
    assert str(raised.value) == message
