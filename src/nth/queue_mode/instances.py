"""Looks instances up in EC2: many in one call, one call at a time, and remembered for a while.

Throttling delays only callers that wait for an answer. It decides nothing about an instance.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from sys import intern

from nth.core.backoff import Backoff
from nth.core.notices.aws_facts import Instance
from nth.errors import AwsError, AwsRefused, AwsThrottled, AwsUnreachable
from nth.ports import Clock, Instances
from nth.queue_mode.kept_errors import anew
from nth.queue_mode.outage_log import OutageLog

logger = logging.getLogger("nth.queue_mode.instances")

GATHER_SECONDS = 0.02
MAX_IDS = 200
"""Per call: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html"""
FOUND_SECONDS = 300.0
ABSENT_SECONDS = 60.0
MAX_CACHED = 20_000
BACKOFF = Backoff(0.5, 10.0)
REFUSED_SECONDS = 30.0
"""The permission may have been given since."""

GROUP_TAG = "aws:autoscaling:groupName"
_NO_TAGS: Mapping[str, str] = {}


@dataclass(slots=True)
class DirectoryStatistics:
    """Counts since the start."""

    calls: int = 0
    ids_asked: int = 0
    cache_hits: int = 0
    throttled: int = 0


@dataclass(slots=True)
class _Wish:
    """An instance that callers wait for."""

    answer: asyncio.Future[Instance | AwsRefused | None]
    waiting: int = 0
    urgent: bool = False


class InstanceDirectory:
    """EC2's instances. Of their tags only those named in `tag_keys`, and the group's, are kept."""

    def __init__(self, instances: Instances, clock: Clock, *, tag_keys: Collection[str] = ()) -> None:
        self._instances = instances
        self._clock = clock
        self._tag_keys = {GROUP_TAG, *tag_keys}
        self._cached: OrderedDict[str, tuple[float, Instance | None]] = OrderedDict()
        self._wishes: dict[str, _Wish] = {}
        self._wanted = asyncio.Event()
        self._trouble = OutageLog(
            logger, clock, began="EC2 cannot be asked about instances", over="EC2 answers again"
        )
        self._failures = 0
        self._refused_until_at = float("-inf")
        self._refusal: AwsRefused | None = None
        self.statistics = DirectoryStatistics()

    @property
    def waiting(self) -> int:
        """Returns how many instances are waited for."""
        return len(self._wishes)

    def peek(self, instance_id: str) -> tuple[Instance | None] | None:
        """Returns the cached answer in a tuple, (None,) being "no such instance"; None: nothing is known."""
        until_at, found = self._cached.get(instance_id, (float("-inf"), None))
        return (found,) if self._clock.now() < until_at else None

    async def look_up(self, instance_id: str, *, urgent: bool = False) -> Instance | None:
        """Returns the instance; None: EC2 knows no such instance. `urgent` ones are asked first.

        It waits for as long as EC2 does not answer: bound it with `asyncio.timeout`. AwsRefused at once:
        there is no permission (`ec2:DescribeInstances`).
        """
        if (known := self.peek(instance_id)) is not None:
            self.statistics.cache_hits += 1
            return known[0]
        if self._refusal is not None and self._clock.now() < self._refused_until_at:
            raise anew(self._refusal)
        wish = self._wishes.get(instance_id)
        if wish is None:
            wish = self._wishes[instance_id] = _Wish(asyncio.get_running_loop().create_future())
            self._wanted.set()
        wish.waiting += 1
        wish.urgent = wish.urgent or urgent
        try:
            answer = await asyncio.shield(wish.answer)
            if isinstance(answer, AwsRefused):
                raise anew(answer)
            return answer
        finally:
            wish.waiting -= 1
            if not wish.waiting and self._wishes.get(instance_id) is wish:
                # No caller waits any more: it need not be asked, nor kept.
                del self._wishes[instance_id]

    async def run(self) -> None:
        """Ask EC2 until cancelled."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(GATHER_SECONDS)
            if self._wishes:
                await self._ask(self._next_batch())
            if not self._wishes:
                self._wanted.clear()

    def _next_batch(self) -> tuple[str, ...]:
        urgent = [instance_id for instance_id, wish in self._wishes.items() if wish.urgent]
        others = (instance_id for instance_id, wish in self._wishes.items() if not wish.urgent)
        return tuple(islice(chain(urgent, others), MAX_IDS))

    async def _ask(self, batch: tuple[str, ...]) -> None:
        self.statistics.calls += 1
        self.statistics.ids_asked += len(batch)
        try:
            found = await self._instances.describe(batch)
            for instance_id in batch:
                self._answer(instance_id, found.get(instance_id))
        except AwsRefused as error:
            self._refuse(batch, error)
        except AwsError as error:
            self.statistics.throttled += isinstance(error, AwsThrottled)
            await self._failed(error)
        except Exception as error:
            logger.exception("looking up instances failed in the handler itself; it will be tried again")
            await self._failed(AwsUnreachable(f"internal error: {error!r}"))
        else:
            self._trouble.worked("DescribeInstances")
            self._failures = 0

    def _answer(self, instance_id: str, found: Instance | None) -> None:
        small = None if found is None else self._trimmed(found)
        until_at = self._clock.now() + (ABSENT_SECONDS if small is None else FOUND_SECONDS)
        self._cached[instance_id] = until_at, small
        self._cached.move_to_end(instance_id)
        if len(self._cached) > MAX_CACHED:
            self._cached.popitem(last=False)
        wish = self._wishes.pop(instance_id, None)
        if wish is not None:
            wish.answer.set_result(small)

    def _trimmed(self, found: Instance) -> Instance:
        kept = {intern(k): intern(v) for k, v in found.tags.items() if k in self._tag_keys}
        return Instance(
            instance_id=found.instance_id,
            state=intern(found.state),
            private_dns_name=found.private_dns_name,
            tags=kept or _NO_TAGS,
        )

    def _refuse(self, batch: tuple[str, ...], error: AwsRefused) -> None:
        self._refusal, self._refused_until_at = anew(error), self._clock.now() + REFUSED_SECONDS
        self._trouble.failed("DescribeInstances", error)
        for instance_id in batch:
            wish = self._wishes.pop(instance_id, None)
            if wish is not None:
                wish.answer.set_result(anew(error))

    async def _failed(self, error: AwsError) -> None:
        self._trouble.failed("DescribeInstances", error)
        self._failures += 1
        await asyncio.sleep(BACKOFF.pause_seconds(self._failures))
