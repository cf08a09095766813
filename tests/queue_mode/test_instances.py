"""The directory of EC2's instances against a simulated EC2, in virtual time."""

import asyncio
import sys
import tracemalloc
from collections.abc import Callable, Coroutine, Mapping

import pytest

from nth.core.notices.aws_facts import Instance
from nth.errors import AwsError, AwsRefused, AwsThrottled, AwsUnreachable
from nth.queue_mode.instances import (
    ABSENT_SECONDS,
    FOUND_SECONDS,
    MAX_IDS,
    InstanceDirectory,
)
from nth.queue_mode.lookup import GATHER_SECONDS, MAX_KEPT
from nth.simulation.aws import AwsConnection, SimulatedAws
from nth.simulation.aws_link import AwsLink, Request
from nth.simulation.clock import VirtualClock, run

DENIED = AwsRefused("not authorized to perform this", code="UnauthorizedOperation")
THROTTLED = AwsThrottled("Request limit exceeded.")
LATENCY_SECONDS = 0.1
LOGGER = "nth.queue_mode.instances"


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


def an_id(number: int) -> str:
    return f"i-{number:017x}"


class Scene:
    """An EC2 with a few instances, and a directory that asks it."""

    def __init__(self, clock: VirtualClock, before: Callable[[Request], AwsError | None]) -> None:
        self.clock = clock
        self.began_at = clock.now()
        self.aws = SimulatedAws(clock)
        for number in range(10):
            tags = {"managed": "yes", "Name": "worker"}
            name = f"ip-10-0-0-{number}.ec2.internal"
            self.aws.add_instance(an_id(number), group="workers", private_dns_name=name, tags=tags)
        self.link: AwsConnection = self.aws.connect(
            AwsLink(before=before, latency_seconds=lambda _: LATENCY_SECONDS)
        )
        self.directory = InstanceDirectory(self.link.instances, clock, tag_keys=("managed",))

    @property
    def calls(self) -> list[Request]:
        return self.link.asked("DescribeInstances")

    @property
    def seconds(self) -> float:
        return self.clock.now() - self.began_at


def no_fault(_request: Request) -> AwsError | None:
    return None


def play(
    story: Callable[[Scene], Coroutine[object, object, None]],
    before: Callable[[Request], AwsError | None] = no_fault,
) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock, before)
        running = asyncio.create_task(scene.directory.run())
        await story(scene)
        running.cancel()

    run(main)


def test_an_instance_is_found_with_the_tags_that_matter() -> None:
    async def story(scene: Scene) -> None:
        found = await scene.directory.look_up(an_id(1))
        assert found == Instance(
            instance_id=an_id(1),
            state="running",
            private_dns_name="ip-10-0-0-1.ec2.internal",
            tags={"managed": "yes", "aws:autoscaling:groupName": "workers"},
        )
        assert found.group == "workers"
        assert scene.seconds == pytest.approx(GATHER_SECONDS + LATENCY_SECONDS)

    play(story)


def test_Q11_an_instance_that_does_not_exist_is_an_answer() -> None:
    async def story(scene: Scene) -> None:
        assert await scene.directory.look_up(an_id(99)) is None
        assert scene.directory.peek(an_id(99)) == (None,)

    play(story)


def test_needs_W5_many_are_asked_in_one_call() -> None:
    async def story(scene: Scene) -> None:
        ids = [an_id(number) for number in range(40)] * 3
        found = await asyncio.gather(*(scene.directory.look_up(one) for one in ids))
        assert sum(one is not None for one in found) == 30
        assert [len(call.what) for call in scene.calls] == [40]
        assert scene.directory.statistics.calls == 1
        assert scene.directory.statistics.ids_asked == 40
        assert scene.directory.waiting == 0

    play(story)


