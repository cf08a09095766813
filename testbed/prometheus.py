"""Runs a real Prometheus on the loopback, which asks handlers every second, and queries its API.

    with scraping(folder, job="nth", ports=[9092], rules=path) as prometheus:
        prometheus.query('up{job="nth"}')
    promtool("check", "rules", path)
https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.build import assets_folder
from testbed.processes import free_ports, is_running, spawn, stop, wait_for

EVERY = "1s"
"""The interval of scrapes and of rules."""
READY_SECONDS = 30.0
STOP_SECONDS = 10.0
PROMTOOL_SECONDS = 60.0

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Curve:
    """One series, with points of (epoch seconds, value)."""

    labels: Labels
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        return self.points[-1][1]


class Prometheus:
    """One that runs. Errors of a query are a ValueError with its words."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def query(self, expression: str) -> list[Curve]:
        """Returns the present values; each curve has one point."""
        found = self.ask("query", query=expression)["result"]
        return [_curve(each["metric"], [each["value"]]) for each in found]

    def query_range(self, expression: str, since: float, until: float, step_seconds: float) -> list[Curve]:
        """Returns curves, as a panel asks for them."""
        told = {"query": expression, "start": str(since), "end": str(until), "step": str(step_seconds)}
        return [_curve(each["metric"], each["values"]) for each in self.ask("query_range", **told)["result"]]

    def ask(self, path: str, **parameters: str) -> Any:
        """Returns the `data` of the answer."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with self._opener.open(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{parameters}: {json.load(error)['error']}") from None

    def is_ready(self) -> bool:
        try:
            with self._opener.open(f"{self.url}/-/ready", timeout=5):
                return True
        except OSError:
            return False


def _curve(labels: Labels, points: Sequence[tuple[float, str]]) -> Curve:
    return Curve(labels, tuple((float(at), float(value)) for at, value in points))


@contextmanager
def scraping(
    folder: Path, *, job: str, ports: Sequence[int], rules: Path | None = None
) -> Iterator[Prometheus]:
    """Yield one that asks these ports of this machine; `rules` is a rule file. `folder` is its own."""
    folder.mkdir()
    config = {
        "global": {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY},
        "rule_files": [str(rules)] if rules else [],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    (port,) = free_ports(1)
    told = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    argv = [str(assets_folder() / "prometheus"), *(f"--{name}={value}" for name, value in told.items())]
    log = folder / "log"
    pid = spawn(argv, log, {})
    try:
        prometheus = Prometheus(f"http://127.0.0.1:{port}")
        wait_for(lambda: prometheus.is_ready() or not is_running(pid), timeout_seconds=READY_SECONDS)
        if not prometheus.is_ready():
            raise TimeoutError(
                f"prometheus is not ready after {READY_SECONDS:.0f} s: {log.read_text()[-2000:]}"
            )
        yield prometheus
    finally:
        stop(pid, patience_seconds=STOP_SECONDS)


def promtool(*arguments: str | Path) -> tuple[int, str]:
    """Returns (its exit code, its whole output)."""
    done = subprocess.run(
        [str(assets_folder() / "promtool"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PROMTOOL_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout
