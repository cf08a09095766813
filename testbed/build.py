"""Builds the programs of the test bed from Go modules, once, into a folder outside the repository.

`go/go.mod` pins Kubernetes and etcd, this file the two tools that have modules of their own.
Downloads only what Go's module proxy gives. Must not be needed by anything but tests.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).parent / "go"
KWOK = "sigs.k8s.io/kwok/cmd/kwok@v0.7.0"
HELM = "helm.sh/helm/v3/cmd/helm@v3.19.2"
METADATA_MOCK = "github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock@v1.13.0"


class BuildError(Exception):
    """Programs are missing and cannot be built here: one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """One executable: its name, and how Go makes it in a folder."""

    name: str
    make: Callable[[Path], list[str]]


def kubernetes_version() -> str:
    """Which Kubernetes go.mod pins, e.g. `v1.34.2`."""
    lines = (MODULE / "go.mod").read_text().splitlines()
    return next(words[1] for words in map(str.split, lines) if words[:1] == ["k8s.io/kubernetes"])


def assets_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the programs are: $KUBEBUILDER_ASSETS, as envtest has it, or a folder in the user's cache."""
    if folder := environment.get("KUBEBUILDER_ASSETS"):
        return Path(folder)
    cache = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "nth-testbed" / kubernetes_version()


def _from_module(name: str, package: str, flags: str = "") -> Program:
    return Program(
        name,
        lambda folder: [
            "go",
            "build",
            "-trimpath",
            f"-ldflags=-s -w {flags}",
            "-o",
            str(folder / name),
            package,
        ],
    )


def _from_release(name: str, package: str, flags: str = "") -> Program:
    return Program(name, lambda _: ["go", "install", "-trimpath", f"-ldflags=-s -w {flags}", package])


def _programs() -> tuple[Program, ...]:
    version = kubernetes_version()
    major, minor = version.removeprefix("v").split(".")[:2]
    # Without these the API server calls itself v0.0.0-master, and clients take it for an old one.
    prefix = "-X k8s.io/component-base/version.git"
    says = f"{prefix}Version={version} {prefix}Major={major} {prefix}Minor={minor}"
    kubernetes = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
    return (
        _from_module("etcd", "go.etcd.io/etcd/server/v3"),
        *(_from_module(name, f"k8s.io/kubernetes/cmd/{name}", says) for name in kubernetes),
        _from_release("kwok", KWOK),
        _from_release("ec2-metadata-mock", METADATA_MOCK),
        _from_release("helm", HELM, _what_helm_says(major, minor)),
    )


def _what_helm_says(major: str, minor: str) -> str:
    """Its own version, and the Kubernetes that `helm template` assumes; without these v1.20."""
    kubernetes = (
        f"-X helm.sh/helm/v3/pkg/{package}.k8sVersionMajor={major} "
        f"-X helm.sh/helm/v3/pkg/{package}.k8sVersionMinor={minor}"
        for package in ("chartutil", "lint/rules")
    )
    return " ".join((f"-X helm.sh/helm/v3/internal/version.version={HELM.partition('@')[2]}", *kubernetes))


def missing(folder: Path) -> list[Program]:
    """What is not there yet."""
    return [program for program in _programs() if not os.access(folder / program.name, os.X_OK)]


def ensure_built(
    folder: Path, say: Callable[[str], None] = lambda line: print(line, file=sys.stderr)
) -> None:
    """Build what is missing: about 15 minutes from nothing on two cores, no time when all is there."""
    wanted = missing(folder)
    if not wanted:
        return
    if shutil.which("go") is None:
        names = ", ".join(program.name for program in wanted)
        raise BuildError(
            f"the test bed needs {names} in {folder}: install Go 1.24 or newer and run 'make bed-build', "
            "or let KUBEBUILDER_ASSETS name a folder that has them"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for program in missing(folder):
            say(f"building {program.name} into {folder} (minutes, the first time)")
            _build(program, folder)


def _build(program: Program, folder: Path) -> None:
    # Built under another name first, so that what is there under its own is always whole.
    unfinished = folder / ".unfinished"
    unfinished.mkdir(exist_ok=True)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(unfinished)}
    done = subprocess.run(program.make(unfinished), cwd=MODULE, env=environment, check=False)
    if done.returncode:
        raise BuildError(f"go could not build {program.name}; what it printed above says why")
    (unfinished / program.name).rename(folder / program.name)
