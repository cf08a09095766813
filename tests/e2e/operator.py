"""A person at a terminal with helm and kubectl, and what the cluster then holds.

    with at_terminal(plane, folder) as person:
        person.types("helm upgrade --install ...")
        person.waits_until(lambda: person.counts(...))

Takes the handler's own account away from the test bed meanwhile: helm takes over no object that it did
not make. Leaves neither a release nor its pods behind.
"""

import contextlib
import functools
import http.server
import json
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from testbed import rights
from testbed.api import Api
from testbed.build import assets_folder
from testbed.control_plane import ControlPlane
from testbed.helm import NAMESPACE, RELEASE, Done, Helm, Kubectl, Nth
from testbed.processes import wait_for

Json = Any
"""An object of Kubernetes."""
KINDS = (
    "daemonsets,deployments,replicasets,controllerrevisions,pods,services,serviceaccounts,secrets,roles,"
    "rolebindings,clusterroles,clusterrolebindings,poddisruptionbudgets,networkpolicies,"
    "validatingadmissionpolicies,validatingadmissionpolicybindings"
)
"""All that a release may leave."""
_RELEASED = f"app.kubernetes.io/instance={RELEASE}"


class Terminal:
    """Runs command lines; a word in capitals that is a key of `words` stands for its value."""

    def __init__(self, helm: Helm, kubectl: Kubectl, nth: Nth) -> None:
        self._programs = {"helm": helm, "kubectl": kubectl, "nth": nth}
        self.words: dict[str, str] = {}
        # The test bed's own accounts have the chart's labels, too.
        self._others = frozenset(each["metadata"]["uid"] for each in self._listed(KINDS))

    def tries(self, line: str) -> Done:
        """Whatever its exit code."""
        for word, value in self.words.items():
            line = line.replace(word, value)
        name, *arguments = shlex.split(line)
        return self._programs[name].run(*arguments)

    def types(self, line: str) -> str:
        """What it printed; it must succeed."""
        done = self.tries(line)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout

    def lists(self, kinds: str = KINDS) -> list[Json]:
        """The release's objects."""
        return [each for each in self._listed(kinds) if each["metadata"]["uid"] not in self._others]

    def _listed(self, kinds: str) -> list[Json]:
        line = f"kubectl get {kinds} --namespace {NAMESPACE} --selector {_RELEASED} --output json"
        return list(json.loads(self.types(line))["items"])

    def object(self, kind: str, name: str = RELEASE) -> Json | None:
        """None where there is none."""
        line = f"kubectl get {kind} {name} --namespace {NAMESPACE} --ignore-not-found --output json"
        found = self.types(line)
        return json.loads(found) if found.strip() else None

    def pods(self) -> list[Json]:
        """Those of the release that nobody has asked to stop."""
        return [pod for pod in self.lists("pods") if "deletionTimestamp" not in pod["metadata"]]

    def ready_on(self) -> list[str]:
        """The nodes on which the release's pods are Ready."""
        return sorted(pod["spec"]["nodeName"] for pod in self.pods() if is_ready(pod))

    def waits_until(self, condition: Callable[[], bool], *, timeout_seconds: float = 60.0) -> None:
        assert wait_for(condition, timeout_seconds=timeout_seconds), "not true in time"

    def clears(self) -> None:
        """Neither the release nor a pod of it is left."""
        self.types(f"helm uninstall {RELEASE} --namespace {NAMESPACE} --ignore-not-found")
        kill = f"kubectl delete pods --namespace {NAMESPACE} --selector {_RELEASED} --force --grace-period=0"

        def gone() -> bool:
            self.types(kill)
            return not self.lists()

        self.waits_until(gone)


@contextlib.contextmanager
def at_terminal(plane: ControlPlane, folder: Path) -> Iterator[Terminal]:
    """For the time of a test."""
    programs = (assets_folder(), folder, plane.kubeconfig)
    helm = Helm(*programs)
    with Api(plane.kubeconfig) as api:
        in_the_way = rights.rights_in(rights.objects_of(helm, rights.HANDLER, ()))
        rights.remove(api, in_the_way)
        try:
            terminal = Terminal(helm, Kubectl(*programs), Nth(folder, plane.kubeconfig))
            try:
                yield terminal
            finally:
                terminal.clears()
        finally:
            rights.install(api, in_the_way)


def is_ready(pod: Json) -> bool:
    return {"type": "Ready", "status": "True"}.items() <= _condition(pod).items()


def _condition(pod: Json) -> Mapping[str, str]:
    conditions = pod["status"].get("conditions", [])
    return next((each for each in conditions if each["type"] == "Ready"), {})


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's URL on the loopback."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Nothing."""
