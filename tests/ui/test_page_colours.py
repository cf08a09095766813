"""The colours of the page: letters differ enough from what is behind them, light and dark.

tests/e2e/test_browser.py measures the same where a browser has drawn it.
"""

import re
from importlib.resources import files

import pytest

CSS = files("nth.ui").joinpath("page.css").read_text(encoding="utf-8")
LEAST = 4.5
"""https://www.w3.org/TR/WCAG22/#contrast-minimum"""
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")


def colours(*, dark: bool) -> dict[str, str]:
    """The variables of the style sheet, with those of a dark screen over those of a light one."""
    light, in_the_dark = re.findall(r":root \{([^}]*)\}", CSS)
    found = dict(re.findall(r"--([\w-]+): (#\w+)", light))
    return found | dict(re.findall(r"--([\w-]+): (#\w+)", in_the_dark)) if dark else found


def letters() -> set[tuple[str, str]]:
    """Each (letters, behind them) of the style sheet, by the names of their variables."""
    found = set()
    for selector, rule in _RULE.findall(CSS):
        behind = re.search(r"background: var\(--([\w-]+)\)", rule)
        colour = re.search(r"(?:^|[;\s])color: var\(--([\w-]+)\)", rule)
        drawn = (
            re.search(r"fill: var\(--([\w-]+)\)", rule) if "text" in selector or "tick" in selector else None
        )
        for match in filter(None, (colour, drawn)):
            places = [behind[1]] if behind else ["paper", "card"]
            found |= {(match[1], place) for place in places}
    return found | {("paper", "good"), ("paper", "bad"), ("paper", "dim"), ("paper", "warn-text")}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_standard_has_it() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_letters_can_be_read(dark: bool) -> None:
    named = colours(dark=dark)
    pairs = letters()
    assert {"ink", "dim", "bad", "warn-text", "force-text", "link"} <= {letter for letter, _ in pairs}
    faint = {
        (letter, behind): round(ratio, 2)
        for letter, behind in pairs
        if (ratio := contrast(named[letter], named[behind])) < LEAST
    }
    assert faint == {}
