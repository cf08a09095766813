"""Pods meet the restricted Pod Security Standard, but for the host's network in metadata mode."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.chart.matrix import SETS, examples
from tests.chart.pod_security import violations
from tests.chart.rendering import Chart, container_of, pod_of, workloads

Object = dict[str, Any]
ALL = {**SETS, **examples()}


def expected(name: str, workload: Object) -> list[str]:
    pod = pod_of(workload)
    if pod.get("os"):
        # A Windows pod is never in the host's network: its ports are.
        return ["host ports"] if "ports" in container_of(workload) else []
    # A file of tests for the uptime is mounted from the host.
    volumes = ["volume types"] if name == "a file for the uptime" else []
    network = ALL[name].get("useHostNetwork", True) and workload["kind"] == "DaemonSet"
    # Only a pod in the host's network may be asked at an address of the host's.
    probes = ["host probes"] if ALL[name].get("probesServerAddress") else []
    return [*(["host namespaces"] if network else []), *volumes, *probes]


@pytest.mark.parametrize("name", ALL)
def test_pods_meet_the_restricted_standard(chart: Chart, name: str) -> None:
    for workload in workloads(chart.objects(ALL[name])):
        pod = pod_of(workload)
        assert violations(pod) == expected(name, workload)
        assert not {"hostPID", "hostIPC", "initContainers"} & pod.keys()


def test_the_root_file_system_is_read_only_and_nobody_is_root(chart: Chart) -> None:
    context = chart.container({})["securityContext"]
    assert context == {
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "capabilities": {"drop": ["ALL"]},
    }
    assert chart.pod({})["securityContext"] == {"fsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}}


def test_contexts_are_taken_from_the_user_and_filled_up(chart: Chart) -> None:
    values = {
        "securityContext": {"readOnlyRootFilesystem": False, "capabilities": {"add": ["NET_BIND_SERVICE"]}}
    }
    context = chart.container(values)["securityContext"]
    assert context["readOnlyRootFilesystem"] is False
    assert context["capabilities"] == {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}
    profile = chart.pod(SETS["its own profile"])["securityContext"]["seccompProfile"]
    assert profile == {"type": "Localhost", "localhostProfile": "nth.json"}
    taken_away = chart.pod({"podSecurityContext": {"fsGroup": None}})["securityContext"]
    assert taken_away == {"seccompProfile": {"type": "RuntimeDefault"}}


def contexts(pod: Object) -> Object:
    found: Object = pod["containers"][0]["securityContext"]
    return found


WORSE: dict[str, Callable[[Object], object]] = {
    "host namespaces": lambda pod: pod.update(hostPID=True),
    "volume types": lambda pod: pod.update(volumes=[{"name": "proc", "hostPath": {"path": "/proc"}}]),
    "sysctls": lambda pod: pod["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
    "host ports": lambda pod: pod["containers"][0].update(ports=[{"containerPort": 1, "hostPort": 1}]),
    "host probes": lambda pod: pod["containers"][0].update(
        livenessProbe={"httpGet": {"host": "169.254.169.254", "port": 80}}
    ),
    "privileged": lambda pod: contexts(pod).update(privileged=True),
    "host process": lambda pod: contexts(pod).update(windowsOptions={"hostProcess": True}),
    "AppArmor": lambda pod: contexts(pod).update(appArmorProfile={"type": "Unconfined"}),
    "SELinux": lambda pod: contexts(pod).update(seLinuxOptions={"type": "spc_t"}),
    "/proc mount type": lambda pod: contexts(pod).update(procMount="Unmasked"),
    "running as non-root": lambda pod: contexts(pod).pop("runAsNonRoot"),
    "running as non-root user": lambda pod: contexts(pod).update(runAsUser=0),
    "privilege escalation": lambda pod: contexts(pod).pop("allowPrivilegeEscalation"),
    "seccomp": lambda pod: pod["securityContext"].pop("seccompProfile"),
    "capabilities": lambda pod: contexts(pod)["capabilities"].update(add=["NET_ADMIN"]),
}


@pytest.mark.parametrize("control", WORSE)
def test_a_worse_pod_is_seen(chart: Chart, control: str) -> None:
    pod = copy.deepcopy(chart.pod({"useHostNetwork": False}))
    WORSE[control](pod)
    assert violations(pod) == [control]
