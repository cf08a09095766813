"""Runs all sessions: at most one per node, and every event about a node joins the one it has.

`notice` never waits. A session that fails in our own code is begun anew from what is recorded on
the Node: no error of one event ends the process.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from nth.core.backoff import Refusals
from nth.core.decisions import (
    Engage,
    HandOver,
    NodeNews,
    ReleaseSlot,
    Settle,
    SlotGranted,
    WantSlot,
    WatchNode,
    Woken,
)
from nth.core.facts import Node
from nth.core.node.node_annotation import NodeRecord, read_record, seen_by
from nth.core.node.phases import HANDED_OVER, TAKEN, Phase
from nth.core.node.session import Session, SessionRules
from nth.core.node.vanished import Vanished, VanishedNodes
from nth.core.notices.events import Notice, Noticed, Prolonged, Withdrawn
from nth.core.queue.drain_slots import SlotRules
from nth.core.queue.recent_keys import Remembered
from nth.core.reports import NodeReturned, Told
from nth.engine.aftermaths import Aftermaths
from nth.engine.node_watch import NodeWatch
from nth.engine.session_runner import Outward, SessionRunner
from nth.engine.slot_keeper import SlotKeeper
from nth.errors import Missing
from nth.ports import Clock, Cluster

logger = logging.getLogger("nth.engine")

RESTART_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""Pauses before a session that failed in our own code is begun anew, the last one for ever."""
OFTEN = 30
"""After so many refusals, a node that may not be read is asked for ever less often."""
LONGEST_SECONDS = 60.0


@dataclass(slots=True)
class _Known:
    """The engine's knowledge of a node besides its session."""

    node: Node | None = None
    record: NodeRecord | None = None
    booted_at: float | None = None
    runner: SessionRunner[Session] | None = None
    task: asyncio.Task[None] | None = None
    notices: dict[str, Notice] = field(default_factory=dict)
    """The last notice of each event, for a session that has to be begun anew."""
    successor: Node | None = None
    """The Node that was seen in the place of ours when its session had ended."""


