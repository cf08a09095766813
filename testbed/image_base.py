"""The base that the Dockerfile begins with: a minimal Debian by debootstrap, in buildah's storage.

It has this machine's ways to its mirrors: where apt and pip get things here, they get them there.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from testbed.build import BuildError

BASE = "localhost/nth-base:bookworm"
"""Not the Dockerfile's own default: the build has to take the base that it is told."""
SUITE = "bookworm"
AUTHORITIES = "/etc/pip-authorities.crt"
PIP_OPTIONS = ("cert", "default-timeout", "extra-index-url", "index-url", "proxy", "timeout", "trusted-host")


def base_key() -> str:
    """Returns a key that changes with the base's contents."""
    return "\n".join((BASE, SUITE, *_apt_sources(), _apt_settings(), str(sorted(_pip_settings().items()))))


def make_base(cache: Path) -> None:
    """Make the base under the name BASE, if it is not there: about a minute."""
    marker = cache / "base"
    if marker.exists() and marker.read_text() == base_key():
        return
    with TemporaryDirectory(dir=cache) as folder:
        _debootstrap(Path(folder))
        _configure(Path(folder))
        container = buildah(cache, "from", "scratch").strip()
        buildah(cache, "add", container, folder, "/")
    pip = [f"--env=PIP_{name.upper().replace('-', '_')}={value}" for name, value in _pip_settings().items()]
    buildah(cache, "config", *pip, container)
    buildah(cache, "commit", "--rm", container, BASE)
    marker.write_text(base_key())


def _debootstrap(folder: Path) -> None:
    mirrors = [line.split()[1] for line in _apt_sources() if line.split()[2] == SUITE]
    if not mirrors:
        raise BuildError(f"apt on this machine has no source for Debian's {SUITE}")
    output("debootstrap", "--variant=minbase", SUITE, str(folder), mirrors[0])


def _configure(folder: Path) -> None:
    for path in (folder / "var/cache/apt/archives").glob("*.deb"):
        path.unlink()
    (folder / "etc/apt/sources.list").write_text("".join(f"{line}\n" for line in _apt_sources()))
    (folder / "etc/apt/apt.conf.d/90machine").write_text(_apt_settings())
    if authorities := _pip_config().get("cert"):
        shutil.copy(authorities, folder / AUTHORITIES.removeprefix("/"))


def _apt_sources() -> list[str]:
    """Returns the sources in the one-line form, for this release of Debian."""
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    targets = output("apt-get", "indextargets", f"--format={form}", "Created-By: Packages")
    return sorted({line for line in targets.splitlines() if line.split()[2].startswith(SUITE)})


def _apt_settings() -> str:
    """Returns apt's settings for downloads: proxies, certificates, checks of dates."""
    lines = output("apt-config", "dump", "Acquire").splitlines()
    return "".join(f"{line}\n" for line in lines if "::IndexTargets" not in line)


def _pip_settings() -> Mapping[str, str]:
    config = _pip_config()
    return config | {"cert": AUTHORITIES} if "cert" in config else config


def _pip_config() -> dict[str, str]:
    """Returns pip's settings from its files and variables; the variables come last and win."""
    found = {}
    for line in output(sys.executable, "-m", "pip", "config", "list").splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in PIP_OPTIONS:
            found[name] = value.strip("'\"")
    return found


def buildah(cache: Path, command: str, *arguments: str) -> str:
    """Run buildah with a storage of its own; returns its output. BuildError: it failed."""
    places = (f"--root={cache / 'storage'}", f"--runroot={cache / 'run'}", "--storage-driver=vfs")
    return output("buildah", *places, command, *arguments)


def output(*command: str) -> str:
    """Returns a command's output; BuildError if it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(f"building the image needs {command[0]}: {error.strerror}") from error
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise BuildError(f"{command[0]} ended with code {done.returncode}:\n{last}")
    return done.stdout
