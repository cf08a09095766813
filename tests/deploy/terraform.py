"""Applies deploy/aws/terraform without AWS's provider: an empty module stands in for each of its resources.

Terraform itself evaluates all references, conditions and documents; what AWS would say it cannot tell.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.deploy.sources import TERRAFORM

ACCOUNT = "123456789012"
_RESOURCE = re.compile(r'^resource "(\w+)" "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_META = {"count", "for_each"}
_OUTPUTS = """
output "arn" { value = "arn:aws:%s:eu-west-1:%s:${coalesce(var.name, "unnamed")}" }
output "id" { value = "id of ${coalesce(var.name, "unnamed")}" }
output "url" { value = "url of ${coalesce(var.name, "unnamed")}" }
output "name" { value = var.name }
output "given" { value = { for name, value in %s : name => value if value != null } }
"""


def terraform(*arguments: str, cwd: Path, given: str = "") -> str:
    """What it prints. It asks no network and reads no configuration of the developer's."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(
        ["terraform", *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def apply(folder: Path, **variables: object) -> Mapping[str, Any]:
    """What each resource was given: by `type.name`; a list where it has a count, a map with for_each."""
    names: dict[str, str] = {}
    attributes: dict[str, set[str]] = {}
    for path in TERRAFORM.glob("*.tf"):
        text = path.read_text()
        for kind, name, body in _RESOURCE.findall(text):
            names[f"{kind}.{name}"] = f"{kind}__{name}"
            attributes.setdefault(kind, {"name"}).update(re.findall(r"^  (\w+)\s*=", body, re.MULTILINE))
        if path.name != "versions.tf":
            (folder / path.name).write_text(_with_modules(text))
    for kind, known in attributes.items():
        _write_stand_in(folder / kind, kind, sorted(known - _META))
    told = "\n".join(f'  "{name}" = module.{module}' for name, module in names.items())
    (folder / "told.tf").write_text(f'output "told" {{\n  value = {{\n{told}\n  }}\n}}\n')
    (folder / "given.tfvars.json").write_text(json.dumps(variables))

    terraform("init", cwd=folder)
    terraform("apply", "-auto-approve", "-var-file=given.tfvars.json", cwd=folder)
    result: dict[str, Any] = json.loads(terraform("output", "-json", "told", cwd=folder))
    return {name: _given(value) for name, value in result.items()}


def is_installed() -> bool:
    """Whether it is on the PATH."""
    return shutil.which("terraform") is not None


def _with_modules(text: str) -> str:
    text = re.sub(
        r'^resource "(\w+)" "(\w+)" \{', r'module "\1__\2" {\n  source = "./\1"', text, flags=re.MULTILINE
    )
    return re.sub(r"\b(aws_[a-z_]+)\.([a-z_]+)", r"module.\1__\2", text)


def _write_stand_in(folder: Path, kind: str, attributes: list[str]) -> None:
    folder.mkdir()
    variables = "\n".join(f'variable "{name}" {{ default = null }}' for name in attributes)
    values = "{ " + ", ".join(f"{name} = var.{name}" for name in attributes) + " }"
    service = kind.split("_")[1]
    (folder / "main.tf").write_text(variables + _OUTPUTS % (service, ACCOUNT, values))


def _given(value: Any) -> Any:
    if isinstance(value, list):
        return [_given(each) for each in value]
    if "given" in value:
        return {name: _parsed(each) for name, each in value["given"].items()}
    return {key: _given(each) for key, each in value.items()}


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
