"""Finds the API server and our credentials: in a kubeconfig, or as the pod's service account.

It builds the HTTP client and sends nothing. lightkube, which reads kubeconfigs with all their ways to
log in, is imported only for those: in a pod its models alone would cost 4 MiB on every node.
"""

import ipaddress
import os
import ssl
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from nth.errors import SettingError

if TYPE_CHECKING:
    from lightkube.config.kubeconfig import SingleConfig

SERVICE_ACCOUNT_DIR = Path("/var/run/secrets/kubernetes.io/serviceaccount")

TOKEN_FRESH_SECONDS = 60.0
"""client-go's period: the kubelet replaces the file hourly, long before the old token ends."""

KEEP_ALIVE_SECONDS = 60.0
"""Below the API server's own 90 s, so that an idle connection is closed by us and not by the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The address of an API server, and the credentials for it."""

    server: str
    auth: httpx2.Auth | None
    tls: ssl.SSLContext | bool


class TokenFileAuth(httpx2.Auth):
    """Sends the service account's token; it is read again when it may have been replaced, and once on a 401.

    https://kubernetes.io/docs/concepts/security/service-accounts/#authenticating-credentials
    """

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._read()

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if self._monotonic() - self._read_at >= TOKEN_FRESH_SECONDS:
            self._read()
        sent = request.headers["Authorization"] = self._bearer
        response = yield request
        if response.status_code != 401:
            return
        self._read()
        if self._bearer != sent:
            request.headers["Authorization"] = self._bearer
            yield request

    def _read(self) -> None:
        self._bearer = f"Bearer {self._path.read_text().strip()}"
        self._read_at = self._monotonic()


def find_access(
    *,
    kubeconfig: str,
    service_host: str,
    service_port: str,
    context: str = "",
    service_account_dir: Path = SERVICE_ACCOUNT_DIR,
) -> Access:
    """Returns the access of the kubeconfig if one is named, else that of the pod's service account.

    `context`: another than the kubeconfig's current one. SettingError: neither can be used.
    """
    if kubeconfig:
        return _from_kubeconfig(kubeconfig, context)
    if not service_host:
        raise SettingError(
            "KUBECONFIG: not set, and KUBERNETES_SERVICE_HOST is not either: "
            "name a kubeconfig file, or run as a pod with a service account"
        )
    return _from_service_account(service_host, service_port or "443", service_account_dir)


def new_client(
    access: Access, *, user_agent: str, connect_seconds: float, keep_alive: int
) -> httpx2.AsyncClient:
    """Returns a client that keeps its connections; the request budget limits how many are in flight.

    HTTPS_PROXY and NO_PROXY count, as for every Kubernetes client, but never towards this machine itself.
    """
    return httpx2.AsyncClient(
        base_url=access.server,
        auth=access.auth,
        verify=access.tls,
        headers={
            "User-Agent": user_agent,
            "Accept": "application/json",
            # Compression costs the API server and us more than the short way between us.
            "Accept-Encoding": "identity",
        },
        timeout=httpx2.Timeout(None, connect=connect_seconds),
        limits=httpx2.Limits(max_keepalive_connections=keep_alive, keepalive_expiry=KEEP_ALIVE_SECONDS),
        trust_env=not _is_loopback(httpx2.URL(access.server).host),
    )


def _from_service_account(host: str, port: str, folder: Path) -> Access:
    server_host = f"[{host}]" if ":" in host else host
    try:
        return Access(
            server=f"https://{server_host}:{port}",
            auth=TokenFileAuth(folder / "token"),
            # Only the cluster's own CA is trusted for its API server.
            tls=ssl.create_default_context(cafile=folder / "ca.crt"),
        )
    except OSError as error:
        raise SettingError(
            f"KUBECONFIG: not set, and the pod's service account in {folder} cannot be used: "
            f"{error.strerror or error}"
        ) from error


def _from_kubeconfig(path: str, context: str) -> Access:
    from lightkube.config.client_adapter import user_auth, verify_cluster
    from lightkube.config.models import User

    try:
        config = _choose(path, context)
        user = config.user or User()
        secure = config.cluster.server.startswith("https:")
        return Access(
            server=config.cluster.server,
            auth=user_auth(user),
            tls=verify_cluster(config.cluster, user, config.abs_file) if secure else False,
        )
    except Exception as error:
        # The first line only: a YAML error goes on to quote the file, and with it perhaps a token.
        reason = (str(error).splitlines() or [""])[0]
        raise SettingError(
            f"KUBECONFIG: {path} cannot be used: {type(error).__name__}: {reason}; "
            "it must be a kubeconfig file with a current context"
        ) from error


def _choose(paths: str, context: str) -> "SingleConfig":
    """Returns the cluster and user of that context, or of the current one, in the first file that has it.

    Files are separated as in PATH, and missing ones passed over, if there is another:
    https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#the-kubeconfig-environment-variable
    """
    from lightkube.config.kubeconfig import KubeConfig

    named = [path for path in paths.split(os.pathsep) if path]
    configs = [KubeConfig.from_file(path) for path in named if Path(path).is_file()]
    if not configs:
        configs = [KubeConfig.from_file(paths)]
    wanted = context or next((each.current_context for each in configs if each.current_context), None)
    config = next((each for each in configs if wanted in each.contexts), configs[0]).get(wanted)
    assert config is not None  # Without a default it raises instead.
    return config


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
