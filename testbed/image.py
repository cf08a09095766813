"""Builds the container image for tests, with Debian's buildah and no container engine; as root.

    image = ensure_image("amd64")     # about two minutes from nothing, no time when it is there
    python -m testbed.image [arm64]   # the same by hand; prints the folder of its OCI layout

The base is what debootstrap makes, named by an argument, as a release names its own. It has this machine's
ways to its mirrors (apt, pip), which so get into no image. Everything is in the test bed's cache.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from nth import __version__
from testbed.build import BuildError, assets_folder
from testbed.debian import ensure_installed
from testbed.image_base import BASE, base_key, buildah, make_base
from testbed.oci import Image, read_image, unpack

ROOT = Path(__file__).parents[1]
INPUTS = (
    *(".dockerignore", "LICENSE", "README.md", "image", "pyproject.toml", "src"),
    *("requirements/image.lock", "requirements/run.lock"),
)
TOOLS = ("buildah", "debootstrap", "runc")
MADE_AT = 1_700_000_000
LABELS = {
    "VERSION": __version__,
    "REVISION": "0123456789abcdef0123456789abcdef01234567",
    "SOURCE": "https://example.com/aws-node-termination-handler",
    "CREATED": "2023-11-14T22:13:20Z",
}
KEPT = 4
"""So many built images stay in the cache: two architectures, now and before."""


def ensure_image(architecture: str) -> Image:
    """Returns the image of this working tree for `amd64` or `arm64`, built if it is not there.

    BuildError: it cannot be built here.
    """
    cache = assets_folder().parent / "image"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = cache / f"{_key()}-{architecture}"
        if not folder.exists():
            _build(cache, folder, architecture)
            _forget_old(cache)
        return read_image(folder / "layout", folder / "root")


def native_architecture() -> str:
    """Returns this machine's architecture, as Debian names it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def _key() -> str:
    digest = hashlib.sha256(base_key().encode())
    for path in _input_files():
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _input_files() -> Iterator[Path]:
    for path in (ROOT / name for name in INPUTS):
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (file for file in files if file.is_file() and "__pycache__" not in file.parts)


def _build(cache: Path, folder: Path, architecture: str) -> None:
    ensure_tools()
    make_base(cache)
    name = f"localhost/nth-{architecture}"
    told = LABELS | {
        "BASE": BASE,
        "SOURCE_DATE_EPOCH": str(MADE_AT),
        # Newer ones know their platform by themselves.
        "BUILDPLATFORM": f"linux/{native_architecture()}",
    }
    options = [f"--build-arg={key}={value}" for key, value in told.items()]
    isolated = ("--isolation=chroot", "--network=host", "--pull=never")
    target = (f"--platform=linux/{architecture}", f"--timestamp={MADE_AT}", f"--tag={name}")
    buildah(cache, "build", *isolated, *target, *options, f"--file={ROOT / 'image/Dockerfile'}", str(ROOT))
    # Under its own name only when it is whole.
    with TemporaryDirectory(dir=cache) as unfinished:
        whole = Path(unfinished) / "whole"
        whole.mkdir()
        buildah(cache, "push", name, f"oci:{whole}/layout:latest")
        unpack(whole / "layout", whole / "root")
        whole.rename(folder)
    buildah(cache, "rmi", name)


def ensure_tools() -> None:
    """Install the missing programs, on a Debian and as root; BuildError, one line, if that fails."""
    if os.geteuid() != 0:
        raise BuildError("building the image without a container engine needs root, for chroot and mounts")
    ensure_installed(TOOLS, "building the image")


def _forget_old(cache: Path) -> None:
    built = sorted(cache.glob("*-a*64"), key=lambda path: path.stat().st_mtime)
    for folder in built[:-KEPT]:
        shutil.rmtree(folder)


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 done, 2 it cannot be built, and a message says why."""
    try:
        image = ensure_image(arguments[0] if arguments else native_architecture())
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    print(image.root.with_name("layout"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
