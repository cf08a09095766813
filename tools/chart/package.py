"""`python -m tools.chart.package [--url URL] [FOLDER]`: makes FOLDER a Helm repository with this chart in it.

The archive's bytes depend on the chart alone, so a second run finds nothing to do. Versions that the
index knows already stay there, whether or not their archives are in the folder.
"""

import argparse
import gzip
import io
import os
import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from testbed.build import assets_folder
from testbed.helm import CommandError, Helm
from tools.chart.write import CHART

_DEFAULT_FOLDER = CHART.parent.parent / "dist" / "charts"
_INDEX = "index.yaml"
_MOMENTS = ("created", "generated")


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 helm refuses the chart, 2 there is no helm."""
    parser = argparse.ArgumentParser(prog="python -m tools.chart.package", description=__doc__)
    parser.add_argument("--url", default="", help="where the folder will be served, if not beside its index")
    parser.add_argument("folder", nargs="?", type=Path, default=_DEFAULT_FOLDER, help="default: dist/charts")
    options = parser.parse_args(arguments)
    program = find_helm(assets_folder())
    if program is None:
        sys.stderr.write("helm is neither on the PATH nor built: run 'make bed-build'\n")
        return 2
    try:
        sys.stdout.write(f"{package(program, options.folder, options.url)}\n")
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def find_helm(assets: Path) -> Path | None:
    """Returns the test bed's helm, whose version is known, or the user's."""
    found = shutil.which("helm", path=f"{assets}{os.pathsep}{os.environ.get('PATH', '')}")
    return Path(found) if found else None


def package(program: Path, folder: Path, url: str = "", chart: Path = CHART) -> str:
    """Bring archive and index up to date; returns one line about them."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as name:
        home, out = Path(name) / "home", Path(name) / "out"
        home.mkdir()
        helm = Helm(program.parent, home)
        helm.must("package", chart, "--destination", out)
        (archive,) = out.iterdir()
        archive.write_bytes(_timeless(archive.read_bytes()))
        helm.must("repo", "index", out, "--url", url, "--merge", folder / _INDEX)
        changed = _keep(archive, folder / archive.name, Path.read_bytes)
        changed |= _keep(out / _INDEX, folder / _INDEX, _without_moments)
    return f"{folder / archive.name} and {_INDEX}: {'written' if changed else 'up to date already'}"


def _timeless(archive: bytes) -> bytes:
    """Returns the same files without the times of day that helm writes."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as found,
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w") as made,
    ):
        for member in found:
            member.mtime = 0
            made.addfile(member, found.extractfile(member))
    return packed.getvalue()


def _keep(made: Path, target: Path, content: Callable[[Path], object]) -> bool:
    """Copy the new file if its content differs or there was none; returns whether it did."""
    if target.exists() and content(target) == content(made):
        return False
    shutil.copyfile(made, target)
    return True


def _without_moments(index: Path) -> object:
    document = yaml.safe_load(index.read_text())
    for holder in (document, *(each for versions in document["entries"].values() for each in versions)):
        for moment in _MOMENTS:
            holder.pop(moment, None)
    return document


if __name__ == "__main__":
    sys.exit(main())
