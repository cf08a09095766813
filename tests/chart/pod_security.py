"""The *restricted* Pod Security Standard as a function of a pod's spec.

All of https://kubernetes.io/docs/concepts/security/pod-security-standards/ that stands in a spec; the
real API server's own opinion is asked in tests/e2e/test_chart_pod_security.py.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Spec = Mapping[str, Any]

_VOLUMES: Final = {
    *(
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    )
}
_SYSCTLS: Final = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
_SELINUX_TYPES: Final = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_HOOKS: Final = ("livenessProbe", "readinessProbe", "startupProbe")

_OF_A_POD: Final[Mapping[str, Callable[[Spec], bool]]] = {
    "host namespaces": lambda pod: any(map(pod.get, ("hostNetwork", "hostPID", "hostIPC"))),
    "volume types": lambda pod: not all(_VOLUMES & each.keys() for each in pod.get("volumes", ())),
    "sysctls": lambda pod: not _SYSCTLS.issuperset(each["name"] for each in _context(pod).get("sysctls", ())),
}
_OF_A_CONTAINER: Final[Mapping[str, Callable[[Spec, Spec], bool]]] = {
    "host ports": lambda pod, box: any(each.get("hostPort") for each in box.get("ports", ())),
    "host probes": lambda pod, box: any(map(_names_a_host, _handlers(box))),
    "privileged": lambda pod, box: bool(_context(box).get("privileged")),
    "host process": lambda pod, box: bool(_either(pod, box, "windowsOptions", {}).get("hostProcess")),
    "AppArmor": lambda pod, box: (
        _either(pod, box, "appArmorProfile", {}).get("type") not in (None, "RuntimeDefault", "Localhost")
    ),
    "SELinux": lambda pod, box: _selinux_is_odd(_either(pod, box, "seLinuxOptions", {})),
    "/proc mount type": lambda pod, box: _context(box).get("procMount") not in (None, "Default"),
    "running as non-root": lambda pod, box: _either(pod, box, "runAsNonRoot", False) is not True,
    "running as non-root user": lambda pod, box: _either(pod, box, "runAsUser", None) == 0,
}
_OF_A_LINUX_CONTAINER: Final[Mapping[str, Callable[[Spec, Spec], bool]]] = {
    "privilege escalation": lambda pod, box: _context(box).get("allowPrivilegeEscalation") is not False,
    "seccomp": lambda pod, box: (
        _either(pod, box, "seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost")
    ),
    "capabilities": lambda pod, box: (
        not ("ALL" in _capabilities(box, "drop") and _capabilities(box, "add") <= {"NET_BIND_SERVICE"})
    ),
}


def violations(pod: Spec) -> list[str]:
    """The controls of the standard that the spec does not meet."""
    on_linux = pod.get("os", {}).get("name") != "windows"
    of_a_container = {**_OF_A_CONTAINER, **(_OF_A_LINUX_CONTAINER if on_linux else {})}
    boxes = [*pod.get("initContainers", ()), *pod["containers"], *pod.get("ephemeralContainers", ())]
    return [
        *(name for name, violated in _OF_A_POD.items() if violated(pod)),
        *(name for name, violated in of_a_container.items() if any(violated(pod, box) for box in boxes)),
    ]


def _context(holder: Spec) -> Spec:
    found: Spec = holder.get("securityContext") or {}
    return found


def _either(pod: Spec, box: Spec, field: str, default: Any) -> Any:
    """The container's own, or the pod's."""
    return _context(box).get(field, _context(pod).get(field, default))


def _capabilities(box: Spec, verb: str) -> set[str]:
    return set(_context(box).get("capabilities", {}).get(verb, ()))


def _selinux_is_odd(options: Spec) -> bool:
    return options.get("type") not in _SELINUX_TYPES or any(map(options.get, ("user", "role")))


def _handlers(box: Spec) -> Iterator[Spec]:
    yield from (box[name] for name in _HOOKS if name in box)
    yield from box.get("lifecycle", {}).values()


def _names_a_host(handler: Spec) -> bool:
    return any(handler.get(kind, {}).get("host") for kind in ("httpGet", "tcpSocket"))
