"""python -m testbed build|up|down|status: the control plane by hand.

`up` leaves it running in the background; `NTH_TESTBED=FOLDER` lets the end-to-end tests use it.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from testbed.build import BuildError, assets_folder, ensure_built
from testbed.control_plane import ControlPlane, StartError


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 not running or failed to start, 2 something is missing."""
    parser = argparse.ArgumentParser(prog="python -m testbed", description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=sorted(_COMMANDS))
    parser.add_argument("--folder", type=Path, default=_default_folder(), help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        return _COMMANDS[options.command](options.folder.absolute())
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    except StartError as error:
        print(error, file=sys.stderr)
        return 1


def _default_folder() -> Path:
    return Path(os.environ.get("NTH_TESTBED") or assets_folder() / "running")


def _build(_: Path) -> int:
    ensure_built(assets_folder())
    return 0


def _up(folder: Path) -> int:
    plane = ControlPlane.find(folder)
    if plane is None:
        ensure_built(assets_folder())
        _down(folder)
        plane = ControlPlane.start(assets_folder(), folder)
    print(_how_to_use(plane))
    return 0


def _down(folder: Path) -> int:
    if (folder / "state.json").exists():
        ControlPlane.attach(folder).stop()
        shutil.rmtree(folder)
    return 0


def _status(folder: Path) -> int:
    plane = ControlPlane.find(folder)
    print(_how_to_use(plane) if plane else f"no test bed runs in {folder}")
    return 0 if plane else 1


def _how_to_use(plane: ControlPlane) -> str:
    return f"NTH_TESTBED={plane.folder} KUBECONFIG={plane.kubeconfig} kubectl get nodes"


_COMMANDS = {"build": _build, "up": _up, "down": _down, "status": _status}

if __name__ == "__main__":
    sys.exit(main())
