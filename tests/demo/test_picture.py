"""The README's picture comes from the demo itself."""

from pathlib import Path

from nth.demo.picture import SECONDS_AFTER_NOTICE, main, scene_after
from nth.report.interruption import Stage

ROOT = Path(__file__).parents[2]


def test_the_picture_shows_the_middle_of_the_drain(tmp_path: Path) -> None:
    scene = scene_after(SECONDS_AFTER_NOTICE)
    assert scene.report is not None
    stages = {outcome.stage for outcome in scene.report.pods}
    assert stages == {Stage.GONE, Stage.BLOCKED, Stage.STOPPING, Stage.WAITING}


def test_it_is_written_where_it_is_wanted_and_the_documents_one_is_current(tmp_path: Path) -> None:
    path = tmp_path / "demo.svg"
    main(str(path))
    drawn = path.read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    # `make docs` writes it anew.
    assert drawn == (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8")
