"""A made-up kind of event, added to a copy of the tree as a person would add it.

Its class, its row and its reader with the registration are all that the handler needs: three files. Whatever
is forgotten, also of what documents and `deploy/` say, fails a test of `test_kinds` that names the kind.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COPIED = ("src", "tools", "tests", "docs", "deploy", "charts", "pyproject.toml")
MADE_BY_US = (
    ("nth.settings.docs", "docs/configuration.md"),
    ("tools.event_kinds", ""),
    ("tools.chart.write", ""),
)
"""What `make docs` runs that says something of kinds, and where its output goes."""
HAS_A_ROW = "test_each_class_of_event_is_in_the_union_and_has_one_row"
READS_MESSAGES = "test_each_kind_with_a_text_for_messages_has_a_reader_of_them"
READS_DOCUMENTS = "test_each_kind_with_a_text_for_documents_has_a_reader_of_them"
IN_TABLES = "test_each_kind_is_in_the_documents_tables"


@dataclass(frozen=True, slots=True)
class Piece:
    """A text that is put before an anchor in a file."""

    path: str
    anchor: str
    text: str
    fails: str = ""
    """The test that fails where only this piece is forgotten."""


EVENTS = "src/nth/core/notices/events.py"
ROWS = "src/nth/core/notices/kinds.py"
MESSAGES = "src/nth/core/notices/eventbridge.py"
DOCUMENTS = "src/nth/core/notices/imds.py"
TABLES = "tools/event_kinds.py"
SAMPLES = "tests/core/notices/kind_samples.py"

CLASS = '''\
@dataclass(frozen=True, slots=True, kw_only=True)
class HostFailure(_OfKind):
    """The host fails in a moment."""

    event_id: Id
    noticed_at: Instant
    instance_id: IdOrNone = ""

'''
TIMING = '''\
    def timing(self, seen_at: float, grace_seconds: float) -> Timing:
        """It goes when the node's grace is over."""
        return Timing(deadline_at=self.noticed_at + grace_seconds)


