"""Who may reach the API server of the test bed, and as whom: keys, tokens, kubeconfig files, rules.

Only for a control plane on the loopback that lives for minutes.
"""

import base64
import json
import secrets
from pathlib import Path

import yaml

from nth.errors import Missing
from testbed.api import Api
from testbed.processes import wait_for

ADMIN = "admin"
CONTROLLERS = ("controller-manager", "scheduler", "kwok")
HANDLER = "aws-node-termination-handler"
POLITE_HANDLER = "aws-node-termination-handler-polite"
"""The same without the rule to delete pods."""
QUEUE_HANDLER = "aws-node-termination-handler-queue"
"""The same with the rules that only queue mode needs."""
NAMESPACE = "kube-system"
"""Where the handler runs, and its replicas' Leases are."""

_FOLDERS = {
    "ServiceAccount": f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles",
    "RoleBinding": f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/rolebindings",
}
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def write_signing_key(path: Path) -> None:
    """A P-256 key for service account tokens, as RFC 5915 has it; the public half may be left out."""
    scalar = (secrets.randbelow(_P256_ORDER - 1) + 1).to_bytes(32, "big")
    der = bytes.fromhex("30310201010420") + scalar + bytes.fromhex("a00a06082a8648ce3d030107")
    text = base64.b64encode(der).decode()
    _write_secret(path, f"-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n")


def write_tokens(path: Path) -> dict[str, str]:
    """A static token for each user with all rights; by user."""
    tokens = {user: secrets.token_urlsafe(24) for user in (ADMIN, *CONTROLLERS)}
    lines = [f'{token},{user},{user},"system:masters"\n' for user, token in tokens.items()]
    _write_secret(path, "".join(lines))
    return tokens


def write_kubeconfig(path: Path, *, url: str, authority: Path, user: str, token: str) -> None:
    """A kubeconfig file with one context; JSON, which is YAML too."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "testbed", "cluster": {"server": url, "certificate-authority": str(authority)}}
        ],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": user, "context": {"cluster": "testbed", "user": user}}],
        "current-context": user,
    }
    _write_secret(path, json.dumps(document, indent=1))


def _write_secret(path: Path, text: str) -> None:
    # Whole or not at all: somebody may be reading the one before.
    unfinished = path.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(path)


def handler_account(*, may_delete: bool = True, queue: bool = False) -> str:
    """The service account that has these rights."""
    if queue:
        assert may_delete, "no service account has the rules of queue mode and may not delete"
        return QUEUE_HANDLER
    return HANDLER if may_delete else POLITE_HANDLER


def install_rules(api: Api) -> None:
    """The handler's service accounts and exactly its rules (rbac.yaml)."""
    objects = list(yaml.safe_load_all((Path(__file__).parent / "rbac.yaml").read_text()))

    def applied() -> bool:
        # The namespace kube-system comes a moment after the API server says that it is ready.
        try:
            for item in objects:
                api.apply(f"{_FOLDERS[item['kind']]}/{item['metadata']['name']}", item)
        except Missing:
            return False
        return True

    if not wait_for(applied, timeout_seconds=10.0):
        raise TimeoutError("the namespace kube-system did not appear")


def service_account_token(api: Api, name: str) -> str:
    """A token for an hour, from the TokenRequest API.

    https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
    """
    path = f"{_FOLDERS['ServiceAccount']}/{name}/token"
    answer = json.loads(api.post(path, {"spec": {"audiences": [], "expirationSeconds": 3600}}))
    return str(answer["status"]["token"])
