"""The help."""

import pytest

from nth.settings.table import BY_NAME, TABLE
from nth.settings.text import default_text, help_text


def _entry(flag: str) -> str:
    """One entry of the help in one line."""
    after = help_text().split(f"\n  {flag}", 1)[1]
    return " ".join(after.split("\n  --", 1)[0].split("\n\n", 1)[0].split())


@pytest.mark.parametrize("width", [100, 120])
def test_no_line_is_longer_than_the_width(width: int) -> None:
    assert max(len(line) for line in help_text(width).splitlines()) <= width


def test_every_setting_has_its_entry_in_the_order_of_the_table() -> None:
    heads = [line.split() for line in help_text().splitlines() if line.startswith("  --")]
    assert [(flag.partition("=")[0], variable) for flag, variable in heads] == [
        (row.flag, row.variable) for row in TABLE
    ]


def test_every_group_has_one_heading() -> None:
    lines = help_text().splitlines()
    assert all(lines.count(group) == 1 for group in {row.group for row in TABLE})


def test_V9_delete_local_data_says_what_it_does() -> None:
    assert _entry("--delete-local-data") == (
        "DELETE_LOCAL_DATA Also evict pods with emptyDir volumes; the data in them is lost. "
        "False: such pods stay, and the node does not count as drained. Default: true."
    )


def test_V9_webhook_proxy_example_names_its_own_flag() -> None:
    assert "e.g. --webhook-proxy=http://proxy.example:3128." in _entry("--webhook-proxy")
    assert "--webhook-url" not in _entry("--webhook-proxy")


def test_V6_deprecated_setting_names_its_successor() -> None:
    assert (
        _entry("--grace-period=") == "<seconds> GRACE_PERIOD Deprecated: use --pod-termination-grace-period."
    )


def test_number_says_its_range_and_default() -> None:
    assert _entry("--workers").endswith("Allowed: a whole number, 1 or more. Default: 10.")


def test_default_stays_on_the_line_of_its_word() -> None:
    assert not [line for line in help_text().splitlines() if line.endswith("Default:")]
    assert "\N{NO-BREAK SPACE}" not in help_text()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dry_run", "false"),
        ("workers", "10"),
        ("metadata_poll_interval", "0.75"),
        ("node_name", ""),
        ("webhook_template", "(one line of Slack text)"),
    ],
)
def test_default_text(name: str, text: str) -> None:
    assert default_text(BY_NAME[name]) == text