def test_while_one_call_runs_the_next_batch_gathers() -> None:
    async def story(scene: Scene) -> None:
        async def later(number: int) -> None:
            await asyncio.sleep(number * 0.01)
            await scene.directory.look_up(an_id(number))

        await asyncio.gather(*(later(number) for number in range(20)))
        assert len(scene.calls) == 3
        assert sum(len(call.what) for call in scene.calls) == 20

    play(story)


def test_needs_W5_ten_thousand_foreign_instances_need_fifty_calls_one_at_a_time() -> None:
    under_way: list[float] = []

    def before(request: Request) -> AwsError | None:
        assert not under_way or request.at >= under_way[-1] + LATENCY_SECONDS
        under_way.append(request.at)
        return None

    async def story(scene: Scene) -> None:
        await asyncio.gather(*(scene.directory.look_up(an_id(number)) for number in range(10_000)))
        assert [len(call.what) for call in scene.calls] == [MAX_IDS] * 50

    play(story, before)


def test_urgent_ones_do_not_wait_for_the_many() -> None:
    async def story(scene: Scene) -> None:
        many = [asyncio.create_task(scene.directory.look_up(an_id(number))) for number in range(100, 2100)]
        await asyncio.sleep(0.05)
        assert await scene.directory.look_up(an_id(1), urgent=True) is not None
        assert scene.seconds < 2 * (GATHER_SECONDS + LATENCY_SECONDS) + 0.01
        for task in many:
            task.cancel()

    play(story)


def test_needs_W5_a_cached_answer_costs_nothing_until_it_is_old() -> None:
    async def story(scene: Scene) -> None:
        for number in (1, 99):
            await scene.directory.look_up(an_id(number))
        assert len(scene.calls) == 2
        await asyncio.sleep(ABSENT_SECONDS - 1)
        await scene.directory.look_up(an_id(1))
        await scene.directory.look_up(an_id(99))
        assert len(scene.calls) == 2
        assert scene.directory.statistics.cache_hits == 2
        await asyncio.sleep(2)
        assert scene.directory.peek(an_id(99)) is None
        await scene.directory.look_up(an_id(99))
        assert len(scene.calls) == 3
        await asyncio.sleep(FOUND_SECONDS)
        assert scene.directory.peek(an_id(1)) is None
        await scene.directory.look_up(an_id(1))
        assert len(scene.calls) == 4

    play(story)


def test_throttling_backs_off_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", LOGGER)

    async def story(scene: Scene) -> None:
        assert await scene.directory.look_up(an_id(1)) is not None
        gaps = [round(b.at - a.at, 2) for a, b in zip(scene.calls, scene.calls[1:], strict=False)]
        around = LATENCY_SECONDS / 2 + GATHER_SECONDS
        assert gaps == pytest.approx([n + around for n in (0.5, 1, 2, 4, 8, 10, 10)])
        assert scene.directory.statistics.throttled == 7

    failures = iter([THROTTLED] * 7)
    play(story, lambda _: next(failures, None))
    assert said(caplog) == ["EC2 cannot be asked about instances", "EC2 answers again"]


def test_after_a_success_the_back_off_begins_anew() -> None:
    async def story(scene: Scene) -> None:
        for number in (1, 2):
            began = scene.seconds
            await scene.directory.look_up(an_id(number))
            assert scene.seconds - began < 4.5

    failures = iter([THROTTLED, THROTTLED, THROTTLED, None] * 2)
    play(story, lambda _: next(failures, None))


def test_throttling_delays_nobody_who_has_an_answer() -> None:
    throttled = False

    async def story(scene: Scene) -> None:
        nonlocal throttled
        await scene.directory.look_up(an_id(1))
        throttled = True
        waiting = asyncio.create_task(scene.directory.look_up(an_id(2)))
        await asyncio.sleep(5)
        began = scene.seconds
        await scene.directory.look_up(an_id(1))
        assert scene.seconds == began
        throttled = False
        assert await waiting is not None

    play(story, lambda _: THROTTLED if throttled else None)


