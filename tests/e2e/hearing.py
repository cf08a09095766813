"""All that a handler says of an interruption: log, report, webhook posts, metrics, events, condition.

It knows nothing of what is so: `lives` does.
"""

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.api import Api
from testbed.control_plane import ControlPlane
from testbed.processes import free_ports
from tests.e2e.handler import Line
from tests.servers.posts import Receiver, listening

Json = Any
PHASES = ("received", "cordoned", "drained", "forced", "failed", "cancelled", "replaced")
TEMPLATE = (
    '{"phase": {{ .Phase | toJson }}, "result": {{ .Result | toJson }}, "reason": {{ .Reason | toJson }}, '
    '"node": {{ .NodeName | toJson }}, "summary": {{ .Summary | toJson }}, "left": {{ .Left | toJson }}, '
    '"evicted": {{ .Evicted }}, "forced": {{ .Forced }}}'
)
CONDITION = "aws-node-termination-handler/Interrupted"
SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Said:
    """All that was said of one node's interruption."""

    lines: list[Line]
    """Of the log, without those about other nodes."""
    report: str
    """What `nth report` makes of it."""
    posts: list[Json]
    events: list[Json]
    """About the node and about its pods."""
    conditions: list[Json]
    """Every state of the node's condition that was seen."""
    metrics: dict[str, dict[tuple[tuple[str, str], ...], float]]
    """By name and labels."""
    log_file: Path

    def lines_with(self, text: str) -> list[Line]:
        return [line for line in self.lines if text in str(line["message"])]

    @property
    def notice(self) -> Line:
        """Returns the line of the notice."""
        return next(line for line in self.lines if "drain_at" in line)

    @property
    def reports(self) -> list[Line]:
        """Returns the lines that carry a report, those so far included."""
        return [line for line in self.lines if "report" in line]

    @property
    def everything(self) -> str:
        """Returns all of it as one text, to look for words that must not be in there."""
        parts = (self.lines, self.posts, self.events, self.conditions)
        return "\n".join((self.report, *(json.dumps(part, default=str) for part in parts)))


@dataclass(slots=True, kw_only=True)
class Ears:
    """The listeners of one handler."""

    plane: ControlPlane
    receiver: Receiver
    webhook_port: int
    metrics_port: int
    conditions: dict[str, list[Json]] = field(default_factory=dict)
    """By node."""

    @property
    def flags(self) -> tuple[str, ...]:
        """Returns the settings that make a handler tell these ears everything."""
        return (
            "--emit-kubernetes-events",
            "--enable-node-condition",
            "--enable-prometheus-server",
            f"--prometheus-server-port={self.metrics_port}",
            f"--webhook-url=http://127.0.0.1:{self.webhook_port}/",
            f"--webhook-phases={','.join(PHASES)}",
            f"--webhook-template={TEMPLATE}",
        )

    async def said(self, node_name: str, node_uid: str, log_file: Path) -> Said:
        """Returns all that is said now; the handler still runs."""
        await self.look((node_name,))
        posts = [json.loads(post.body) for post in self.receiver.requests]
        text = await asyncio.to_thread(log_file.read_text)
        lines = [json.loads(line) for line in text.splitlines()]
        return Said(
            lines=[line for line in lines if line.get("node", node_name) == node_name],
            report=await asyncio.to_thread(nth, "report", "--node", node_name, str(log_file)),
            posts=[post for post in posts if post["node"] == node_name],
            events=await asyncio.to_thread(self._events, node_name, node_uid),
            conditions=self.conditions.get(node_name, []),
            metrics=await asyncio.to_thread(self.scrape),
            log_file=log_file,
        )

    def scrape(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        """Returns the metrics as they are served now."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        with opener.open(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if sample := SAMPLE.match(line):
                    labels = tuple(sorted(LABEL.findall(sample["labels"] or "")))
                    found.setdefault(sample["name"], {})[labels] = float(sample["value"])
        return found

    def _events(self, node_name: str, node_uid: str) -> list[Json]:
        with Api(self.plane.kubeconfig) as api:
            found = json.loads(api.get("/api/v1/events", fieldSelector="source=aws-node-termination-handler"))
        return [
            one
            for one in found["items"]
            if one["involvedObject"].get("uid") == node_uid or f"(node {node_name})" in one["message"]
        ]

    async def follow_conditions(self, node_names: Sequence[str]) -> None:
        """Note each new state of these nodes' conditions, for ever."""
        while True:
            await self.look(node_names)
            await asyncio.sleep(1.0)

    async def look(self, node_names: Sequence[str]) -> None:
        """Note the conditions of these nodes, if they are new."""
        for name, condition in (await asyncio.to_thread(self._conditions, node_names)).items():
            seen = self.conditions.setdefault(name, [])
            if not seen or seen[-1]["message"] != condition["message"]:
                seen.append(condition)

    def _conditions(self, node_names: Sequence[str]) -> dict[str, Json]:
        with Api(self.plane.kubeconfig) as api:
            nodes = json.loads(api.get("/api/v1/nodes"))["items"]
        return {
            node["metadata"]["name"]: each
            for node in nodes
            if node["metadata"]["name"] in node_names
            for each in node["status"].get("conditions", ())
            if each["type"] == CONDITION
        }


@contextlib.asynccontextmanager
async def listening_ears(plane: ControlPlane, *node_names: str) -> AsyncIterator[Ears]:
    """Yield the ears of one handler, which take all until the end of the block."""
    receiver = Receiver()
    (metrics_port,) = free_ports(1)
    async with listening(receiver.serve) as webhook_port, asyncio.TaskGroup() as group:
        ears = Ears(plane=plane, receiver=receiver, webhook_port=webhook_port, metrics_port=metrics_port)
        task = group.create_task(ears.follow_conditions(node_names))
        try:
            yield ears
        finally:
            task.cancel()


def nth(*arguments: str) -> str:
    """Returns what the command prints; it has to end well."""
    command = [sys.executable, "-m", "nth", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
