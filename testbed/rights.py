"""Gives the handler's service accounts their rights: objects of the chart, for some values."""

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from nth.errors import Missing
from testbed.api import Api
from testbed.helm import NAMESPACE, RELEASE, Helm
from testbed.processes import wait_for

CHART = Path(__file__).parents[1] / "charts" / RELEASE
HANDLER = RELEASE
POLITE_HANDLER = f"{RELEASE}-polite"
"""An account that may not delete pods."""
DRY_HANDLER = f"{RELEASE}-dry"
"""An account that may only read."""
QUEUE_HANDLER = f"{RELEASE}-queue"
TOLD_HANDLER = f"{RELEASE}-told"
"""An account that may also report in the cluster: by events, and by a condition of the node."""
BLIND_HANDLER = f"{RELEASE}-blind"
"""The same, but it may not read how many pods a controller wants."""

ACCOUNTS = {
    HANDLER: (),
    POLITE_HANDLER: ("forcePolicy=never",),
    DRY_HANDLER: ("dryRun=true",),
    QUEUE_HANDLER: ("enableSqsTerminationDraining=true", "replicas=2"),
    TOLD_HANDLER: ("emitKubernetesEvents=true", "enableNodeCondition=true"),
    BLIND_HANDLER: (
        *("emitKubernetesEvents=true", "enableNodeCondition=true"),
        "rbac.readControllers=false",
    ),
}
"""The accounts that are there from the start, and the chart's values of each."""

FOLDERS = {
    "ServiceAccount": f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles",
    "RoleBinding": f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/rolebindings",
}

Object = dict[str, Any]


def objects_of(helm: Helm, account: str, values: Sequence[str]) -> list[Object]:
    """Returns the chart's objects for these values, under names of its own."""
    settings = [word for value in (f"fullnameOverride={account}", *values) for word in ("--set", value)]
    return [dict(item) for item in helm.template(CHART, *settings)]


def rights_in(objects: Iterable[Object]) -> list[Object]:
    """Returns the account, its roles and their bindings."""
    return [item for item in objects if item["kind"] in FOLDERS]


def render_all(assets: Path, folder: Path) -> list[Object]:
    """Returns the rights of all accounts."""
    helm = Helm(assets, folder)
    with ThreadPoolExecutor(len(ACCOUNTS)) as pool:
        rendered = list(pool.map(lambda each: objects_of(helm, *each), ACCOUNTS.items()))
    return [item for objects in rendered for item in rights_in(objects)]


def install(api: Api, objects: Iterable[Object]) -> None:
    """Apply these objects."""
    wanted = list(objects)

    def applied() -> bool:
        # The namespace kube-system comes a moment after the API server says that it is ready.
        try:
            for item in wanted:
                api.apply(_path(item), item)
        except Missing:
            return False
        return True

    if not wait_for(applied, timeout_seconds=10.0):
        raise TimeoutError(f"the namespace {NAMESPACE} did not appear")


def remove(api: Api, objects: Iterable[Object]) -> None:
    """Delete these objects."""
    for item in objects:
        api.delete(_path(item))


def user_of(account: str) -> str:
    """Returns the API server's name for it."""
    return f"system:serviceaccount:{NAMESPACE}:{account}"


def token_of(api: Api, account: str, pod: Object | None = None) -> str:
    """Returns a token for an hour, from the TokenRequest API; with a pod, as that pod's kubelet gets it.

    https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
    """
    path = f"{FOLDERS['ServiceAccount']}/{account}/token"
    spec: Object = {"audiences": [], "expirationSeconds": 3600}
    if pod is not None:
        named = {key: pod["metadata"][key] for key in ("name", "uid")}
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", **named}
    return str(json.loads(api.post(path, {"spec": spec}))["status"]["token"])


def _path(item: Object) -> str:
    return f"{FOLDERS[item['kind']]}/{item['metadata']['name']}"
