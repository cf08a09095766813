"""Runs the programs that do the work, and the one error that the build can end with."""

import subprocess
from pathlib import Path


class ImageError(Exception):
    """The image cannot be built: one line that says why."""


def run(*command: str, where: Path | None = None) -> str:
    """Returns the program's output; ImageError if it fails."""
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageError(f"{' '.join(command[:4])} failed: {done.stderr.strip()}")
    return done.stdout
