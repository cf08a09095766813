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


_NOTHING = {"Ref": "AWS::NoValue"}


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
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def template(path: Path) -> dict[str, Any]:
    """A CloudFormation template, its functions in the long form."""
    loaded = yaml.load(path.read_text(), _Loader)
    assert isinstance(loaded, dict)
    return loaded


def without_nothing(template: dict[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The template without the entries that come to AWS::NoValue, for moto takes them for null."""
    holds = _conditions(template, given)

    def chosen(value: Any) -> Any:
        if not isinstance(value, dict) or "Fn::If" not in value:
            return value
        condition, then, otherwise = value["Fn::If"]
        return chosen(then if holds[condition] else otherwise)

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            found = {key: chosen(each) for key, each in value.items()}
            return {key: clean(each) for key, each in found.items() if each != _NOTHING}
        if isinstance(value, list):
            return [clean(each) for each in map(chosen, value) if each != _NOTHING]
        return value

    cleaned = clean(template)
    assert isinstance(cleaned, dict)
    return cleaned


def _conditions(template: dict[str, Any], given: Mapping[str, str]) -> dict[str, bool]:
    """Whether each holds. Ours compare a parameter with a text, or join other conditions."""
    parameters = template["Parameters"].items()
    known = {name: given.get(name, said.get("Default", "")) for name, said in parameters}

    def met(said: dict[str, Any]) -> bool:
        ((function, parts),) = said.items()
        if function == "Condition":
            return met(template["Conditions"][parts])
        if function == "Fn::Or":
            return any(map(met, parts))
        if function == "Fn::Not":
            return not met(parts[0])
        assert function == "Fn::Equals", function
        (parameter,) = re.findall(r'"Ref": "(\w+)"', as_json(parts[0]))
        return bool(known[parameter] == parts[1])

    return {name: met(said) for name, said in template["Conditions"].items()}


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
