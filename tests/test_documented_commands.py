"""Each command in the documents is run by a test, or its block says what it needs: AWS, a cluster, Docker."""

import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import botocore.session  # type: ignore[import-untyped]
import pytest
from botocore import xform_name

from nth import cli
from tests.deploy.sources import template
from tests.documents import (
    NEEDS,
    PAGES,
    ROOT,
    Block,
    all_blocks,
    blocks,
    inline_code,
    programs,
    stray_commands,
)

BLOCKS = all_blocks()
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
RUN_HERE = re.compile(r"(nth (report|explain|demo|help|version|completion)|grep|printf)\b")
"""Commands that read a log or nothing at all: even between others that need a cluster they are run."""
WORDS = {"MY_NODE": "ip-10-0-1-17"}
"""What a reader puts in place of a word: a node of the demo."""


def is_run_here(block: Block, command: str) -> bool:
    """By this module: neither marked, nor slow."""
    return bool(RUN_HERE.match(command)) if block.needs else not is_run_by_ci(command)


def is_run_by_ci(command: str) -> bool:
    """As it stands there."""
    return command.partition("#")[0].strip() in CI


HERE = [(block, command) for block in BLOCKS for command in block.commands() if is_run_here(block, command)]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a handler's log, as it is and packed."""
    folder = tmp_path_factory.mktemp("scratch")
    log = folder / "handler.log"
    assert cli.main(["demo", "--plain", "--speed", "max", "--log", str(log)]) == 0
    (folder / "handler.log.gz").write_bytes(gzip.compress(log.read_bytes()))
    return folder


@pytest.mark.parametrize(("block", "command"), HERE, ids=[f"{each.name} {line}" for each, line in HERE])
def test_a_command_that_needs_nothing_works(scratch: Path, block: Block, command: str) -> None:
    for word, value in WORDS.items():
        command = command.replace(word, value)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(scratch), "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=scratch, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    # grep ends with 1 where a log has no such line; that such lines exist is tested below.
    fine = (0, 1) if command.startswith("grep") else (0,)
    assert done.returncode in fine, f"{block.name}: {command}\n{done.stdout}{done.stderr}"


def test_there_are_commands_of_each_sort() -> None:
    assert len(HERE) > 10
    assert {"cluster", "aws", "docker", "slow"} <= set().union(*(block.needs for block in BLOCKS))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_says_what_its_commands_need_and_nothing_else(block: Block) -> None:
    needed = {NEEDS[name] for command in block.commands() for name in programs(command) if name in NEEDS}
    assert block.needs <= {*NEEDS.values(), "slow"}, block.name
    assert needed <= block.needs, block.name
    # What builds a control plane of its own needs no other cluster, and is marked all the same.
    builds = any("make " in command for command in block.commands())
    assert block.needs - needed <= ({"cluster", "slow"} if builds else {"slow"}), block.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_command_stands_outside_of_a_block_of_commands(page: Path) -> None:
    assert stray_commands(page) == []


def test_what_a_block_of_commands_is_and_needs(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "- item\n\n  ```sh cluster\n  kubectl get \\\n    nodes  # all\n  # no\n  ```\n\n      helm list\n"
    )
    (block,) = blocks(page)
    assert block.commands() == ["kubectl get   nodes  # all"]
    assert (block.line, block.needs) == (3, frozenset({"cluster"}))
    assert stray_commands(page) == [f"{page}:9 helm list"]
    assert programs("A=1 kubectl get x | grep 'a | b' && nth report") == ["kubectl", "grep", "nth"]


def test_files_that_commands_name_are_there() -> None:
    named = {
        (block.name, path)
        for block in BLOCKS
        for path in re.findall(r"(?<![\w/.])((?:deploy|docs|image|charts)/[\w./-]+)", block.text)
    }
    assert len(named) > 5
    assert {(block, path) for block, path in named if not (ROOT / path).exists()} == set()


AWS = [(block, line) for block in BLOCKS for line in block.commands() if line.startswith("aws ")]
DEPLOY = {"--stack-name", "--template-file", "--capabilities", "--parameter-overrides"}
"""Of a command that is no operation of AWS's API: https://docs.aws.amazon.com/cli/latest/reference/cloudformation/deploy/"""


@pytest.mark.parametrize(("block", "line"), AWS, ids=[f"{block.name} {line}" for block, line in AWS])
def test_a_command_of_aws_names_an_operation_and_parameters_that_there_are(block: Block, line: str) -> None:
    _, service, operation, *words = shlex.split(line)
    flags = {word for word in words if word.startswith("--")}
    if (service, operation) == ("cloudformation", "deploy"):
        assert flags <= DEPLOY
        given = words[words.index("--parameter-overrides") + 1 :]
        known = template(ROOT / words[words.index("--template-file") + 1])["Parameters"]
        assert {each.partition("=")[0] for each in given} <= known.keys()
        return
    model = botocore.session.get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in operations
    members = model.operation_model(operations[operation]).input_shape.members
    assert {flag.removeprefix("--") for flag in flags} <= {xform_name(name, "-") for name in members}


def test_targets_and_commands_that_sentences_name_are_there() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = [text for page in PAGES for text in inline_code(page)]
    code += [command for block in BLOCKS for command in block.commands()]
    makes = {word for text in code for word in make_targets(text)}
    assert len(makes) > 8
    assert makes - targets == set()


def make_targets(text: str) -> list[str]:
    """What `make` is asked for."""
    found = re.match(r"(?:\w+=\S+ )*make ((?:[a-z0-9-]+ ?)+)", text)
    return found[1].split() if found else []


def test_each_text_that_is_looked_for_in_a_log_is_one_that_the_handler_writes() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "nth").rglob("*.py"))
    flat = re.sub(r'"\s*\n\s*f?"', "", source)
    rules = (ROOT / "charts/aws-node-termination-handler/files/rules.yaml").read_text(encoding="utf-8")
    greps = [command for block in BLOCKS for command in block.commands() if command.startswith("grep")]
    greps += re.findall(r"\| (grep .*)$", rules, re.MULTILINE)
    texts = [text for command in greps for text in re.findall(r"'([^']+)'", command)]
    assert len(texts) > 4
    assert [text for text in texts if text not in flat] == []


def test_every_tool_of_these_tests_is_there() -> None:
    assert all(map(shutil.which, ("bash", "grep", "sha256sum", "cut")))
