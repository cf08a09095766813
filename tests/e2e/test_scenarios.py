"""The original's end-to-end scenarios of metadata mode (contract 1.11), on a real control plane.

The handler is a process with its least rights; the metadata service is amazon-ec2-metadata-mock.
Each test looks at the node, the pods and the log together.
"""

import asyncio
import time
from pathlib import Path

import pytest

from testbed.bed import RealBed
from testbed.metadata_mock import AsgTargetState, Hears, MetadataMock, ScheduledEvent, SpotNotices
from tests.contract.bed import NodeSpec, Workload
from tests.e2e.handler import Handler

SPOT_TAINT = "aws-node-termination-handler/spot-itn"
SCHEDULED_TAINT = "aws-node-termination-handler/scheduled-maintenance"
REBALANCE_TAINT = "aws-node-termination-handler/rebalance-recommendation"
ASG_TAINT = "aws-node-termination-handler/asg-lifecycle-termination"
OUT_OF_SERVICE_TAINT = "node.kubernetes.io/out-of-service"
ACTION_LABEL = "aws-node-termination-handler/action"
DRY_RUN = "would have been cordoned and drained"
DRAINED = "Node successfully cordoned and drained"
NOTICE_SECONDS = 120


class Stage:
    """Two nodes, a Deployment that starts on the doomed one, and the handler of that one."""

    def __init__(self, bed: RealBed, mock: MetadataMock, handler: Handler) -> None:
        self.bed = bed
        self.mock = mock
        self.handler = handler

    async def set_up(self, *, replicas: int = 2) -> None:
        await self.bed.add_node(NodeSpec(name="doomed", instance_id=self.mock.instance_id))
        await self.bed.run(Workload(name="web", replicas=replicas))
        await self.bed.run(Workload(name="agent", kind="DaemonSet"))
        await self.bed.wait_ready("web", replicas)
        await self.bed.wait_ready("agent", 1)
        await self.bed.add_node(NodeSpec(name="other", instance_id="i-0fedcba9876543210"))
        self.mock.hear(SpotNotices())

    async def hear(self, what: Hears, *flags: str) -> None:
        """Start the handler, and let it hear this once it listens."""
        self.handler.start(*flags)
        await self.handler.wait_said("Started watching for interruption events")
        self.mock.hear(what)

    async def taints(self) -> set[str]:
        return {taint.key for taint in (await self.bed.node("doomed")).taints}

    async def assert_cordoned(self, *taints: str) -> None:
        async def marked() -> bool:
            node = await self.bed.node("doomed")
            return node.unschedulable and set(taints) <= await self.taints()

        await self.bed.wait_until(marked)

    async def assert_evicted(self, *, replicas: int = 2) -> None:
        """The Deployment's pods are Ready elsewhere; the DaemonSet's pod has stayed."""
        await self.handler.wait_said(DRAINED)
        pods = await self.bed.wait_ready("web", replicas)
        assert {pod.node_name for pod in pods} == {"other"}
        assert [pod.labels["app"] for pod in await self.bed.pods_on("doomed")] == ["agent"]

    async def assert_untouched(self) -> None:
        node = await self.bed.node("doomed")
        assert not node.unschedulable
        assert not node.taints
        assert not any("aws-node-termination-handler" in key for key in (*node.labels, *node.annotations))
        pods = await self.bed.wait_ready("web", 2)
        assert {pod.node_name for pod in pods} == {"doomed"}


@pytest.fixture
def stage(bed: RealBed, metadata_mock: MetadataMock, handler: Handler) -> Stage:
    return Stage(bed, metadata_mock, handler)


def spot(seconds: float = NOTICE_SECONDS) -> SpotNotices:
    return SpotNotices(interrupted_at=time.time() + seconds)


def reboot(state: str = "active") -> ScheduledEvent:
    return ScheduledEvent(state=state, not_before_at=time.time() + 3600, not_after_at=time.time() + 7200)


