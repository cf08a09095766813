"""`nth restore` as a program on a real control plane: after a handler, and after the original's marks."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from nth.core.facts import Node
from nth.core.node.node_annotation import THE_ORIGINALS_MANAGER
from testbed.api import Api
from testbed.bed import RealBed
from testbed.build import assets_folder
from tests.contract.bed import Workload
from tests.core.samples import REBALANCE_TAINT, SPOT_TAINT
from tests.e2e.stage import QUICK, Stage, ours_on, staged, taint_keys

QUICKLY = Workload(name="web", replicas=2, ready_after_seconds=0.2, stops_after_seconds=QUICK)
MARKED = ("--enable-rebalance-monitoring", "--taint-node", "--exclude-from-load-balancers")


async def nth_restore(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With kubectl's way to find the cluster: here the variable."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "KUBECONFIG": str(stage.bed.plane.kubeconfig),
    }
    command = [sys.executable, "-X", "dev", "-m", "nth", "restore", *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def bare(node: Node) -> Node:
    """Without what the control plane changes by itself, also a moment later."""
    taints = tuple(taint for taint in node.taints if taint.key in taint_keys(node))
    return replace(node, resource_version="", taints=taints)


def test_A19_needs_W21_after_an_uninstall_the_nodes_are_as_they_were_before(
    bed: RealBed, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with staged(bed, tmp_path) as stage:
            await stage.set_up(QUICKLY)
            before = await stage.node()
            await stage.listen(*MARKED)
            stage.say_rebalance()
            await stage.handler.wait_said("Node successfully cordoned")
            stage.handler.kill()
            marked = await stage.node()
            assert marked.unschedulable
            assert REBALANCE_TAINT in taint_keys(marked)

            standing = await nth_restore(stage, "--all")
            assert standing.returncode == 1, standing.stderr
            said = " ".join(standing.stdout.split())
            assert said.startswith(f"{stage.doomed}: skipped: Rebalance recommendation still stands: ")
            assert said.endswith("2 nodes: 1 untouched, 1 skipped")
            would = await nth_restore(stage, "--all", "--force", "--dry-run")
            assert would.returncode == 0, would.stderr
            assert bare(await stage.node()) == bare(marked)

            done = await nth_restore(stage, "--all", "--force")
            assert (done.returncode, done.stderr) == (0, "")
            words = would.stdout.replace("would take back", "took back").split()
            assert done.stdout.split() == words
            assert bare(await stage.node()) == bare(before)
            assert ours_on(await stage.node()) == []
            again = await nth_restore(stage, stage.doomed)
            assert again.stdout == f"{stage.doomed}: nothing to take back\n"

    asyncio.run(scenario())


def test_A19_what_the_original_left_goes_and_a_persons_cordon_stays(bed: RealBed, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with staged(bed, tmp_path) as stage:
            await stage.set_up()
            before = await stage.node()
            prefix = "aws-node-termination-handler"
            labels = {f"{prefix}/action-time": "1795336200", f"{prefix}/event-id": "instance-event-1"}
            original = {
                "metadata": {"labels": {f"{prefix}/action": "UncordonAfterReboot", **labels}},
                "spec": {"unschedulable": True, "taints": [{"key": SPOT_TAINT, "effect": "NoSchedule"}]},
            }
            with Api(bed.plane.kubeconfig) as api:
                patch_as(api, stage.doomed, original, THE_ORIGINALS_MANAGER)
                patch_as(api, stage.haven, {"spec": {"unschedulable": True}}, "kubectl-cordon")
            done = await nth_restore(stage, stage.doomed, stage.haven, "no-such-node")
            assert done.returncode == 1
            lines = " ".join(done.stdout.split())
            assert f"{stage.doomed}: took back the cordon, the taint {SPOT_TAINT}" in lines
            assert (
                f"{stage.haven}: nothing to take back; it stays cordoned, which kubectl-cordon set" in lines
            )
            assert "no-such-node: failed: there is no such node" in lines
            assert bare(await stage.node()) == bare(before)
            assert (await bed.node(stage.haven)).unschedulable

    asyncio.run(scenario())


def test_kubectl_runs_it_as_a_plugin_and_completes_its_words(bed: RealBed, tmp_path: Path) -> None:
    kubectl = assets_folder() / "kubectl"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "KUBECONFIG": str(bed.plane.kubeconfig)}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [kubectl, *arguments], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    assert run("nth", "restore", "--all", "--dry-run").endswith("nodes\n")
    assert run("nth").startswith("Usage: kubectl nth ")
    assert "report\tShows what became of each interruption." in run("__complete", "nth", "rep")
    assert "--dry-run" in run("__complete", "nth", "restore", "--d")


def patch_as(api: Api, node: str, body: dict[str, object], manager: str) -> None:
    """As the client of that name."""
    api.merge(f"/api/v1/nodes/{node}?fieldManager={manager}", body)
