"""One interruption with everything that was said of it and everything that was so.

A scene plays on a `Stage` of its own with its `Ears`; `Played` holds both sides for the tests.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testbed.api import Api
from testbed.bed import RealBed
from testbed.rights import TOLD_HANDLER
from testbed.workloads import FOLDERS
from tests.contract.bed import Workload
from tests.e2e.handler import Line
from tests.e2e.hearing import Ears, Json, Said, listening_ears
from tests.e2e.lives import Life, Lives
from tests.e2e.proxy import Asked
from tests.e2e.stage import Stage, staged

LISTENERS_SECONDS = 3.0
"""From a report until every listener has passed it on: a node's condition is written every other second."""
KILLED = 137
"""The exit code of a container that was still running when its grace was over."""
CONTROLLERS = ("apis/apps/v1/namespaces/{}/replicasets", FOLDERS["StatefulSet"], FOLDERS["Job"])
Left = Literal["politely", "forced", "cut off", "by itself", "not"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Played:
    """After an interruption."""

    said: Said
    lives: Lives
    asked: list[Asked]
    """What the handler asked the API server for."""
    name: str
    node_name: str
    noticed_at: float
    over_at: float
    """When the machine was gone; if it was not, the end of the scene."""
    ended_at: float
    """When the scene was over."""
    wanted: dict[str, int]
    """How many pods each controller wants at the end, by its UID; one that is not there wants none."""

    # What is so

    @property
    def apps(self) -> list[str]:
        """Returns the workloads of the scene."""
        return sorted({life.app.removeprefix(f"{self.name}-") for life in self.on_node})

    @property
    def final(self) -> bool:
        """Returns whether the handler has said that nothing more is to come."""
        return any(is_final(line["report"]) for line in self.said.reports)

    @property
    def on_node(self) -> list[Life]:
        """Returns all pods that ever were on the node."""
        return [life for life in self.lives.all if life.node_name == self.node_name]

    def here(self, app: str) -> list[Life]:
        """Returns the workload's pods that ever were on the node."""
        return [life for life in self.on_node if life.app == f"{self.name}-{app}"]

    def elsewhere(self, app: str) -> list[Life]:
        """Returns the pods of the same controllers that were Ready on other nodes."""
        owners = {life.owner for life in self.here(app)}
        return [
            life
            for life in self.lives.all
            if life.owner in owners and life.node_name != self.node_name and life.ready_at is not None
        ]

    def left(self, life: Life) -> Left:
        """Returns how the pod left, by the API server's answers and the pod's own end."""
        if life.gone_at is None or life.gone_at >= self.over_at:
            return "not"
        taken = [each for each in self.asked if _takes(each, life)]
        if not taken:
            return "by itself"
        graces = [each.grace_seconds for each in taken if each.grace_seconds is not None]
        deleted = [each for each in taken if not each.is_eviction]
        if len(deleted) == len(taken):
            return "forced"
        cut = bool(graces) and min(graces) < life.own_grace_seconds
        return "cut off" if cut and life.exit_code == KILLED else "politely"

    def lefts(self, app: str) -> Counter[str]:
        """Returns how the workload's pods left."""
        return Counter(self.left(life) for life in self.here(app))

    def becames(self, app: str) -> Counter[str]:
        """Returns what became of them, by what runs elsewhere and what is wanted at the end."""
        lives = self.here(app)
        found: Counter[str] = Counter("lost" for life in lives if self.left(life) == "not")
        gone = len(lives) - found["lost"]
        if not any(life.owner for life in lives):
            return found + Counter(ended=gone)
        back = sum(life.born_at > self.noticed_at for life in lives)
        ready = len(self.elsewhere(app))
        moved = min(gone - back, ready)
        missed = min(gone - back - moved, self.missing(app))
        found += Counter({"came back": back, "moved": moved})
        found["lost" if self.final else "not replaced yet"] += missed
        return found + Counter(ended=gone - back - moved - missed)

    def missing(self, app: str) -> int:
        """Returns how many Ready pods the workload's controllers are short of at the end."""
        owners = {life.owner for life in self.here(app)} - {""}
        return max(0, sum(self.wanted.get(owner, 0) for owner in owners) - len(self.elsewhere(app)))

    def asked_by_us(self, life: Life) -> bool:
        """Returns whether the API server granted a request of the handler that the pod may go."""
        return any(_takes(each, life) for each in self.asked)


def is_final(report: Json) -> bool:
    """Returns whether a report in the log is the last one of its interruption."""
    return bool(report.get("final", True))


def _takes(asked: Asked, life: Life) -> bool:
    return asked.is_pod_removal and asked.accepted and asked.pod_uid == life.uid


def _wants(controller: Json) -> int:
    """Returns how many Ready pods it wants; of a Job that has failed, those that it wanted."""
    spec, status = controller["spec"], controller.get("status", {})
    if "completions" not in spec:
        return int(spec["replicas"])
    return int(spec["completions"]) - int(status.get("succeeded", 0))


@dataclass(slots=True, kw_only=True)
class Scene:
    """One stage, with ears, and what a person does there."""

    stage: Stage
    ears: Ears
    lives: Lives
    noticed_at: float = 0.0
    over_at: float = float("inf")
    flags: tuple[str, ...] = ()

    @property
    def bed(self) -> RealBed:
        return self.stage.bed

    async def hears(self, text: str, count: int = 1) -> Line:
        """Wait for the `count`th line of the log with that text about this node."""

        def found() -> list[Line]:
            said = self.stage.handler.said(text)
            return [line for line in said if line.get("node") == self.stage.doomed]

        async def so() -> bool:
            return len(found()) >= count

        try:
            await self.bed.wait_until(so)
        except AssertionError as error:
            message = f"{text!r} was not logged {count} times\n{self.stage.handler.tail()}"
            raise AssertionError(message) from error
        return found()[count - 1]

    async def listen(self) -> None:
        await self.stage.listen(*self.ears.flags, *self.flags)

    async def interrupt(self, notice_seconds: float) -> float:
        """A Spot notice; returns when the machine goes, in whole seconds as AWS's document has them."""
        self.noticed_at = time.time()
        interrupted_at = float(int(self.noticed_at + notice_seconds) + 1)
        self.stage.say_spot(interrupted_at)
        return interrupted_at

    async def machine_goes(self, at: float) -> None:
        """Its Node and its pods are deleted at that instant."""
        await asyncio.sleep(max(0.0, at - time.time()))
        self.over_at = time.time()
        await self.bed.remove_node(self.stage.doomed)

    async def played(self, node_uid: str) -> Played:
        """Returns both sides as they are when the last report has gone to all listeners."""
        await asyncio.sleep(LISTENERS_SECONDS)
        now = time.time()
        said = await self.ears.said(self.stage.doomed, node_uid, self.stage.handler.log_file)
        return Played(
            said=said,
            lives=self.lives,
            asked=self.stage.proxy.asked,
            name=self.stage.name,
            node_name=self.stage.doomed,
            noticed_at=self.noticed_at,
            over_at=min(self.over_at, now),
            ended_at=now,
            wanted=await asyncio.to_thread(self._wanted),
        )

    def _wanted(self) -> dict[str, int]:
        found = {}
        with Api(self.bed.plane.kubeconfig) as admin:
            for folder in CONTROLLERS:
                controllers = json.loads(admin.get(f"/{folder.format(self.bed.namespace)}"))
                found.update({each["metadata"]["uid"]: _wants(each) for each in controllers["items"]})
        return found

    async def change(self, kind: str, app: str, change: Json) -> None:
        """Patch one workload as kubectl does."""
        path = f"/{FOLDERS[kind].format(self.bed.namespace)}/{self.stage.name}-{app}"
        with Api(self.bed.plane.kubeconfig) as admin:
            await asyncio.to_thread(admin.merge, path, change)

    async def delete(self, kind: str, app: str) -> None:
        """Delete one workload, and its pods with it."""
        path = f"/{FOLDERS[kind].format(self.bed.namespace)}/{self.stage.name}-{app}"
        with Api(self.bed.plane.kubeconfig) as admin:
            await asyncio.to_thread(admin.delete, path, {"propagationPolicy": "Background"})


@contextlib.asynccontextmanager
async def scene_of(
    bed: RealBed, folder: Path, lives: Lives, name: str, account: str = TOLD_HANDLER
) -> AsyncIterator[Scene]:
    """Yield a scene whose handler is not started yet."""
    async with (
        listening_ears(bed.plane, f"{name}-doomed") as ears,
        staged(bed, folder, name=name, account=account) as stage,
    ):
        stage.handler.developer_mode = False
        yield Scene(stage=stage, ears=ears, lives=lives)


async def all_ready(scene: Scene, workloads: Iterable[Workload]) -> str:
    """Set the scene; returns the UID of the doomed node."""
    await scene.stage.set_up(*workloads)
    return (await scene.stage.node()).uid
