"""The README's picture comes from the demo itself."""

from pathlib import Path

from nth.demo.picture import SECONDS_AFTER_NOTICE, main, scene_after
from nth.report.interruption import Stage


def test_the_picture_shows_the_middle_of_the_drain(tmp_path: Path) -> None:
    scene = scene_after(SECONDS_AFTER_NOTICE)
    assert scene.report is not None
    stages = {outcome.stage for outcome in scene.report.pods}
    assert stages == {Stage.GONE, Stage.BLOCKED, Stage.STOPPING, Stage.WAITING}


def test_it_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "demo.svg"
    main(str(path))
    assert path.read_text(encoding="utf-8").startswith("<svg")
