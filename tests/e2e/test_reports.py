"""The report of an interruption, from the log of a real handler on a real control plane."""

import asyncio
import signal
import subprocess
import sys

import pytest

from testbed.bed import RealBed
from testbed.metadata_mock import MetadataMock
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
        assert "2 pods moved: 2 politely, 0 forced past a budget. 0 lost." in text
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


def test_sigusr1_switches_debug_lines_on_and_off(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        stage.handler.start()
        await stage.handler.wait_said("Started watching for interruption events")
        assert not [line for line in stage.handler.lines if line["level"] == "debug"]
        stage.handler.signal(signal.SIGUSR1)
        await stage.handler.wait_said("Debug lines are logged from now on")
        stage.handler.signal(signal.SIGUSR1)
        await stage.handler.wait_said("Debug lines are logged no more")
        assert await stage.handler.stop() == 0

    asyncio.run(scenario())
