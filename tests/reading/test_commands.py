"""`nth report` and `nth explain`, from arguments to exit code."""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nth import cli
from nth.core.reports import EvictionAccepted, EvictionRefused
from nth.reading.files import read_lines
from nth.reading.past import past_of
from nth.reading.questions import answers
from nth.report.interruption import PodOutcome
from nth.report.names import CUT
from nth.ui.report import as_text, report_lines
from tests.reading.logs import is_final, log_of, log_of_told, of_older_version, without_end
from tests.report.stories import FULL_STORY, LOSING_STORY, NODE, NOTICE, Step, a_pod, told

Captured = pytest.CaptureFixture[str]
BEST = told(*FULL_STORY)


@pytest.fixture
def log(tmp_path: Path) -> str:
    """Two interruptions."""
    path = tmp_path / "handler.log"
    second = [replace(one, at=one.at + 900, session_id="s-2", node_name="other") for one in told(*FULL_STORY)]
    path.write_text("\n".join([*log_of(*FULL_STORY), *log_of_told(second)]), encoding="utf-8")
    return str(path)


def test_report_of_several_begins_with_a_table_and_details_only_what_went_badly(
    log: str, capsys: Captured
) -> None:
    assert cli.main(["report", log]) == 0
    out = capsys.readouterr().out
    assert out.startswith("All 2 interruptions went well.\nNotices from 2026-11-22T08:30:00Z to 08:45:00Z.\n")
    assert "\nPods\n" not in out
    assert out.endswith("2 interruptions that went well: --all shows each, --node NAME one.\n")
    with Path(log).open("a", encoding="utf-8") as file:
        lost = [replace(one, session_id="s-3", node_name="bad") for one in told(*LOSING_STORY)]
        file.write("\n" + "\n".join(log_of_told(lost)))
    assert cli.main(["report", log]) == 0
    out = capsys.readouterr().out
    assert out.count("\nPods\n") == 1
    assert out.index("  bad ") < out.index("  other ") < out.index("Spot interruption of bad, ")


def test_report_shows_all_of_several_if_asked_for(log: str, capsys: Captured) -> None:
    assert cli.main(["report", "--all", log]) == 0
    out = capsys.readouterr().out
    assert out.count("Nothing was lost.") == 2
    assert out.index("of ip-10-0-1-17,") < out.index("of other,")
    assert max(len(line) for line in out.splitlines()) <= 100


