"""Asks for each lifecycle hook's timeouts once for all instances that wait in it, and remembers them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from nth.core.notices.aws_facts import HookTimeouts
from nth.core.queue.recent_keys import RecentValues
from nth.errors import AwsError, AwsUnreachable
from nth.ports import Clock, LifecycleHooks
from nth.queue_mode.outage_log import anew

logger = logging.getLogger("nth.queue_mode.hooks")

TTL_SECONDS = 300.0
MAX_HOOKS = 1000

Key = tuple[str, str]
Asking = Coroutine[object, object, HookTimeouts | AwsError]
Spawn = Callable[[Asking], "asyncio.Task[HookTimeouts | AwsError]"]


class TimeoutsCache:
    """`LifecycleHooks.timeouts`, cached. A failure is shared by all who wait for it, and not kept.

    `spawn` makes a task: a caller who stops waiting does not take the answer from the others.
    """

    def __init__(self, hooks: LifecycleHooks, clock: Clock, spawn: Spawn) -> None:
        self._hooks = hooks
        self._clock = clock
        self._spawn = spawn
        self._known: RecentValues[HookTimeouts] = RecentValues(MAX_HOOKS, TTL_SECONDS)
        self._asking: dict[Key, asyncio.Task[HookTimeouts | AwsError]] = {}

    async def get(self, group: str, hook: str) -> HookTimeouts:
        """Returns the timeouts. Any `AwsError`."""
        key = group, hook
        known = self._known.get(key, self._clock.now())
        if known is not None:
            return known
        if key not in self._asking:
            self._asking[key] = self._spawn(self._ask(key))
        answer = await asyncio.shield(self._asking[key])
        if isinstance(answer, AwsError):
            raise anew(answer)
        return answer

    async def _ask(self, key: Key) -> HookTimeouts | AwsError:
        try:
            found = await self._hooks.timeouts(*key)
        except AwsError as error:
            return error
        except Exception as error:
            logger.exception("asking for a lifecycle hook failed in the handler itself")
            return AwsUnreachable(f"internal error: {error!r}")
        finally:
            del self._asking[key]
        self._known.put(key, found, self._clock.now())
        return found
