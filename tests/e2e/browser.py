"""Pages in a real browser: Debian's Chromium, headless, which asks nothing but this machine's loopback.

A page of ours frames them, at the width that is asked for, and measures them from outside: they themselves
allow no script.
"""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

from testbed.build import BuildError
from testbed.debian import ensure_installed
from tests.e2e.operator import served

PROGRAM = "chromium"
SECONDS = 100
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--enable-logging=stderr", "--hide-scrollbars", "--window-size=1400,1000"),
    *("--virtual-time-budget=20000", "--dump-dom"),
)
CONSOLE = re.compile(r"CONSOLE[:(]\d+\)?\] (.*)")
HARNESS = Path(__file__).with_name("browser.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One page, as the browser has laid it out."""

    width: int
    scroll_width: int
    """More than `width`: the page scrolls sideways."""
    dark: bool
    texts: int
    """The visible pieces of text whose contrast was measured."""
    faint: tuple[str, ...]
    """Those with a contrast below 4.5, each with it."""


@dataclass(frozen=True, slots=True)
class Visit:
    """The pages, and all that the browser's console said meanwhile."""

    pages: tuple[Measured, ...]
    console: tuple[str, ...]


def ensure_browser() -> None:
    """Install the browser if it is missing. The test fails if it cannot be had."""
    try:
        ensure_installed([PROGRAM], "loading the pages in a browser")
    except BuildError as error:
        pytest.fail(str(error), pytrace=False)


def visit(folder: Path, names: Sequence[str], *, width: int, dark: bool) -> Visit:
    """Returns how the pages of a folder look in frames of that width."""
    (folder / "harness.html").write_text(HARNESS.read_text(encoding="utf-8"), encoding="utf-8")
    with served(folder) as address:
        query = f"{address}/harness.html#{json.dumps({'names': list(names), 'width': width})}"
        flags = (*FLAGS, *(["--force-dark-mode"] if dark else []), f"--user-data-dir={folder / 'profile'}")
        done = subprocess.run(
            [PROGRAM, *flags, query], capture_output=True, text=True, check=True, timeout=SECONDS
        )
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None, done.stdout[-2000:] + done.stderr[-2000:]
    pages = tuple(
        Measured(**{**page, "faint": tuple(page["faint"])}) for page in json.loads(unescape(found[1]))
    )
    return Visit(pages, tuple(CONSOLE.findall(done.stderr)))