'''
ROW = """\
    EventKind(
        event="HostFailure",
        name="HOST_FAILURE",
        monitor="HOST_FAILURE_MONITOR",
        title="Host failure",
        reason="HostFailure",
        taint="aws-node-termination-handler/host-failure",
        action="drain",
        outlived=False,
        action_setting="action_host_failure",
        action_help="What to do when the host fails: default is drain.",
        {text},
    ),
"""
QUEUE_TEXT = 'queue_text="Host of {instance_id} fails at {noticed_at} \\n"'
METADATA_TEXT = 'metadata_text="Host fails at {noticed_at} \\n"'
READ_MESSAGE = """\
def _host(envelope: Envelope, detail: _Rebalance) -> Reading:
    return _heard(
        envelope,
        HostFailure(
            event_id=f"host-failure-{envelope.hex_id}",
            instance_id=detail.instance_id,
            noticed_at=envelope.at,
        ),
    )


"""
READ_DOCUMENT = """\
def host_failure(body: bytes, _node_name: str) -> HostFailure:
    at = _instant(_decode(_REBALANCE, body, "a host's failure").notice_time, body)
    return HostFailure(event_id="host-failure-" + _digest(repr(at)), noticed_at=at)


"""
DECISION = '    ("HostFailure", "host failure | drain | at once | the grace"),\n'
DEEDS = (
    Piece(EVENTS, "Event = (\n", CLASS),
    Piece(EVENTS, "Event = (\n", TIMING, "test_each_kind_says_when_its_machine_goes"),
    Piece(EVENTS, ")\n\nEVENT_BY_NAME", "    | HostFailure\n", HAS_A_ROW),
)
TOLD = (
    Piece(TABLES, '    (\n        "AsgTargetState",', DECISION, IN_TABLES),
    *(
        Piece(f"docs/{name}", "\n## ", text, f"names_it[{name}-HostFailure]")
        for name, text in {
            "webhooks.md": "`HOST_FAILURE`\n",
            "metrics.md": "`HOST_FAILURE`\n",
            "logs.md": "`HOST_FAILURE`\n",
            "kubernetes-events.md": "`HOST_FAILURE`, `HostFailure`\n",
            "traces.md": "`Host failure`\n",
        }.items()
    ),
)
BY_QUEUE = (
    *DEEDS,
    Piece(
        ROWS,
        ")\nKIND_OF",
        ROW.replace("{text}", QUEUE_TEXT),
        HAS_A_ROW,
    ),
    Piece(MESSAGES, "    InstanceStateChange,\n", "    HostFailure,\n"),
    Piece(MESSAGES, "def _state(", READ_MESSAGE),
    Piece(
        MESSAGES,
        '    ("aws.health",',
        '    ("aws.ec2", "EC2 Host Failure"): _reader("a failure", _Rebalance, _host),\n',
        READS_MESSAGES,
    ),
    Piece(
        TABLES,
        "    LAUNCH: Rule(",
        '    "HostFailure": Rule(name="HostFailure", text="A host fails", source="aws.ec2",\n'
        '        detail_type="EC2 Host Failure"),\n',
        "test_each_kind_has_a_rule_of_eventbridge_if_messages_tell_of_it",
    ),
    Piece(
        TABLES,
        "    (LAUNCH, ",
        '    ("HostFailure", "EC2 Host Failure | drain | the grace | `ACTION_HOST_FAILURE`"),\n',
        IN_TABLES,
    ),
    Piece(
        SAMPLES,
        '    "InstanceStateChange": ',
        '    "HostFailure": lambda instance_id, at: samples.eventbridge_message(\n'
        '        "aws.ec2", "EC2 Host Failure", {"instance-id": instance_id}, at=at\n'
        "    ),\n",
        READS_MESSAGES,
    ),
    *TOLD,
)
BY_DOCUMENT = (
    *DEEDS,
    Piece(ROWS, ")\nKIND_OF", ROW.replace("{text}", METADATA_TEXT)),
    Piece(DOCUMENTS, "    RebalanceRecommendation,\n", "    HostFailure,\n"),
    Piece(DOCUMENTS, "@dataclass(frozen=True, slots=True, kw_only=True)\nclass Document:", READ_DOCUMENT),
    Piece(
        DOCUMENTS,
        "    RebalanceRecommendation: Document(",
        '    HostFailure: Document(path="/latest/host", parse=host_failure, moving="noticed_at"),\n',
        READS_DOCUMENTS,
    ),
    Piece(
        SAMPLES,
        '    "AsgTargetState": ',
        '    "HostFailure": b\'{"noticeTime": "2026-11-22T08:30:00Z"}\',\n',
        READS_DOCUMENTS,
    ),
    *TOLD,
)
WAYS: Mapping[str, tuple[Piece, ...]] = {"queue": BY_QUEUE, "document": BY_DOCUMENT}


def run_in(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A module of Python's, with the copy's sources."""
    environment = {**os.environ, "PYTHONPATH": f"{tree}/src{os.pathsep}{tree}"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def failed_in(tree: Path, tests: str = "test") -> tuple[int, str]:
    """(how it ended, the lines of failures) of the tests of the table for the made-up kind."""
    chosen = ("-k", f"HostFailure and ({tests})")
    done = run_in(tree, "pytest", "-q", "-p", "no:cacheprovider", *chosen, "tests/core/notices/test_kinds.py")
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode, "\n".join(lines)


@pytest.fixture(scope="module", params=WAYS)
def added(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A copy of all that says something of kinds of event, with the made-up one; and how that is heard of."""
    way, tree = request.param, tmp_path_factory.mktemp(request.param)
    for name in COPIED:
        if (ROOT / name).is_dir():
            # With what is compiled: the copies have the times of their sources.
            shutil.copytree(ROOT / name, tree / name)
        else:
            shutil.copy(ROOT / name, tree)
    for piece in WAYS[way]:
        before, anchor, after = (tree / piece.path).read_text().partition(piece.anchor)
        assert anchor, piece
        (tree / piece.path).write_text(before + piece.text + anchor + after)
    for module, output in MADE_BY_US:
        done = run_in(tree, module)
        assert done.returncode == 0, done.stderr
        if output:
            (tree / output).write_text(done.stdout)
    return way, tree


def test_a_new_kind_is_its_class_its_row_and_its_reader(added: tuple[str, Path]) -> None:
    way, tree = added
    assert len({piece.path for piece in WAYS[way] if piece.path.startswith("src/")}) == 3
    assert failed_in(tree) == (0, "")


@pytest.mark.timeout(240)  # five runs of pytest, on a machine that may be busy
def test_each_forgotten_piece_of_code_fails_a_test_by_name(added: tuple[str, Path]) -> None:
    way, tree = added
    known = BY_QUEUE if way == "document" else ()
    for piece in WAYS[way]:
        if piece.path.endswith(".py") and piece.path != TABLES and piece.fails and piece not in known:
            path = tree / piece.path
            whole = path.read_text()
            path.write_text(whole.replace(piece.text, "", 1))
            _, failures = failed_in(tree, piece.fails)
            assert f"{piece.fails}[HostFailure]" in failures, piece
            path.write_text(whole)


def test_each_forgotten_text_fails_a_test_by_name(added: tuple[str, Path]) -> None:
    """All at once: the test of each looks at nothing else."""
    way, tree = added
    pieces = [piece for piece in WAYS[way] if piece.path == TABLES or piece.path.startswith("docs/")]
    made = ["charts/aws-node-termination-handler/values.yaml", "docs/configuration.md"]
    kept = {name: (tree / name).read_text() for name in {*made, *(piece.path for piece in pieces)}}
    for piece in pieces:
        (tree / piece.path).write_text((tree / piece.path).read_text().replace(piece.text, "", 1))
    for name in made:
        shutil.copy(ROOT / name, tree / name)

    _, failures = failed_in(tree)

    for piece in pieces:
        assert piece.fails in failures, piece
    assert "test_each_kind_has_a_value_of_the_chart[HostFailure]" in failures
    assert "test_each_kind_has_a_line_of_the_configuration[HostFailure]" in failures
    for name, text in kept.items():
        (tree / name).write_text(text)
