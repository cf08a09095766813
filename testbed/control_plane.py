"""etcd, kube-apiserver, controller manager, scheduler and fake kubelets on free loopback ports.

    plane = ControlPlane.start(assets_folder(), folder)   # about 5 s, 550 MiB
    try: ...
    finally: plane.stop()

Everything it writes is in `folder`: keys, kubeconfig files, logs, the audit log, process ids.
`testbed.bed` lets a test act on the cluster.
"""

import contextlib
import http.client
import json
import shutil
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from testbed import access, processes, rights
from testbed.api import Api

_HERE = Path(__file__).parent
_STOP_ORDER = ("kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")
_CONTROLLERS = (
    "daemonset",
    "deployment",
    "disruption",
    "garbagecollector",
    "job",
    "namespace",
    "node-lifecycle-controller",
    "pod-garbage-collector-controller",
    "replicaset",
    "statefulset",
    "taint-eviction-controller",
)
_START_TIMEOUT_SECONDS = 60.0


class StartError(Exception):
    """A part of the control plane did not start: one line that names it and its log."""


@dataclass(slots=True)
class ControlPlane:
    """A running control plane."""

    assets: Path
    folder: Path
    api_port: int
    etcd_ports: tuple[int, int]
    """The port for clients, and the one for peers."""
    pids: dict[str, int] = field(default_factory=dict)
    kubelets: tuple[str, ...] = ()
    """Nodes whose kubelets have credentials; with any, they have the rights of kubelets and no others."""

    @classmethod
    def start(cls, assets: Path, folder: Path, kubelets: tuple[str, ...] = ()) -> "ControlPlane":
        """Start all parts; returns when the API server is ready. Leaves nothing behind when one fails."""
        api, client, peer = processes.free_ports(3)
        folder.mkdir(parents=True, exist_ok=True)
        plane = cls(assets, folder, api, (client, peer), kubelets=kubelets)
        try:
            plane._start_all()
        except BaseException:
            plane.stop()
            raise
        return plane

    @classmethod
    def attach(cls, folder: Path) -> "ControlPlane":
        """Returns the one that was started by another process."""
        state = json.loads((folder / "state.json").read_text())
        return cls(
            Path(state["assets"]),
            folder,
            state["api_port"],
            tuple(state["etcd_ports"]),
            pids=state["pids"],
            kubelets=tuple(state["kubelets"]),
        )

    @classmethod
    def find(cls, folder: Path) -> "ControlPlane | None":
        """Returns the one that runs in that folder, if all of it does."""
        plane = cls.attach(folder) if (folder / "state.json").exists() else None
        return plane if plane and plane.is_running() else None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.api_port}"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig file with all rights."""
        return self._kubeconfig_of(access.ADMIN)

    @property
    def authority(self) -> Path:
        """The certificate that signs the API server's."""
        return self.folder / "certs" / "apiserver.crt"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit.log"

    def handler_token(self, account: str = rights.HANDLER) -> str:
        """Returns a token for one of the handler's service accounts, for an hour; see `rights`."""
        with Api(self.kubeconfig) as api:
            return rights.token_of(api, account)

    def handler_kubeconfig(self, account: str = rights.HANDLER) -> Path:
        """Returns a kubeconfig file with the rights of that service account, and with no others."""
        self._write_kubeconfig(account, self.handler_token(account))
        return self._kubeconfig_of(account)

    def kubelet_kubeconfig(self, node_name: str) -> Path:
        """Returns a kubeconfig file with the rights of that node's kubelet, which is one of `kubelets`."""
        return self._kubeconfig_of(access.kubelet_user(node_name))

    def is_running(self) -> bool:
        """Returns whether every part runs."""
        return all(self._is_running(name) for name in _STOP_ORDER)

    def stop(self) -> None:
        """Stop every part by its id and wait for it; safe to call twice, and on what has not started."""
        for name in _STOP_ORDER:
            self.stop_part(name)
        (self.folder / "state.json").unlink(missing_ok=True)

    def stop_part(self, name: str) -> None:
        """Stop one part, to see how a client copes with that.

        Kubelets and controllers stop with the API server: left alone, they would need up to a minute
        to come back to it. `start_missing` starts all again.
        """
        for each in _STOP_ORDER[:-1] if name == "kube-apiserver" else (name,):
            pid = self.pids.pop(each, None)
            if pid is not None and processes.belongs_to(pid, self.folder):
                processes.stop(pid, patience_seconds=1.0)
        self._write_state()

    def start_part(self, name: str) -> None:
        """Start a part (again), on the same ports."""
        arguments = {
            "etcd": self._etcd,
            "kube-apiserver": self._api_server,
            "kube-controller-manager": self._controller_manager,
            "kube-scheduler": self._scheduler,
            "kwok": self._kwok,
        }[name]()
        log = self.folder / f"{name}.log"
        home = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        self.pids[name] = processes.spawn([str(self.assets / name), *arguments], log, home)
        self._write_state()

    def start_missing(self) -> None:
        """Start all parts that do not run (any more); returns when the API server is ready."""
        for name in reversed(_STOP_ORDER):
            if not self._is_running(name):
                self.start_part(name)
            self._wait_ready(name)

    def _is_running(self, name: str) -> bool:
        return name in self.pids and processes.belongs_to(self.pids[name], self.folder)

    def _start_all(self) -> None:
        access.write_signing_key(self._signing_key)
        for user, token in access.write_tokens(self._tokens, self.kubelets).items():
            self._write_kubeconfig(user, token)
        # The rules are rendered while the parts start.
        with ThreadPoolExecutor(1) as aside:
            rendered = aside.submit(rights.render_all, self.assets, self.folder)
            self.start_missing()
        with Api(self.kubeconfig) as api:
            rights.install(api, rendered.result())

    def _write_state(self) -> None:
        state = {
            "assets": str(self.assets),
            "api_port": self.api_port,
            "etcd_ports": self.etcd_ports,
            "pids": self.pids,
            "kubelets": self.kubelets,
        }
        (self.folder / "state.json").write_text(json.dumps(state, indent=1))

    def _wait_ready(self, name: str) -> None:
        """Wait until a part is ready that others need; only two are."""
        checks = {"etcd": lambda: processes.accepts(self.etcd_ports[0]), "kube-apiserver": self._api_ready}
        ready = checks.get(name, lambda: True)

        def ready_or_ended() -> bool:
            return ready() or not processes.is_running(self.pids[name])

        if not processes.wait_for(ready_or_ended, timeout_seconds=_START_TIMEOUT_SECONDS) or not ready():
            raise StartError(f"{name} did not start; see {self.folder / name}.log")

    def _api_ready(self) -> bool:
        if not self.authority.exists():
            return False
        try:
            context = ssl.create_default_context(cafile=str(self.authority))
            connection = http.client.HTTPSConnection("127.0.0.1", self.api_port, context=context, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def _kubeconfig_of(self, user: str) -> Path:
        return self.folder / f"{user}.kubeconfig"

    def _write_kubeconfig(self, user: str, token: str) -> None:
        path = self._kubeconfig_of(user)
        access.write_kubeconfig(path, url=self.url, authority=self.authority, user=user, token=token)

    @property
    def _signing_key(self) -> Path:
        return self.folder / "service-accounts.key"

    @property
    def _tokens(self) -> Path:
        return self.folder / "tokens.csv"

    def _etcd(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in self.etcd_ports)
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _api_server(self) -> list[str]:
        return [
            f"--etcd-servers=http://127.0.0.1:{self.etcd_ports[0]}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.api_port}",
            # No Endpoints of its own: nothing to withdraw, so it ends at once.
            "--endpoint-reconciler-type=none",
            f"--cert-dir={self.authority.parent}",
            f"--token-auth-file={self._tokens}",
            f"--authorization-mode={'Node,RBAC' if self.kubelets else 'RBAC'}",
            # Without an account of a kubelet it has nothing to restrict.
            "--enable-admission-plugins=NodeRestriction",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._signing_key}",
            f"--service-account-signing-key-file={self._signing_key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # It would wait for a default service account in each namespace, which no controller makes here.
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={_HERE / 'audit.yaml'}",
            f"--audit-log-path={self.audit_log}",
            # A request is in the log before its answer is out: a test can count at once.
            "--audit-log-mode=blocking",
        ]

    def _controller_manager(self) -> list[str]:
        return [
            f"--kubeconfig={self._kubeconfig_of('controller-manager')}",
            f"--service-account-private-key-file={self._signing_key}",
            f"--controllers={','.join(_CONTROLLERS)}",
            "--leader-elect=false",
            "--secure-port=0",
            # The fake nodes send no heartbeats.
            "--node-monitor-grace-period=1h",
            "--kube-api-qps=1000",
            "--kube-api-burst=2000",
        ]

    def _scheduler(self) -> list[str]:
        return [
            f"--kubeconfig={self._kubeconfig_of('scheduler')}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=1000",
            "--kube-api-burst=2000",
        ]

    def _kwok(self) -> list[str]:
        return [
            f"--kubeconfig={self._kubeconfig_of('kwok')}",
            f"--config={_HERE / 'stages.yaml'}",
            "--manage-all-nodes",
            "--node-lease-duration-seconds=0",
        ]


@contextlib.contextmanager
def running(assets: Path, folder: Path, kubelets: tuple[str, ...] = ()) -> Iterator[ControlPlane]:
    """Yield a control plane for the time of a block; its folder goes with it."""
    plane = ControlPlane.start(assets, folder, kubelets)
    try:
        yield plane
    finally:
        plane.stop()
        shutil.rmtree(folder, ignore_errors=True)
