"""Brings the test bed's programs and files from Go modules, once, into a folder outside the repository.

Programs are built: `go/go.mod` pins Kubernetes and etcd, this file the tools that have modules of
their own. Files (API schemas) are copied: this file pins their modules with the sums of a go.sum.
Downloads only what Go's module proxy gives. Must not be needed by anything but tests.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MODULE = Path(__file__).parent / "go"
KWOK = "sigs.k8s.io/kwok/cmd/kwok@v0.7.0"
HELM = "helm.sh/helm/v3/cmd/helm@v3.19.2"
METADATA_MOCK = "github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock@v1.13.0"
PROMETHEUS = "github.com/prometheus/prometheus/cmd/{}@v0.316.0"
"""Prometheus 3.16. Go brings the newer Go that it asks for."""


class BuildError(Exception):
    """Programs are missing and cannot be built here: one line that says what to do."""


class Asset(Protocol):
    """Something that belongs into the folder under that name."""

    @property
    def name(self) -> str: ...

    def is_in(self, folder: Path) -> bool: ...

    def bring(self, target: Path) -> None:
        """Make the file `target`, or raise a `BuildError`."""


@dataclass(frozen=True, slots=True)
class Program:
    """One executable: its name, and Go's way to make it in a folder."""

    name: str
    make: Callable[[Path], list[str]]

    def is_in(self, folder: Path) -> bool:
        return os.access(folder / self.name, os.X_OK)

    def bring(self, target: Path) -> None:
        environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(target.parent)}
        if subprocess.run(self.make(target.parent), cwd=MODULE, env=environment, check=False).returncode:
            raise BuildError(f"go could not build {self.name}; what it printed above says why")


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A file that a module carries."""

    name: str
    module: str
    checksum: str
    path: str

    def is_in(self, folder: Path) -> bool:
        return (folder / self.name).is_file()

    def bring(self, target: Path) -> None:
        # Outside of our own module, which does not need this one.
        command = ["go", "mod", "download", "-json", self.module]
        done = subprocess.run(command, cwd=target.parent, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            raise BuildError(f"go could not download {self.module}: {done.stdout.decode()}")
        found = json.loads(done.stdout)
        if found["Sum"] != self.checksum:
            raise BuildError(f"{self.module} is {found['Sum']}, and not {self.checksum} as it must be")
        shutil.copyfile(Path(found["Dir"]) / self.path, target)


def _schema(version: str, checksum: str) -> ModuleFile:
    return ModuleFile(
        f"schemas/{version}.json",
        f"k8s.io/kubernetes@{version}",
        checksum,
        "api/openapi-spec/swagger.json",
    )


SCHEMAS = {
    "v1.29.15": _schema("v1.29.15", "h1:hLcyf3XmxtfkubCEmmPX5QVD7lDclXjvEUrJeP283LM="),
    "v1.32.13": _schema("v1.32.13", "h1:5TGYdZ6YZqdp6h/Rp1vX/4TIoybMPdgv97LCZCtPuNQ="),
    "v1.34.2": _schema("v1.34.2", "h1:WQdDvYJazkmkwSncgNwGvVtaCt4TYXIU3wSMRgvp3MI="),
}
"""By version of Kubernetes: the oldest that the chart supports, one between, and the test bed's own."""
CRDS = tuple(
    ModuleFile(
        f"crds/{kind}.yaml",
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml",
    )
    for kind in ("servicemonitors", "podmonitors", "prometheusrules")
)
"""The definitions of custom kinds that the chart can make."""


def kubernetes_version() -> str:
    """Returns the version of Kubernetes that go.mod pins, e.g. `v1.34.2`."""
    lines = (MODULE / "go.mod").read_text().splitlines()
    return next(words[1] for words in map(str.split, lines) if words[:1] == ["k8s.io/kubernetes"])


def assets_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Returns the programs' folder: $KUBEBUILDER_ASSETS, as envtest has it, or one in the user's cache."""
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


def _from_release(name: str, package: str, flags: str = "", tags: str = "") -> Program:
    command = ["go", "install", "-trimpath", f"-tags={tags}", f"-ldflags=-s -w {flags}", package]
    return Program(name, lambda _: command)


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
        _from_release("helm", HELM, _helm_flags(major, minor)),
        # Without its clients of two dozen clouds.
        _from_release("prometheus", PROMETHEUS.format("prometheus"), tags="remove_all_sd"),
        _from_release("promtool", PROMETHEUS.format("promtool"), tags="remove_all_sd"),
    )


def _helm_flags(major: str, minor: str) -> str:
    """Returns flags for helm's version, and the Kubernetes of `helm template`; without these v1.20."""
    kubernetes = (
        f"-X helm.sh/helm/v3/pkg/{package}.k8sVersionMajor={major} "
        f"-X helm.sh/helm/v3/pkg/{package}.k8sVersionMinor={minor}"
        for package in ("chartutil", "lint/rules")
    )
    return " ".join((f"-X helm.sh/helm/v3/internal/version.version={HELM.partition('@')[2]}", *kubernetes))


def missing(folder: Path) -> list[Asset]:
    """Returns the programs and files that are not there yet."""
    wanted: tuple[Asset, ...] = (*_programs(), *SCHEMAS.values(), *CRDS)
    return [asset for asset in wanted if not asset.is_in(folder)]


def ensure_built(
    folder: Path, say: Callable[[str], None] = lambda line: print(line, file=sys.stderr)
) -> None:
    """Build what is missing: about 15 minutes from nothing on two cores, no time when all is there."""
    wanted = missing(folder)
    if not wanted:
        return
    if shutil.which("go") is None:
        names = ", ".join(asset.name for asset in wanted)
        raise BuildError(
            f"the test bed needs {names} in {folder}: install Go 1.24 or newer and run 'make bed-build', "
            "or let KUBEBUILDER_ASSETS name a folder that has them"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for asset in missing(folder):
            say(f"making {asset.name} in {folder} (a program takes minutes, the first time)")
            _bring(asset, folder)


def _bring(asset: Asset, folder: Path) -> None:
    # Made elsewhere first, so that a file under its own name is always whole.
    unfinished = folder / ".unfinished" / Path(asset.name).name
    for path in (unfinished, folder / asset.name):
        path.parent.mkdir(parents=True, exist_ok=True)
    asset.bring(unfinished)
    unfinished.rename(folder / asset.name)
