"""Kubernetes events and the condition of nodes as kubectl shows them, on a real control plane (T7, T24).

The handler has the rights that the chart gives when both are on, and no others.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from testbed.audit import AuditLog
from testbed.bed import RealBed
from testbed.build import assets_folder
from testbed.control_plane import ControlPlane
from testbed.metadata_mock import MetadataMock
from testbed.rights import TOLD_HANDLER
from tests.contract.bed import BudgetSpec, Workload
from tests.e2e.handler import Handler
from tests.e2e.test_scenarios import SPOT_TAINT, Stage, reboot, spot

EVENTS = ("--emit-kubernetes-events", "--taint-node")
CONDITION = "aws-node-termination-handler/Interrupted"
ANNOTATION = "aws-node-termination-handler/interruption"
THE_TEN = (
    "account-id",
    "availability-zone",
    "instance-id",
    "instance-life-cycle",
    "instance-type",
    "local-hostname",
    "local-ipv4",
    "public-hostname",
    "public-ipv4",
    "region",
)

Event = dict[str, Any]


class Told:
    """What kubectl tells of the stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def kubectl(self, *words: str) -> str:
        plane = self.stage.bed.plane
        command = [str(assets_folder() / "kubectl"), f"--kubeconfig={plane.kubeconfig}", *words]
        return await asyncio.to_thread(subprocess.check_output, command, text=True)

    async def events(self, *, namespace: str = "default") -> list[Event]:
        """Ours, about objects of this test, oldest first."""
        selector = "--field-selector=source=aws-node-termination-handler"
        found = json.loads(await self.kubectl("get", "events", "-n", namespace, selector, "-o", "json"))
        uid = (await self.stage.bed.node("doomed")).uid
        ours = [
            one for one in found["items"] if namespace != "default" or one["involvedObject"]["uid"] == uid
        ]
        return sorted(ours, key=lambda one: str(one["firstTimestamp"]))

    async def wait_reason(self, reason: str) -> Event:
        """The first event with that reason."""
        found: list[Event] = []

        async def there() -> bool:
            found[:] = [one for one in await self.events() if one["reason"] == reason]
            return bool(found)

        await self.stage.bed.wait_until(there)
        return found[0]

    async def condition(self) -> Event | None:
        node = json.loads(await self.kubectl("get", "node", "doomed", "-o", "json"))
        conditions: list[Event] = node["status"]["conditions"]
        return next((one for one in conditions if one["type"] == CONDITION), None)

    async def annotation(self) -> Event | None:
        text = (await self.stage.bed.node("doomed")).annotations.get(ANNOTATION)
        return None if text is None else dict(json.loads(text))

    async def wait_message(self, *parts: str) -> Event:
        """The condition, once its message has all these parts."""
        seen: list[Event | None] = [None]

        async def says() -> bool:
            seen[0] = await self.condition()
            return seen[0] is not None and all(part in seen[0]["message"] for part in parts)

        try:
            await self.stage.bed.wait_until(says)
        except AssertionError as error:
            raise AssertionError(f"{parts} not in {seen[0]}\n{self.stage.handler.tail()}") from error
        assert seen[0] is not None
        return seen[0]


@pytest.fixture
def told(
    bed: RealBed, metadata_mock: MetadataMock, control_plane: ControlPlane, tmp_path: Path
) -> Iterator[Told]:
    handler = Handler(
        node_name="doomed",
        kubeconfig=control_plane.handler_kubeconfig(TOLD_HANDLER),
        metadata_url=metadata_mock.url,
        folder=tmp_path,
    )
    yield Told(Stage(bed, metadata_mock, handler))
    handler.kill()


def test_T7_kubectl_shows_that_the_node_was_drained(told: Told) -> None:
    async def scenario() -> None:
        await told.stage.set_up()
        await told.stage.hear(spot(), *EVENTS)
        await told.stage.assert_evicted()
        await told.wait_reason("CordonAndDrain")
        line = "CordonAndDrain node/doomed Node successfully cordoned and drained"
        assert line in " ".join((await told.kubectl("get", "events")).split())
        described = await told.kubectl("describe", "node", "doomed")
        for reason in ("SpotInterruption", "PreDrain", "CordonAndDrain"):
            assert f"  {reason} " in described, described

    asyncio.run(scenario())


def test_T24_spot_interruption_with_events_on(told: Told) -> None:
    async def scenario() -> None:
        await told.stage.set_up()
        extra = "--kubernetes-events-extra-annotations=spot.itn.events/test=extra-annotation,region=mine"
        await told.stage.hear(spot(), *EVENTS, extra)
        await told.stage.assert_cordoned(SPOT_TAINT)
        await told.stage.assert_evicted()
        for reason in ("SpotInterruption", "PreDrain", "CordonAndDrain"):
            event = await told.wait_reason(reason)
            annotations = event["metadata"]["annotations"]
            assert all(annotations[name] for name in THE_TEN), annotations
            assert annotations["instance-id"] == told.stage.mock.instance_id
            assert annotations["spot.itn.events/test"] == "extra-annotation"
            assert annotations["region"] == "mine", "the user's own wins"
            assert event["source"] == {"component": "aws-node-termination-handler", "host": "doomed"}
            assert event["type"] == "Normal"

    asyncio.run(scenario())


