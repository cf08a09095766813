"""The command as a person or a kubelet starts it: exit codes, and what is written where."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from nth import __version__
from nth.cli import main
from tests.servers.http import Reply, Request, serving

TIMEOUT_SECONDS = 20.0


def environment(**variables: str) -> dict[str, str]:
    """Ours, without any setting of the machine that the tests run on."""
    names = ("PATH", "HOME", "PYTHONPATH", "LANG", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in names if name in os.environ} | variables


def nth(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nth", *arguments]
    return subprocess.run(
        command,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("flag", ["-h", "-help", "--help"])
def test_help_goes_to_stdout(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag]) == 0
    written = capsys.readouterr()
    assert "--taint-effect" in written.out
    assert "TAINT_EFFECT" in written.out
    assert max(len(line) for line in written.out.splitlines()) <= 100
    assert written.err == ""


@pytest.mark.parametrize("flag", ["-version", "--version"])
def test_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag]) == 0
    assert capsys.readouterr().out == f"aws-node-termination-handler {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--taint-node"], ["--node-name", "NODE_NAME"]),
        (["--node-name=one", "--metadata-poll-interval=0"], ["METADATA_POLL_INTERVAL", "'0'", "allowed: "]),
        (
            ["--node-name=one", "--taint-node", "--taint-effect=Never"],
            ["TAINT_EFFECT", "'Never'", "NoSchedule"],
        ),
        (["--node-name=one", "--no-such-flag"], ["--no-such-flag"]),
    ],
    ids=["no node", "range", "choice", "unknown flag"],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(arguments: list[str], parts: list[str]) -> None:
    ended = nth(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("nth: ")
    for part in parts:
        assert part in line


def test_a_wrong_variable_is_one_line_and_exit_code_2() -> None:
    ended = nth(NODE_NAME="one", DRY_RUN="perhaps")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "DRY_RUN" in line
    assert "'perhaps'" in line


@pytest.mark.parametrize(
    ("arguments", "variables", "parts"),
    [
        (["--node-name=one", "--log-level=loud"], {"JSON_LOGGING": "true"}, ["LOG_LEVEL", "'loud'"]),
        (["--json-logging", "--dry-runn"], {}, ["'--dry-runn'; did you mean --dry-run (DRY_RUN)?"]),
        (["-json-logging=1"], {"JSON_LOGGING": "false"}, ["--node-name (NODE_NAME)"]),
        (["--node-name=one"], {"JSON_LOGGING": "T", "LOG_LEVEL": "error"}, ["KUBECONFIG: not set"]),
    ],
    ids=["wrong value", "unknown flag", "no node", "no cluster"],
)
def test_a_failed_start_is_one_line_of_json_where_the_log_is_json(
    arguments: list[str], variables: dict[str, str], parts: list[str]
) -> None:
    ended = nth(*arguments, **variables)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    told = json.loads(line)
    assert told.keys() == {"level", "time", "message"}
    assert told["level"] == "error"
    assert abs(datetime.fromisoformat(told["time"]).timestamp() - time.time()) < 60
    for part in parts:
        assert part in told["message"]


def test_a_stray_word_in_a_containers_arguments_is_a_line_of_json_too() -> None:
    command = [sys.executable, "-c", "import sys; from nth.cli import handler; sys.exit(handler())", "start"]
    ended = subprocess.run(
        command,
        env=environment(JSON_LOGGING="true", NODE_NAME="one"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert ended.returncode == 2
    assert json.loads(ended.stderr)["message"].startswith("no such command 'start'; ")


@pytest.mark.parametrize("variables", [{"JSON_LOGGING": "perhaps"}, {"JSON_LOGGING": "0"}, {}])
def test_a_failed_start_is_one_line_of_text_otherwise(variables: dict[str, str]) -> None:
    ended = nth("--json-logging=false", "--log-level=loud", **variables)
    assert ended.stderr.startswith("nth: --log-level (LOG_LEVEL) is 'loud'")


def test_without_a_way_to_a_cluster_it_says_so_in_one_line() -> None:
    ended = nth("--node-name=one", "--log-level=warn")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("nth: ")


# A running handler


def kubernetes(request: Request) -> Reply:
    """An API server that has one node, and nothing on it."""
    node = {"metadata": {"name": "one", "uid": "u", "resourceVersion": "1"}, "spec": {}}
    pods = {"metadata": {"resourceVersion": "1"}, "items": []}
    body = pods if "pods" in request.path else node
    return Reply(body=json.dumps(body).encode(), headers=(("Content-Type", "application/json"),))


@contextlib.contextmanager
def kubeconfig(path: Path, url: str) -> Iterator[str]:
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        f"clusters: [{{name: c, cluster: {{server: '{url}'}}}}]\n"
        "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n"
    )
    yield str(path)


async def run_until_watching(path: Path, number: signal.Signals) -> tuple[int, str, str]:
    """Start a handler, and send it a signal as soon as it watches: (exit code, stdout, stderr)."""
    async with serving(kubernetes) as api, serving(lambda request: Reply(status=404)) as metadata:
        with kubeconfig(path, api.url) as config:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "nth", "--node-name=one", f"--kubeconfig={config}"),
                f"--metadata-url={metadata.url}",
                env=environment(),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            seen = b""
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while b"Started watching for interruption events" not in seen:
                    line = await process.stdout.readline()
                    assert line
                    seen += line
                process.send_signal(number)
                rest, errors = await process.communicate()
            assert process.returncode is not None
            return process.returncode, (seen + rest).decode(), errors.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_peace(tmp_path: Path, number: signal.Signals) -> None:
    code, written, errors = asyncio.run(run_until_watching(tmp_path / "kubeconfig", number))
    assert code == 0
    assert "Traceback" not in written + errors
    lines = [line.split(" ", 3)[3] for line in written.splitlines()]
    assert lines[0].startswith(f"aws-node-termination-handler {__version__} starts ")
    assert lines[-2:] == [f"{number.name} received, taking no new work", "Stopped"]
