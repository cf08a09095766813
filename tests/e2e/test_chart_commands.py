"""The tools that make what the chart's tests judge: helm, kubectl, YAML, files of Go modules."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.build import BuildError, ModuleFile, assets_folder
from testbed.control_plane import ControlPlane
from testbed.helm import CommandError, Helm, Kubectl
from testbed.yaml_documents import load_documents

Object = dict[str, Any]

WORDS = (
    *("y", "Y", "yes", "on", "True", "n", "No", "off", "FALSE", "null", "~", "''", "yes it is", "nul", "'1'"),
    *("0", "7", "-7", "+7", "010", "08", "0o10", "0x1F", "0b11", "1_0", "123456789012", "1.", ".5", "1.5"),
    *("1e3", "1e-3", "-1.5E+3", "1e", "e3", "0x", "+", ".", "1.2.3", "1Gi", "50m"),
    *("2025-01-01", "2025-01-01T10:00:00Z", "12:30:45", "190:20:30", "10:30", "<"),
)


def test_yaml_is_read_as_helm_reads_it(chart: Path, tmp_path: Path) -> None:
    text = "".join(f'"= {word}": {word}\n' for word in (*WORDS, ""))
    (chart / "words.yaml").write_text(text)
    template = '{"data": {{ .Files.Get "words.yaml" | fromYaml | toJson }}}\n'
    (chart / "templates" / "map.yaml").write_text(template)
    rendered = Helm(assets_folder(), tmp_path).render(chart)
    by_helm = json.loads(rendered[rendered.index("{") :])["data"]
    (by_us,) = load_documents(text)
    assert typed(by_us) == typed(by_helm)
    assert load_documents("---\n---\na: &x {b: 1}\nc: {<<: *x}\n") == [{"a": {"b": 1}, "c": {"b": 1}}]


def typed(found: Object) -> dict[str, tuple[object, bool, bool]]:
    """To compare with: True is 1 for Python, and the two kinds of numbers are one for JSON."""
    return {word: (value, isinstance(value, bool), value is None) for word, value in found.items()}


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="the key 'a' is there twice"):
        load_documents("outer:\n  a: 1\n  b: 2\n  a: 1\n")


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(
        'apiVersion: v2\nname: small\nversion: 1.0.0\nkubeVersion: ">=1.29-0"\n'
    )
    (chart / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n"
        "  namespace: {{ .Release.Namespace }}\n"
        "data:\n  kubernetes: {{ .Capabilities.KubeVersion.Version | quote }}\n"
        "  word: {{ .Values.word | quote }}\n"
        "---\n{{ if .Values.second }}second: true{{ end }}\n"
    )
    return chart


def test_helm_renders_for_a_kubernetes_of_today(chart: Path, tmp_path: Path) -> None:
    helm = Helm(assets_folder(), tmp_path)
    assert helm.must("version", "--short").strip() == "v3.19.2"
    (document,) = helm.template(chart, "--set", "word=hello")
    assert document["metadata"] == {"name": "aws-node-termination-handler", "namespace": "kube-system"}
    assert document["data"] == {"kubernetes": "v1.34.0", "word": "hello"}
    (document,) = helm.template(chart, "--kube-version", "1.29.15", "--namespace", "other")
    assert document["metadata"] == {"name": "aws-node-termination-handler", "namespace": "other"}
    with pytest.raises(CommandError, match=r"chart requires kubeVersion: >=1\.29-0"):
        helm.template(chart, "--kube-version", "1.28.0")


def test_helm_and_kubectl_see_the_cluster_that_they_are_given_and_no_other(
    control_plane: ControlPlane, chart: Path, tmp_path: Path
) -> None:
    helm = Helm(assets_folder(), tmp_path, control_plane.kubeconfig)
    kubectl = Kubectl(assets_folder(), tmp_path, control_plane.kubeconfig)
    helm.must("install", "small-release", chart, "--set", "word=hello")
    try:
        assert kubectl.must("get", "configmap", "small-release", "-o", "jsonpath={.data.word}") == "hello"
        changed_map = kubectl.must("get", "configmap", "small-release", "-o", "yaml").replace(
            "hello", "world"
        )
        assert kubectl.run("apply", "-f", "-", stdin=changed_map).returncode == 0
        assert kubectl.must("get", "configmap", "small-release", "-o", "jsonpath={.data.word}") == "world"
    finally:
        helm.must("uninstall", "small-release")
    for nowhere in (Helm(assets_folder(), tmp_path), Kubectl(assets_folder(), tmp_path)):
        assert nowhere.run("version" if isinstance(nowhere, Kubectl) else "list").returncode == 1


def test_a_file_of_another_module_than_the_pinned_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "carried").write_text("content")
    go = tmp_path / "go"
    go.write_text(f'#!/bin/sh\necho \'{{"Sum": "h1:here", "Dir": "{tmp_path}"}}\'\n')
    go.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    target = tmp_path / "target"
    with pytest.raises(BuildError, match=r"a\.invalid/b@v1 is h1:here, and not h1:there as it must be"):
        ModuleFile("c", "a.invalid/b@v1", "h1:there", "carried").bring(target)
    assert not target.exists()
    ModuleFile("c", "a.invalid/b@v1", "h1:here", "carried").bring(target)
    assert target.read_text() == "content"