def test_T2_asg_target_state_drains_once(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        flags = ("--enable-asg-lifecycle-draining", "--taint-node")
        await stage.hear(AsgTargetState(terminated_at=time.time()), *flags)
        await stage.assert_cordoned(ASG_TAINT)
        await stage.assert_evicted()
        await asyncio.sleep(3.0)
        # needs_W25: the original finds a new event at every poll.
        assert len(stage.handler.said("AST target lifecycle state received")) == 1
        assert len(stage.handler.said(DRAINED)) == 1

    asyncio.run(scenario())


def test_T5_cordon_only_evicts_nothing(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        await stage.hear(spot(), "--cordon-only")
        await stage.handler.wait_said("Node successfully cordoned")
        await stage.assert_cordoned()
        await asyncio.sleep(2.0)
        assert {pod.node_name for pod in await stage.bed.wait_ready("web", 2)} == {"doomed"}
        assert not stage.handler.said(DRAINED)

    asyncio.run(scenario())


def test_T8_imds_v2_only(stage: Stage) -> None:
    async def scenario() -> None:
        stage.mock.imdsv2_only = True
        await stage.set_up()
        await stage.hear(spot())
        await stage.assert_cordoned()
        await stage.assert_evicted()

    asyncio.run(scenario())


def test_T9_cancelled_maintenance_is_undone(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        await stage.hear(reboot(), "--taint-node")
        await stage.assert_cordoned(SCHEDULED_TAINT)
        await stage.assert_evicted()
        stage.mock.hear(reboot("canceled"))
        await stage.handler.wait_said("Node successfully uncordoned")
        node = await stage.bed.node("doomed")
        assert not node.unschedulable
        assert SCHEDULED_TAINT not in await stage.taints()
        assert not any("aws-node-termination-handler" in key for key in (*node.labels, *node.annotations))
        await stage.bed.scale("web", 4)
        assert "doomed" in {pod.node_name for pod in await stage.bed.wait_ready("web", 4)}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("what", "flags"),
    [
        pytest.param(reboot, (), id="T10_maintenance"),
        pytest.param(
            lambda: SpotNotices(rebalance_noticed_at=time.time()),
            ("--enable-rebalance-monitoring", "--enable-rebalance-draining"),
            id="T16_rebalance",
        ),
        pytest.param(spot, (), id="T21_spot"),
    ],
)
def test_T10_T16_T21_dry_run_changes_nothing(stage: Stage, what: object, flags: tuple[str, ...]) -> None:
    async def scenario() -> None:
        assert callable(what)
        await stage.set_up()
        await stage.hear(what(), "--dry-run", "--taint-node", *flags)
        told = await stage.handler.wait_said(DRY_RUN)
        plan = "\n".join(str(step) for step in told["plan"]) if isinstance(told["plan"], list) else ""
        assert plan.count(": Would evict ") == 2, plan
        await stage.assert_untouched()

    asyncio.run(scenario())


def test_T11_reboot_gives_the_node_back(stage: Stage, tmp_path: Path) -> None:
    async def scenario() -> None:
        uptime = tmp_path / "uptime"
        uptime.write_text("350735.47 234388.90\n")
        await stage.set_up()
        await stage.hear(reboot(), "--taint-node", f"--uptime-from-file={uptime}")
        await stage.assert_cordoned(SCHEDULED_TAINT)
        await stage.assert_evicted()
        assert (await stage.bed.node("doomed")).labels[ACTION_LABEL] == "UncordonAfterReboot"
        assert await stage.handler.stop() == 0
        uptime.write_text("0.10 0.05\n")
        # Twice: the event is still listed, and must not drain the node again (needs_W24).
        for count in (1, 2):
            stage.handler.start("--taint-node", f"--uptime-from-file={uptime}")
            await stage.handler.wait_said("Started watching for interruption events", count=count + 1)
            await asyncio.sleep(2.0)
            node = await stage.bed.node("doomed")
            assert not node.unschedulable
            assert not node.taints
            assert ACTION_LABEL not in node.labels
            assert await stage.handler.stop() == 0
        assert len(stage.handler.said("Node successfully uncordoned")) == 1
        assert len(stage.handler.said(DRAINED)) == 1

    asyncio.run(scenario())


def test_T12_maintenance_drains_at_once(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        await stage.hear(reboot(), "--taint-node")
        await stage.assert_cordoned(SCHEDULED_TAINT)
        await stage.assert_evicted()

    asyncio.run(scenario())


def test_T14_spot_interruption_taints(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        await stage.hear(spot(), "--taint-node")
        await stage.assert_cordoned(SPOT_TAINT)
        await stage.assert_evicted()

    asyncio.run(scenario())


def test_T15_rebalance_drains_when_asked(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        flags = ("--enable-rebalance-monitoring", "--enable-rebalance-draining", "--taint-node")
        await stage.hear(SpotNotices(rebalance_noticed_at=time.time()), *flags)
        await stage.assert_cordoned(REBALANCE_TAINT)
        await stage.assert_evicted()

    asyncio.run(scenario())


def test_T19_rebalance_cordons_then_spot_drains(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        rebalance_at = time.time()
        flags = ("--enable-rebalance-monitoring", "--taint-node")
        await stage.hear(SpotNotices(rebalance_noticed_at=rebalance_at), *flags)
        await stage.assert_cordoned(REBALANCE_TAINT)
        await asyncio.sleep(2.0)
        assert {pod.node_name for pod in await stage.bed.wait_ready("web", 2)} == {"doomed"}
        stage.mock.hear(
            SpotNotices(rebalance_noticed_at=rebalance_at, interrupted_at=time.time() + NOTICE_SECONDS)
        )
        await stage.assert_cordoned(REBALANCE_TAINT, SPOT_TAINT)
        await stage.assert_evicted()
        assert len({str(line["session"]) for line in stage.handler.lines if "session" in line}) == 1

    asyncio.run(scenario())


def test_T23_spot_interruption_with_out_of_service_taint(stage: Stage) -> None:
    async def scenario() -> None:
        await stage.set_up()
        await stage.hear(spot(), "--taint-node", "--enable-out-of-service-taint")
        await stage.assert_cordoned(SPOT_TAINT, OUT_OF_SERVICE_TAINT)
        await stage.handler.wait_said(DRAINED)
        assert {pod.node_name for pod in await stage.bed.wait_ready("web", 2)} == {"other"}
        taint = next(t for t in (await stage.bed.node("doomed")).taints if t.key == OUT_OF_SERVICE_TAINT)
        assert (taint.value, taint.effect) == ("nodeshutdown", "NoExecute")

    asyncio.run(scenario())
