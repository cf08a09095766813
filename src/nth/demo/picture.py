"""Writes the README's picture: the demo in the middle of its drain.

python -m nth.demo.picture docs/demo.svg
"""

import sys
from pathlib import Path

from nth.demo.command import DEFAULT_SPEED
from nth.demo.play import Audience, handler_settings, play
from nth.demo.scenarios import SCENARIOS
from nth.simulation import clock
from nth.ui.picture import svg
from nth.ui.scene import Scene

SECONDS_AFTER_NOTICE = 38.0
"""One pod is blocked, one stops with a shortened grace, one waits its turn, and the others have moved."""
COLUMNS, ROWS = 100, 36


def scene_after(seconds: float) -> Scene:
    """Returns the first scene that is at least so long after the notice."""
    seen: list[Scene] = []
    scenario = SCENARIOS["spot"]
    audience = Audience(look=seen.append, frame_seconds=0.5)
    clock.run(lambda now: play(now, scenario, handler_settings(scenario, ()), audience))
    return next(
        scene for scene in seen if scene.report is not None and scene.now >= scene.report.began_at + seconds
    )


def main(path: str) -> None:
    """Write the picture to that file."""
    scene = scene_after(SECONDS_AFTER_NOTICE)
    drawn = svg(scene, width=COLUMNS, height=ROWS, note=f"{DEFAULT_SPEED:g}x real time")
    Path(path).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
