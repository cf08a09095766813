"""The smallest scenes that need each of the handler's rights. Each says in a few words what came of it.

The handler is a process with the chart's settings; where its own part would be rare or slow, that
part alone is run, with the handler's account.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from nth.adapters.kubernetes_leases import KubernetesLeases
from nth.app import WallClock
from nth.core.events import Noticed, SpotInterruption
from nth.core.policy import Policy
from nth.core.session import SessionRules
from nth.engine import Engine
from nth.errors import Missing, Unreachable
from nth.fleet.replicas import ReplicaWatch
from testbed.helm import NAMESPACE
from tests.contract.bed import BudgetSpec, NodeSpec, Workload
from tests.core.queue_samples import spot_message
from tests.e2e.fleet import fleet_of
from tests.e2e.handler import Handler
from tests.e2e.stage import DRAINED, FORCED, LISTENS, staged
from tests.e2e.trials import Trial

Scene = Callable[[Trial], Awaitable[str]]

FINE, NOT_CORDONED, CORDONED, EMPTY = "fine", "not cordoned", "cordoned, not drained", "drained"
NOT_FOUND = "Cannot find our node yet"
NOT_FOLLOWED = "nodes cannot be followed"
REFUSED = "refuses a change of the node"
FAR_SECONDS = 110.0
NEAR_SECONDS = 36.0
"""To the interruption: so that pods with 30 s of grace are forced in about three."""
STOPS = (1.5, 1.7)
"""Long enough to see whether a pod is waited for by watching, or by listing again and again."""
MANY_LISTS = 5
"""With a watch, a drain needs three."""
REPEATED = 4
"""Refusals after which nothing else will come."""


@dataclass(slots=True, kw_only=True)
class Ground:
    """A doomed node with one pod, and its handler."""

    trial: Trial
    handler: Handler
    doomed: str
    app: str
    say_spot: Callable[[float], None]

    async def wait_said(self, *texts: str) -> str:
        """The first of these texts that is logged."""
        return await self.wait_for(lambda: next((text for text in texts if self.handler.said(text)), None))

    async def wait_for(self, sign: Callable[[], str | None]) -> str:
        """What it says as soon as it says anything."""
        said: str | None = None

        async def so() -> bool:
            nonlocal said
            said = await asyncio.to_thread(sign)
            return said is not None

        try:
            await self.trial.bed.wait_until(so)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.handler.tail()}") from error
        assert said is not None
        return said

    async def state(self) -> str:
        """Of the node and its pod."""
        if not (await self.trial.bed.node(self.doomed)).unschedulable:
            return NOT_CORDONED
        pods = await self.trial.bed.pods(self.app)
        return CORDONED if any(pod.node_name == self.doomed for pod in pods) else EMPTY


@contextlib.asynccontextmanager
async def ground(trial: Trial) -> AsyncIterator[Ground]:
    """In the mode that the chart's settings say."""
    queue = trial.env["ENABLE_SQS_TERMINATION_DRAINING"] == "true"
    async with (_in_queue_mode if queue else _in_metadata_mode)(trial) as place:
        place.handler.env = {**trial.env, **place.handler.env}
        place.handler.developer_mode = False
        yield place


@contextlib.asynccontextmanager
async def _in_metadata_mode(trial: Trial) -> AsyncIterator[Ground]:
    async with staged(trial.bed, trial.folder, account=trial.account) as stage:
        await stage.set_up(Workload(name="web", ready_after_seconds=0.1, stops_after_seconds=STOPS))
        yield Ground(
            trial=trial, handler=stage.handler, doomed=stage.doomed, app="one-web", say_spot=stage.say_spot
        )


@contextlib.asynccontextmanager
async def _in_queue_mode(trial: Trial) -> AsyncIterator[Ground]:
    async with fleet_of(trial.bed, trial.aws, trial.folder, account=trial.account) as fleet:
        await fleet.set_up(pods=1, stops=STOPS)
        yield Ground(
            trial=trial,
            handler=fleet.handler,
            doomed=fleet.doomed,
            app="web",
            # Its time is two minutes before the interruption's.
            say_spot=lambda at: fleet.say(spot_message(fleet.instance_id, at - 120)),
        )


