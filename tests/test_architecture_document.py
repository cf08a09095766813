"""docs/architecture.md and docs/choices.md speak of rooms, modules and files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLACES = [ROOT, ROOT / "src", ROOT / "src" / "nth"]
ROOMS = [path for path in (ROOT / "src" / "nth").rglob("*") if path.is_dir() and path.name != "__pycache__"]
MODULES = {path.stem for path in (ROOT / "src").rglob("*.py")}


def is_there(name: str) -> bool:
    """A file or folder of that path, or a module of that name."""
    if "*" in name:
        return any(list(place.glob(name.rstrip("*") + "*")) for place in PLACES)
    if name.endswith(("/", ".py")) or "/" in name:
        return any((place / name).exists() or (place / f"{name}.py").exists() for place in [*PLACES, *ROOMS])
    return name in MODULES


@pytest.mark.parametrize("page", ["architecture.md", "choices.md"])
def test_every_room_and_module_is_there(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9*]*(?:\.py)?|[a-z_0-9]+\.py)`", text))
    assert len(named) > 5
    assert {name for name in named if not is_there(name)} == set()


def test_every_room_of_the_handler_is_described() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "nth"
    rooms = [
        path for path in (*source.iterdir(), *(source / "core").iterdir()) if (path / "__init__.py").exists()
    ]
    described = re.findall(r"`([a-z_/]+/)`", text)
    assert {f"{path.relative_to(source)}/" for path in rooms} - set(described) == set()
