"""Carries out the decisions of the machines of lifecycle hooks: one machine for each lifecycle action.

The dispatch begins an action, settles it when the drain is proven, or abandons it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

from nth.core.lifecycle.hook import Hook
from nth.core.lifecycle.hook_deadline import HookTime
from nth.core.lifecycle.hook_messages import (
    Abandoned,
    AskTimeouts,
    Complete,
    CompletionAnswered,
    CompletionFailed,
    Done,
    HeartbeatAnswered,
    HeartbeatFailed,
    HeartbeatSent,
    HookDecision,
    HookInput,
    HookRules,
    Outcome,
    Prolong,
    SendHeartbeat,
    Settled,
    TimeoutsAnswered,
    Woken,
)
from nth.core.notices.aws_facts import HookTimeouts, LifecycleAction
from nth.core.queue.recent_keys import RecentValues
from nth.errors import AwsError, AwsUnreachable
from nth.ports import Clock, LifecycleHooks
from nth.queue_mode.hook_log import HookLog
from nth.queue_mode.hook_timeouts import Asking, TimeoutsCache
from nth.queue_mode.identity import Proof

logger = logging.getLogger("nth.queue_mode.hooks")

MAX_CALLS = 10
"""So many heartbeats and completions are under way at a time."""
RESTART_SECONDS = 5.0
"""The pause before a machine that failed in our own code is begun anew."""
SHORTEST_WAIT_SECONDS = 0.01
MAX_FINISHED = 20_000
FINISHED_SECONDS = 3600.0
"""After that a late message costs one request, and AWS answers that the action is over."""

T = TypeVar("T")


@dataclass(slots=True)
class _Kept:
    """An action that is under way."""

    action: LifecycleAction
    new_hook: Callable[[float], Hook]
    hook: Hook
    inbox: asyncio.Queue[HookInput] = field(default_factory=asyncio.Queue)
    settled: bool = False
    abandoned: bool = False
    proof: Proof | None = None
    """Asked before each call to AWS; None: a message names the action."""
    known_as: LifecycleAction | None = None
    """The action's name in a message that comes later."""
    stuck: bool = False
    """True if the last call to AWS for it failed."""
    over: asyncio.Event = field(default_factory=asyncio.Event)