async def drain(trial: Trial) -> str:
    """A Spot interruption, two minutes ahead."""
    signs = (DRAINED, NOT_FOUND, NOT_FOLLOWED, REFUSED, "Pod may not be evicted now")

    async with ground(trial) as place:

        def sign() -> str | None:
            # Of a list of pods that is refused, the log says nothing.
            blind = trial.asked(refused=True)["pods", "list"] >= REPEATED
            return "blind" if blind else next((text for text in signs if place.handler.said(text)), None)

        place.handler.start()
        place.say_spot(time.time() + FAR_SECONDS)
        await place.wait_for(sign)
        outcome = await place.state()
        if outcome == EMPTY:
            many = trial.asked(refused=False)["pods", "list"] >= MANY_LISTS
            outcome = "drained, pods listed all the time" if many else FINE
    return outcome


async def cordon(trial: Trial) -> str:
    """The same where nothing is evicted."""
    async with ground(trial) as place:
        place.handler.start()
        place.say_spot(time.time() + FAR_SECONDS)
        await place.wait_said("Node successfully cordoned", NOT_FOUND, NOT_FOLLOWED, REFUSED)
        outcome = await place.state()
    return FINE if outcome == CORDONED else outcome


async def plan(trial: Trial) -> str:
    """The same in a dry run, and a budget that lets no pod go."""
    async with ground(trial) as place:
        budget = BudgetSpec(name="none", match_labels={"app": place.app}, max_unavailable=0)
        await trial.bed.set_budget(budget)
        place.handler.start()
        place.say_spot(time.time() + FAR_SECONDS)
        planned = "dry-run flag was set"
        signs = (NOT_FOUND, NOT_FOLLOWED, "cannot read the cluster for the plan")
        if await place.wait_said(planned, *signs) != planned:
            return "no plan"
        unread = place.handler.said("the plan knows no budgets")
    return "the plan knows no budget" if unread else FINE


async def force(trial: Trial) -> str:
    """A Spot interruption that is near, and a budget that lets no pod go."""
    async with ground(trial) as place:
        budget = BudgetSpec(name="none", match_labels={"app": place.app}, max_unavailable=0)
        await trial.bed.set_budget(budget)
        place.handler.start()
        place.say_spot(time.time() + NEAR_SECONDS)
        said = await place.wait_said(FORCED, "No permission to delete pods")
    return FINE if said == FORCED else "the pod stays"


async def stop(trial: Trial) -> str:
    """SIGTERM, without any notice before it."""
    async with ground(trial) as place:
        place.handler.start()
        await place.handler.wait_said(LISTENS)
        assert await place.handler.stop() == 0
        unread = place.handler.said("Cannot read our own pod, assuming the default grace")
    return "our own grace is not known" if unread else FINE


async def follow(trial: Trial) -> str:
    """Queue mode knows all nodes."""
    async with ground(trial) as place:

        def sign() -> str | None:
            if place.handler.said(NOT_FOLLOWED):
                return "nodes listed all the time"
            return FINE if trial.asked(refused=False)["nodes", "watch"] else None

        place.handler.start()
        return await place.wait_for(sign)


async def find_by_hostname(trial: Trial) -> str:
    """NODE_NAME is the node's host name, which is not its name."""
    async with staged(trial.bed, trial.folder, account=trial.account) as stage:
        await trial.bed.add_node(NodeSpec(name=stage.doomed, hostname="other"))
        handler = stage.handler
        handler.env, handler.node_name = {**trial.env, **handler.env}, "other"
        handler.start()
        place = Ground(trial=trial, handler=handler, doomed="", app="", say_spot=stage.say_spot)
        said = await place.wait_said(LISTENS, NOT_FOUND)
    return FINE if said == LISTENS else "its node is not found"


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
