"""Python's part of the image: the locked dependencies, the handler itself, and all of it compiled."""

import compileall
import py_compile
import sys
from pathlib import Path

from image.commands import ImageError, run
from image.targets import Target

STANDARD_LIBRARY = Path("usr/lib/python3.11")
PACKAGES = Path("usr/local/lib/python3.11/dist-packages")
PROGRAM = "node-termination-handler"
# -I: no variable and no file of the working folder decides what is imported; -B: the root is read-only.
SCRIPT = """#!/usr/bin/python3.11 -IB
import sys
from nth.cli import handler
sys.exit(handler())
"""


def install_dependencies(folder: Path, target: Target, lock: Path) -> None:
    """Install the packages of the lock file, each by its hash, in wheels of the target."""
    _install(folder, target, "--require-hashes", "-r", str(lock))


def install_program(folder: Path, target: Target, source: Path) -> None:
    """Install the package of this repository, and its command."""
    wheels = source / "dist"
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(source))
    (wheel,) = wheels.glob("*.whl")
    _install(folder, target, "--no-deps", str(wheel))
    script = folder / PROGRAM
    script.write_text(SCRIPT)
    script.chmod(0o755)


def _install(folder: Path, target: Target, *what: str) -> None:
    platforms = [f"--platform={name}" for name in target.wheel_platforms]
    exactly = ("--python-version=3.11", "--implementation=cp", "--only-binary=:all:", "--no-compile")
    _pip("install", *platforms, *exactly, "--target", str(folder / PACKAGES), *what)


def _pip(command: str, *arguments: str) -> None:
    run(sys.executable, "-m", "pip", command, "--quiet", "--no-cache-dir", *arguments)


def compile_all(folder: Path) -> None:
    """Compile all modules: the root is read-only, so that every start would compile them anew.

    Python does not check them: the files cannot change, and their times are not the image's contents.
    """
    for part in (STANDARD_LIBRARY, PACKAGES):
        good = compileall.compile_dir(
            folder / part,
            maxlevels=30,
            quiet=1,
            stripdir=str(folder),
            prependdir="/",
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        if not good:
            raise ImageError(f"/{part} cannot be compiled; what is printed above says why")
