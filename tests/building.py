"""For folders of tests that need the test bed's programs: their mark, and the build before the first test."""

from pathlib import Path

import pytest

from testbed.build import BuildError, assets_folder, ensure_built


def mark_all(items: list[pytest.Item], folder: Path, mark: str) -> None:
    """Whatever is in this folder has this mark."""
    for item in items:
        if folder in item.path.parents:
            item.add_marker(mark)


def build_for(session: pytest.Session, mark: str) -> None:
    """Outside of any test's time limit, and only for a run that has such tests. Code 2 if it cannot be."""
    wanted = any(item.get_closest_marker(mark) for item in session.items)
    if not wanted or session.config.option.collectonly:
        return
    try:
        ensure_built(assets_folder())
    except BuildError as error:
        pytest.exit(str(error), returncode=2)
