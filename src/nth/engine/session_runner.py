"""Feeds one session and carries out its decisions: the thin shell around `core.node.session`.

Every decision that asks the API server becomes a task; its answer goes back through the inbox, so
the session sees one input at a time, in the order in which things happened.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Generic, Protocol, TypeVar, assert_never

from nth.core.backoff import Refusals
from nth.core.decisions import (
    Decision,
    DeletePod,
    Engage,
    EvictPod,
    FollowPods,
    Input,
    ListPods,
    MarkPod,
    NodeNews,
    NodePatched,
    NodeRead,
    PatchNode,
    PodAnswered,
    PodMarked,
    PodsChanged,
    PodsListed,
    ReadNode,
    ReadWanted,
    ReleaseSlot,
    Settle,
    StopFollowing,
    Tell,
    WantedRead,
    WantSlot,
    WatchNode,
    Woken,
)
from nth.core.drain.disruption import MARK_SECONDS
from nth.core.facts import Node, PodChange, PodRef, PodScope
from nth.core.node.phases import Phase
from nth.core.notices.events import Notice, Noticed, Withdrawn
from nth.core.reports import Report, Told
from nth.errors import ClusterError, Expired, Forbidden, Unreachable
from nth.ports import Clock, Cluster

logger = logging.getLogger("nth.engine")

RELIST_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0)
"""Pauses before a lost list or watch is begun again, the last one for ever."""
OFTEN = 30
"""After so many refusals in a row the API server is asked ever less often, but each minute at least."""
LONGEST_SECONDS = 60.0
LISTED_SECONDS = 5.0
"""Where lists are answered and only the watch is refused, pods are seen to go in lists alone."""
REFUSED = {
    "list": "Pods may not be listed, so none can be moved",
    "watch": "Pods may not be watched: they are listed again and again instead, "
    f"and what becomes of them is seen up to {LISTED_SECONDS:.0f} s late",
}
"""The lines of the log by the right that is missing."""
STEADY_SECONDS = 5.0
"""A watch that held for so long is no failure."""
SHORTEST_WAIT_SECONDS = 0.01

T = TypeVar("T")


class Machine(Protocol):
    """A session, or what goes on after one."""

    node_name: str
    session_id: str
    phase: Phase
    wake_at: float | None

    @property
    def busy(self) -> bool:
        """True if there is work under way that a shutdown should wait for."""
        ...

    def handle(self, given: Input, now: float) -> list[Decision]:
        """Take one input; the decisions are to be carried out, in this order."""
        ...


M = TypeVar("M", bound=Machine)
Outward = Engage | Settle | WantSlot | ReleaseSlot | WatchNode
"""Decisions that are not about the API server."""
Asking = ReadNode | PatchNode | ListPods | EvictPod | DeletePod | MarkPod | ReadWanted


class SessionRunner(Generic[M]):
    """Runs one session."""

    def __init__(
        self,
        session: M,
        cluster: Cluster,
        clock: Clock,
        tell: Callable[[Told], None],
        *,
        outward: Callable[[Outward], None],
        cached_lists: bool = False,
    ) -> None:
        """`outward` carries out the decisions that do not ask the API server."""
        self.session = session
        self._cluster = cluster
        self._clock = clock
        self._tell = tell
        self._outward = outward
        self._cached_lists = cached_lists
        self.idle = asyncio.Event()
        """Set while the session has nothing under way that a shutdown should wait for."""
        self._told_refused: set[str] = set()
        self._inbox: asyncio.Queue[Input] = asyncio.Queue()
        self._following: dict[PodScope, asyncio.Task[None]] = {}
        self._heard: dict[PodScope, list[PodChange]] = {}
        """Changes that are handed in as soon as no more of them come."""
        self._asking: set[asyncio.Task[None]] = set()

    def put(self, given: Input) -> None:
        """Hand in an input; the session takes inputs in their order."""
        self._inbox.put_nowait(given)

    async def run(self) -> None:
        """Run until the session has ended."""
        async with asyncio.TaskGroup() as tasks:
            while self.session.phase is not Phase.ENDED:
                self._step(await self._next_input(), tasks)
            for task in (*self._following.values(), *self._asking):
                task.cancel()

    def unheard(self) -> tuple[list[Notice], Node | None]:
        """Returns the notices that came after the session's end, and the Node's last news, if any."""
        given = [self._inbox.get_nowait() for _ in range(self._inbox.qsize())]
        nodes = [each.node for each in given if isinstance(each, NodeNews)]
        return [each for each in given if isinstance(each, Noticed | Withdrawn)], nodes[-1] if nodes else None

    async def _next_input(self) -> Input:
        if self.session.wake_at is None:
            return await self._inbox.get()
        seconds = max(SHORTEST_WAIT_SECONDS, self.session.wake_at - self._clock.now())
        try:
            async with asyncio.timeout(seconds):
                return await self._inbox.get()
        except TimeoutError:
            return Woken()

    def _step(self, given: Input, tasks: asyncio.TaskGroup) -> None:
        for decision in self.session.handle(given, self._clock.now()):
            self._carry_out(decision, tasks)
        if self.session.busy:
            self.idle.clear()
        else:
            self.idle.set()

    def _carry_out(self, decision: Decision, tasks: asyncio.TaskGroup) -> None:
        match decision:
            case Tell(report):
                self._report(report)
            case FollowPods(scope):
                self._following[scope] = tasks.create_task(self._follow(scope), name=f"follow {scope}")
            case StopFollowing(scope):
                self._following.pop(scope).cancel()
            case Engage() | Settle() | WantSlot() | ReleaseSlot() | WatchNode():
                self._outward(decision)
            case ReadNode() | PatchNode() | ListPods() | EvictPod() | DeletePod() | MarkPod() | ReadWanted():
                task = tasks.create_task(self._ask(decision), name=type(decision).__name__)
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
            case _:
                assert_never(decision)

    def _report(self, report: Report) -> None:
        node_name, session_id = self.session.node_name, self.session.session_id
        try:
            self._tell(Told(at=self._clock.now(), session_id=session_id, node_name=node_name, report=report))
        except Exception:
            # A listener must never be able to stop a drain.
            logger.exception("a report could not be handed on; the session goes on")

    async def _ask(self, decision: Asking) -> None:
        """Ask the API server, and hand its answer in."""
        cluster, node_name = self._cluster, self.session.node_name
        match decision:
            case ReadNode():
                self.put(NodeRead(await _answer(cluster.read_node(node_name))))
            case PatchNode(patch, at):
                self.put(NodePatched(await _answer(cluster.patch_node(node_name, patch, deadline_at=at))))
            case ListPods(scope):
                listed = await _answer(cluster.list_pods(scope))
                self.put(PodsListed(scope, listed if isinstance(listed, ClusterError) else listed.pods))
            case EvictPod(pod, grace, at):
                asking = cluster.evict_pod(pod.ref, grace_seconds=grace, deadline_at=at)
                await self._ask_pod(pod.ref, asking)
            case DeletePod(pod, grace, at):
                asking = cluster.delete_pod(pod.ref, grace_seconds=grace, deadline_at=at)
                await self._ask_pod(pod.ref, asking)
            case MarkPod(pod, condition, at):
                marking = cluster.mark_pod(pod.ref, condition, deadline_at=at)
                self.put(PodMarked(pod.ref, await _answer(_within(MARK_SECONDS, marking))))
            case ReadWanted(namespace, controller):
                self.put(WantedRead(controller, await _answer(cluster.read_wanted(namespace, controller))))
            case _:
                assert_never(decision)

    async def _ask_pod(self, ref: PodRef, asking: Awaitable[None]) -> None:
        self.put(PodAnswered(ref, await _answer(asking)))

    async def _follow(self, scope: PodScope) -> None:
        """List, then watch; whenever the watch is lost, list again."""
        failures, refusals = 0, Refusals(OFTEN, LONGEST_SECONDS)
        cached = self._cached_lists
        while True:
            began_at, verb = self._clock.now(), "list"
            refusals.longest_seconds = LONGEST_SECONDS
            try:
                listed = await self._cluster.list_pods(scope, cached=cached)
                refusals.longest_seconds = LISTED_SECONDS
                self.put(PodsListed(scope, listed.pods, fresh=not cached))
                # Another server's cache may be older than the state seen since.
                cached, verb = False, "watch"
                async with aclosing(self._cluster.watch_pods(scope, listed.resource_version)) as changes:
                    async for change in changes:
                        self._hear(scope, change)
            except Expired:
                logger.debug("watch has expired, listing again", extra={"fields": {"scope": str(scope)}})
            except ClusterError as error:
                self.put(PodsListed(scope, error))
                refusals.heard(error)
                if isinstance(error, Forbidden) and failures >= len(RELIST_SECONDS):
                    self._tell_refused(verb, error)
            except Exception as error:
                logger.exception("watch failed, listing again", extra={"fields": {"scope": str(scope)}})
                self.put(PodsListed(scope, Unreachable(f"internal error: {error!r}")))
            if self._clock.now() - began_at > STEADY_SECONDS:
                failures, refusals = 0, Refusals(OFTEN, LONGEST_SECONDS)
            usual_seconds = RELIST_SECONDS[min(failures, len(RELIST_SECONDS) - 1)]
            await asyncio.sleep(refusals.pause_seconds(usual_seconds))
            failures += 1

    def _tell_refused(self, verb: str, error: Forbidden) -> None:
        """Log it, once and not sooner: an API server that has just started forbids all for a moment."""
        if verb not in self._told_refused:
            self._told_refused.add(verb)
            fields = {"error": str(error), "node": self.session.node_name}
            logger.warning(REFUSED[verb], extra={"fields": fields})

    def _hear(self, scope: PodScope, change: PodChange) -> None:
        """Collect changes: those that come without a pause are one input."""
        if scope not in self._heard:
            self._heard[scope] = []
            asyncio.get_running_loop().call_soon(self._hand_in, scope)
        self._heard[scope].append(change)

    def _hand_in(self, scope: PodScope) -> None:
        self.put(PodsChanged(scope, tuple(self._heard.pop(scope))))


async def _within(seconds: float, asking: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await asking
    except TimeoutError as error:
        raise Unreachable(f"no answer within {seconds:g} s") from error


async def _answer(asking: Awaitable[T]) -> T | ClusterError:
    """Returns the answer or the error; an error of our own must not end the session either."""
    try:
        return await asking
    except ClusterError as error:
        return error
    except Exception as error:
        logger.exception("a request failed in the handler itself; it will be tried again")
        return Unreachable(f"internal error: {error!r}")
