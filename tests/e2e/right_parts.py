"""Scenes of a part of the handler alone, with its account: what the whole would do rarely, or slowly."""

import asyncio
import math
import time
from dataclasses import replace

from nth.adapters.kubernetes_leases import KubernetesLeases
from nth.core.node.session import SessionRules
from nth.core.notices.events import Noticed, SpotInterruption
from nth.core.policy import Policy
from nth.engine.engine import Engine
from nth.errors import Missing, Unreachable
from nth.queue_mode.replicas import ReplicaWatch
from nth.wiring.app import WallClock
from testbed.helm import NAMESPACE
from tests.contract.bed import NodeSpec, Workload
from tests.e2e.right_scenes import FAR_SECONDS, FINE, NOT_CORDONED
from tests.e2e.trials import Trial

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
