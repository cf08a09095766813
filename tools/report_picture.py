"""Draws docs/report.png anew: the page of `nth report` of the demo's log, in Debian's Chromium.

python -m tools.report_picture docs/report.png
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from nth import cli
from testbed.debian import ensure_installed
from testbed.image_base import output

WIDTH, HEIGHT = 1100, 1270
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    f"--window-size={WIDTH},{HEIGHT}",
)


def main(target: Path) -> None:
    """Draw it there. BuildError: there is no browser, or it failed."""
    ensure_installed(["chromium"], "drawing the page")
    with TemporaryDirectory() as folder:
        log, page = Path(folder, "demo.log"), Path(folder, "page.html")
        cli.main(["demo", "--plain", "--speed", "max", "--log", str(log)])
        cli.main(["report", str(log), "--html", str(page)])
        profile = f"--user-data-dir={folder}/profile"
        drawn = f"--screenshot={target.absolute()}"
        output("chromium", *FLAGS, profile, drawn, page.as_uri())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
