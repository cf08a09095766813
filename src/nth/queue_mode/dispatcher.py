"""Feeds the queue's dispatch (`core.queue.dispatch`), and carries out its decisions. It decides nothing."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import assert_never

from nth.core.lifecycle.hook_messages import Outcome
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgLaunch, AsgTermination, Event
from nth.core.queue import dispatch_words as words
from nth.core.queue.dispatch import Dispatch
from nth.core.queue.dispatch_view import View
from nth.core.queue.node_owner import Answer, Ec2
from nth.core.replicas.handoff import post
from nth.errors import AwsError, ClusterError
from nth.queue_mode.hooks import HookKeeper
from nth.queue_mode.identity import Identity, Proof
from nth.queue_mode.instances import InstanceDirectory
from nth.queue_mode.node_informer import NodeInformer
from nth.queue_mode.old_news import OldNews
from nth.queue_mode.outage_log import OutageLog
from nth.queue_mode.recorded import RecordedNews
from nth.queue_mode.returns import Returns
from nth.queue_mode.sqs_receiver import QueueSource
from nth.queue_mode.world import FleetRules, FleetWorld, Replicas, Sessions

logger = logging.getLogger("nth.queue_mode.dispatch")

HOOK_TIMEOUT_SECONDS = 2.0
"""The drain begins without the timeout of its lifecycle hook after this."""

Task = asyncio.Task[None]


class Dispatcher:
    """Carries out the decisions; `run` comes first.

    `sources` by the URL of their queue. `settled(node_name, event, outcome)`: AWS waits for it no longer.
    """

    def __init__(
        self,
        world: FleetWorld,
        rules: FleetRules,
        *,
        sources: Mapping[str, QueueSource],
        nodes: NodeInformer,
        directory: InstanceDirectory,
        replicas: Replicas,
        sessions: Sessions,
        hooks: HookKeeper,
        settled: Callable[[str, Event, Outcome | None], None],
    ) -> None:
        self._cluster = world.cluster
        self._clock = clock = world.clock
        self._sources = sources
        self._nodes = nodes
        self._directory = directory
        self._sessions = sessions
        self._hooks = hooks
        self._settled = settled
        self._undoes = rules.takes_over
        view = View(nodes=nodes, instances=directory, replicas=replicas, sessions=sessions, hooks=hooks)
        self.machine = Dispatch(rules.messages, view, rules.identity, dry_run=not rules.takes_over)
        adoptions = self.machine.adoptions
        self._news = OldNews(world.instances, world.hooks, clock, rules.messages.policy)
        self._recorded = RecordedNews(self._news, clock)
        self._identity = Identity(nodes, directory, self._news.hook_is_over)
        self._returns = Returns(
            world.cluster,
            clock,
            rules.identity,
            sessions=sessions,
            record_of=adoptions.records.get,
            is_alive=adoptions.is_alive,
        )
        self._inputs: deque[words.Input] = deque()
        self._feeding = False
        self._stirred = asyncio.Event()
        self._posting = asyncio.Lock()
        self._tasks: asyncio.TaskGroup | None = None
        self._trouble = OutageLog(
            logger,
            clock,
            began="nodes that nobody works on cannot be taken over, because the handler itself failed",
            over="nodes that nobody works on can be taken over again",
        )

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for part in (self._news, self._recorded, self._returns):
                tasks.create_task(part.run(), name=type(part).__name__)
            while True:
                await self._until(self.machine.wake_at)
                if self.machine.wake_at <= self._clock.now():
                    self.feed(words.Woken())

    async def _until(self, at: float) -> None:
        """Wait until then, or until an input was fed."""
        self._stirred.clear()
        try:
            async with asyncio.timeout(max(0.0, at - self._clock.now()) if at < float("inf") else None):
                await self._stirred.wait()
        except TimeoutError:
            pass

    def feed(self, given: words.Input) -> list[Task]:
        """Hand an input in, and carry out the decisions. Returns the tasks that ask EC2 about instances."""
        self._inputs.append(given)
        asking: list[Task] = []
        if self._feeding:
            return asking
        self._feeding = True
        try:
            while self._inputs:
                for decision in self.machine.handle(self._inputs.popleft(), self._clock.now()):
                    self._guarded(decision, asking)
        finally:
            self._feeding = False
        self._stirred.set()
        return asking

    def _guarded(self, decision: words.Decision, asking: list[Task]) -> None:
        try:
            task = self._carry_out(decision)
        except Exception as error:
            self._inputs.append(words.Failed(decision, error))
        else:
            if task is not None and isinstance(decision, words.AskInstance):
                asking.append(task)

    def _carry_out(self, decision: words.Decision) -> Task | None:
        if isinstance(decision, words.MessageDecision):
            self._put(decision)
        elif isinstance(decision, words.Question):
            return self._ask(decision)
        elif isinstance(decision, words.SessionDecision):
            self._tell_session(decision)
        elif isinstance(decision, words.HookDecision):
            self._tell_hook(decision)
        elif isinstance(decision, words.ReportSettled):
            self._settled(decision.node_name, decision.event, decision.outcome)
        else:
            extra = {"fields": decision.fields}
            logger.log(decision.level, "%s", decision.text, extra=extra, exc_info=decision.defect)
        return None

    def _put(self, decision: words.MessageDecision) -> None:
        source, message_id = self._sources[decision.ref.queue_url], decision.ref.message_id
        match decision:
            case words.Hold():
                source.hold(message_id)
            case words.Delete():
                source.settle(message_id)
            case words.Leave():
                source.leave(message_id)
            case words.GiveBack():
                source.give_back(message_id)
            case _:
                assert_never(decision)

    def _tell_session(self, decision: words.SessionDecision) -> None:
        match decision:
            case words.GiveNotice(node_name, notice, node, settles):
                self._sessions.notice(node_name, notice, node)
                if settles is not None:
                    self._inputs.append(words.NoticeGiven(settles))
            case words.TellSession(node_name, node):
                self._sessions.node_news(node_name, node)
            case words.Adopt():
                self._adopt(decision)
            case _:
                assert_never(decision)

    def _adopt(self, decision: words.Adopt) -> None:
        node, fields = decision.node, {"node": decision.node.name, "predecessor": decision.record.holder}
        try:
            # Old events are checked first: the machine may have come back. Until then the node is due again.
            over = self._recorded.over(node, decision.record)
            # A replica that is shutting down adopts nothing.
            if over is not None and self._sessions.adopt(node, None, over=over):
                logger.info("Going on with a node that nobody works on", extra={"fields": fields})
        except Exception as error:
            # It is due again at the next look, and holds up no other.
            self._trouble.failed(node.name, error)
        else:
            self._trouble.worked(node.name)

    def _tell_hook(self, decision: words.HookDecision) -> None:
        match decision:
            case words.KeepHookWaiting(action, event, unproven):
                self._hooks.begin(
                    action,
                    noticed_at=event.noticed_at,
                    deadline_at=event.deadline_at,
                    proof=self._proof(unproven, event),
                    known_as=event.action,
                )
            case words.CompleteHook(action, event, unproven):
                self._complete(action, event, unproven)
            case words.AbandonHook(action):
                self._hooks.abandon(action)
            case _:
                assert_never(decision)

    def _complete(self, action: LifecycleAction, event: AsgTermination | AsgLaunch, unproven: str) -> None:
        proof, launching = self._proof(unproven, event), isinstance(event, AsgLaunch)
        ended = self._hooks.settle(action, launching=launching, proof=proof, known_as=event.action)
        if ended is not None:
            self._inputs.append(words.HookEnded(action, ended))

    def _proof(self, node_name: str, event: AsgTermination | AsgLaunch) -> Proof | None:
        return partial(self._doubt, node_name, event) if node_name else None

    async def _doubt(self, node_name: str, event: AsgTermination | AsgLaunch) -> AwsError | None:
        """Returns why AWS is not to be called yet for the event; a message that names it is proof enough."""
        if self.machine.hooks.is_told(node_name, event):
            return None
        return await self._identity.doubt(node_name, event.instance_id)

    # Questions

    def _ask(self, asked: words.Question) -> Task | None:
        if isinstance(asked, words.GiveBackNode):
            # A dry run has changed no node.
            if not self._undoes or self._returns.is_given_back(asked.launch, asked.node):
                self._inputs.append(words.NodeGivenBack(asked))
            return None
        assert self._tasks is not None, "run() comes first"
        return self._tasks.create_task(self._answer(asked), name=type(asked).__name__)

    async def _answer(
        self,
        asked: words.AskInstance | words.AskHookTimeout | words.AskWhetherOver | words.PostToHolder,
    ) -> None:
        given: words.Input
        try:
            match asked:
                case words.AskInstance():
                    given = words.InstanceKnown(asked, await self._instance(asked))
                case words.AskHookTimeout():
                    given = words.HookTimeoutKnown(asked, await self._hook_deadline(asked))
                case words.AskWhetherOver(node_name, event):
                    verdict = await self._news.verdict(event, self._nodes.by_name(node_name))
                    given = words.OldEventJudged(asked, verdict)
                case words.PostToHolder():
                    given = words.Posted(asked, await self._post(asked))
                case _:
                    assert_never(asked)
        except Exception as error:
            given = words.Failed(asked, error)
        self.feed(given)

    async def _instance(self, asked: words.AskInstance) -> Answer:
        try:
            async with asyncio.timeout(asked.seconds):
                return await self._directory.look_up(asked.case.key.instance_id, urgent=asked.urgent)
        except (AwsError, TimeoutError) as error:
            logger.debug("no answer of EC2: %r", error)
            return Ec2.SILENT

    async def _hook_deadline(self, asked: words.AskHookTimeout) -> float | None:
        event = asked.event
        try:
            async with asyncio.timeout(HOOK_TIMEOUT_SECONDS):
                return await self._hooks.deadline_of(event.action, noticed_at=event.noticed_at)
        except TimeoutError:
            logger.debug("the timeout of hook %s is not known in time", event.action.hook)
        except AwsError:
            # The hook's own machine logs the error, and asks again.
            pass
        return None

    async def _post(self, asked: words.PostToHolder) -> ClusterError | None:
        async with self._posting:
            try:
                patch = post(asked.event, asked.node, self._clock.now())
                await self._cluster.patch_node(asked.node.name, patch)
            except ClusterError as error:
                return error
        return None