def test_a_storm_of_fifty_fits_on_two_screens(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "a.log"
    storm = [
        line
        for n in range(50)
        for line in log_of_told([replace(one, session_id=f"s-{n}", node_name=f"n-{n}") for one in BEST])
    ]
    path.write_text("\n".join(storm), encoding="utf-8")
    assert cli.main(["report", str(path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) < 60


def test_several_logs_are_one_also_packed_and_from_standard_input(
    log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    first, second = tmp_path / "one.log", tmp_path / "two.log.gz"
    lines = Path(log).read_text(encoding="utf-8").splitlines()
    first.write_text("\n".join(lines[:5]), encoding="utf-8")
    second.write_bytes(gzip.compress("\n".join(lines[5:]).encode()))
    assert cli.main(["report", "--json", log]) == 0
    whole = capsys.readouterr()
    assert cli.main(["report", "--json", str(first), str(second)]) == 0
    assert capsys.readouterr() == whole
    assert run("report", "--json", "-", str(second), given="\n".join(lines[:5])).stdout == whole.out
    assert cli.main(["explain", "billing", str(first), str(second)]) == 0
    assert capsys.readouterr().out.count("ran on node") == 2


def test_since_leaves_out_what_was_over(log: str, capsys: Captured) -> None:
    assert cli.main(["report", log, "--since", "2026-11-22T08:40:00Z"]) == 0
    assert capsys.readouterr().out.startswith("Spot interruption of other,")
    assert cli.main(["report", log, "--since", "tomorrow"]) == 2
    assert capsys.readouterr().err == (
        "nth: report: --since is 'tomorrow'; allowed: 30m, 2h, 1d12h or an instant such as "
        "2026-11-22T08:30:00Z\n"
    )


def test_report_for_programs_is_one_document_also_if_there_is_none(log: str, capsys: Captured) -> None:
    assert cli.main(["report", log, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == 1
    assert [one["node"] for one in document["interruptions"]] == [NODE, "other"]
    assert cli.main(["report", log, "--json", "--node", "nowhere"]) == 1
    assert json.loads(capsys.readouterr().out) == {"version": 1, "interruptions": []}


def test_the_shape_for_programs_is_as_documented(log: str, capsys: Captured) -> None:
    assert cli.main(["report", log, "--json", "--node", NODE]) == 0
    names = set(names_in(json.loads(capsys.readouterr().out)))
    document = Path(__file__).parent.parent.parent / "docs" / "report.md"
    section = document.read_text(encoding="utf-8").partition("## For programs")[2].partition("\n## ")[0]
    documented = {
        name for row in re.findall(r"^\| .*", section, re.M) for name in re.findall(r"`(\w+)`", row)
    }
    assert names <= documented
    rows = {name for row in re.findall(r"^\| ([^|]*)", section, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert rows <= names


def names_in(value: object) -> Iterator[str]:
    """All names of fields, however deep."""
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from names_in(inner)


@pytest.mark.parametrize(
    "flags", [["--session", "s-2"], ["--node", "other"], ["--node=other", "--session=s-2"]], ids=str
)
def test_report_shows_only_what_is_asked_for(log: str, flags: list[str], capsys: Captured) -> None:
    assert cli.main(["report", log, *flags]) == 0
    out = capsys.readouterr().out
    assert "of other," in out
    assert NODE not in out.splitlines()[0]


def test_report_as_markdown(log: str, capsys: Captured) -> None:
    assert cli.main(["report", "--markdown", "--node", NODE, log]) == 0
    assert capsys.readouterr().out.startswith("**OK: Nothing was lost.**\nSpot interruption of ip-10-0-1-17")


def test_report_as_markdown_of_several_is_one_message(log: str, capsys: Captured) -> None:
    assert cli.main(["report", "--markdown", log]) == 0
    out = capsys.readouterr().out
    assert out.startswith("**OK: All 2 interruptions went well.**")
    assert "---\n\n" not in out
    assert cli.main(["report", "--markdown", "--all", log]) == 0
    assert capsys.readouterr().out.count("\n---\n\n") == 2


def test_report_as_pages_an_index_and_one_for_each_in_a_folder(
    log: str, tmp_path: Path, capsys: Captured
) -> None:
    assert cli.main(["report", log, "--html", str(tmp_path / "out.html")]) == 0
    folder = tmp_path / "out-pages"
    pages = [folder / "001-ip-10-0-1-17.html", folder / "002-other.html"]
    assert sorted(folder.iterdir()) == pages
    assert capsys.readouterr().out == (
        f"{tmp_path / 'out.html'}, and a page for each of 2 interruptions in {folder}\n"
    )
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert html.startswith("<!DOCTYPE html>")
        assert html.count('<g class="pod">') == 3
        assert "://" not in html


def test_report_of_a_killed_handler_says_that_it_is_incomplete(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress("\n".join(without_end(log_of(*FULL_STORY))).encode()))
    assert cli.main(["report", str(path)]) == 0
    out = capsys.readouterr().out
    assert "This report is incomplete: its last line is not in this log" in out
    page = tmp_path / "out.html"
    assert cli.main(["report", str(path), "--html", str(page)]) == 0
    assert "This report is incomplete" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["report", "--node", "nowhere"], "no interruption of node nowhere in "),
        (["report", "--session", "x", "--node", "y"], "no interruption of session x and node y in "),
        (["explain", "nobody"], "nothing that is called nobody, or begins so in "),
    ],
    ids=lambda value: str(value),
)
def test_what_is_not_in_the_log_is_one_line_and_exit_code_1(
    argv: list[str], words: str, log: str, capsys: Captured
) -> None:
    assert cli.main([*argv, log]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"nth: {words}")
    assert line.endswith("lines of a handler, 2 interruptions)")


@pytest.mark.parametrize(
    "argv",
    [
        ["report", "--no-such-flag"],
        ["report", "--json", "--markdown"],
        ["report", "/no/such/file"],
        ["report", "--html", "a", "--markdown"],
        ["report", "--html", "-"],
        ["demo", "--html", "-"],
        ["demo", "--log", "-"],
        ["demo", "--log", "x", "--html", "x"],
        ["completion"],
        ["explain"],
        ["explain", "--no-such-flag"],
        ["explain", "x", "/no/such/file"],
    ],
    ids=str,
)
def test_wrong_arguments_are_one_line_and_exit_code_2(argv: list[str], capsys: Captured) -> None:
    assert cli.main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nth: ")
    assert captured.err.count("\n") == 1
    assert "\\u" not in captured.err


def test_no_page_is_written_over_the_log_that_is_read(log: str, tmp_path: Path, capsys: Captured) -> None:
    link = tmp_path / "link.html"
    link.symlink_to(log)
    text = Path(log).read_bytes()
    for target in (log, str(link)):
        assert cli.main(["report", log, "--html", target]) == 2
        assert "is not used otherwise" in capsys.readouterr().err
    assert Path(log).read_bytes() == text


def test_a_page_that_cannot_be_written_is_one_line_and_exit_code_2(
    log: str, tmp_path: Path, capsys: Captured
) -> None:
    assert cli.main(["report", log, "--html", str(tmp_path / "no" / "out.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_report_of_a_later_version_is_said_and_passed_over(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "a.log"
    lines = [line.replace('"v":2', '"v":9') if is_final(line) else line for line in log_of(*FULL_STORY)]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert cli.main(["report", str(path)]) == 0
    assert capsys.readouterr().err == "nth: skipped a report of version 9; this nth reads versions up to 2\n"


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
@pytest.mark.parametrize("command", [["report"], ["report", "--node", NODE], ["explain", "web"]], ids=str)
def test_a_log_of_an_older_version_is_one_line_and_exit_code_1(
    command: list[str], as_json: bool, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "a.log"
    path.write_text("\n".join(of_older_version(log_of(*FULL_STORY, json=as_json))), encoding="utf-8")
    assert cli.main([*command, str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "nth: 1 interruption without a report line: this log is from an older version, "
        "ends too early, or ENABLE_INTERRUPTION_REPORT was false\n"
    )


def test_what_an_older_version_reported_on_is_shown_and_the_rest_is_named(
    log: str, tmp_path: Path, capsys: Captured
) -> None:
    killed = [replace(one, session_id="s-3", node_name="killed") for one in told(*FULL_STORY)]
    path = tmp_path / "a.log"
    older = of_older_version(log_of_told(killed))
    path.write_text("\n".join([Path(log).read_text(encoding="utf-8"), *older]), encoding="utf-8")
    assert cli.main(["report", str(path)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("All 2 interruptions went well.")
    assert captured.err.startswith("nth: 1 interruption without a report line: this log is from an older")


def test_a_log_that_ends_with_its_notice_says_so(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "a.log"
    path.write_text(log_of(*FULL_STORY)[0], encoding="utf-8")
    assert cli.main(["report", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"nth: the log ends early: of the interruption of {NODE} it has the notice and nothing more\n"
    )


def test_what_is_not_read_is_said_with_the_count_of_lines_and_what_was_expected(
    tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "a.log"
    lines = log_of(*FULL_STORY)
    path.write_text("\n".join([*lines, "I1122 08:30:00 kubelet.go:1] something else"]), encoding="utf-8")
    assert cli.main(["report", str(path)]) == 0
    assert capsys.readouterr().err == (
        f"nth: 1 of {len(lines) + 1} lines in {path} is no line of the handler and not read; expected: "
        "its text or JSON, as it is or as kubectl, Loki, CloudWatch or a collector gives it\n"
    )


# explain


@pytest.mark.parametrize(
    "name", ["shop/billing-5d8f7c9b4-bbbbb", "billing-5d8f7c9b4-bbbbb", "billing", "shop/bil"]
)
def test_explain_answers_for_a_pod_by_its_name_or_how_it_begins(
    name: str, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "a.log"
    path.write_text("\n".join(log_of(*FULL_STORY)), encoding="utf-8")
    assert cli.main(["explain", name, str(path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith(
        "shop/billing-5d8f7c9b4-bbbbb ran on node ip-10-0-1-17. On 2026-11-22 at 08:30:00.0"
    )
    assert "deleted it past its budget, with 30 s to stop" in out


NAMES_OF_BILLING = (
    "pod/billing-5d8f7c9b4-bbbbb",
    "pods/shop/billing",
    "billing-bbbbb",
    "shop/billing-bbbbb",
    "bil..bbbbb",
    "shop/bil\N{HORIZONTAL ELLIPSIS}bbb",
)


@pytest.mark.parametrize("name", NAMES_OF_BILLING)
def test_explain_takes_a_pods_name_with_its_kind_without_its_hash_and_with_its_middle_cut(
    name: str, log: str, capsys: Captured
) -> None:
    assert cli.main(["explain", name, log]) == 0
    assert capsys.readouterr().out.count("shop/billing-5d8f7c9b4-bbbbb ran on node") == 2


@pytest.mark.parametrize("name", [f"node/{NODE}", "nodes/ip-10", "s-1", "ip-1..17", "spot-1"])
def test_explain_takes_a_nodes_name_with_its_kind_and_a_session_and_an_event(
    name: str, log: str, capsys: Captured
) -> None:
    assert cli.main(["explain", name, log]) == 0
    out = capsys.readouterr().out
    assert "had to go" in out or "node, session" in out


def test_explain_takes_no_node_for_a_pod_and_no_pod_for_a_node(log: str, capsys: Captured) -> None:
    assert cli.main(["explain", f"pod/{NODE}", log]) == 1
    assert cli.main(["explain", "node/billing", log]) == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("width", [80, 100])
def test_explain_takes_every_name_that_a_report_prints(width: int, tmp_path: Path) -> None:
    path = tmp_path / "demo.log"
    assert cli.main(["demo", "--plain", "--speed", "max", "--log", str(path)]) == 0
    (found,) = past_of(read_lines(str(path))).reports
    pods = (*found.pods, _of_a_long_name(found.pods[0]))
    found = replace(found, pods=pods)
    text = as_text(report_lines(found, width))
    table = text[text.index("\nPods\n") :].splitlines()[3:]
    rows = [line.split()[0] for line in table[: len(pods)]]
    kept = re.search(r"put it back\): (.*?)\n\n", text, re.DOTALL)
    assert kept is not None
    budgets = re.findall(r"budget (\S+) (?:needs|allowed)", text)
    refs = re.findall(r"\b(?:shop|kube-system)/[\w-]+", text)
    names = [*rows, *kept[1].replace(",", " ").split(), *budgets, *refs, found.node_name, found.session_id]
    assert len(names) > 30
    assert any(CUT in name for name in names)
    assert [name for name in names if not answers(name, [found])] == []


def _of_a_long_name(outcome: PodOutcome) -> PodOutcome:
    name = "recommendations-worker-of-the-shop-with-a-name-that-fits-no-table"
    ref = replace(outcome.pod.ref, name=name)
    return replace(outcome, pod=replace(outcome.pod, ref=ref, controller=None))


def test_a_whole_name_is_that_pod_also_if_others_begin_so(tmp_path: Path, capsys: Captured) -> None:
    pods = [a_pod(name, None) for name in ("db-1", "db-10")]
    asked: list[Step] = [(1.0, EvictionAccepted(pod=pod, grace_seconds=9, cut=False)) for pod in pods]
    path = tmp_path / "a.log"
    path.write_text("\n".join(log_of((0.0, NOTICE), *asked)), encoding="utf-8")
    for name in ("db-1", "shop/db-1"):
        assert cli.main(["explain", name, str(path)]) == 0
        assert capsys.readouterr().out.startswith("shop/db-1 ran on node")
    assert cli.main(["explain", "db-", str(path)]) == 0
    assert capsys.readouterr().out.startswith("Several go by this name")


def test_explain_keeps_names_whole_at_the_end_of_a_line(tmp_path: Path, capsys: Captured) -> None:
    refused = "The disruption budget {}-of-the-shop needs 1 healthy pods and has 1 currently."
    path = tmp_path / "a.log"
    for length in range(1, 100):
        pod, budget = a_pod("db-0", None), "b" * length
        step = EvictionRefused(pod=pod, reason=refused.format(budget), forced_at=None)
        path.write_text("\n".join(log_of((0.0, NOTICE), (1.0, step))), encoding="utf-8")
        assert cli.main(["explain", "db-0", str(path)]) == 0
        out = capsys.readouterr().out
        assert f"{budget}-of-the-shop" in out
        assert ".." not in out


def test_explain_tells_of_each_time_the_pod_was_moved(log: str, capsys: Captured) -> None:
    assert cli.main(["explain", "shop/billing-5d8f7c9b4-bbbbb", log]) == 0
    out = capsys.readouterr().out
    assert out.count("ran on node") == 2
    assert "ran on node other" in out


def test_explain_lists_candidates(log: str, capsys: Captured) -> None:
    assert cli.main(["explain", "shop/", log]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Several go by this name; say which:"
    assert lines[1].split() == ["shop/web-5d8f7c9b4-aaaaa", "politely,", "moved", "from", NODE]
    assert "  shop/aws-node-ddddd           stayed on ip-10-0-1-17" in lines


@pytest.mark.parametrize("name", [NODE, "s-1", "ip-10-0-1"])
def test_explain_answers_for_a_node_and_a_session(name: str, log: str, capsys: Captured) -> None:
    assert cli.main(["explain", name, log]) == 0
    out = capsys.readouterr().out
    assert "AWS said: Spot interruption" in out
    assert "Nothing was lost." in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_explain_answers_for_a_pod_that_stayed(log: str, capsys: Captured) -> None:
    assert cli.main(["explain", "aws-node-ddddd", log]) == 0
    assert "The handler did not ask it to go: a DaemonSet would only put it back." in capsys.readouterr().out


# The commands as programs


def run(*arguments: str, given: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nth", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize("more", [[], ["-"]], ids=["nothing", "dash"])
def test_a_log_can_be_piped_in(more: list[str]) -> None:
    lines = [f"[pod/nth-x2x9k/handler] {line}" for line in log_of(*FULL_STORY)]
    done = run("report", *more, given="\n".join(lines))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing was lost." in done.stdout
    assert run("explain", "billing", *more, given="\n".join(lines)).returncode == 0
    assert run("report", *more, given="").returncode == 1


def test_they_import_neither_the_handler_nor_a_client_nor_what_draws() -> None:
    code = (
        "import sys, nth.reading.arguments\n"
        "names = {name.split('.')[0] for name in sys.modules} | set(sys.modules)\n"
        "bad = {'rich', 'lightkube', 'httpx2', 'aiobotocore', 'asyncio', 'nth.wiring', 'nth.engine'}\n"
        "print(sorted(names & bad))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


HOSTILE = {
    "no number": ("margin_seconds", "NaN"),
    "infinity": ("margin_seconds", "Infinity"),
    "more than a float holds": ("margin_seconds", "1e999"),
    "an end in thirty thousand years": ("until", "1000000000000000"),
    "a line of the timeline in thirty years": ("entries", '[[1000000000000,"i","late"]]'),
    "a line of the timeline in thirty thousand years": ("entries", '[[1000000000000000,"i","late"]]'),
    "no timeline": ("entries", "[]"),
    "the last day of all dates": ("first_at", "253402300799.0"),
    "the first": ("first_at", "0"),
    "nothing": ("first_at", "null"),
}


@pytest.mark.parametrize(("name", "value"), HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "command", [["report"], ["report", "--markdown"], ["report", "--html"], ["explain", "web"]]
)
def test_a_report_line_of_an_enemy_is_shown_or_named_and_is_no_traceback(
    command: list[str], name: str, value: str, tmp_path: Path, capsys: Captured
) -> None:
    lines = [line for line in log_of(*FULL_STORY) if is_final(line)]
    broken = [re.sub(rf'"{name}":(\[.*?\]\]|[^,}}]*)', lambda _: f'"{name}":{value}', line) for line in lines]
    assert broken != lines
    path = tmp_path / "a.log"
    path.write_text("\n".join([*broken, *log_of(*FULL_STORY[:3])]), encoding="utf-8")
    pages = [str(tmp_path / "page.html")] if command[-1] == "--html" else []
    assert cli.main([*command, *pages, str(path)]) in (0, 1)
    captured = capsys.readouterr()
    assert captured.out or captured.err
    assert all(page.stat().st_size < 200_000 for page in tmp_path.glob("*.html"))
