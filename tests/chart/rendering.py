"""The chart's objects for some values, and ways to what is in them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from testbed.helm import NAMESPACE, RELEASE, Done, Helm
from testbed.yaml_documents import load_documents
from tools.chart.write import CHART

Object = dict[str, Any]
Values = Mapping[str, Any]

QUEUE_URL = "https://sqs.eu-central-1.amazonaws.com/111122223333/nth"
QUEUE: Values = {"enableSqsTerminationDraining": True, "queueURL": QUEUE_URL}
"""The least that queue mode needs."""


class Chart:
    """What helm makes of a chart; values are a mapping with names as in values.yaml."""

    def __init__(self, helm: Helm, folder: Path = CHART) -> None:
        self._helm = helm
        self._folder = folder
        self._known: dict[str, list[Object]] = {}

    def objects(self, values: Values, *more: str, release: str = RELEASE) -> list[Object]:
        """In helm's order; `more` are its own arguments. Rendered once, so leave them as they are."""
        key = json.dumps([values, more, release])
        if key not in self._known:
            done = self.attempt(values, *more, release=release)
            assert done.returncode == 0, done.stderr
            self._known[key] = load_documents(done.stdout)
        return self._known[key]

    def attempt(self, values: Values, *more: str, release: str = RELEASE) -> Done:
        """`helm template`, whatever comes of it."""
        told = ("--namespace", NAMESPACE, "--values", "-", *more)
        return self._helm.run("template", release, self._folder, *told, stdin=json.dumps(values))

    def one(self, kind: str, values: Values) -> Object:
        """The only object of that kind."""
        (found,) = of_kind(self.objects(values), kind)
        return found

    def workload(self, values: Values, *more: str) -> Object:
        """The only DaemonSet or Deployment."""
        (found,) = workloads(self.objects(values, *more))
        return found

    def pod(self, values: Values, *more: str) -> Object:
        """Its pods' spec."""
        return pod_of(self.workload(values, *more))

    def container(self, values: Values) -> Object:
        return container_of(self.workload(values))

    def environment(self, values: Values, *more: str) -> dict[str, Any]:
        """By variable: its value, or the mapping that says where it comes from."""
        return environment_of(self.workload(values, *more))


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


def workloads(objects: list[Object]) -> list[Object]:
    return [each for each in objects if each["kind"] in ("DaemonSet", "Deployment")]


def kinds(objects: list[Object]) -> list[str]:
    return sorted(each["kind"] for each in objects)


def pod_of(workload: Object) -> Object:
    found: Object = workload["spec"]["template"]["spec"]
    return found


def container_of(workload: Object) -> Object:
    (found,) = pod_of(workload)["containers"]
    container: Object = found
    return container


def environment_of(workload: Object) -> dict[str, Any]:
    """A variable that is there twice is an error."""
    env = container_of(workload)["env"]
    found = {each["name"]: each.get("value", each.get("valueFrom")) for each in env}
    assert len(found) == len(env), [each["name"] for each in env]
    return found
