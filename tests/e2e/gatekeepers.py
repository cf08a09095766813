"""Things of a real API server that refuse evictions: admission webhooks, a policy, an ending namespace.

Each refuses the pods whose names begin with a word of its own, and nothing else in the cluster.
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from nth.errors import ClusterError, Missing
from testbed.api import Api
from testbed.bed import RealBed
from tests.servers.http import Reply
from tests.servers.posts import listening, read_request
from tests.servers.tls import loopback

Json = Any
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
WEBHOOKS = f"{ADMISSION}/validatingwebhookconfigurations"
POLICIES = f"{ADMISSION}/validatingadmissionpolicies"
BINDINGS = f"{ADMISSION}/validatingadmissionpolicybindings"
DENIALS = {"denied403": 403, "denied400": 400, "denied429": 429}
"""The webhook's answers, by the words with which pods' names begin."""
FAILS, DEAD, POLICY = "fails", "dead", "policy"
NOBODY_LISTENS = "https://127.0.0.1:9/"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Deny with the code that the path names; 500 without an answer if it names that."""
    while (request := await read_request(reader)) is not None:
        code = int(request.target.strip("/").split("?")[0])
        writer.write((Reply(status=500) if code == 500 else _denial(request.body, code)).wire())
        await writer.drain()


def _denial(body: bytes, code: int) -> Reply:
    asked = json.loads(body)["request"]
    status = {"code": code, "message": f"{asked['name']} is being looked after ({code})"}
    answer = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": asked["uid"], "allowed": False, "status": status},
    }
    return Reply(
        status=200, body=json.dumps(answer).encode(), headers=(("Content-Type", "application/json"),)
    )


def _webhook(word: str, begin: str, url: str, authority: bytes) -> Json:
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods/eviction"],
    }
    return {
        "name": f"{word}.gatekeeper.invalid",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(authority).decode()},
        "rules": [rule],
        "matchConditions": [{"name": "ours", "expression": f"request.name.startsWith('{begin}{word}-')"}],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 5,
    }


def _policy(name: str, resource: str, operation: str, condition: str, message: str) -> Mapping[str, Json]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": [resource]}
    policy = {
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "matchConditions": [{"name": "ours", "expression": condition}],
            "validations": [{"expression": "false", "message": message}],
        },
    }
    binding = {"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}
    return {POLICIES: policy, BINDINGS: binding}


@contextlib.asynccontextmanager
async def gatekeepers(bed: RealBed, folder: Path, begin: str) -> AsyncIterator[None]:
    """Refuse the evictions of pods whose names are `begin`, one of the words and a dash."""
    certificate = loopback(folder)
    async with _serving(certificate.theirs) as url:
        paths = {**DENIALS, FAILS: 500}
        webhooks = [
            _webhook(word, begin, f"{url}/{code}", certificate.public) for word, code in paths.items()
        ]
        webhooks.append(_webhook(DEAD, begin, NOBODY_LISTENS, certificate.public))
        condition = f"request.name.startsWith('{begin}{POLICY}-')"
        made = {
            WEBHOOKS: {"metadata": {"name": f"{begin}gatekeeper"}, "webhooks": webhooks},
            **_policy(f"{begin}gatekeeper", "pods/eviction", "CREATE", condition, "no eviction on a weekday"),
        }
        async with _there(bed, made):
            yield


@contextlib.asynccontextmanager
async def ending_namespace(bed: RealBed, name: str) -> AsyncIterator[None]:
    """Make a namespace; `end` makes it terminate, but its pods stay until the block ends."""
    condition = f"request.namespace == '{name}' && request.userInfo.username == 'controller-manager'"
    made = _policy(f"{name}-keeper", "pods", "DELETE", condition, "not yet")
    with Api(bed.plane.kubeconfig) as admin:
        await asyncio.to_thread(admin.post, "/api/v1/namespaces", {"metadata": {"name": name}})
        try:
            async with _there(bed, made):
                yield
        finally:
            await asyncio.to_thread(
                admin.delete, f"/api/v1/namespaces/{name}/pods", {"gracePeriodSeconds": 0}
            )
            with contextlib.suppress(Missing):
                await asyncio.to_thread(admin.delete, f"/api/v1/namespaces/{name}")


async def end(bed: RealBed, name: str) -> None:
    """Delete the namespace; returns when it terminates."""
    path = f"/api/v1/namespaces/{name}"
    with Api(bed.plane.kubeconfig) as admin:
        await asyncio.to_thread(admin.delete, path)

        async def so() -> bool:
            return bool(
                json.loads(await asyncio.to_thread(admin.get, path))["status"]["phase"] == "Terminating"
            )

        await bed.wait_until(so)


@contextlib.asynccontextmanager
async def _serving(tls: ssl.SSLContext) -> AsyncIterator[str]:
    async with listening(_answer, tls) as port:
        yield f"https://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def _there(bed: RealBed, made: Mapping[str, Json]) -> AsyncIterator[None]:
    """Yield with these objects of the cluster, by folder."""
    with Api(bed.plane.kubeconfig) as admin:
        try:
            for folder, body in made.items():
                await asyncio.to_thread(admin.post, folder, body)
            yield
        finally:
            for folder, body in made.items():
                await asyncio.to_thread(admin.delete, f"{folder}/{body['metadata']['name']}")


async def refusal_of(bed: RealBed, namespace: str, pod: str) -> str:
    """Returns why the API server would refuse to evict the pod; empty if it would not."""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
        "deleteOptions": {"dryRun": ["All"]},
    }
    with Api(bed.plane.kubeconfig) as admin:
        try:
            await asyncio.to_thread(admin.post, f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction", body)
        except ClusterError as error:
            return str(error)
    return ""


async def wait_refused(bed: RealBed, pods: Mapping[str, str]) -> None:
    """Until none of these pods, by name with their namespaces, can be evicted: a new rule takes a moment."""

    async def so() -> bool:
        return all([await refusal_of(bed, namespace, pod) for pod, namespace in pods.items()])

    await bed.wait_until(so)
