"""An admission webhook on the loopback, or a policy, that refuses requests of the handler's accounts.

The webhook's certificate is the API server's own, which is made for 127.0.0.1.
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from nth.core.facts import Pod
from nth.errors import AdmissionFailed, Denied, Missing
from testbed.api import Api
from tests.contract.bed import Guard

_GROUP = "/apis/admissionregistration.k8s.io/v1"
_NAME = "testbed"
_OURS = 'request.userInfo.username.startsWith("system:serviceaccount:kube-system:")'
_CONDITIONS = [{"name": "ours", "expression": _OURS}]
_DRY = {"dryRun": ["All"]}
_CHANGE = {"metadata": {"annotations": {_NAME: "tried"}}}
_NOWHERE = "https://127.0.0.1:1/"

Document = dict[str, object]


class AdmissionWebhook:
    """Answers every review with one denial."""

    def __init__(self, authority: Path) -> None:
        self.denial: Mapping[str, object] = {}
        self._authority = authority
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority, authority.with_suffix(".key"))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, name="admission webhook")
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def client_config(self, *, reachable: bool) -> Document:
        url = f"https://127.0.0.1:{self._server.server_address[1]}/" if reachable else _NOWHERE
        return {"url": url, "caBundle": base64.b64encode(self._authority.read_bytes()).decode()}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                response = {
                    "uid": review["request"]["uid"],
                    "allowed": False,
                    "status": dict(webhook.denial),
                }
                body = json.dumps({**_REVIEW, "response": response}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing: pytest shows what is on stderr."""

        return Handler


_REVIEW = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}


def install(api: Api, webhook: AdmissionWebhook, guard: Guard) -> None:
    """Create or replace the configuration; the API server knows it a moment later."""
    if guard.kind == "policy":
        remove(api)
        for kind, spec in (("Policy", _policy(guard)), ("PolicyBinding", _binding(guard))):
            kind = f"ValidatingAdmission{kind}"
            folder = f"{kind.lower().removesuffix('y')}{'ies' if kind.endswith('y') else 's'}"
            api.apply(f"{_GROUP}/{folder}/{guard.name}", _document(kind, guard.name, {"spec": spec}))
        return
    webhook.denial = {
        key: value for key, value in (("code", guard.code), ("message", guard.message)) if value
    }
    hook: Document = {
        "name": guard.name,
        "clientConfig": webhook.client_config(reachable=guard.reachable),
        "rules": [_rule(guard)],
        "matchConditions": _CONDITIONS,
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    kind = "ValidatingWebhookConfiguration"
    api.apply(f"{_GROUP}/{kind.lower()}s/{_NAME}", _document(kind, _NAME, {"webhooks": [hook]}))


def remove(api: Api) -> None:
    """Take every configuration away."""
    for folder in (
        "validatingwebhookconfigurations",
        "validatingadmissionpolicybindings",
        "validatingadmissionpolicies",
    ):
        with contextlib.suppress(Missing):
            api.delete(f"{_GROUP}/{folder}", labelSelector=f"{_NAME}=yes")


def is_in_force(api: Api, pod: Pod, guard: Guard | None) -> bool:
    """Returns whether requests of the handler, whose client this is, are answered as the guard wants it."""
    path = f"/api/v1/namespaces/{pod.ref.namespace}/pods/{pod.ref.name}"
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.ref.name, "namespace": pod.ref.namespace},
        "deleteOptions": _DRY,
    }
    asking: dict[str, Callable[[], object]] = {
        "pods/eviction": lambda: api.post(f"{path}/eviction", eviction),
        "pods": lambda: api.delete(path, _DRY),
        "nodes": lambda: api.merge(f"/api/v1/nodes/{pod.node_name}?dryRun=All", _CHANGE),
    }
    return all(
        _says(ask, guard if guard and resource in guard.resources else None)
        for resource, ask in asking.items()
    )


def _says(ask: Callable[[], object], guard: Guard | None) -> bool:
    try:
        ask()
    except (Denied, AdmissionFailed) as error:
        return guard is not None and guard.name in str(error) and guard.message in str(error)
    return guard is None


def _document(kind: str, name: str, more: Document) -> Document:
    metadata = {"name": name, "labels": {_NAME: "yes"}}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        **more,
    }


def _rule(guard: Guard) -> Document:
    operations = ["CREATE", "UPDATE", "DELETE"]
    return {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": operations,
        "resources": sorted(guard.resources),
    }


def _policy(guard: Guard) -> Document:
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [_rule(guard)]},
        "matchConditions": _CONDITIONS,
        "validations": [{"expression": "false", "message": guard.message}],
    }


def _binding(guard: Guard) -> Document:
    return {"policyName": guard.name, "validationActions": ["Deny"]}