class HookKeeper:
    """Keeps all lifecycle actions that wait for us.

    `prolonged(action, deadline_at)`: the instance's deadline is known, or has moved (epoch seconds).
    `done(action, outcome)`: it is over. Called once, also when AWS ends it before it is settled (GONE, on a
    heartbeat); never for an action that was abandoned.
    """

    def __init__(
        self,
        hooks: LifecycleHooks,
        clock: Clock,
        rules: HookRules,
        *,
        prolonged: Callable[[LifecycleAction, float], None],
        done: Callable[[LifecycleAction, Outcome], None],
    ) -> None:
        self._hooks = hooks
        self._clock = clock
        self._rules = rules
        self._prolonged = prolonged
        self._done = done
        self._timeouts = TimeoutsCache(hooks, clock, self._spawn)
        self._log = HookLog()
        self._kept: dict[str, _Kept] = {}
        self._finished: RecentValues[Outcome] = RecentValues(MAX_FINISHED, FINISHED_SECONDS)
        self._calls = asyncio.Semaphore(MAX_CALLS)
        self._tasks: asyncio.TaskGroup | None = None
        self.ended: Counter[str] = Counter()
        """Counts the actions that are over, by outcome."""

    @property
    def waiting(self) -> int:
        """Returns how many actions are under way."""
        return len(self._kept)

    @property
    def stuck(self) -> int:
        """Returns how many of them AWS does not let us prolong or complete."""
        return sum(kept.stuck for kept in self._kept.values())

    async def run(self) -> None:
        """Keep all until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await asyncio.get_running_loop().create_future()

    def begin(
        self,
        action: LifecycleAction,
        *,
        noticed_at: float,
        deadline_at: float | None = None,
        launching: bool = False,
        proof: Proof | None = None,
        known_as: LifecycleAction | None = None,
    ) -> Outcome | None:
        """Keep an instance's action waiting. Returns its outcome if it is over already, else None.

        `noticed_at` is the event's time, `deadline_at` the deadline as an earlier process knew it.
        The same token once more is the same action. `proof` comes before each heartbeat and the completion.
        `known_as`: with the token that only a record has, for messages that come when it is over.
        """
        key = _key(action)
        ended = self._finished.get(key, self._clock.now())
        if ended is not None or key in self._kept:
            return ended

        def new_hook(now: float) -> Hook:
            return Hook(self._rules, now, noticed_at=noticed_at, deadline_at=deadline_at, launching=launching)

        assert self._tasks is not None, "run() comes first"
        kept = self._kept[key] = _Kept(action, new_hook, new_hook(self._clock.now()), proof=proof)
        kept.known_as = known_as
        kept.inbox.put_nowait(Woken())
        self._tasks.create_task(self._keep(kept), name=f"hook {action.hook} of {action.instance_id}")
        return None

    def settle(
        self,
        action: LifecycleAction,
        *,
        launching: bool = False,
        proof: Proof | None = None,
        known_as: LifecycleAction | None = None,
    ) -> Outcome | None:
        """Complete an action whose wait is done. Returns its outcome if it is over already, else None.

        `done` is called later. An action that was never begun is completed all the same; `launching` is for
        those: a launch must never be completed with ABANDON.
        """
        ended = self.begin(
            action, noticed_at=self._clock.now(), launching=launching, proof=proof, known_as=known_as
        )
        if ended is None:
            kept = self._kept[_key(action)]
            kept.settled = True
            kept.inbox.put_nowait(Settled())
        return ended

    def is_over(self, action: LifecycleAction) -> bool:
        """True if it has ended, as far as is remembered."""
        return self._finished.get(_key(action), self._clock.now()) is not None

    def abandon(self, action: LifecycleAction) -> None:
        """Leave it to another replica: no more heartbeats, no completion but one that is under way."""
        kept = self._kept.pop(_key(action), None)
        if kept is not None:
            kept.abandoned = True
            kept.inbox.put_nowait(Abandoned())

    async def deadline_of(self, action: LifecycleAction, *, noticed_at: float) -> float | None:
        """Returns when the hook times out if nothing is done; by the event's time it may have already.

        Any `AwsError`. It needs no `begin`, and is asked once for all instances in the same hook.
        """
        now = self._clock.now()
        time = HookTime(now, noticed_at=noticed_at, deadline_at=None)
        late_seconds = time.learn(await self._timeouts.get(action.group, action.hook))
        return now - late_seconds if late_seconds else time.deadline_at

    async def flush(self, seconds: float) -> None:
        """Wait for the answers to completions that are due by then, and leave the rest to a successor."""
        until_at = self._clock.now() + seconds
        everything = tuple(self._kept.values())
        for kept in everything:
            if not kept.settled:
                self.abandon(kept.action)
        try:
            async with asyncio.timeout(seconds):
                # An action that was settled just now is known to its machine a moment later.
                await asyncio.sleep(SHORTEST_WAIT_SECONDS)
                for kept in everything:
                    if (kept.hook.completes_at or 0.0) > until_at:
                        self.abandon(kept.action)
                for kept in everything:
                    await kept.over.wait()
        except TimeoutError:
            logger.warning("time is up, leaving lifecycle actions to the successor: %d", self.waiting)
        for kept in tuple(self._kept.values()):
            self.abandon(kept.action)

    async def _keep(self, kept: _Kept) -> None:
        while kept.hook.outcome is None:
            try:
                await self._step(kept)
            except Exception:
                logger.exception("a lifecycle hook's machine failed, beginning it anew")
                await asyncio.sleep(RESTART_SECONDS)
                self._begin_anew(kept)
        self._ended(kept, kept.hook.outcome)
        kept.over.set()

    async def _step(self, kept: _Kept) -> None:
        given = await self._next_input(kept)
        for decision in kept.hook.handle(given, self._clock.now()):
            self._carry_out(kept, decision)

    async def _next_input(self, kept: _Kept) -> HookInput:
        if kept.hook.wake_at is None:
            return await kept.inbox.get()
        try:
            async with asyncio.timeout(max(SHORTEST_WAIT_SECONDS, kept.hook.wake_at - self._clock.now())):
                return await kept.inbox.get()
        except TimeoutError:
            return Woken()

    def _carry_out(self, kept: _Kept, decision: HookDecision) -> None:
        assert self._tasks is not None
        match decision:
            case AskTimeouts() | SendHeartbeat() | Complete():
                asking = self._ask(kept, decision, kept.inbox)
                self._tasks.create_task(asking, name=f"{type(decision).__name__} {kept.action.instance_id}")
            case Prolong(deadline_at):
                _call(self._prolonged, kept.action, deadline_at)
            case Done():
                pass  # `_keep` sees it.
            case _:
                if isinstance(decision, HeartbeatSent | HeartbeatFailed | CompletionFailed):
                    kept.stuck = not isinstance(decision, HeartbeatSent)
                self._log.report(kept.action, decision, self._clock.now())

    async def _ask(
        self,
        kept: _Kept,
        decision: AskTimeouts | SendHeartbeat | Complete,
        inbox: asyncio.Queue[HookInput],
    ) -> None:
        """Ask AWS, and hand its answer in."""
        action = kept.action
        match decision:
            case AskTimeouts():
                inbox.put_nowait(
                    TimeoutsAnswered(await _answer(self._timeouts.get(action.group, action.hook)))
                )
            case SendHeartbeat():
                error = await self._tell(kept, lambda: self._hooks.heartbeat(action))
                inbox.put_nowait(HeartbeatAnswered(error))
            case Complete(result):
                error = await self._tell(kept, lambda: self._hooks.complete(action, result))
                inbox.put_nowait(CompletionAnswered(error))
            case _:
                assert_never(decision)

    async def _tell(self, kept: _Kept, telling: Callable[[], Awaitable[None]]) -> AwsError | None:
        """Returns the answer to a call; without proof it is not made."""
        # The proof comes before its turn: a wait for EC2 must not keep others from Auto Scaling.
        doubt = None if kept.proof is None else await _answer(kept.proof())
        if doubt is not None:
            return doubt
        async with self._calls:
            return await _answer(telling())

    def _spawn(self, asking: Asking) -> "asyncio.Task[HookTimeouts | AwsError]":
        assert self._tasks is not None, "run() comes first"
        return self._tasks.create_task(asking, name="DescribeLifecycleHooks")

    def _begin_anew(self, kept: _Kept) -> None:
        kept.hook, kept.inbox = kept.new_hook(self._clock.now()), asyncio.Queue()
        kept.inbox.put_nowait(Woken())
        if kept.settled:
            kept.inbox.put_nowait(Settled())
        if kept.abandoned:
            kept.inbox.put_nowait(Abandoned())

    def _ended(self, kept: _Kept, outcome: Outcome) -> None:
        # Without its token an action is not known again: the instance may come back, and wait anew.
        named = kept.known_as or kept.action
        if outcome is not Outcome.HANDED_OVER and named.token:
            self._finished.put(_key(named), outcome, self._clock.now())
        self.ended[outcome.value] += 1
        self._log.ended(kept.action, outcome)
        if not kept.abandoned:
            del self._kept[_key(kept.action)]
            _call(self._done, kept.action, outcome)


async def _answer(asking: Awaitable[T]) -> T | AwsError:
    """Returns the answer or the error; an error of our own must not end the machine either."""
    try:
        return await asking
    except AwsError as error:
        return error
    except Exception as error:
        logger.exception("a request failed in the handler itself; it will be tried again")
        return AwsUnreachable(f"internal error: {error!r}")


def _call(told: Callable[[LifecycleAction, T], None], action: LifecycleAction, what: T) -> None:
    try:
        told(action, what)
    except Exception:
        # A listener must not be able to stop a hook.
        logger.exception("what a lifecycle hook reports could not be handled; going on")


def _key(action: LifecycleAction) -> str:
    # The token alone is not enough: two hooks of one instance are two actions, whatever their messages say.
    return f"{action.group}/{action.hook}/{action.instance_id}/{action.token}"
