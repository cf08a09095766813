"""What deploy/aws, the documents and the adapter say, read without deploying anything."""

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from nth.adapters.aws_models import MODELS

ROOT = Path(__file__).parents[2]
AWS = ROOT / "deploy" / "aws"
QUEUE_TEMPLATE = AWS / "queue.cfn.yaml"
HOOKS_TEMPLATE = AWS / "hooks.cfn.yaml"
TERRAFORM = AWS / "terraform"
GUIDE = ROOT / "docs" / "queue-mode.md"
PERMISSIONS = ROOT / "docs" / "permissions.md"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".")
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def template(path: Path) -> dict[str, Any]:
    """A CloudFormation template, its functions in the long form."""
    loaded = yaml.load(path.read_text(), _Loader)
    assert isinstance(loaded, dict)
    return loaded


def without_nothing(template: dict[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The template without the entries of lists that come to AWS::NoValue, for moto takes them for null.

    A condition of ours holds when its one parameter is given, and not as "false".
    """
    holds = {
        name: given.get(str(re.findall(r'"Ref": "(\w+)"', as_json(said))[0]), "") not in ("", "false")
        for name, said in template["Conditions"].items()
    }

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(each) for key, each in value.items()}
        if isinstance(value, list):
            return [clean(each) for each in value if not is_nothing(each)]
        return value

    def is_nothing(value: Any) -> bool:
        if not isinstance(value, dict) or "Fn::If" not in value:
            return False
        condition, then, otherwise = value["Fn::If"]
        return bool((then if holds[condition] else otherwise) == {"Ref": "AWS::NoValue"})

    cleaned = clean(template)
    assert isinstance(cleaned, dict)
    return cleaned


def resources(kind: str, path: Path = QUEUE_TEMPLATE) -> dict[str, dict[str, Any]]:
    """Properties of all resources of a kind, by their logical names."""
    found = template(path)["Resources"].items()
    return {name: each["Properties"] for name, each in found if each["Type"] == kind}


def patterns() -> list[dict[str, Any]]:
    """What the template's rules match."""
    return [rule["EventPattern"] for rule in resources("AWS::Events::Rule").values()]


def statements(policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By their Sid, conditional ones as if they were wanted."""
    plain = [each["Fn::If"][1] if "Fn::If" in each else each for each in policy["Statement"]]
    return {each["Sid"]: each for each in plain}


def actions(policy: dict[str, Any]) -> set[str]:
    """All that a policy document allows."""
    found: set[str] = set()
    for each in statements(policy).values():
        found |= {each["Action"]} if isinstance(each["Action"], str) else set(each["Action"])
    return found


def table(heading: str, guide: Path = GUIDE) -> list[list[str]]:
    """The cells of the guide's first table under that heading, without its head."""
    section = guide.read_text().split(f"\n{heading}\n", 1)[1]
    lines = section[section.index("\n|") + 1 :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def quoted(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def called_actions() -> set[str]:
    """The IAM actions of all operations that the adapter describes to botocore.

    A batch needs the action of a single message.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
    """
    return {
        f"{service}:{operation.removesuffix('Batch')}"
        for service in MODELS
        for operation in _operations(service)
    }


def described_operations() -> set[str]:
    """All operations that the adapter describes to botocore."""
    return {operation for service in MODELS for operation in _operations(service)}


def mentioned_operations() -> set[str]:
    """The operations that the adapter names to call them."""
    tree = ast.walk(ast.parse((ROOT / "src/nth/adapters/aws.py").read_text()))
    return {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _operations(service: str) -> list[str]:
    operations = MODELS[service]["operations"]
    assert isinstance(operations, dict)
    return list(operations)


def as_json(value: object) -> str:
    """The same text for the same value."""
    return json.dumps(value, sort_keys=True)