class Engine:
    """Runs the sessions of all nodes that are going away."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        rules: SessionRules,
        *,
        tell: Callable[[Told], None],
        new_session_id: Callable[[], str],
        cached_lists: bool = False,
        dues: Callable[[str, Engage | Settle | None], None] = lambda *_: None,
        slot_rules: SlotRules | None = None,
        group_of: Callable[[str], str] = lambda _: "",
        gathering: Callable[[], bool] = lambda: False,
        learned: Callable[[Node], object] = lambda _: None,
        is_alive: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Take the ports; with `cached_lists`, a list before a watch may come from the API server's cache.

        `dues(node_name, said)`: AWS waits for it in queue mode; None: another replica has the node, or will.
        `group_of` a node's name: drains without a deadline are limited per group. `gathering`: more
        notices are about to come. Both matter only with drain slots. `learned`: a node as another
        replica has written it that has taken it from us; the watch of the nodes may lag behind.
        `is_alive`: whether that replica lives, as far as leases tell; one that is not listed yet may.
        """
        self._cluster = cluster
        self._clock = clock
        self._rules = rules
        self._tell = tell
        self._new_session_id = new_session_id
        self._cached_lists = cached_lists
        self._dues = dues
        self._slots = SlotKeeper(
            slot_rules or SlotRules(workers=1),
            clock,
            grant=self._grant_slot,
            gathering=lambda: gathering() or self._is_marking(),
            group_of=group_of,
        )
        self._nodes: dict[str, _Known] = {}
        self._learned = learned
        self._is_alive = is_alive
        self._left = Remembered(max_keys=1000)
        """Nodes that were left to another replica once."""
        self._told = Remembered(max_keys=1000)
        """Nodes whose record is wrong: a record that keeps changing could fill the log."""
        self._vanished = VanishedNodes(ours=rules.watch_node)
        self._aftermaths = Aftermaths(cluster, clock, tell)
        self._watch = NodeWatch(cluster, self.node_news)
        self._tasks: asyncio.TaskGroup | None = None
        self._accepting = True

    @property
    def node_names(self) -> tuple[str, ...]:
        """The nodes that have a session."""
        return tuple(name for name, known in self._nodes.items() if known.runner is not None)

    @property
    def phases(self) -> Counter[str]:
        """The number of sessions in each phase."""
        runners = (known.runner for known in self._nodes.values())
        return Counter(runner.session.phase.value for runner in runners if runner is not None)

    @property
    def idle(self) -> bool:
        """True if no session has anything under way that a shutdown should wait for."""
        return all(known.runner is None or known.runner.idle.is_set() for known in self._nodes.values())

    async def run(self) -> None:
        """Run the sessions until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await asyncio.get_running_loop().create_future()

    def adopt(
        self, node: Node, booted_at: float | None, *, over: Sequence[Withdrawn] = ()
    ) -> tuple[str, ...]:
        """Go on from the record on the node; returns the ids of the events that are known from there.

        `booted_at` is when the machine was last booted, None if that does not matter. `over`: recorded events
        that are over by now.
        """
        if not self._accepting:
            return ()
        known = self._nodes[node.name] = _Known(node=node, booted_at=booted_at)
        known.record = record = self._record_on(node)
        if record is None:
            return ()
        # The labels of the original handler name no event: they wait for one, or for a reboot.
        if record.events or record.finished or (booted_at is not None and record.is_over(booted_at)):
            runner = self._start(known, node.name)
            for notice in over:
                runner.put(notice)
            runner.put(Woken())
        return (*(seen.event.event_id for seen in record.events), *record.finished)

    def notice(self, node_name: str, notice: Notice, node: Node | None = None) -> None:
        """Take a source's notice about a node; `node` is the last reading of it, if there is one."""
        welcome = self._accepting or isinstance(notice, Prolonged)
        if not welcome or not (isinstance(notice, Noticed) or node_name in self._nodes):
            return
        known = self._nodes.setdefault(node_name, _Known())
        if not isinstance(notice, Prolonged):
            known.notices[_event_id(notice)] = notice
        if known.runner is None and isinstance(notice, Noticed):
            if node is not None:
                known.node, known.record = node, self._record_on(node)
            self._start(known, node_name)
        if known.runner is not None:
            known.runner.put(notice)

    def returned(self, node: Node, at: float, reason: str) -> bool:
        """The machine was launched then, so older events are over; returns True if none is left."""
        known = self._nodes.get(node.name)
        if known is None or known.runner is None:
            return True
        session = known.runner.session
        older = session.older_than(at)
        for event_id in older:
            self.notice(node.name, Withdrawn(event_id=event_id, reason=reason))
        return not older and session.phase not in (Phase.UNDOING, Phase.ENDED)

    def node_news(self, node_name: str, node: Node | None) -> None:
        """Take news from a watch; None = the node is gone."""
        known = self._nodes.get(node_name)
        if known is not None and known.runner is not None:
            known.runner.put(NodeNews(node))
        elif node is not None and self._accepting and known is None:
            self._look_whether_back(node)

    def _look_whether_back(self, node: Node) -> None:
        self._aftermaths.end(node.name)  # Its reports would be taken for this Node's.
        vanished = self._vanished.back(node, self._clock.now())
        if vanished is None:
            return
        known = self._nodes[node.name] = _Known(node=node, record=vanished.record)
        for seen in vanished.record.events:
            known.notices[seen.event.event_id] = Noticed(event=seen.event)
        runner = self._start(known, node.name)
        session_id, report = runner.session.session_id, NodeReturned(uid=node.uid)
        self._tell(Told(at=self._clock.now(), session_id=session_id, node_name=node.name, report=report))
        runner.put(Woken())

    def _start(self, known: _Known, node_name: str) -> SessionRunner[Session]:
        assert self._tasks is not None, "run() comes first"
        known.runner = self._new_runner(known, node_name)
        known.task = self._tasks.create_task(
            self._keep_running(known, node_name), name=f"session {node_name}"
        )
        return known.runner

    def _new_runner(self, known: _Known, node_name: str) -> SessionRunner[Session]:
        self._aftermaths.end(node_name)
        session = Session(
            node_name,
            self._new_session_id(),
            self._rules,
            self._clock.now(),
            node=known.node,
            record=known.record,
            booted_at=known.booted_at,
            leaves_to=partial(self._leaves_to, node_name),
        )
        known.node = known.record = None
        outward, cached = partial(self._outward, node_name), self._cached_lists
        return SessionRunner(
            session, self._cluster, self._clock, self._tell, outward=outward, cached_lists=cached
        )

    def _leaves_to(self, node_name: str, identity: str) -> bool:
        """Returns True for a replica that may live, and only once: a record's holder can be made up."""
        return self._is_alive(identity) and not self._left.has(node_name, self._clock.now())

    # A session's decisions that do not ask the API server

    def _outward(self, node_name: str, decision: Outward) -> None:
        match decision:
            case Engage() | Settle():
                self._dues(node_name, decision)
            case WantSlot(deadline_at):
                self._slots.want(node_name, deadline_at)
            case ReleaseSlot():
                self._slots.give(node_name)
            case WatchNode(resource_version, urgent):
                self._watch_node(node_name, resource_version, urgent=urgent)

    def _watch_node(self, node_name: str, resource_version: str, *, urgent: bool) -> None:
        assert self._tasks is not None, "run() comes first"
        self._watch.begin(self._tasks, node_name, resource_version, urgent=urgent)

    def _grant_slot(self, node_name: str) -> None:
        known = self._nodes.get(node_name)
        if known is not None and known.runner is not None:
            known.runner.put(SlotGranted())

    def _is_marking(self) -> bool:
        return self.phases[Phase.MARKING.value] > 0

    async def _keep_running(self, known: _Known, node_name: str) -> None:
        failures, failed = 0, False
        while known.runner is not None:
            try:
                if failed:
                    known.runner, failed = await self._begin_anew(known, node_name), False
                else:
                    await known.runner.run()
                    known.runner = self._next_runner(known, known.runner, node_name)
            except Exception:
                logger.exception("session failed, beginning it anew from what is recorded on the node")
                self._slots.give(node_name)  # The next session asks for one of its own.
                await asyncio.sleep(RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)])
                failures, failed = failures + 1, True
        self._slots.give(node_name)
        del self._nodes[node_name]
        if node_name not in self._vanished:
            self._watch.end(node_name)
        if known.successor is not None:
            self.node_news(node_name, known.successor)

    def _remember(self, vanished: Vanished, node_name: str) -> None:
        """Remember the node: its object is gone, and its machine may register it anew."""
        self._vanished.remember(vanished)
        if self._rules.watch_node:
            self._watch_node(node_name, "", urgent=True)
        seconds = max(0.0, vanished.until_at - self._clock.now())
        asyncio.get_running_loop().call_later(seconds, self._forget, vanished, node_name)

    def _forget(self, vanished: Vanished, node_name: str) -> None:
        if self._vanished.forget(vanished) and node_name not in self._nodes:
            self._watch.end(node_name)

    def _next_runner(
        self, known: _Known, ended: SessionRunner[Session], node_name: str
    ) -> SessionRunner[Session] | None:
        """Returns a runner for notices that came while the last session was ending; None without any."""
        unheard, node = ended.unheard()
        if (vanished := ended.session.vanished) is not None:
            self._remember(vanished, node_name)
            known.successor = node or vanished.successor
        if ended.session.claim.displaced_at is not None:
            self._learned(ended.session.claim.displaced_at)
        if ended.session.ended_by == TAKEN:
            self._left.add(node_name, self._clock.now())
        if ended.session.ended_by in (TAKEN, HANDED_OVER):
            self._dues(node_name, None)
            return None
        if ended.session.aftermath is not None and self._tasks is not None:
            self._aftermaths.begin(self._tasks, ended.session.aftermath)
        known.notices = {_event_id(notice): notice for notice in unheard}
        if not any(isinstance(notice, Noticed) for notice in unheard):
            return None
        runner = self._new_runner(known, node_name)
        for notice in unheard:
            runner.put(notice)
        return runner

    async def _begin_anew(self, known: _Known, node_name: str) -> SessionRunner[Session] | None:
        """Returns a new runner from the record on the node; None: the node is gone."""
        told, refusals = "", Refusals(OFTEN, LONGEST_SECONDS)
        while True:
            try:
                known.node = await self._cluster.read_node(node_name)
                break
            except Missing:
                self._settle_all(known, node_name)
                return None
            except Exception as error:
                if repr(error) != told:
                    told = repr(error)
                    logger.warning("node cannot be read: %s", told, extra={"fields": {"node": node_name}})
                refusals.heard(error)
                await asyncio.sleep(refusals.pause_seconds(RESTART_SECONDS[0]))
        known.record = self._record_on(known.node)
        runner = self._new_runner(known, node_name)
        for notice in known.notices.values():
            runner.put(notice)
        # Last: a session that knew of no event yet would be over at once.
        runner.put(Woken())
        return runner

    def _record_on(self, node: Node) -> NodeRecord | None:
        try:
            reading = read_record(node)
        except ValueError as error:
            self._tell_of_record(node, f"{error}; going on without it")
            return None
        if reading.foreign:
            claims = ", ".join(reading.foreign)
            text = f"the record on the node claims what is not ours, ignoring it: {claims}"
            self._tell_of_record(node, text)
        return None if reading.record is None else seen_by(reading.record, self._clock.now())

    def _tell_of_record(self, node: Node, text: str) -> None:
        if self._told.is_news(node.name, self._clock.now()):
            logger.warning("%s", text, extra={"fields": {"node": node.name}})

    def _settle_all(self, known: _Known, node_name: str) -> None:
        """Settle every event: the node is gone, and no session is left to do it."""
        for notice in known.notices.values():
            if isinstance(notice, Noticed):
                self._dues(node_name, Settle(notice.event, drained=True))

    async def hand_over(self, seconds: float) -> None:
        """Take nothing new; leave every node to another replica, within this time."""
        self._accepting = False
        for known in self._nodes.values():
            if known.runner is not None:
                known.runner.put(HandOver())
        tasks = [known.task for known in self._nodes.values() if known.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def wind_down(self, seconds: float) -> None:
        """Take nothing new; wait for sessions under way, but no longer than this.

        An unfinished session is recorded on the Node, for a successor.
        """
        self._accepting = False
        runners = [known.runner for known in self._nodes.values() if known.runner is not None]
        try:
            async with asyncio.timeout(seconds):
                for runner in runners:
                    await runner.idle.wait()
        except TimeoutError:
            fields = {"nodes": [each.session.node_name for each in runners if not each.idle.is_set()]}
            logger.warning("time is up, leaving the drain to the successor", extra={"fields": fields})


def _event_id(notice: Notice) -> str:
    return notice.event.event_id if isinstance(notice, Noticed) else notice.event_id
