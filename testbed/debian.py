"""Installs programs of Debian packages that tests need, where they are missing, or says so in one line."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from testbed.build import BuildError


def ensure_installed(names: Sequence[str], why: str) -> None:
    """Install programs that have their packages' names. BuildError: this is no Debian, or we are not root."""
    missing = [name for name in names if shutil.which(name) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BuildError(f"{why} needs {', '.join(missing)}: install them")
    for command in (["update"], ["--yes", "--no-install-recommends", "install", *missing]):
        done = subprocess.run(["apt-get", "--quiet", *command], check=False, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
            raise BuildError(f"{why} needs {', '.join(missing)}, and apt-get failed: {last}")
