"""The report of an interruption, from the log of a real handler on a real control plane."""

import asyncio
import signal
import subprocess
import sys

import pytest

from testbed.bed import RealBed
from testbed.metadata_mock import MetadataMock
from tests.contract.bed import BudgetSpec
from tests.e2e.handler import Handler
from tests.e2e.test_scenarios import Stage, spot


@pytest.fixture
def stage(bed: RealBed, metadata_mock: MetadataMock, handler: Handler) -> Stage:
    return Stage(bed, metadata_mock, handler)


def nth(*arguments: str) -> str:
    """What the command prints; it has to end well."""
    done = subprocess.run(
        [sys.executable, "-m", "nth", *arguments], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout


def test_the_log_proves_what_became_of_each_pod(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        await stage.hear(spot())
        await stage.assert_evicted()
        line = await stage.handler.wait_said("Nothing was lost.")
        assert isinstance(line["report"], dict)
        log = str(stage.handler.log_file)
        text = nth("report", log)
        assert "Spot interruption of doomed" in text
        assert "What became of them: 2 moved." in text
        page = stage.handler.folder / "report.html"
        nth("report", log, "--html", str(page))
        assert "<svg" in page.read_text()
        assert "http://" not in page.read_text().replace("http://www.w3.org", "")
        going = stage.handler.said("Pods on node")[0]["going"]
        assert isinstance(going, list)
        why = nth("explain", str(going[0]), log)
        assert "AWS said: Spot interruption" in why
        assert "politely" in why

    asyncio.run(scenario())


async def begun(stage: Stage, *flags: str) -> None:
    """A budget holds both pods; the handler has asked for each of them once."""
    await stage.set_up()
    await stage.bed.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=0))
    await stage.hear(spot(), *flags)
    await stage.handler.wait_said("The interruption goes on: draining, 0 of 2 pods gone")


def test_a_handler_that_is_asked_to_stop_has_said_what_it_knew(stage: Stage) -> None:
    async def scenario() -> None:
        await begun(stage, "--shutdown-grace-period=0")
        assert await stage.handler.stop() == 0
        assert len(stage.handler.said("The interruption goes on")) <= 5
        log = str(stage.handler.log_file)
        text = nth("report", log)
        assert "This report is incomplete: its last line is not in this log" in text
        assert "2 pods not moved yet." in text
        why = " ".join(nth("explain", "web", log).split())
        assert "blocked from doomed" in why
        going = stage.handler.said("Pods on node")[0]["going"]
        assert isinstance(going, list)
        why = " ".join(nth("explain", str(going[0]), log).split())
        assert "the handler asked politely, and the API server refused" in why
        assert "it was still there (blocked)" in why

    asyncio.run(scenario())


def test_what_a_killed_handler_knew_and_what_its_successor_did_are_one_report(stage: Stage) -> None:
    async def scenario() -> None:
        await begun(stage)
        stage.handler.kill()
        await stage.bed.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=1))
        stage.handler.start()
        await stage.handler.wait_said("Nothing was lost.", timeout_seconds=60)
        text = nth("report", str(stage.handler.log_file))
        assert text.count("Spot interruption of doomed") == 1
        assert "the handler was restarted meanwhile" in " ".join(text.split())
        assert "What became of them: 2 moved." in text

    asyncio.run(scenario())


def test_sigusr1_switches_debug_lines_on_and_off(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        stage.handler.start()
        await stage.handler.wait_said("Started watching for interruption events")
        assert not [line for line in stage.handler.lines if line["level"] == "debug"]
        stage.handler.signal(signal.SIGUSR1)
        await stage.handler.wait_said("Debug lines are logged from now on")
        stage.handler.signal(signal.SIGUSR1)
        await stage.handler.wait_said("Debug lines are no longer logged")
        assert await stage.handler.stop() == 0

    asyncio.run(scenario())
