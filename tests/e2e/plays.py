"""The scenes of interruptions whose words are compared with the API server's truth, played side by side.

Each scene has a node, a handler and ears of its own; one control plane serves all of them.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

from testbed.api import Api
from testbed.bed import RealBed
from testbed.rights import BLIND_HANDLER, TOLD_HANDLER
from testbed.workloads import FOLDERS
from tests.contract.bed import BudgetSpec, Workload
from tests.e2e.handler import Line
from tests.e2e.lives import Lives, watched
from tests.e2e.played import Played, Scene, all_ready, is_final, scene_of
from tests.e2e.proxy import status_reply
from tests.e2e.queue_stage import queue_scenes
from tests.e2e.stage import QUICK
from tests.e2e.test_returns_and_cordons import clinging
from tests.servers.aws import AwsServer

FAR_SECONDS = 120.0
"""AWS's own notice: nothing is late in a scene that ends well."""
NEAR_SECONDS = 20.0
"""A deadline that a scene waits for."""
GRACE_SECONDS = 5
SLOW = (4.0, 5.0)
"""Long enough for a person to act meanwhile."""
NO = status_reply(429)
REFUSED = "Pod may not be evicted now"
EVICTED = "Pod evicted"

Play = Callable[[Scene], Coroutine[None, None, Played]]


def work(name: str, replicas: int = 1, *, stops: tuple[float, float] = QUICK, **more: object) -> Workload:
    """Returns a Deployment whose pods start at once and have five seconds to stop."""
    usual = Workload(
        name=name,
        replicas=replicas,
        grace_seconds=GRACE_SECONDS,
        ready_after_seconds=0.2,
        stops_after_seconds=stops,
    )
    return replace(usual, **more)  # type: ignore[arg-type]


async def hold(scene: Scene, app: str) -> None:
    """Give the workload a budget that spares its only pod."""
    full = f"{scene.stage.name}-{app}"
    await scene.bed.set_budget(BudgetSpec(name=full, match_labels={"app": full}, min_available=1))


def final_reports(scene: Scene) -> list[Line]:
    lines = [line for line in scene.stage.handler.lines if line.get("node") == scene.stage.doomed]
    reports = [line["report"] for line in lines if "report" in line]
    return [each for each in reports if isinstance(each, dict) and is_final(each)]


async def until_final(scene: Scene, seconds: float = FAR_SECONDS + 10) -> None:
    """Wait until the handler has given its last report; the tests say what is wrong if it never does."""

    async def so() -> bool:
        return bool(final_reports(scene))

    with contextlib.suppress(AssertionError):
        await scene.bed.wait_until(so, timeout_seconds=seconds)


# Scenes that end well


async def graceful(scene: Scene) -> Played:
    """Ordinary stops; a StatefulSet of another revision; a Job that ends well; a bare pod; a delete."""
    uid = await all_ready(
        scene,
        (
            work("web", 2),
            work("db", 3, kind="StatefulSet"),
            work("well", kind="Job"),
            work("bare", kind="Pod"),
            work("alone"),
        ),
    )
    await hold(scene, "alone")
    strategy = {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}
    template = {"template": {"metadata": {"annotations": {"changed": "yes"}}}}
    await scene.change("StatefulSet", "db", {"spec": {**strategy, **template}})
    await scene.listen()
    await scene.interrupt(FAR_SECONDS)
    await scene.hears(REFUSED)
    (alone,) = await scene.bed.pods(f"{scene.stage.name}-alone")
    # Evictions of a pod that terminates already are granted: all that come from now on are refused.
    scene.stage.proxy.fault = lambda asked: NO if asked.is_eviction and alone.ref.name in asked.path else None
    await scene.bed.delete_pod(alone.ref)
    await until_final(scene)
    return await scene.played(uid)


async def changed(scene: Scene) -> Played:
    """In the middle of the drain one is scaled down, one deleted, one rolled out."""
    uid = await all_ready(
        scene,
        [
            work(name, count, stops=SLOW, ready_after_seconds=2.0)
            for name, count in (("shrunk", 4), ("dropped", 2), ("rolled", 2))
        ],
    )
    await scene.listen()
    interrupted_at = await scene.interrupt(NEAR_SECONDS)
    await scene.hears(EVICTED, 8)
    await scene.bed.scale(f"{scene.stage.name}-shrunk", 1)
    await scene.delete("Deployment", "dropped")
    strategy = {"strategy": {"type": "Recreate", "rollingUpdate": None}}
    template = {"template": {"metadata": {"annotations": {"changed": "yes"}}}}
    await scene.change("Deployment", "rolled", {"spec": {**strategy, **template}})
    await scene.machine_goes(interrupted_at)
    await until_final(scene)
    return await scene.played(uid)


# Scenes that do not


async def stuck(scene: Scene) -> Played:
    """There is no other node for the two replacements, for ever; the handler ends with its machine."""
    uid = await _without_room(scene)
    await scene.listen()
    interrupted_at = await scene.interrupt(NEAR_SECONDS)
    await scene.machine_goes(interrupted_at)
    return await scene.played(uid)


