"""Checks old events before anything is done about them: asks EC2 and Auto Scaling, until they answer.

What an answer means is decided by `core.queue.staleness`.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance
from nth.core.notices.events import Event, given_at, instance_of
from nth.core.policy import Policy
from nth.core.queue.recent_keys import Remembered
from nth.core.queue.staleness import (
    AskAgain,
    Asked,
    Checked,
    LeftAlone,
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
from nth.errors import AwsRefused
from nth.ports import Clock, Instances
from nth.queue_mode.lookup import Lookup

logger = logging.getLogger("nth.fleet.old_news")

INSTANCES_PER_CALL = 200
MEMBERS_PER_CALL = 50
AGAIN_SECONDS = 5.0
"""An instance that is just being started is asked about again after this."""


class Groups(Protocol):
    """Auto Scaling, as far as it is asked here (`ports.LifecycleHooks`)."""

    async def states(self, instance_ids: Collection[str]) -> Mapping[str, str]: ...


class OldNews:
    """Whether old events are over."""

    def __init__(self, instances: Instances, groups: Groups, clock: Clock, policy: Policy) -> None:
        self._clock = clock
        self._policy = policy
        self._instances: Lookup[Instance] = Lookup(
            instances.describe,
            clock,
            max_keys=INSTANCES_PER_CALL,
            name="DescribeInstances",
            began="EC2 cannot be asked whether old events are over",
            over="EC2 tells again whether old events are over",
        )
        self._members: Lookup[str] = Lookup(
            groups.states,
            clock,
            max_keys=MEMBERS_PER_CALL,
            name="DescribeAutoScalingInstances",
            began="Auto Scaling cannot be asked whether old events are over",
            over="Auto Scaling tells again whether old events are over",
        )

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._instances.run(), name="launch times")
            tasks.create_task(self._members.run(), name="lifecycle states")

    def concerns(self, event: Event) -> bool:
        """The event has to be checked before anything is done about it."""
        return as_checked(event, self._clock.now()) is not None

    async def verdict(self, event: Event, node: Node | None, *, until_at: float | None = None) -> Verdict:
        """Whether it is over; asked for as long as AWS does not answer, and no longer than `until_at`."""
        checked = as_checked(event, self._clock.now())
        if checked is None:
            return Stands()
        if (over := node_says_over(checked, node)) is not None:
            return over
        limits = [waits_until(checked, self._policy, self._clock.now()), until_at]
        ends_at = min((at for at in limits if at is not None), default=None)
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
        """Why no termination hook waits for that instance; empty: one may. AwsRefused; bound the waiting."""
        return hook_is_over(await self._members.get(instance_id))

    def waits_until(self, event: Event) -> float | None:
        """Until when the answer about this event is waited for; None = for as long as it takes."""
        checked = as_checked(event, self._clock.now())
        return None if checked is None else waits_until(checked, self._policy, self._clock.now())

    async def _ask(self, event: Checked, who: Asked) -> Over | Stands:
        lookup = self._members if who is Asked.AUTO_SCALING else self._instances
        while True:
            found = judge(event, await lookup.get(event.instance_id))
            if not isinstance(found, AskAgain):
                return found
            await asyncio.sleep(AGAIN_SECONDS)


class Gate:
    """What every event goes through on its way to whoever has its node; old ones are checked here.

    `take` what stands, `over` what is not, `leave` what cannot be told. `find` a node by its name;
    `gone`: it has left meanwhile. `launched_at`: when that instance was last launched, if that is known.
    """

    def __init__(
        self,
        news: OldNews,
        clock: Clock,
        *,
        find: Callable[[str], Node | None],
        take: Callable[[Node, Event], None],
        over: Callable[[Node, Event, str], None],
        leave: Callable[[Event], None],
        gone: Callable[[Event], None],
        launched_at: Callable[[str], float | None],
    ) -> None:
        self._news = news
        self._clock = clock
        self._find = find
        self._take = take
        self._over = over
        self._leave = leave
        self._gone = gone
        self._launched_at = launched_at
        self._told = Remembered()
        self._tasks: asyncio.TaskGroup | None = None
        self._asking: dict[tuple[str, str], Event] = {}
        self._closed = False

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await asyncio.get_running_loop().create_future()

    def take(self, node: Node, event: Event) -> None:
        """An event of one of our nodes, of whatever age."""
        launched_at, at = self._launched_at(instance_of(event)), given_at(event)
        if launched_at is not None and at is not None and at < launched_at:
            # Its message was overtaken by that of the launch.
            self._end(node, event, "the instance was launched after it")
            return
        if not self._news.concerns(event):
            self._take(node, event)
            return
        key = (node.name, event.event_id)
        if key in self._asking:
            return
        self._asking[key] = event
        assert self._tasks is not None, "run() comes first"
        self._tasks.create_task(self._guarded(key, event), name=f"old news of {node.name}")

    def close(self) -> tuple[Event, ...]:
        """Begin nothing new: the events about which AWS has not answered are for others."""
        self._closed = True
        return tuple(self._asking.values())

    async def _guarded(self, key: tuple[str, str], event: Event) -> None:
        try:
            await self._check(key[0], event)
        except Exception:
            # A defect of ours: its message comes again, and nothing else ends for it.
            logger.exception("an old event could not be handled, because the handler itself failed")
            self._leave(event)
        finally:
            self._asking.pop(key, None)

    async def _check(self, node_name: str, event: Event) -> None:
        verdict = await self._news.verdict(event, self._find(node_name))
        if self._closed:
            return
        node = self._find(node_name)
        if node is None:
            self._gone(event)
        elif isinstance(verdict, Over):
            self._end(node, event, verdict.reason)
        elif isinstance(verdict, LeftAlone):
            self._say(
                logging.WARNING, "An old event is left alone, it is asked again", event, node, verdict.reason
            )
            self._leave(event)
        else:
            if verdict.doubt:
                self._say(logging.WARNING, "An old event is handled unchecked", event, node, verdict.doubt)
            self._take(node, event)

    def _end(self, node: Node, event: Event, reason: str) -> None:
        self._say(logging.INFO, "An old event is over, doing nothing for it", event, node, reason)
        self._over(node, event, reason)

    def _say(self, level: int, text: str, event: Event, node: Node, reason: str) -> None:
        """Once for each event, however often it is delivered."""
        now = self._clock.now()
        if not self._told.is_news(f"{text} {event.event_id} {node.name}", now):
            return
        fields = {"node": node.name, "event_id": event.event_id, "kind": event.kind.name, "reason": reason}
        age = now - event.noticed_at if isinstance(event, Checked) else 0.0
        logger.log(level, text, extra={"fields": {**fields, "age_seconds": round(age)}})
