"""The smallest scenes that need each of the handler's rights. Each says in a few words what came of it.

The handler is a process with the chart's settings. What it does rarely is played in `right_parts`.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from nth.report.kubernetes_event_objects import COMPONENT
from nth.report.node_condition import CONDITION
from tests.contract.bed import BudgetSpec, NodeSpec, Workload
from tests.core.queue_samples import spot_message
from tests.e2e.fleet import fleet_of
from tests.e2e.handler import Handler
from tests.e2e.stage import DRAINED, FORCED, LISTENS, QUICK, staged
from tests.e2e.trials import Trial

Scene = Callable[[Trial], Awaitable[str]]

FINE, NOT_CORDONED, CORDONED, EMPTY = "fine", "not cordoned", "cordoned, not drained", "drained"
CORDONED_ONLY = "Node successfully cordoned"
NOT_FOUND = "Cannot find our node yet"
NOT_FOLLOWED = "nodes cannot be followed"
REFUSED = "refuses a change of the node"
UNLISTED, UNWATCHED = "Pods may not be listed", "Pods may not be watched"
FAR_SECONDS = 110.0
NEAR_SECONDS = 36.0
"""To the interruption: so that pods with 30 s of grace are forced in about three."""
SLOW = (9.0, 9.2)
"""Long enough for the handler to say that it cannot watch a pod: after about 4 s, in queue mode 7 s."""


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
async def ground(trial: Trial, stops: tuple[float, float] = QUICK) -> AsyncIterator[Ground]:
    """In the mode that the chart's settings say; the pod stops within so many seconds."""
    queue = trial.env["ENABLE_SQS_TERMINATION_DRAINING"] == "true"
    async with (_in_queue_mode if queue else _in_metadata_mode)(trial, stops) as place:
        place.handler.env = {**trial.env, **place.handler.env}
        place.handler.developer_mode = False
        yield place


@contextlib.asynccontextmanager
async def _in_metadata_mode(trial: Trial, stops: tuple[float, float]) -> AsyncIterator[Ground]:
    async with staged(trial.bed, trial.folder, account=trial.account) as stage:
        await stage.set_up(Workload(name="web", ready_after_seconds=0.1, stops_after_seconds=stops))
        yield Ground(
            trial=trial, handler=stage.handler, doomed=stage.doomed, app="one-web", say_spot=stage.say_spot
        )


@contextlib.asynccontextmanager
async def _in_queue_mode(trial: Trial, stops: tuple[float, float]) -> AsyncIterator[Ground]:
    async with fleet_of(trial.bed, trial.aws, trial.folder, account=trial.account) as fleet:
        await fleet.set_up(pods=1, stops=stops)
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
    signs = (DRAINED, NOT_FOUND, NOT_FOLLOWED, REFUSED, UNLISTED, UNWATCHED, "Pod may not be evicted now")

    async with ground(trial) as place:
        place.handler.start()
        place.say_spot(time.time() + FAR_SECONDS)
        await place.wait_said(*signs)
        outcome = await place.state()
    return FINE if outcome == EMPTY else outcome


async def drain_slowly(trial: Trial) -> str:
    """The same with a pod that takes its time to stop."""
    async with ground(trial, SLOW) as place:
        place.handler.start()
        place.say_spot(time.time() + FAR_SECONDS)
        await place.wait_said(DRAINED)
        assert await place.state() == EMPTY
        unwatched = place.handler.said(UNWATCHED)
    return "drained, pods listed all the time" if unwatched else FINE


async def cordon(trial: Trial) -> str:
    """The same where nothing is evicted."""
    async with ground(trial) as place:
        place.handler.start()
        place.say_spot(time.time() + FAR_SECONDS)
        await place.wait_said(CORDONED_ONLY, NOT_FOUND, NOT_FOLLOWED, REFUSED)
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
        (line,) = place.handler.said(planned)
    return FINE if "allows no disruption" in str(line["plan"]) else "the plan knows no budget"


async def force(trial: Trial) -> str:
    """A Spot interruption that is near, and a budget that lets no pod go."""
    async with ground(trial) as place:
        budget = BudgetSpec(name="none", match_labels={"app": place.app}, max_unavailable=0)
        await trial.bed.set_budget(budget)
        place.handler.start()
        place.say_spot(time.time() + NEAR_SECONDS)
        if await place.wait_said(FORCED, "No permission to delete pods") != FORCED:
            return "the pod stays"
        mark = ("pods/status", "patch")

        def sign() -> str | None:
            if trial.asked(refused=True)[mark] and place.handler.said("No permission to mark pods"):
                return "the pod is not marked"
            return FINE if trial.asked(refused=False)[mark] else None

        return await place.wait_for(sign)


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
            if place.handler.said("Nodes may not be watched"):
                return "nodes listed all the time"
            return FINE if trial.asked(refused=False)["nodes", "watch"] else None

        place.handler.start()
        return await place.wait_for(sign)


async def keep_cordoned(trial: Trial) -> str:
    """Metadata mode sees what becomes of its own node, as long as that goes away."""
    async with ground(trial) as place:

        def sign() -> str | None:
            if place.handler.said("Our node may not be watched"):
                return "our node is read all the time"
            return FINE if trial.asked(refused=False)["nodes", "watch"] else None

        place.handler.start()
        place.say_spot(time.time() + FAR_SECONDS)
        return await place.wait_for(sign)


async def find_by_hostname(trial: Trial) -> str:
    """NODE_NAME is the node's host name, which is not its name."""
    async with staged(trial.bed, trial.folder, account=trial.account) as stage:
        ours = NodeSpec(name=stage.doomed, instance_id=f"i-{stage.doomed}", hostname="other")
        await trial.bed.add_node(ours)
        handler = stage.handler
        handler.env, handler.node_name = {**trial.env, **handler.env}, "other"
        handler.start()
        place = Ground(trial=trial, handler=handler, doomed="", app="", say_spot=stage.say_spot)
        said = await place.wait_said(LISTENS, NOT_FOUND)
    return FINE if said == LISTENS else "its node is not found"


async def tell(trial: Trial) -> str:
    """A drain, or a cordon alone, as Kubernetes events and the node's condition show it."""
    last = "Cordon" if trial.env["CORDON_ONLY"] == "true" else "CordonAndDrain"

    async with ground(trial) as place:

        def sign() -> str | None:
            events, condition = _reasons(trial, place.doomed), _has_condition(trial, place.doomed)
            if last in events and condition:
                return FINE
            if condition and place.handler.said("Kubernetes events are refused"):
                return "no events"
            return "no condition" if last in events and place.handler.said("conditions are refused") else None

        place.handler.start()
        place.say_spot(time.time() + FAR_SECONDS)
        await place.wait_said(CORDONED_ONLY if last == "Cordon" else DRAINED)
        return await place.wait_for(sign)


def _reasons(trial: Trial, node_name: str) -> set[str]:
    """Of all our events about this node, not one that had its name before."""
    uid = json.loads(trial.api.get(f"/api/v1/nodes/{node_name}"))["metadata"]["uid"]
    selector = f"involvedObject.uid={uid},source={COMPONENT}"
    found = json.loads(trial.api.get("/api/v1/namespaces/default/events", fieldSelector=selector))
    return {event["reason"] for event in found["items"]}


def _has_condition(trial: Trial, node_name: str) -> bool:
    node = json.loads(trial.api.get(f"/api/v1/nodes/{node_name}"))
    return any(each["type"] == CONDITION for each in node["status"]["conditions"])
