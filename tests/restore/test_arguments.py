"""The command line of `nth restore`: which cluster it means, and wrong arguments."""

import json
import os
from pathlib import Path

import pytest

from nth import cli
from nth.adapters.kubernetes_credentials import find_access
from nth.errors import SettingError
from nth.restore.arguments import kubeconfig_of

Captured = pytest.CaptureFixture[str]


def kubeconfig(path: Path, *, current: str = "", **servers: str) -> str:
    """A file with a context for each server."""
    path.write_text(
        json.dumps(
            {
                "current-context": current or None,
                "clusters": [
                    {"name": f"c-{name}", "cluster": {"server": url}} for name, url in servers.items()
                ],
                "users": [{"name": "u", "user": {}}],
                "contexts": [
                    {"name": name, "context": {"cluster": f"c-{name}", "user": "u"}} for name in servers
                ],
            }
        )
    )
    return str(path)


def server_of(paths: str, context: str = "") -> str:
    return find_access(kubeconfig=paths, context=context, service_host="", service_port="").server


def test_the_kubeconfig_is_the_one_that_kubectl_uses(tmp_path: Path) -> None:
    assert kubeconfig_of("", {}, tmp_path) == ""
    (tmp_path / ".kube").mkdir()
    default = tmp_path / ".kube" / "config"
    default.touch()
    assert kubeconfig_of("", {"KUBECONFIG": ""}, tmp_path) == str(default)
    assert kubeconfig_of("", {"KUBECONFIG": "a:b"}, tmp_path) == "a:b"
    assert kubeconfig_of("given", {"KUBECONFIG": "a:b"}, tmp_path) == "given"


def test_a_context_is_looked_up_in_all_files_of_the_variable(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path / "first", one="http://one:1", two="http://two:2")
    second = kubeconfig(tmp_path / "second", current="three", three="http://three:3", two="http://other:9")
    paths = os.pathsep.join([str(tmp_path / "missing"), first, "", second])
    assert server_of(paths) == "http://three:3"
    assert server_of(paths, "one") == "http://one:1"
    assert server_of(paths, "two") == "http://two:2", "the first file counts"
    with pytest.raises(SettingError, match="Context 'four' not found"):
        server_of(paths, "four")
    with pytest.raises(SettingError, match="No current context"):
        server_of(first)
    with pytest.raises(SettingError, match="missing not found"):
        server_of(str(tmp_path / "missing"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "restore: no node; allowed: names of nodes, or --all"),
        (["--all", "one"], "restore: --all and nodes; allowed: names of nodes, or --all"),
        (["one"], "restore: no kubeconfig; allowed: --kubeconfig, KUBECONFIG, or ~/.kube/config"),
        (["one", "--context=c"], "restore: no kubeconfig; allowed:"),
        (["one", "--kubeconfig=/no/such"], "KUBECONFIG: /no/such cannot be used: ConfigError"),
        (["--al"], "restore: no such option '--al'; did you mean --all?"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["restore", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"nth: {message}")


def test_a_server_that_does_not_answer_is_one_line_and_exit_code_1(tmp_path: Path, capsys: Captured) -> None:
    path = kubeconfig(tmp_path / "config", current="one", one="http://127.0.0.1:1")
    assert cli.main(["restore", "--all", f"--kubeconfig={path}"]) == 1
    written = capsys.readouterr()
    assert written.out == ""
    (line,) = written.err.splitlines()
    assert line.startswith("nth: restore: the nodes cannot be listed: ")
    assert cli.main(["restore", "a", f"--kubeconfig={path}", "--context=one"]) == 1
    assert capsys.readouterr().out.startswith("a: failed: ")
