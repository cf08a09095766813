"""The tools' command line: the overview, suggestions, completion, and output that nobody reads any more."""

import os
import signal
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from nth import __version__, cli
from nth.cli import STARTS_WITH, is_for_a_tool
from nth.commands import TOOLS, complete_for_kubectl
from nth.errors import SettingError
from nth.settings import read_settings
from nth.settings.table import TABLE

Captured = pytest.CaptureFixture[str]
ROOT = Path(__file__).parent.parent
BARE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
"""The environment without any setting."""


# Whether a tool or the handler is meant


@pytest.mark.parametrize(
    "arguments", [["report"], ["reprot", "--html", "x"], ["help"], ["demo", "--", "--x"]]
)
def test_a_first_word_without_a_dash_is_for_a_tool(arguments: list[str]) -> None:
    assert is_for_a_tool(arguments, {"NODE_NAME": "one"})


@pytest.mark.parametrize("arguments", [["--node-name=one"], ["-dry-run"], ["--help"], [""]])
def test_a_flag_is_for_the_handler(arguments: list[str]) -> None:
    assert not is_for_a_tool(arguments, {})


@pytest.mark.parametrize("name", STARTS_WITH)
def test_without_arguments_the_handler_starts_wherever_it_can(name: str) -> None:
    assert not is_for_a_tool([], {name: "true"})
    assert is_for_a_tool([], {name: "", "KUBECONFIG": "x", "AWS_REGION": "eu-west-1"})


def test_without_these_variables_the_handler_cannot_start() -> None:
    others = {row.variable: "" for row in TABLE if row.variable not in STARTS_WITH}
    with pytest.raises(SettingError, match=r"--node-name \(NODE_NAME\)"):
        read_settings([], others)
    for name in STARTS_WITH:
        url = "https://sqs.eu-west-1.amazonaws.com/1/q"
        assert read_settings([], {name: "true", "QUEUE_URL": url}).settings.queue_url == url


