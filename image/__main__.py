"""python -m image STEP ARCHITECTURE ROOT: one step of the root file system of the image."""

import argparse
import os
import sys
from pathlib import Path

from image import bill, debian, python, root
from image.commands import ImageError
from image.targets import TARGETS, Target


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the image cannot be built, and one line says why."""
    parser = argparse.ArgumentParser(prog="python -m image", description=__doc__)
    parser.add_argument("step", choices=sorted(_STEPS))
    parser.add_argument("architecture", choices=sorted(TARGETS))
    parser.add_argument("root", type=Path)
    options = parser.parse_args(arguments)
    try:
        _STEPS[options.step](options.root, TARGETS[options.architecture])
    except ImageError as error:
        sys.stderr.write(f"image: {error}\n")
        return 2
    return 0


def _debian(folder: Path, target: Target) -> None:
    debian.unpack(folder, target)
    root.write_system_files(folder)


def _program(folder: Path, target: Target) -> None:
    python.install_program(folder, target, Path.cwd())
    root.leave_out(folder)
    root.check_libraries(folder, target)
    python.compile_all(folder)
    changed_at = int(os.environ.get("SOURCE_DATE_EPOCH") or 0)
    bill.write(folder, target, made_at=changed_at)
    root.set_times(folder, changed_at)


_STEPS = {
    "debian": _debian,
    "dependencies": lambda folder, target: python.install_dependencies(
        folder, target, Path("requirements/run.lock")
    ),
    "program": _program,
}

if __name__ == "__main__":
    sys.exit(main())
