"""The prometheus-operator's kinds that the chart can make: reads their definitions, and installs them."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from testbed.api import Api
from testbed.build import CRDS, assets_folder
from testbed.processes import wait_for
from testbed.yaml_documents import load_documents

_FOLDER = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_TIMEOUT_SECONDS = 30.0

Json = Any
"""A document in a format that is not ours."""


@functools.cache
def crd_documents(assets: Path) -> tuple[Json, ...]:
    """Returns their CustomResourceDefinitions."""
    return tuple(document for file in CRDS for document in load_documents((assets / file.name).read_text()))


def install_crds(api: Api) -> None:
    """Let the API server serve them, for good; returns when it does. Once more does no harm."""
    for document in crd_documents(assets_folder()):
        path = f"{_FOLDER}/{document['metadata']['name']}"
        api.apply(path, document)
        if not wait_for(functools.partial(_established, api, path), timeout_seconds=_TIMEOUT_SECONDS):
            raise TimeoutError(f"{path} is not Established after {_TIMEOUT_SECONDS:.0f} s")


def _established(api: Api, path: str) -> bool:
    found: Mapping[str, Json] = json.loads(api.get(path))
    conditions = found.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
