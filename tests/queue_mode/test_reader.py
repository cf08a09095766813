"""Messages that name thousands of instances: others go on, memory is bounded, ours are never lost."""

import asyncio
import json
import tracemalloc

import pytest

from nth.core.notices.eventbridge import read_message
from nth.core.notices.events import ScheduledMaintenance, SpotInterruption
from nth.core.notices.health import SLICE
from nth.core.notices.message import Ended, Heard, Many
from nth.core.queue.dispatch_words import Stage
from nth.queue_mode import reader
from nth.queue_mode.reader import LARGE_CHARS, MAX_WAITING_CHARS
from tests.core.queue_samples import AT, health_message, sns_wrapped, spot_message
from tests.queue_mode.office import Office, an_id, play, rules

FOREIGN = 1_000_000
CHECKED = rules(check_tag=True)
MIB = 1024 * 1024
MAX = 1_000


def health(office: Office, *numbers: int, status: str = "open") -> str:
    return health_message([an_id(number) for number in numbers], office.clock.now(), status=status)


def foreign(count: int, begin: int = FOREIGN) -> range:
    return range(begin, begin + count)


async def read_all(office: Office) -> int:
    """Until the line is empty; how often others had their turn meanwhile."""
    turns = 0
    while office.reader._chars:
        await asyncio.sleep(0)
        turns += 1
        assert turns < 100_000
    return turns


def test_safe_6_a_large_message_says_the_same_as_small_ones() -> None:
    ids = [an_id(number) for number in range(SLICE * 2 + 7)]
    entities = [
        {"entityValue": i, "status": "RESOLVED" if n % 3 == 0 else "PENDING"} for n, i in enumerate(ids)
    ]
    # Named twice in different slices, it is over only if both say so.
    entities += [
        {"entityValue": ids[0], "status": "PENDING"},
        {"entityValue": "vol-1"},
        {"entityValue": ids[3]},
    ]
    many = read_message(health_message(affectedEntities=entities), received_at=AT)
    assert isinstance(many, Many)
    slices = list(many.slices)
    assert max(map(len, slices)) <= SLICE
    items = [item for some in slices for item in some]
    assert {i.instance_id for i in items if isinstance(i, Ended)} == set(ids[6::3])
    planned = {i.instance_id for i in items if isinstance(i, ScheduledMaintenance)}
    assert planned == set(ids) - set(ids[6::3])
    assert many.warnings == [f"1 of {len(entities)} affected entities are not instances, left out"]
    small = read_message(health_message(ids[1:2]), received_at=AT)
    assert isinstance(small, Heard)
    assert small.items[0] in items


@pytest.mark.parametrize("check_tag", [False, True])
def test_safe_6_others_go_on_while_large_messages_are_read(check_tag: bool) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        bodies = [health(office, *foreign(2_000, FOREIGN + 5_000 * n)) for n in range(4)]
        office.deliver(*bodies)
        assert office.notes.taken == []
        office.deliver(spot_message(an_id(1), office.clock.now()))
        for _ in range(5):
            await asyncio.sleep(0)
        assert [type(event) for _, event in office.notes.taken] == [SpotInterruption]
        assert await read_all(office) >= 4 * 2_000 / SLICE
        assert len(office.dispatch.in_hand) == 1, "the Spot notice's"

    play(story, rules(check_tag=check_tag))


def test_safe_6_ec2_is_asked_for_one_slice_at_a_time() -> None:
    async def story(office: Office) -> None:
        office.cluster.slow_seconds = 0.5
        [message] = office.deliver(health(office, *foreign(1_000)))
        await asyncio.sleep(0.3)
        assert len(office.cluster.asked) == SLICE
        await asyncio.sleep(0.5)
        assert len(office.cluster.asked) == 2 * SLICE
        await asyncio.sleep(5)
        assert len(office.cluster.asked) == 1_000
        assert office.notes.settled == [message], "EC2 knows none of them"

    play(story, CHECKED)


