"""Scenes of a part of the handler alone, with its account: what the whole would do rarely, or slowly."""

import asyncio
import math
import time
from dataclasses import replace

from nth.adapters.clock import WallClock
from nth.adapters.kubernetes_leases import KubernetesLeases
from nth.core.node.session import SessionRules
from nth.core.notices.events import Noticed, SpotInterruption
from nth.core.policy import Policy
from nth.core.reports import ReplacementEnded, Told
from nth.engine.engine import Engine
from nth.errors import Missing, Unreachable
from nth.queue_mode.replicas import ReplicaWatch
from testbed.helm import NAMESPACE
from tests.contract.bed import Kind, NodeSpec, Workload
from tests.e2e.right_scenes import FAR_SECONDS, FINE, NOT_CORDONED
from tests.e2e.trials import Trial

NOT_KNOWN = "it is not known how many are wanted"
NEAR_SECONDS = 14.0
REPEATED = 4
"""Refusals after which nothing else will come."""


async def meet_namesake(trial: Trial) -> str:
    """An eviction of a pod that is gone, while another one has its name and is not Ready."""
    bed = trial.bed
    await bed.add_node(NodeSpec(name="a"))
    await bed.run(Workload(name="again", kind="Pod", node_name="a", ready_after_seconds=math.inf))
    (pod,) = await bed.pods("again")
    gone = replace(pod.ref, uid="00000000-0000-0000-0000-000000000000")
    async with bed.connected(trial.account) as cluster:
        cluster.server.request_seconds = 1.0
        try:
            await cluster.evict_pod(gone, grace_seconds=None)
        except Missing:
            return FINE
        except Unreachable:
            return "not known to be gone"
    return "evicted"


async def uninstall_deployment(trial: Trial) -> str:
    """Its ReplicaSet goes with it."""
    return await _uninstall(trial, "Deployment")


async def uninstall_stateful_set(trial: Trial) -> str:
    return await _uninstall(trial, "StatefulSet")


async def uninstall_job(trial: Trial) -> str:
    return await _uninstall(trial, "Job")


async def _uninstall(trial: Trial, kind: Kind) -> str:
    """A workload is deleted while its pods have no room on any other node, and the deadline is near."""
    bed, told = trial.bed, list[Told]()
    node = await bed.add_node(NodeSpec(name="doomed"))
    # Told to stop, it fails, so that the Job wants another pod.
    await bed.run(Workload(name="web", kind=kind, ready_after_seconds=0.1, exit_code=143))
    (pod,) = await bed.wait_ready("web", 1)
    event = SpotInterruption(event_id="trial", action="terminate", interrupted_at=time.time() + NEAR_SECONDS)

    def ends() -> list[ReplacementEnded]:
        return [each.report for each in told if isinstance(each.report, ReplacementEnded)]

    async def moved() -> bool:
        return pod.ref not in [each.ref for each in await bed.pods()]

    async def ended() -> bool:
        return bool(ends())

    async with bed.connected(trial.account) as cluster:
        engine = Engine(
            cluster, WallClock(), SessionRules(), tell=told.append, new_session_id=lambda: "trial"
        )
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(0)
        engine.notice("doomed", Noticed(event=event), node)
        await bed.wait_until(moved)
        await bed.delete("web")
        await bed.wait_until(ended, timeout_seconds=30)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    (end,) = ends()
    if end.final and [each.deleted for each in end.released] == [True] and not end.missing:
        return FINE
    return NOT_KNOWN if [each.wanted for each in end.missing] == [None] else str(end)


async def write_after_another(trial: Trial) -> str:
    """The node has changed since it was read: the patch is refused, and the node is read again."""
    bed = trial.bed
    before = await bed.add_node(NodeSpec(name="doomed"))
    await bed.change_node("doomed", {"metadata": {"labels": {"changed": "yes"}}})
    event = SpotInterruption(event_id="trial", action="terminate", interrupted_at=time.time() + FAR_SECONDS)
    rules = SessionRules(policy=Policy(cordon_only=trial.env["CORDON_ONLY"] == "true"))

    async def over() -> bool:
        cordoned = (await bed.node("doomed")).unschedulable
        return cordoned or trial.asked(refused=True)["nodes", "get"] >= REPEATED

    async with bed.connected(trial.account) as cluster:
        engine = Engine(cluster, WallClock(), rules, tell=lambda _: None, new_session_id=lambda: "trial")
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(0)
        engine.notice("doomed", Noticed(event=event), before)
        await bed.wait_until(over)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return FINE if (await bed.node("doomed")).unschedulable else NOT_CORDONED


async def live_together(trial: Trial) -> str:
    """Two replicas see each other, one goes, and the other hears of it."""
    deaths: list[str] = []
    async with trial.bed.connected(trial.account) as cluster, trial.bed.fleet() as (_, all_leases):
        leases = KubernetesLeases(cluster.server, NAMESPACE)
        first = ReplicaWatch(leases, WallClock(), "first", on_death=deaths.append)
        second = ReplicaWatch(leases, WallClock(), "second", on_death=lambda _: None)
        running = [asyncio.create_task(each.run()) for each in (first, second)]

        async def seen() -> bool:
            stuck = trial.asked(refused=True)["leases", "create"] >= REPEATED
            return first.alone or bool(first.others_alive()) or stuck

        async def renewed() -> bool:
            written = trial.asked(refused=False)["leases", "patch"] >= 2
            return bool(deaths) or written

        async def died() -> bool:
            return bool(deaths)

        try:
            await trial.bed.wait_until(seen)
            if not first.others_alive():
                return "each acts as the only one" if first.alone else "nobody is seen"
            await trial.bed.wait_until(renewed)
            if deaths:
                return "a living replica counts as dead"
            await second.release()
            await trial.bed.wait_until(died)
            left = [lease.name for lease in await all_leases.list_leases()]
            return "a lease is left" if any("second" in name for name in left) else FINE
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)