def test_E10_only_pods_that_are_evicted_get_an_event(told: Told) -> None:
    async def scenario() -> None:
        await told.stage.set_up()
        before = {pod.ref.name for pod in await told.stage.bed.pods("web")}
        await told.stage.hear(spot(), *EVENTS)
        await told.stage.assert_evicted()
        await told.wait_reason("CordonAndDrain")
        events = await told.events(namespace=told.stage.bed.namespace)
        assert {one["involvedObject"]["name"] for one in events} == before, "none of the DaemonSet"
        assert {one["reason"] for one in events} == {"PodEviction"}
        for event in events:
            until = "Spot interruption, the machine may stop at "
            assert event["message"].startswith(f"Pod evicted due to node drain (node doomed): {until}")
            annotations = event["metadata"]["annotations"]
            assert (annotations["node"], annotations["app"]) == ("doomed", "web")

    asyncio.run(scenario())


def test_E9_a_cancelled_maintenance_is_told(told: Told) -> None:
    async def scenario() -> None:
        await told.stage.set_up()
        await told.stage.hear(reboot(), "--enable-node-condition", *EVENTS)
        await told.stage.assert_evicted()
        await told.wait_message("Scheduled maintenance", "drained, 2 pods gone")
        told.stage.mock.hear(reboot("canceled"))
        await told.wait_reason("Uncordon")
        reasons = [one["reason"] for one in await told.events()]
        assert set(reasons) == {"ScheduledEvent", "PreDrain", "CordonAndDrain", "Uncordon"}
        over = await told.wait_message("Called off (Scheduled maintenance): the node is back in service")
        assert (over["status"], over["reason"]) == ("False", "CalledOff")
        assert await told.annotation() is None

    asyncio.run(scenario())


def test_kubectl_describe_tells_why_until_when_how_far_and_what_blocks(
    told: Told, audit_log: AuditLog
) -> None:
    async def scenario() -> None:
        bed = told.stage.bed
        await told.stage.set_up()
        await bed.run(Workload(name="db", node_selector={"kubernetes.io/hostname": "doomed"}))
        await bed.wait_ready("db", 1)
        await bed.set_budget(BudgetSpec(name="db", match_labels={"app": "db"}, min_available=1))
        interrupted_at = time.time() + 60
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(interrupted_at))
        await told.stage.hear(spot(60), "--enable-node-condition", "--taint-node")
        (db,) = await bed.pods("db")
        waits = f"2 of 3 pods gone; {db.ref} waits for the budget {bed.namespace}/db, and is forced at "
        found = await told.wait_message(f"Spot interruption, the machine may stop at {until[:-3]}", waits)
        assert (found["status"], found["reason"]) == ("True", "SpotInterruption")
        annotation = await told.annotation()
        assert annotation is not None
        assert (annotation["kind"], annotation["phase"]) == ("SPOT_ITN", "draining")
        assert (annotation["pods"], annotation["gone"]) == (3, 2)
        assert annotation["blocked"] == [{"pod": str(db.ref), "budget": f"{bed.namespace}/db"}]
        described = await told.kubectl("describe", "node", "doomed")
        assert CONDITION in described
        assert "Ready " in described, "the other conditions are still there"
        await told.kubectl("wait", "node/doomed", f"--for=condition={CONDITION}", "--timeout=1s")
        writes = [one for one in audit_log.requests(TOLD_HANDLER) if one.resource == "nodes/status"]
        times = [one.received_at for one in writes]
        assert all(later - earlier > 1.9 for earlier, later in pairwise(times)), times
        assert {one.code for one in writes} == {200}
        assert not [one for one in audit_log.requests(TOLD_HANDLER) if one.code == 403]

    asyncio.run(scenario())


def test_needs_W6_without_the_right_a_drain_goes_on_and_it_is_said_once(
    bed: RealBed, metadata_mock: MetadataMock, handler: Handler
) -> None:
    async def scenario() -> None:
        stage = Stage(bed, metadata_mock, handler)
        await stage.set_up()
        await stage.hear(spot(), "--enable-node-condition", *EVENTS)
        await stage.assert_evicted()
        await handler.wait_said("Kubernetes events are refused (default)")
        await handler.wait_said("Node conditions are refused (nodes/status)")
        assert await handler.stop() == 0
        refused = handler.said("are refused")
        assert len(refused) == len({str(line["message"]) for line in refused}) == 3

    asyncio.run(scenario())
