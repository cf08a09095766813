"""One try of the handler with the chart's own settings and rules, or with one rule fewer.

The account, its rules and the variables of the handler come from one rendering of the chart. What the
API server has refused is read in its audit log.
"""

import contextlib
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import rights
from testbed.api import Api
from testbed.audit import AuditLog
from testbed.bed import RealBed
from testbed.helm import NAMESPACE, Helm
from testbed.rights import Object
from tests.servers.aws import AwsServer

Grant = tuple[str, str]
"""A resource and a verb: ("pods/eviction", "create")."""

_OURS = {"JSON_LOGGING": "true", "ENABLE_PROBES_SERVER": "false"}
"""A test reads the log, and many handlers share one machine's ports."""
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


@dataclass(slots=True, kw_only=True)
class Trial:
    """An account that exists for one scene, and the world around it."""

    bed: RealBed
    aws: AwsServer
    folder: Path
    account: str
    env: Mapping[str, str]
    """What the chart tells the handler."""
    audit: AuditLog
    api: Api
    """With all rights, to look."""

    def asked(self, *, refused: bool) -> Counter[Grant]:
        """What the account has asked for, and may or may not do."""
        requests = self.audit.requests(rights.user_of(self.account))
        return Counter((each.resource, each.verb) for each in requests if refused is (each.code == 403))


@contextlib.asynccontextmanager
async def trial(
    bed: RealBed, aws: AwsServer, folder: Path, values: tuple[str, ...], *, lacking: Grant | None = None
) -> AsyncIterator[Trial]:
    """With everything that the chart makes of these values, but for what is lacking."""
    account = f"trial-{uuid.uuid4().hex[:8]}"
    rendered = rights.objects_of(Helm(bed.plane.assets, folder), account, values)
    allowed = [_without(item, lacking) for item in rights.rights_in(rendered)]
    with Api(bed.plane.kubeconfig) as api:
        rights.install(api, allowed)
        try:
            await _wait_known(bed, api, account, allowed)
            yield Trial(
                bed=bed,
                aws=aws,
                folder=folder,
                account=account,
                env={**_variables_in(rendered), **_OURS},
                audit=AuditLog(bed.plane.audit_log),
                api=api,
            )
        finally:
            rights.remove(api, allowed)


def grants_in(objects: Iterable[Object]) -> set[Grant]:
    """All that the roles allow."""
    return {
        (resource, verb)
        for item in objects
        for rule in item.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def _without(item: Object, lacking: Grant | None) -> Object:
    """The same with a rule for each verb, but for one."""
    if "rules" not in item:
        return item
    rules = [
        {"apiGroups": rule["apiGroups"], "resources": [resource], "verbs": [verb]}
        for rule in item["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if (resource, verb) != lacking
    ]
    return {**item, "rules": rules}


def _variables_in(objects: Iterable[Object]) -> dict[str, str]:
    """What the container is told; what the kubelet fills in is left out."""
    workloads = [item for item in objects if item["kind"] in ("DaemonSet", "Deployment")]
    (container,) = workloads[0]["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


async def _wait_known(bed: RealBed, api: Api, account: str, allowed: Iterable[Object]) -> None:
    """Until the API server's authorizer has read the rules."""
    reviews = [_review(account, role, rule) for role in allowed for rule in role.get("rules", ())]

    async def known() -> bool:
        return all(json.loads(api.post(_REVIEWS, each))["status"]["allowed"] for each in reviews)

    await bed.wait_until(known)


def _review(account: str, role: Object, rule: Object) -> Object:
    """May it? https://kubernetes.io/docs/reference/access-authn-authz/authorization/"""
    resource, _, part = rule["resources"][0].partition("/")
    asked = {
        "group": rule["apiGroups"][0],
        "resource": resource,
        "subresource": part,
        "verb": rule["verbs"][0],
        "namespace": NAMESPACE if role["kind"] == "Role" else "",
    }
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": rights.user_of(account), "resourceAttributes": asked},
    }
