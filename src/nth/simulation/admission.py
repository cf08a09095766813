"""Refuses requests of the handler, as an admission webhook or policy does.

The texts are the API server's, recorded from kube-apiserver 1.34.
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from dataclasses import dataclass
from typing import Literal

from nth.errors import AdmissionFailed, Denied

Resource = Literal["pods/eviction", "pods", "nodes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionSpec:
    """A webhook or a ValidatingAdmissionPolicy that refuses."""

    name: str
    resources: frozenset[Resource] = frozenset({"pods/eviction"})
    kind: Literal["webhook", "policy"] = "webhook"
    message: str = ""
    """Its own words; empty = none, which only a webhook may have."""
    reachable: bool = True
    """False: nothing answers where the webhook should be, and its failurePolicy is Fail."""


def admit(spec: AdmissionSpec | None, resource: Resource, name: str) -> None:
    """Raise Denied or AdmissionFailed if the request for the object of that name may not pass."""
    if spec is None or resource not in spec.resources:
        return
    if spec.kind == "policy":
        kind = "nodes" if resource == "nodes" else "pods"
        policy = f"ValidatingAdmissionPolicy '{spec.name}' with binding '{spec.name}'"
        raise Denied(f'{kind} "{name}" is forbidden: {policy} denied request: {spec.message}')
    if not spec.reachable:
        raise AdmissionFailed(
            f'Internal error occurred: failed calling webhook "{spec.name}": failed to call webhook: Post '
            '"https://127.0.0.1:1/?timeout=1s": dial tcp 127.0.0.1:1: connect: connection refused'
        )
    why = f": {spec.message}" if spec.message else " without explanation"
    raise Denied(f'admission webhook "{spec.name}" denied the request{why}')
