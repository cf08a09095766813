"""The commands of the documents that take long, in a fresh copy of the repository, as a reader types them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, all_blocks

MADE = (".git", ".venv", ".hypothesis", ".pdm-build", "__pycache__", "dist", ".*_cache")
"""What a clone does not have."""
SLOW = [
    (block.name, command) for block in all_blocks() if "slow" in block.needs for command in block.commands()
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository; its neighbour `home` takes what pipx installs."""
    return Path(
        shutil.copytree(ROOT, tmp_path_factory.mktemp("fresh") / "copy", ignore=shutil.ignore_patterns(*MADE))
    )


@pytest.mark.parametrize(("name", "command"), SLOW, ids=[f"{name} {command}" for name, command in SLOW])
@pytest.mark.timeout(900)  # The first one installs all that the tests need.
def test_a_command_that_takes_long_works_in_a_fresh_copy(copy: Path, name: str, command: str) -> None:
    home = copy.parent / "home"
    tools = home / "tools" / "bin"
    if command.startswith("pipx") and not tools.exists():
        subprocess.run([sys.executable, "-m", "venv", tools.parent], check=True)
        subprocess.run([tools / "pip", "install", "--quiet", "pipx"], check=True)
    path = [str(home / "bin"), str(tools), *os.environ["PATH"].split(os.pathsep)]
    environment = os.environ | {
        "PATH": os.pathsep.join(path),
        "PIPX_HOME": str(home / "pipx"),
        "PIPX_BIN_DIR": str(home / "bin"),
        "CI": "true",
    }
    for variable in ("VIRTUAL_ENV", "PYTHONDEVMODE", "PYTHONPATH"):
        environment.pop(variable, None)
    done = subprocess.run(
        ["bash", "-c", command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{name}: {command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