def test_who_waits_bounds_it_himself_and_is_then_not_asked_for() -> None:
    throttled = True

    async def story(scene: Scene) -> None:
        nonlocal throttled
        for number in range(100, 1100):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await scene.directory.look_up(an_id(number))
        assert scene.directory.waiting == 0
        throttled = False
        await asyncio.sleep(60)
        asked = {one for call in scene.calls for one in call.what}
        assert len(asked) < 100

    play(story, lambda _: THROTTLED if throttled else None)


def test_one_who_gives_up_takes_the_answer_from_nobody() -> None:
    async def story(scene: Scene) -> None:
        patient = [asyncio.create_task(scene.directory.look_up(an_id(1))) for _ in range(2)]
        hasty = asyncio.create_task(scene.directory.look_up(an_id(1)))
        other = asyncio.create_task(scene.directory.look_up(an_id(2)))
        await asyncio.sleep(GATHER_SECONDS + LATENCY_SECONDS / 2)
        hasty.cancel()
        other.cancel()
        await asyncio.sleep(0)
        assert hasty.cancelled()
        assert await patient[0] == await patient[1] is not None
        assert len(scene.calls) == 1
        assert scene.directory.peek(an_id(2)) is not None  # Asked already: worth keeping.

    play(story)


def test_without_permission_who_waits_hears_so_at_once_and_others_are_spared_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    allowed = False

    async def story(scene: Scene) -> None:
        nonlocal allowed
        for _ in range(100):
            with pytest.raises(AwsRefused):
                await scene.directory.look_up(an_id(1))
            await asyncio.sleep(0.1)
        assert len(scene.calls) == 1
        await asyncio.sleep(30)
        allowed = True
        assert await scene.directory.look_up(an_id(1)) is not None

    play(story, lambda _: None if allowed else DENIED)
    assert said(caplog) == ["EC2 cannot be asked about instances"]


def test_an_outage_and_a_defect_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Defective:
        calls = 0

        async def describe(self, instance_ids: tuple[str, ...]) -> Mapping[str, Instance]:
            self.calls += 1
            if self.calls == 1:
                raise AwsUnreachable("refused")
            if self.calls == 2:
                raise RuntimeError("a defect")
            return {one: Instance(instance_id=one, state="running") for one in instance_ids}

    async def main(clock: VirtualClock) -> None:
        directory = InstanceDirectory(Defective(), clock)  # type: ignore[arg-type]  # only tuples are given
        running = asyncio.create_task(directory.run())
        found = await directory.look_up(an_id(1))
        assert found is not None
        assert found.tags == {}
        running.cancel()

    run(main)
    assert "in the handler itself" in caplog.text


def test_needs_W17_the_cache_is_bounded_and_its_entries_are_small() -> None:
    class Everything:
        async def describe(self, instance_ids: tuple[str, ...]) -> Mapping[str, Instance]:
            tags = {f"tag-{number}": "x" * 100 for number in range(20)}
            name = "ip-10-0-0-1.eu-west-1.compute.internal"
            return {
                one: Instance(instance_id=one, state="running", private_dns_name=name, tags=tags)
                for one in instance_ids
            }

    async def main(clock: VirtualClock) -> None:
        directory = InstanceDirectory(Everything(), clock)  # type: ignore[arg-type]  # only tuples are given
        running = asyncio.create_task(directory.run())
        tracemalloc.start()
        for begin in range(0, MAX_KEPT + 2000, MAX_IDS):
            ids = [an_id(number) for number in range(begin, begin + MAX_IDS)]
            await asyncio.gather(*(directory.look_up(one) for one in ids))
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(directory._kept) == MAX_KEPT
        assert directory.peek(an_id(0)) is None
        assert directory.peek(an_id(MAX_KEPT + 1999)) is not None
        assert size / MAX_KEPT < 500, f"{size / MAX_KEPT:.0f} bytes an entry"
        sys.stdout.write(f"{size / MAX_KEPT:.0f} bytes an entry\n")
        running.cancel()

    run(main)