def alone(program: str, **environment: str) -> tuple[int, str, str]:
    """Returns the exit code of `program` without arguments, its output and its complaints."""
    command = [sys.executable, "-c", f"import sys; from nth.cli import {program}; sys.exit({program}())"]
    ended = subprocess.run(
        command, env=BARE | environment, capture_output=True, text=True, timeout=30, check=False
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_nth_alone_shows_the_overview() -> None:
    code, output, complaints = alone("main")
    assert (code, complaints) == (0, "")
    assert output.startswith("Usage: nth ")
    assert all(name in output for name in TOOLS)


def test_nth_alone_with_the_handlers_variables_is_the_handler() -> None:
    code, output, complaints = alone("main", NODE_NAME="one", LOG_LEVEL="loud")
    assert (code, output) == (2, "")
    assert complaints.startswith("nth: --log-level (LOG_LEVEL) is 'loud'")


def test_the_images_program_alone_is_always_the_handler() -> None:
    code, output, complaints = alone("handler")
    assert (code, output) == (2, "")
    assert complaints.startswith("nth: --node-name (NODE_NAME) is ''")


def test_the_programs_of_the_package_and_of_the_image_are_these() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {
        "nth": "nth.cli:main",
        "node-termination-handler": "nth.cli:handler",
        "kubectl-nth": "nth.cli:kubectl",
        "kubectl_complete-nth": "nth.cli:complete_for_kubectl",
    }
    for target in scripts.values():
        module, _, name = target.partition(":")
        assert callable(getattr(import_module(module), name))
    assert "from nth.cli import handler\n" in (ROOT / "image" / "python.py").read_text()


# Help


def test_help_lists_every_tool_with_a_sentence(capsys: Captured) -> None:
    assert cli.main(["help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in TOOLS:
        assert any(line.startswith(f"  {name} ") and line.endswith(".") for line in lines), name


@pytest.mark.parametrize("name", TOOLS)
def test_each_tools_help_fits_80_columns(name: str, capsys: Captured) -> None:
    assert cli.main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert cli.main(["help", name]) == 0
    assert capsys.readouterr().out == shown
    assert shown.startswith(f"Usage: nth {name} ")
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "{nth}" not in shown


def test_version(capsys: Captured) -> None:
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out == f"aws-node-termination-handler {__version__}\n"


def kubectl_nth(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from nth.cli import kubectl; sys.exit(kubectl())"]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False, timeout=30, env=BARE
    )


def test_as_a_plugin_of_kubectl_it_goes_by_that_name_and_never_starts_the_handler() -> None:
    for arguments in ([], ["--help"], ["help"]):
        assert kubectl_nth(*arguments).stdout.startswith("Usage: kubectl nth ")
    assert "\n  kubectl nth report handler.log " in kubectl_nth("report", "--help").stdout
    assert kubectl_nth("--version").stdout == f"aws-node-termination-handler {__version__}\n"
    # It is never the handler, so it does not list the handler's flags.
    assert "in the cluster: nth --help lists its flags" in kubectl_nth("--help").stdout
    wrong = kubectl_nth("--node-name=one")
    assert wrong.returncode == 2
    assert wrong.stderr == "nth: no such option '--node-name'; kubectl nth --help shows what is allowed\n"


# Suggestions


@pytest.mark.parametrize("name", [*TOOLS, ""])
def test_a_mistyped_flag_of_any_tool_brings_the_near_one(name: str) -> None:
    wrong = kubectl_nth(*([name] if name else []), "--hlep")
    assert wrong.returncode == 2
    prefix = f"nth: {name}: " if name else "nth: "
    assert wrong.stderr == f"{prefix}no such option '--hlep'; did you mean --help?\n"


@pytest.mark.parametrize("name", TOOLS)
def test_a_mistyped_tool_brings_the_near_one(name: str, capsys: Captured) -> None:
    mistyped = name[:-2] + name[-1]
    for arguments in ([mistyped, "x"], ["help", mistyped]):
        assert cli.main(arguments) == 2
        assert capsys.readouterr().err == f"nth: no such command {mistyped!r}; did you mean {name}?\n"


def test_a_word_that_is_near_to_none_names_the_help(capsys: Captured) -> None:
    assert cli.main(["quux"]) == 2
    assert capsys.readouterr().err == "nth: no such command 'quux'; nth --help shows what is allowed\n"


# Completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shells_script_asks_this_program(shell: str, capsys: Captured) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_NTH_COMPLETE={shell}_complete" in script
    assert "nth" in script


def completed(*words: str) -> list[str]:
    """What bash is offered for the last word."""
    environment = BARE | {
        "COMP_WORDS": " ".join(["nth", *words]),
        "COMP_CWORD": str(len(words)),
        "_NTH_COMPLETE": "bash_complete",
    }
    done = subprocess.run(
        [sys.executable, "-m", "nth"], capture_output=True, text=True, check=True, timeout=30, env=environment
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_commands_flags_and_values_are_completed() -> None:
    assert completed("re") == ["report", "restore"]
    assert "--markdown" in completed("report", "--m")
    assert completed("demo", "--scenario", "reb") == ["rebalance-then-spot"]
    assert completed("--dry") == ["--dry-run"]


def test_bash_itself_completes_with_the_script(tmp_path: Path) -> None:
    (tmp_path / "nth").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nth "$@"\n')
    (tmp_path / "nth").chmod(0o755)
    script = (
        "source <(nth completion bash); COMP_WORDS=(nth expl); COMP_CWORD=1\n"
        '_nth_completion nth; echo "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env=BARE | {"PATH": path},
    )
    assert done.stdout == "explain\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rep"], "report\tShows what became of each interruption.\n:4\n"),
        (["report", ""], ":0\n"),
        (["completion", "z"], "zsh\n:4\n"),
        (["no-such", "x"], ":4\n"),
    ],
)
def test_kubectl_gets_words_and_whether_files_fit_too(
    words: list[str], expected: str, capsys: Captured
) -> None:
    assert complete_for_kubectl(words) == 0
    assert capsys.readouterr().out == expected


# Output that nobody reads any more


@pytest.mark.parametrize("first_lines", [0, 3])
@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--plain", "--speed", "max"],
        ["report", "LOG"],
        ["explain", "billing", "LOG"],
        ["help"],
        ["report", "--help"],
        ["completion", "zsh"],
        ["--help"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_a_closed_pipe_ends_it_quietly(arguments: list[str], first_lines: int, demo_log: str) -> None:
    arguments = [demo_log if word == "LOG" else word for word in arguments]
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-m", "nth", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=BARE,
    )
    os.close(writer)
    with open(reader, "rb", buffering=0) as stream:
        for _ in range(first_lines):
            stream.readline()
    _, errors = process.communicate(timeout=30)
    assert errors == ""
    assert process.returncode in ((-signal.SIGPIPE,) if first_lines == 0 else (-signal.SIGPIPE, 0))


def test_a_closed_pipe_for_complaints_ends_it_quietly_too() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "nth", "report", "--htlm"]
    done = subprocess.run(command, stderr=writer, stdout=subprocess.PIPE, check=False, timeout=30, env=BARE)
    os.close(writer)
    assert done.returncode == -signal.SIGPIPE
    assert done.stdout == b""


@pytest.fixture(scope="module")
def demo_log(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("log") / "demo.log"
    assert cli.main(["demo", "--plain", "--speed", "max", "--log", str(path)]) == 0
    return str(path)
