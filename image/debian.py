"""Debian's part of the image: packages of the target's architecture, unpacked and not installed.

Each leaves its control file in var/lib/dpkg/status.d, where scanners look for the packages of images
that have no package manager.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from image.commands import run
from image.targets import Target

PACKAGES = (
    "base-files",  # It has os-release, by which scanners know the distribution.
    "ca-certificates",  # For webhooks.
    "libc6",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "python3.11-minimal",
    # The libraries of Python's own modules, but for those that image/left_out.txt names.
    "libbz2-1.0",
    "libexpat1",
    "libffi8",
    "liblzma5",
    "libssl3",
    "libuuid1",
    "zlib1g",
    # frozenlist is C++; gcc-12-base has the licence of both.
    "gcc-12-base",
    "libgcc-s1",
    "libstdc++6",
)
STATUS = Path("var/lib/dpkg/status.d")


def unpack(folder: Path, target: Target) -> None:
    """Download the packages, checked against the archive's signature, into an empty root."""
    (folder / STATUS).mkdir(parents=True)
    with TemporaryDirectory() as downloads:
        # Downloaded by a user without rights, if apt allows it.
        Path(downloads).chmod(0o777)
        _download(Path(downloads), target)
        for package in sorted(Path(downloads).glob("*.deb")):
            run("dpkg-deb", "--extract", str(package), str(folder))
            control = run("dpkg-deb", "--field", str(package))
            (folder / STATUS / package.name.split("_")[0]).write_text(control)


def _download(downloads: Path, target: Target) -> None:
    with TemporaryDirectory() as state:
        # As if on a machine of that architecture, and without touching this one's lists.
        (Path(state) / "partial").mkdir()
        options = {
            "APT::Architecture": target.debian,
            "APT::Architectures": target.debian,
            "Dir::State::Lists": state,
            "Dir::State::status": "/dev/null",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
        }
        apt = ["apt-get", "--quiet", *(f"-o{name}={value}" for name, value in options.items())]
        run(*apt, "update")
        run(*apt, "download", *PACKAGES, where=downloads)
