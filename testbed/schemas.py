"""Checks objects against the API schemas of several Kubernetes versions, without a server.

    for version in VERSIONS:
        assert validate(document, version) == []

The schemas are each version's own api/openapi-spec/swagger.json; `python -m testbed build` brings
them. Stricter than a server: an unknown field and a null are violations. Looser in one thing: the
specification has no lists of allowed words; the dry run (`testbed.dry_run`) knows those.
"""

import base64
import datetime as dt
import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT4

from testbed.build import SCHEMAS, assets_folder
from testbed.crds import crd_documents

VERSIONS = tuple(SCHEMAS)

_ROOT = "urn:kubernetes"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_NUMBER = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)"
_OWN = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["integer", "string"]},
    # https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "type": ["number", "string"],
        "pattern": rf"^[+-]?{_NUMBER}([KMGTPE]i|[numkMGTPE]|[eE][+-]?{_NUMBER})?$",
    },
}
"""Types that the specification calls a string, and the server takes as a number too."""
_LONG_CHARS = 200

Json = Any
"""A schema: a document in a format that is not ours."""
Kind = tuple[object, object]
"""apiVersion and kind."""


def validate(document: Mapping[str, object], version: str) -> list[str]:
    """Returns every violation as one line that begins with its path; `version` is one of VERSIONS."""
    kind = (document.get("apiVersion"), document.get("kind"))
    validator = _validators(assets_folder(), version).get(kind)
    if validator is None:
        return [f"kind: there is no {kind[1]} of {kind[0]} in Kubernetes {version}"]
    return sorted(map(_line, validator.iter_errors(document)))


def _line(error: ValidationError) -> str:
    path = error.json_path.removeprefix("$").removeprefix(".") or "object"
    words = error.message
    if len(words) > _LONG_CHARS:
        # The beginning quotes the value, the end names the fault.
        words = f"{words[: _LONG_CHARS // 2]} … {words[-_LONG_CHARS // 2 :]}"
    return f"{path}: {words}"


@functools.cache
def _validators(assets: Path, version: str) -> Mapping[Kind, Draft4Validator]:
    """Returns validators by kind; half a second for each version, once."""
    swagger = json.loads((assets / SCHEMAS[version].name).read_bytes())
    definitions = {name: _closed(found) for name, found in swagger["definitions"].items()} | _OWN
    kinds = {kind: name for name, found in definitions.items() for kind in _kinds(found)}
    for crd in crd_documents(assets):
        for served in crd["spec"]["versions"]:
            name = f"{crd['metadata']['name']}.{served['name']}"
            definitions[name] = _of_crd(served["schema"]["openAPIV3Schema"])
            kinds[f"{crd['spec']['group']}/{served['name']}", crd["spec"]["names"]["kind"]] = name
    resource = DRAFT4.create_resource({"definitions": definitions})
    registry: Registry[Json] = Registry().with_resource(_ROOT, resource)
    return {
        kind: Draft4Validator(
            {"$ref": f"{_ROOT}#/definitions/{name}"}, registry=registry, format_checker=_FORMATS
        )
        for kind, name in kinds.items()
    }


def _kinds(definition: Json) -> Iterator[Kind]:
    for kind in definition.get("x-kubernetes-group-version-kind", ()):
        group = f"{kind['group']}/" if kind["group"] else ""
        yield f"{group}{kind['version']}", kind["kind"]


def _of_crd(schema: Json) -> Json:
    """Returns a custom kind's schema; the server puts the usual metadata into it."""
    closed = _closed(schema)
    closed["properties"]["metadata"] = {"$ref": f"#/definitions/{_META}"}
    return closed


def _closed(schema: Json) -> Json:
    """Returns the same schema, which allows no field that it does not name, at any depth."""
    closed = dict(schema)
    if "properties" in schema:
        closed["properties"] = {name: _closed(found) for name, found in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed.setdefault("additionalProperties", False)
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            closed[part] = _closed(schema[part])
    return closed


def _in_32_bits(value: Json) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


def _in_64_bits(value: Json) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _is_base64(value: Json) -> bool:
    return not isinstance(value, str) or base64.b64decode(value, validate=True) is not None


def _is_instant(value: Json) -> bool:
    return not isinstance(value, str) or dt.datetime.fromisoformat(value).tzinfo is not None


_FORMATS = FormatChecker(formats=())
"""The formats of the specification that mean something; they check values of their own type only."""
for _name, _check in {
    "int32": _in_32_bits,
    "int64": _in_64_bits,
    "byte": _is_base64,
    "date-time": _is_instant,
}.items():
    _FORMATS.checks(_name, raises=ValueError)(_check)
