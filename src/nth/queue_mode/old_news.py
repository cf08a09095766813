"""Checks old events before anything is done about them: asks EC2 and Auto Scaling, until they answer.

`core.queue.staleness` decides what an answer means.
"""

import asyncio
import logging

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance
from nth.core.notices.events import Event
from nth.core.policy import Policy
from nth.core.queue.staleness import (
    AskAgain,
    Asked,
    Checked,
    Over,
    Stands,
    Verdict,
    as_checked,
    asked_about,
    hook_is_over,
    judge,
    node_says_over,
    unanswered,
    waits_until,
)
from nth.core.times import soonest
from nth.errors import AwsRefused
from nth.ports import Clock, Instances, LifecycleHooks
from nth.queue_mode.lookup import Lookup

logger = logging.getLogger("nth.queue_mode.old_news")

INSTANCES_PER_CALL = 200
MEMBERS_PER_CALL = 50
AGAIN_SECONDS = 5.0
"""An instance that is just being started is asked about again after this."""


class OldNews:
    """Checks whether old events are over."""

    def __init__(self, instances: Instances, hooks: LifecycleHooks, clock: Clock, policy: Policy) -> None:
        self._clock = clock
        self._policy = policy
        self._instances: Lookup[Instance] = Lookup(
            instances.describe,
            clock,
            max_keys=INSTANCES_PER_CALL,
            name="DescribeInstances",
            began="EC2 cannot be asked whether old events are over",
            over="EC2 says again whether old events are over",
        )
        self._members: Lookup[str] = Lookup(
            hooks.states,
            clock,
            max_keys=MEMBERS_PER_CALL,
            name="DescribeAutoScalingInstances",
            began="Auto Scaling cannot be asked whether old events are over",
            over="Auto Scaling says again whether old events are over",
        )

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._instances.run(), name="launch times")
            tasks.create_task(self._members.run(), name="lifecycle states")

    def concerns(self, event: Event) -> bool:
        """True if the event has to be checked before anything is done about it."""
        return as_checked(event, self._clock.now()) is not None

    async def verdict(self, event: Event, node: Node | None, *, until_at: float | None = None) -> Verdict:
        """Returns the verdict; asks for as long as AWS does not answer, and no longer than `until_at`."""
        checked = as_checked(event, self._clock.now())
        if checked is None:
            return Stands()
        if (over := node_says_over(checked, node)) is not None:
            return over
        ends_at = soonest(waits_until(checked, self._policy, self._clock.now()), until_at)
        who = asked_about(checked)
        try:
            async with asyncio.timeout(None if ends_at is None else max(0.0, ends_at - self._clock.now())):
                return await self._ask(checked, who)
        except TimeoutError:
            why = f"{who.value} did not say in time whether it is over"
        except AwsRefused as error:
            why = f"{who.value} does not let us ask whether it is over ({error.code or 'refused'})"
        return unanswered(checked, self._policy, self._clock.now(), why)

    async def hook_is_over(self, instance_id: str) -> str:
        """Returns why no termination hook waits for it; empty: one may. AwsRefused; bound the waiting."""
        return hook_is_over(await self._members.look_up(instance_id))

    def waits_until(self, event: Event) -> float | None:
        """Returns until when the answer about this event is waited for; None = for as long as it takes."""
        checked = as_checked(event, self._clock.now())
        return None if checked is None else waits_until(checked, self._policy, self._clock.now())

    async def _ask(self, event: Checked, who: Asked) -> Over | Stands:
        lookup = self._members if who is Asked.AUTO_SCALING else self._instances
        while True:
            found = judge(event, await lookup.look_up(event.instance_id))
            if not isinstance(found, AskAgain):
                return found
            await asyncio.sleep(AGAIN_SECONDS)
