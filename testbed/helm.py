"""Runs the real helm and kubectl, each with a home of its own, so that nothing of the user's is read.

helm = Helm(assets_folder(), tmp_path)                  # no cluster: template, lint, package, repo
objects = helm.template(chart, "--set", "enableSqsTerminationDraining=true", "--set", "queueURL=...")
helm = Helm(assets_folder(), tmp_path, plane.kubeconfig)
assert helm.run("upgrade", "--install", ...).returncode == 0
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from testbed.yaml_documents import load_documents

RELEASE = "aws-node-termination-handler"
NAMESPACE = "kube-system"
"""The namespace of all instructions."""
_TIMEOUT_SECONDS = 240.0

Done = subprocess.CompletedProcess[str]


class CommandError(Exception):
    """The program failed; the message has its own words."""


class _Command:
    """A program that reads only `folder`, the files of its arguments, and `kubeconfig`."""

    def __init__(self, program: Path, folder: Path, kubeconfig: Path | None) -> None:
        self._program = program
        # A file that is not there: without a cluster, none is found by chance.
        cluster = kubeconfig or folder / "no-kubeconfig"
        # No certificate store is needed either: all connections are to the loopback.
        self._environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "KUBECONFIG": str(cluster)}

    def run(self, *arguments: str | Path, stdin: str = "") -> Done:
        """Run it to its end, whatever its exit code."""
        return subprocess.run(
            [str(self._program), *map(str, arguments)],
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )

    def must(self, *arguments: str | Path, stdin: str = "") -> str:
        """Returns its output; raises a `CommandError` if it failed."""
        done = self.run(*arguments, stdin=stdin)
        if done.returncode:
            words = " ".join(map(str, arguments))
            raise CommandError(f"{self._program.name} {words}: {done.stderr.strip()}")
        return done.stdout


class Helm(_Command):
    """Runs helm; `kubeconfig` None for commands that need no cluster."""

    def __init__(self, assets: Path, folder: Path, kubeconfig: Path | None = None) -> None:
        super().__init__(assets / "helm", folder, kubeconfig)
        homes: Mapping[str, Path] = {
            "HELM_CACHE_HOME": folder / "helm-cache",
            "HELM_CONFIG_HOME": folder / "helm-config",
            "HELM_DATA_HOME": folder / "helm-data",
        }
        self._environment |= {name: str(path) for name, path in homes.items()}

    def render(self, chart: Path, *arguments: str | Path) -> str:
        """Returns the output of `helm template` for the usual release; later arguments override its name."""
        return self.must("template", RELEASE, chart, "--namespace", NAMESPACE, *arguments)

    def template(self, chart: Path, *arguments: str | Path) -> list[dict[str, object]]:
        """Returns the objects of `render`, in its order."""
        return load_documents(self.render(chart, *arguments))


class Kubectl(_Command):
    """Runs kubectl, of the control plane's own version."""

    def __init__(self, assets: Path, folder: Path, kubeconfig: Path | None = None) -> None:
        super().__init__(assets / "kubectl", folder, kubeconfig)


class Nth(_Command):
    """Runs our own tools, as they are installed beside this Python."""

    def __init__(self, folder: Path, kubeconfig: Path | None = None) -> None:
        super().__init__(Path(sys.executable).parent / "nth", folder, kubeconfig)
