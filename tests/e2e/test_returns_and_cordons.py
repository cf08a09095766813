"""What the cluster does against a drain, on a real control plane.

Its scheduler puts pods back on the cordoned node, people take the cordon off, a kubelet registers anew.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nth.core.drain.returns import ASKED_AGAIN
from nth.core.facts import Pod
from testbed.api import Api
from testbed.audit import AuditLog
from testbed.bed import RealBed
from testbed.rights import HANDLER, user_of
from testbed.workloads import FOLDERS, node_document, workload_document
from tests.contract.bed import NodeSpec, Workload
from tests.core.samples import REBALANCE_TAINT, SPOT_TAINT
from tests.e2e.stage import DRAINED, QUICK, Stage, staged, taint_keys

BACK = "Pod came back to the node, although it is cordoned; "
LIFTED = "Somebody took the cordon off"
ANEW = "The Node was registered anew for the same machine"
UNCORDON = {"spec": {"unschedulable": None}}
"""The patch of `kubectl uncordon`."""
SECONDS_TO_CORDON = 3.0
QUICKLY = Workload(name="web", replicas=2, ready_after_seconds=0.2, stops_after_seconds=QUICK)

Scene = Callable[[Stage], Awaitable[None]]
Document = dict[str, Any]


def play(bed: RealBed, folder: Path, scene: Scene, *errors: str) -> None:
    """`errors`: what the handler's lines of that level begin with; there are no others."""

    async def scenario() -> None:
        async with staged(bed, folder) as stage:
            await scene(stage)
            assert await stage.handler.stop() == 0
            said = [line["message"] for line in stage.handler.lines if line["level"] in ("error", "fatal")]
            assert len(said) == len(errors), said
            assert all(str(line).startswith(begin) for line, begin in zip(said, errors, strict=True)), said
            assert "Traceback" not in stage.handler.log_file.read_text()

    asyncio.run(scenario())


# Pods that tolerate the cordon


def clinging(workload: Workload, node: str) -> Document:
    """It tolerates every taint and would rather be on that node than anywhere else."""
    document: Document = dict(workload_document(workload))
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    rather = {"weight": 100, "preference": {"matchExpressions": [here]}}
    document["spec"]["template"]["spec"] |= {
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [rather]}},
    }
    return document


async def set_up_with_one_that_clings(stage: Stage) -> str:
    """Beside two pods that move; the full name of its Deployment."""
    await stage.set_up(QUICKLY)
    stays = Workload(
        name="one-stays",
        node_selector={"stage": stage.name},
        grace_seconds=5,
        ready_after_seconds=0.2,
        stops_after_seconds=QUICK,
    )
    path = FOLDERS["Deployment"].format(stage.bed.namespace)
    with closing(Api(stage.bed.plane.kubeconfig)) as admin:
        await asyncio.to_thread(admin.post, f"/{path}", clinging(stays, stage.doomed))
    (pod,) = await stage.bed.wait_ready(stays.name, 1)
    assert pod.node_name == stage.doomed
    return stays.name


def names(pods: tuple[Pod, ...] | list[Pod]) -> list[str]:
    return sorted(str(pod.ref) for pod in pods)