@pytest.mark.parametrize("place", [0, MAX, 2 * MAX])
def test_safe_6_ours_are_taken_wherever_they_stand_in_too_large_a_message(
    place: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.reader._max_strangers = MAX
        numbers = list(foreign(2 * MAX))
        entities = [{"entityValue": an_id(n)} for n in (*numbers[:place], 1, *numbers[place:])]
        body = health_message(affectedEntities=entities)
        for _ in range(2):
            [message] = office.deliver(body)
            await read_all(office)
            assert [name for name, _ in office.notes.taken] == ["node-1"]
            office.notes.taken.clear()
            assert message not in office.notes.settled
            assert message in office.notes.left

    play(story)
    told = [r for r in caplog.records if "too many instances" in r.message]
    assert told
    assert told[0].__dict__["fields"]["left_out"] == MAX


def test_safe_6_a_large_message_is_settled_when_all_that_is_ours_is_done() -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.add_node(2)
        [message] = office.deliver(health(office, 1, *foreign(900), 2))
        await read_all(office)
        assert office.notes.settled == []
        assert message in office.notes.held
        first, second = office.notes.taken
        office.done(*first)
        assert office.notes.settled == []
        office.done(*second)
        assert office.notes.settled == [message]
        assert office.notes.left == []

    play(story, CHECKED)


def test_safe_6_what_has_no_room_is_left_and_comes_again() -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        spot = json.loads(spot_message(an_id(1), office.clock.now()))
        big = json.dumps({"more": "x" * (MIB - 1000), **spot})
        assert len(big) > LARGE_CHARS
        fit = MAX_WAITING_CHARS // len(big)
        messages = office.deliver(*[big] * (fit + 6))
        assert office.notes.left == messages[fit:]
        await read_all(office)
        assert len(office.notes.taken) == fit
        office.deliver(big)
        await read_all(office)
        assert len(office.notes.taken) == fit + 1

    play(story)


def test_safe_6_one_that_is_not_read_to_its_end_is_not_settled() -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.cluster.slow_seconds = 0.5
        [message] = office.deliver(health(office, 1, *foreign(2_000)))
        await asyncio.sleep(0.8)
        office.close()
        for name, event in office.notes.taken:
            office.done(name, event)
        await asyncio.sleep(30)
        office.dispatcher.feed(Stage.LEFT)
        assert office.notes.settled == []
        assert office.notes.given_back == [message]

    play(story, CHECKED)


def test_safe_6_a_defect_in_the_middle_leaves_the_message_and_the_next_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        find = office.cluster.find

        def broken(instance_id: str) -> object:
            if instance_id == an_id(FOREIGN + 700):
                raise RuntimeError("a defect")
            return find(instance_id)

        monkeypatch.setattr(type(office.cluster), "find", lambda _, instance_id: broken(instance_id))
        first, second = office.deliver(
            health(office, *foreign(1_000)), health(office, 1, *foreign(300, 2 * FOREIGN))
        )
        await read_all(office)
        assert first in office.notes.left
        assert [name for name, _ in office.notes.taken] == ["node-1"]
        assert second not in office.notes.settled

    play(story)


@pytest.mark.parametrize("shape", ["sns", "sns in sns", "unrelated", "a message's text"])
def test_safe_6_padding_costs_no_notice_and_never_more_than_its_turn(shape: str) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        spot = spot_message(an_id(1), office.clock.now())
        if shape == "sns":
            body = sns_wrapped(json.dumps({**json.loads(spot), "resources": ["r" * 100] * 5_000}))
        elif shape == "sns in sns":
            body = sns_wrapped(sns_wrapped(spot + " " * 500_000))
        elif shape == "unrelated":
            document = json.loads(spot)
            document["detail"]["more"] = {str(n): ["x"] * 10 for n in range(10_000)}
            body = json.dumps(document)
        else:
            body = json.dumps({**json.loads(spot), "Message": "m" * 900_000})
        assert len(body) > LARGE_CHARS
        office.deliver(*[body] * 3)
        await read_all(office)
        assert len(office.notes.taken) == (0 if shape == "sns in sns" else 3)
        assert len(office.notes.left) == (3 if shape == "sns in sns" else 0)

    play(story)


def test_safe_6_memory_is_bounded_by_the_line_and_a_slice() -> None:
    async def story(office: Office) -> None:
        bodies = [health(office, *foreign(3_000, FOREIGN + 5_000 * n)) for n in range(4)]
        tracemalloc.start()
        for body in bodies:
            office.deliver(body)
        await read_all(office)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * MIB, f"{peak / MIB:.1f} MiB"

    play(story)
    assert reader.MAX_WAITING_CHARS == 4 * MIB
