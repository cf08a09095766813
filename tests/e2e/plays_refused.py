"""The scene in which every eviction is refused, each for another reason, until the pods are forced."""

import asyncio
import time
from dataclasses import replace

from testbed.api import Api
from testbed.workloads import FOLDERS, budget_document, workload_document
from tests.contract.bed import BudgetSpec, Workload
from tests.e2e.gatekeepers import (
    DEAD,
    DENIALS,
    FAILS,
    POLICY,
    end,
    ending_namespace,
    gatekeepers,
    wait_refused,
)
from tests.e2e.played import Played, Scene, all_ready
from tests.e2e.plays import NEAR_SECONDS, until_final, work

DOUBLE, STALE, ENDING, BUDGET = "double", "stale", "ending", "budget"
WORDS = (*DENIALS, FAILS, DEAD, POLICY, DOUBLE, STALE, BUDGET)
"""The workloads of the test's own namespace, and why their pods are refused."""


async def refused(scene: Scene) -> Played:
    """One workload for each word, and a pod of a namespace that ends."""
    bed, begin = scene.bed, f"{scene.stage.name}-"
    folder, ending = scene.stage.handler.folder, f"{scene.bed.namespace}-ending"
    async with gatekeepers(bed, folder, begin), ending_namespace(bed, ending):
        workloads = [work(word, kind="Job" if word == STALE else "Deployment") for word in WORDS]
        uid = await all_ready(scene, workloads)
        await _run_in(scene, ending, work(ENDING, kind="Pod"))
        await _set_budgets(scene)
        await end(bed, ending)
        pods = {pod.ref.name: bed.namespace for pod in await bed.pods()}
        here = {name: space for name, space in pods.items() if name.startswith(begin)}
        await wait_refused(bed, {**here, f"{begin}{ENDING}": ending})
        await scene.listen()
        interrupted_at = await scene.interrupt(NEAR_SECONDS)
        await asyncio.sleep(max(0.0, interrupted_at - time.time()))
        await until_final(scene)
        return await scene.played(uid)


async def _run_in(scene: Scene, namespace: str, workload: Workload) -> None:
    name = f"{scene.stage.name}-{workload.name}"
    placed = replace(workload, name=name, node_name=scene.stage.doomed)
    path = f"/{FOLDERS[workload.kind].format(namespace)}"

    async def ready() -> bool:
        return any(pod.ref.name == name and pod.ready for pod in await scene.bed.pods_on(scene.stage.doomed))

    with Api(scene.bed.plane.kubeconfig) as admin:
        await asyncio.to_thread(admin.post, path, workload_document(placed))
    await scene.bed.wait_until(ready)


async def _set_budgets(scene: Scene) -> None:
    """Two that both spare a pod; one that cannot be counted, as a Job has no scale; one that spares none."""
    double, stale, held = (f"{scene.stage.name}-{word}" for word in (DOUBLE, STALE, BUDGET))
    for name in (f"{double}-a", f"{double}-b"):
        await scene.bed.set_budget(BudgetSpec(name=name, match_labels={"app": double}, max_unavailable=1))
    await scene.bed.set_budget(BudgetSpec(name=held, match_labels={"app": held}, min_available=1))
    body = budget_document(BudgetSpec(name=stale, match_labels={"app": stale}, max_unavailable=1))
    path = f"/apis/policy/v1/namespaces/{scene.bed.namespace}/poddisruptionbudgets/{stale}"
    with Api(scene.bed.plane.kubeconfig) as admin:
        await asyncio.to_thread(admin.apply, path, body)
