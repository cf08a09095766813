"""The command, from arguments to exit code."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from nth import cli

FAST = ("--plain", "--speed", "max")


def main(argv: Sequence[str]) -> int:
    return cli.main(["demo", *argv])


def test_plain_at_full_speed_prints_decisions_and_report_in_no_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    began_at = time.monotonic()
    assert main(FAST) == 0
    assert time.monotonic() - began_at < 2
    out = capsys.readouterr().out
    assert "08:30:05 info  Spot ITN received." in out
    assert "Node successfully cordoned (aws-node-termination-handler/spot-itn)" in out
    assert "its latest moment had come" in out
    assert "What became of them: 7 moved." in out
    assert "before the deadline." in out
    assert "Every controller had its Ready pods back" in out
    assert "says: no pod was lost; every workload has all its Ready pods." in " ".join(out.split())
    assert out.isascii()


def test_a_lost_pod_makes_the_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FAST, "--", "--force-policy", "never"]) == 1
    out = capsys.readouterr().out
    assert "1 POD LOST with the machine: shop/billing-" in out
    assert "shop/billing has 0 of 1 Ready pods" in out


def test_the_page_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.html"
    assert main([*FAST, "--html", str(path)]) == 0
    html = path.read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert html.count('<g class="pod">') == 7
    assert str(path) in capsys.readouterr().out


def test_the_handlers_log_can_be_read_afterwards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "demo.log"
    assert main([*FAST, "--log", str(path)]) == 0
    shown = capsys.readouterr().out
    assert f"The handler's log: {path}" in shown
    # As the handler writes it with LOG_FORMAT_VERSION=1.
    assert '"monitor"' not in path.read_text(encoding="utf-8")
    assert cli.main(["report", str(path)]) == 0
    out = capsys.readouterr().out
    assert "What became of them: 7 moved." in out
    # The live view, the log and its report have one clock: GONE and READY AGAIN are the same.
    times = [line.split()[-6:] for line in out.splitlines() if line.endswith(" s") and "moved" in line]
    assert times == [
        line.split()[-6:] for line in shown.splitlines() if line.endswith(" s") and "moved" in line
    ]
    assert len(times) == 7
    gone = {line.rpartition("Pod gone ")[2] for line in shown.splitlines() if "Pod gone " in line}
    assert gone == {f"{' '.join(each[-4:-2])} after the notice" for each in times}
    # Only where successors run is known to the demo alone.
    assert [line for line in out.splitlines() if line.startswith("Drained")] == [
        line for line in shown.splitlines() if line.startswith("Drained")
    ]
    assert cli.main(["explain", "billing", str(path)]) == 0
    assert "deleted it past its budget" in capsys.readouterr().out


def test_a_log_that_cannot_be_written_is_said_before_the_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", *FAST, "--log", str(tmp_path)]) == 2
    assert "--log is" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["", "no-such-folder/report.html"], ids=["folder", "nowhere"])
def test_a_page_that_cannot_be_written_is_said_before_the_demo(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", *FAST, "--html", str(tmp_path / where)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "--html is" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    "argv", [["--speed", "-1"], ["--sped"], ["--", "--no-such-flag"], ["--", "--force-policy=x"]], ids=str
)
def test_wrong_flags_end_with_2_and_one_line(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", *argv]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("nth: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--help"]) == 0
    assert "nth demo --plain --speed max" in capsys.readouterr().out


def test_plain_needs_no_rich() -> None:
    code = (
        "import sys; sys.modules['rich'] = None\n"
        "from nth.cli import main\n"
        "code = main(['demo', '--plain', '--speed', 'max'])\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_handler_imports_neither_rich_nor_the_demo() -> None:
    code = (
        "import sys, nth.wiring.app\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'rich' or 'nth.demo' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def children_hear_ctrl_c() -> Iterator[None]:
    """A background job of a shell ignores SIGINT, and its children with it: not those of this test."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("children_hear_ctrl_c")
def test_in_a_terminal_it_draws_and_ctrl_c_ends_it_with_130() -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "nth", "demo", "--speed", "4"]
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1", "COLUMNS": "100", "LINES": "40"}
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=subprocess.PIPE, env=environment, close_fds=True
    ) as process:
        os.close(follower)
        seen = b""
        while b"DRAINING" not in seen:
            seen += os.read(leader, 65536)
        process.send_signal(signal.SIGINT)
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
        assert process.wait(timeout=20) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b"nth: demo stopped\n"
    os.close(leader)
    assert b"nth demo" in seen
    # The terminal is given back as it was.
    assert seen.count(b"\x1b[?1049h") == seen.count(b"\x1b[?1049l") == 1
