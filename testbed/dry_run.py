"""Asks the real API server what it would say to an object, and changes nothing.

    install_crds(api)        # once, if there may be ServiceMonitors
    for document in helm.template(chart, ...):
        assert server_dry_run(api, document) is None

Goes through admission, defaults and validation, refuses unknown fields, and compares with the object
of that name if there is one: a changed selector of a DaemonSet is refused too.
"""

import json
from collections.abc import Mapping
from typing import Any

from nth.errors import ClusterError, Missing, Unreachable
from testbed.api import Api

Json = Any
"""A document in a format that is not ours."""


def server_dry_run(api: Api, document: Mapping[str, Json], namespace: str = "kube-system") -> str | None:
    """Returns None or the server's words; `namespace` is for an object that names none, and must exist."""
    try:
        path = _folder(api, document, document["metadata"].get("namespace", namespace))
        name = document["metadata"]["name"]
        api.apply(f"{path}/{name}", document, dryRun="All", fieldValidation="Strict")
    except ClusterError as error:
        # A field that is not in the schema is an error of its own for the server: 500.
        if isinstance(error, Unreachable) and "failed to create typed patch object" not in str(error):
            raise
        return str(error)
    return None


def _folder(api: Api, document: Mapping[str, Json], namespace: str) -> str:
    """Returns the path of the objects of its kind, from the server's own discovery."""
    version, kind = document["apiVersion"], document["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    try:
        resources = json.loads(api.get(root))["resources"]
    except Missing:
        resources = []
    for resource in resources:
        if resource["kind"] == kind and "/" not in resource["name"]:
            place = f"/namespaces/{namespace}" if resource["namespaced"] else ""
            return f"{root}{place}/{resource['name']}"
    raise Missing(f"the server has no {kind} in {version}")