def report_of(stage: Stage) -> str:
    """What `nth report` makes of the log, once the machine is gone."""
    command = [sys.executable, "-m", "nth", "report", str(stage.handler.log_file)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def test_safe_14_who_tolerates_the_cordon_is_asked_twice_more_and_never_called_moved(
    bed: RealBed, tmp_path: Path, audit_log: AuditLog
) -> None:
    async def scene(stage: Stage) -> None:
        clings = await set_up_with_one_that_clings(stage)
        await stage.listen()
        interrupted_at = float(int(time.time()) + 25)
        stage.say_spot(interrupted_at)
        left = await stage.handler.wait_said(f"{BACK}it is left there", timeout_seconds=20)
        await stage.wait_moved("web", 2)
        # To the deadline, so that it is seen whether it is asked once more.
        await asyncio.sleep(max(0.0, interrupted_at - time.time() + 2))

        (stays,) = await bed.pods(clings)
        assert (stays.node_name, stays.deleting_until_at) == (stage.doomed, None)
        assert left["pod"] == str(stays.ref)
        again = stage.handler.said(f"{BACK}it is asked to go once more")
        assert len(again) == ASKED_AGAIN
        assert len(stage.handler.said(BACK)) == ASKED_AGAIN + 1

        asked = [each for each in audit_log.requests(user_of(HANDLER)) if each.resource == "pods/eviction"]
        of_it = [each.name for each in asked if each.name.startswith(clings)]
        assert len(of_it) == len(set(of_it)) == 1 + ASKED_AGAIN
        assert stays.ref.name not in of_it
        assert [str(line["pod"]).rpartition("/")[2] for line in again] == of_it[1:]
        deletions = [each for each in audit_log.requests(user_of(HANDLER)) if each.verb == "delete"]
        assert deletions == []

        # What is said is so: two pods are elsewhere, and one goes with the machine.
        assert names(await bed.pods_on(stage.doomed)) == [str(stays.ref)]
        await bed.remove_node(stage.doomed)
        await stage.handler.wait_said("Session ended")
        text = await asyncio.to_thread(report_of, stage)
        assert "What became of them: 2 moved, 3 came back, 1 lost." in text, text
        verdict = f"1 POD LOST with the machine: {bed.namespace}/{stays.ref.name}"
        assert verdict in text, text
        assert stage.handler.said("Nothing was lost") == []
        (line,) = stage.handler.said("Not known yet whether all pods are replaced")
        assert line["level"] == "warn"

    play(
        bed,
        tmp_path,
        scene,
        "Node is not drained: 1 pod is still there",
    )


# Somebody takes the cordon off


async def drained(stage: Stage) -> None:
    """With most of a Spot notice's two minutes left."""
    await stage.set_up(QUICKLY)
    await stage.listen("--taint-node")
    stage.say_spot(time.time() + 110)
    await stage.wait_drained()
    await stage.wait_moved("web", 2)


async def place_on(stage: Stage, name: str) -> None:
    """Past the scheduler, as if it had been quicker than the cordon."""
    pod = Workload(
        name=name, kind="Pod", node_name=stage.doomed, ready_after_seconds=0.1, stops_after_seconds=QUICK
    )
    await stage.bed.run(pod)


async def nobody_on(stage: Stage) -> None:
    async def empty() -> bool:
        return await stage.bed.pods_on(stage.doomed) == ()

    try:
        await stage.bed.wait_until(empty)
    except AssertionError as error:
        raise AssertionError(f"pods are left\n{stage.handler.tail()}") from error


def test_safe_15_a_cordon_that_is_taken_off_is_set_again_and_who_landed_is_drained(
    bed: RealBed, tmp_path: Path
) -> None:
    async def scene(stage: Stage) -> None:
        await drained(stage)
        # Both together: the handler sees a node without a cordon, and a pod on it.
        lifted_at = time.time()
        await asyncio.gather(bed.change_node(stage.doomed, UNCORDON), place_on(stage, "landed"))

        async def cordoned() -> bool:
            return (await stage.node()).unschedulable

        await bed.wait_until(cordoned, timeout_seconds=SECONDS_TO_CORDON)
        assert time.time() - lifted_at < SECONDS_TO_CORDON
        line = await stage.handler.wait_said(LIFTED)
        assert "It is set again at once" in str(line["message"])
        await nobody_on(stage)
        await stage.handler.wait_said(DRAINED, count=2)
        assert len(stage.handler.said(LIFTED)) == 1
        gone = [line for line in stage.handler.said("Pod gone") if str(line["pod"]).endswith("/landed")]
        assert len(gone) == 1
        stage.assert_nobody_removed_twice()
        assert await stage.is_drained()
        assert taint_keys(await stage.node()) == {SPOT_TAINT}

    play(bed, tmp_path, scene)


def accepted_node_patches(stage: Stage) -> list[Document]:
    patches = [asked.body for asked in stage.proxy.asked if asked.is_node_patch and asked.accepted]
    return [{"spec": {}, **json.loads(body)} for body in patches]


def test_safe_15_without_a_deadline_an_uncordon_is_respected_and_said(bed: RealBed, tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.set_up(QUICKLY)
        await stage.listen("--taint-node", "--enable-rebalance-monitoring")
        stage.say_rebalance()
        await stage.handler.wait_said("Node successfully cordoned")
        assert (await stage.node()).unschedulable
        before = len(accepted_node_patches(stage))
        await bed.change_node(stage.doomed, UNCORDON)
        line = await stage.handler.wait_said(LIFTED)
        assert "It stays off, because no deadline is set" in str(line["message"])
        await place_on(stage, "landed")
        await asyncio.sleep(5)
        node = await stage.node()
        assert not node.unschedulable
        assert taint_keys(node) == {REBALANCE_TAINT}
        # Its record does not claim the cordon any more.
        (written,) = accepted_node_patches(stage)[before:]
        assert "unschedulable" not in written["spec"]
        record = await stage.record()
        assert record is not None
        assert not record.marks.cordoned
        assert len(stage.handler.said(LIFTED)) == 1
        assert stage.proxy.removals() == []
        assert len(await bed.pods_on(stage.doomed)) == 3

    play(bed, tmp_path, scene)


# The Node object is another one


def register(stage: Stage) -> NodeSpec:
    return NodeSpec(name=stage.doomed, instance_id=f"i-{stage.doomed}", labels={"stage": stage.name})


@pytest.mark.parametrize("pause_seconds", [0.0, 4.0], ids=["at-once", "after-a-while"])
def test_safe_15_a_node_that_is_registered_anew_is_marked_anew(
    bed: RealBed, tmp_path: Path, pause_seconds: float
) -> None:
    async def scene(stage: Stage) -> None:
        await drained(stage)
        before = await stage.node()
        path = f"/api/v1/nodes/{stage.doomed}"
        with closing(Api(bed.plane.kubeconfig)) as admin:
            await asyncio.to_thread(admin.delete, path)
            await asyncio.sleep(pause_seconds)
            body: Mapping[str, object] = node_document(register(stage))
            await asyncio.to_thread(admin.post, "/api/v1/nodes", body)
        registered_at = time.time()

        async def marked() -> bool:
            node = await stage.node()
            return node.unschedulable and SPOT_TAINT in taint_keys(node) and await stage.record() is not None

        await bed.wait_until(marked, timeout_seconds=SECONDS_TO_CORDON)
        assert time.time() - registered_at < SECONDS_TO_CORDON
        after = await stage.node()
        assert after.uid != before.uid
        record = await stage.record()
        assert record is not None
        assert [seen.event.kind.name for seen in record.events] == ["SPOT_ITN"]
        line = await stage.handler.wait_said(ANEW)
        assert line["uid"] == after.uid
        await place_on(stage, "landed")
        await nobody_on(stage)
        assert len(stage.handler.said(ANEW)) == 1

    play(bed, tmp_path, scene)
