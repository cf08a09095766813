"""Runs an image as a kubelet's runtime does for a pod that meets the restricted Pod Security Standard.

Uid 1000, a read-only root, no capabilities, no new privileges, processes and mounts of its own; with the
host's network, as metadata mode has it. By runc, without a container engine.
https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
https://github.com/opencontainers/runtime-spec/blob/main/config.md
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed.oci import Image

UID = 1000
SERVICE_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
"""/var/run is a link to /run in the image; a mount's target must be no link."""
_NAME = "nth"
_CAPABILITY_SETS = ("bounding", "effective", "inheritable", "permitted", "ambient")
_HARDENED = ["nosuid", "noexec", "nodev"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container, which may run once and then again; everything about it is in its folder."""

    image: Image
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    """Folders of this machine by the paths at which they are mounted, read-only."""

    @property
    def _runc(self) -> list[str]:
        return ["runc", "--root", str(self.folder / "runc")]

    def command(self, arguments: Sequence[str], *, entrypoint: Sequence[str] = ()) -> list[str]:
        """Returns the command that runs it in the foreground and hands signals on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        argv = [*(entrypoint or self.image.entrypoint), *arguments]
        (self.folder / "config.json").write_text(json.dumps(self._document(argv), indent=1))
        return [*self._runc, "run", "--bundle", str(self.folder), _NAME]

    def pid(self) -> int:
        """Returns the id of its first process, as this machine sees it."""
        told = subprocess.run([*self._runc, "state", _NAME], capture_output=True, check=True)
        return int(json.loads(told.stdout)["pid"])

    def remove(self) -> None:
        """Kill what still runs, and remove it."""
        subprocess.run([*self._runc, "delete", "--force", _NAME], capture_output=True, check=False)

    def _document(self, argv: list[str]) -> dict[str, object]:
        said = [*self.image.environment, *(f"{name}={value}" for name, value in self.environment.items())]
        uid, gid = map(int, self.image.user.split(":"))
        return {
            "ociVersion": "1.0.0",
            "process": {
                "user": {"uid": uid, "gid": gid},
                "args": argv,
                "env": said,
                "cwd": "/",
                "noNewPrivileges": True,
                "capabilities": {kind: [] for kind in _CAPABILITY_SETS},
            },
            "root": {"path": str(self.image.root), "readonly": True},
            "mounts": self._mounts(),
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")],
                "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
                "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
            },
        }

    def _mounts(self) -> list[dict[str, object]]:
        places: dict[str, tuple[str, list[str]]] = {
            "/proc": ("proc", _HARDENED),
            "/dev": ("tmpfs", ["nosuid", "mode=755", "size=64k"]),
            "/run": ("tmpfs", [*_HARDENED, "mode=755", "size=64k"]),
        }
        own: list[dict[str, object]] = [
            {"destination": place, "type": kind, "source": kind, "options": options}
            for place, (kind, options) in places.items()
        ]
        return own + [
            {"destination": place, "type": "bind", "source": str(folder), "options": ["rbind", "ro"]}
            for place, folder in self.mounts.items()
        ]


def write_service_account(folder: Path, *, token: str, authority: Path, namespace: str) -> None:
    """Write the files that a kubelet mounts, with its owners and modes for a pod with fsGroup 1000."""
    folder.mkdir()
    for name, text in {"token": token, "ca.crt": authority.read_text(), "namespace": namespace}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o640)
        os.chown(folder / name, 0, UID)