async def rescued(scene: Scene) -> Played:
    """There is no other node for the two replacements until the machine is gone; then one comes."""
    uid = await _without_room(scene)
    await scene.listen()
    interrupted_at = await scene.interrupt(NEAR_SECONDS)
    await scene.machine_goes(interrupted_at)
    await scene.stage.add_node(scene.stage.haven)
    await scene.bed.wait_ready(f"{scene.stage.name}-web", 2)
    await until_final(scene)
    return await scene.played(uid)


async def _without_room(scene: Scene) -> str:
    await scene.stage.add_node(scene.stage.doomed)
    app = await scene.stage.run(work("web", 2))
    await scene.bed.wait_ready(app, 2)
    return (await scene.stage.node()).uid


async def clings(scene: Scene) -> Played:
    """A pod that tolerates the cordon comes back to the node until the machine goes."""
    uid = await all_ready(scene, (work("web"),))
    stays = work(f"{scene.stage.name}-stays", node_selector={"stage": scene.stage.name})
    path = f"/{FOLDERS['Deployment'].format(scene.bed.namespace)}"
    with Api(scene.bed.plane.kubeconfig) as admin:
        await asyncio.to_thread(admin.post, path, clinging(stays, scene.stage.doomed))
    await scene.bed.wait_ready(stays.name, 1)
    await scene.listen()
    interrupted_at = await scene.interrupt(NEAR_SECONDS)
    await scene.machine_goes(interrupted_at)
    await scene.hears("Session ended")
    return await scene.played(uid)


async def forced(scene: Scene) -> Played:
    """A Job and a Deployment that their budgets hold, and a pod that needs longer than there is."""
    uid = await all_ready(
        scene,
        (
            work("held"),
            work("job", kind="Job", backoff_limit=0, exit_code=143),
            work("long", kind="Pod", grace_seconds=600, stops=(300.0, 300.0)),
        ),
    )
    await hold(scene, "held")
    await hold(scene, "job")
    await scene.listen()
    interrupted_at = await scene.interrupt(NEAR_SECONDS)
    await asyncio.sleep(max(0.0, interrupted_at - time.time()))
    await until_final(scene)
    return await scene.played(uid)


async def never(scene: Scene) -> Played:
    """Nothing may be forced, and the machine takes the held pod with it."""
    uid = await all_ready(scene, (work("web", 2), work("held")))
    await hold(scene, "held")
    await scene.listen()
    interrupted_at = await scene.interrupt(NEAR_SECONDS)
    await scene.machine_goes(interrupted_at)
    await scene.hears("Session ended")
    return await scene.played(uid)


async def killed(scene: Scene) -> Played:
    """The handler is killed when all pods terminate and their replacements are Ready; another goes on."""
    uid = await all_ready(scene, (work("web", 4, stops=(9.0, 10.0), grace_seconds=20),))
    await scene.listen()
    await scene.interrupt(FAR_SECONDS)
    await scene.hears("Ready pods elsewhere")
    scene.stage.handler.kill()
    await scene.listen()
    await until_final(scene)
    return await scene.played(uid)


async def blind(scene: Scene) -> Played:
    """A Deployment is scaled down, and the handler may not read how many pods are wanted."""
    uid = await all_ready(
        scene, (work("shrunk", 4, stops=SLOW, ready_after_seconds=2.0), work("bare", kind="Pod"))
    )
    await scene.listen()
    interrupted_at = await scene.interrupt(NEAR_SECONDS)
    await scene.hears(EVICTED, 5)
    await scene.bed.scale(f"{scene.stage.name}-shrunk", 1)
    await scene.machine_goes(interrupted_at)
    return await scene.played(uid)


SCENES: dict[str, tuple[Play, tuple[str, ...]]] = {
    "graceful": (graceful, ()),
    "changed": (changed, ()),
    "stuck": (stuck, ()),
    "rescued": (rescued, ()),
    "clings": (clings, ()),
    "forced": (forced, ()),
    "never": (never, ("--force-policy=never",)),
    "killed": (killed, ()),
    "blind": (blind, ()),
}


QUEUE_SCENES: dict[str, Play] = {"queue-changed": changed, "queue-rescued": rescued}


async def play_all(bed: RealBed, folder: Path) -> dict[str, Played]:
    """Returns all scenes of metadata mode by name, played at the same time."""
    async with watched(bed.plane) as lives, asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(_play(bed, folder, lives, name)) for name in SCENES}
    return {name: task.result() for name, task in tasks.items()}


async def _play(bed: RealBed, folder: Path, lives: Lives, name: str) -> Played:
    play, flags = SCENES[name]
    account = BLIND_HANDLER if name == "blind" else TOLD_HANDLER
    async with scene_of(bed, folder, lives, name, account) as scene:
        scene.flags = flags
        return await play(scene)


async def play_queue(bed: RealBed, aws: AwsServer, folder: Path) -> dict[str, Played]:
    """Returns the scenes of queue mode by name, played at the same time by one handler.

    Not beside those of metadata mode: a fleet's handler takes the nodes of others for its own.
    """
    async with (
        watched(bed.plane) as lives,
        queue_scenes(bed, aws, folder, lives, *QUEUE_SCENES) as scenes,
        asyncio.TaskGroup() as group,
    ):
        tasks = {
            name: group.create_task(play(scene))
            for (name, play), scene in zip(QUEUE_SCENES.items(), scenes, strict=True)
        }
    return {name: task.result() for name, task in tasks.items()}
