"""The handler in its container, with what a kubelet gives a pod: in the place of `tests.e2e.handler`."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from testbed.container import SERVICE_ACCOUNT, Container, write_service_account
from testbed.control_plane import ControlPlane
from testbed.helm import NAMESPACE
from testbed.oci import Image
from testbed.rights import HANDLER
from tests.e2e.handler import Handler


@dataclass(slots=True, kw_only=True)
class ContainedHandler(Handler):
    """It has the pod's service account instead of a kubeconfig."""

    container: Container

    def start(self, *flags: str) -> None:
        """Begin; what it says goes to the same log."""
        assert self._process is None, "it runs already"
        command = self.container.command([*self.flags, *flags])
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        """All of it: alone, runc would leave the container behind."""
        self.container.remove()
        Handler.kill(self)


def contained(
    image: Image,
    plane: ControlPlane,
    folder: Path,
    *,
    node_name: str,
    metadata_url: str,
    account: str = HANDLER,
    env: dict[str, str] | None = None,
    mounts: dict[str, Path] | None = None,
) -> ContainedHandler:
    """Not started yet; `account` is whose rights it has."""
    secrets = folder / "service-account"
    token = plane.handler_token(account)
    write_service_account(secrets, token=token, authority=plane.authority, namespace=NAMESPACE)
    environment = {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(plane.api_port),
        "NODE_NAME": node_name,
        "POD_NAME": "nth-image",
        "NAMESPACE": NAMESPACE,
        "INSTANCE_METADATA_URL": metadata_url,
        "JSON_LOGGING": "true",
    }
    container = Container(
        image=image,
        folder=folder / "container",
        environment=environment | (env or {}),
        mounts={SERVICE_ACCOUNT: secrets, **(mounts or {})},
    )
    return ContainedHandler(
        node_name=node_name,
        kubeconfig=Path("/nonexistent"),
        metadata_url=metadata_url,
        folder=folder,
        container=container,
    )
