"""Label selectors, as far as the contract does not say it."""

import pytest

from nth.errors import Rejected
from nth.simulation.queries import parse_selector


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("", True),
        ("app=web", True),
        ("app == web", True),
        ("app=db", False),
        ("app=web,tier=back", True),
        ("app=web,tier=front", False),
        ("app in (web, db),tier", True),
        ("app in (db,cache)", False),
        ("app notin (db)", True),
        ("missing notin (db)", True),
        ("missing!=db", True),
        ("missing", False),
        ("!missing", True),
        ("example.com/name=x", True),
    ],
)
def test_a_selector_matches(selector: str, wanted: bool) -> None:
    labels = {"app": "web", "tier": "back", "example.com/name": "x"}
    assert parse_selector(selector)(labels) is wanted


@pytest.mark.parametrize("selector", ["app=(a)", "app in web", "=web", ",", "app web"])
def test_what_is_no_selector_is_rejected(selector: str) -> None:
    with pytest.raises(Rejected, match="not a label selector"):
        parse_selector(selector)
