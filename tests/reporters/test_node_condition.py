"""The condition of nodes, in virtual time: when it is written, how often, and what a failure leaves."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest

from nth.core.node.phases import GONE, HANDED_OVER, OVER, TAKEN
from nth.core.reports import MonitorFailed, SessionEnded, SessionResumed, Told
from nth.errors import Forbidden, Missing, Unreachable
from nth.report.interruptions import Interruptions
from nth.report.node_condition import ANNOTATION, CONDITION
from nth.reporters.node_condition import LAG_SECONDS, MAX_NODES, MAX_TRIES, RETRY_SECONDS, NodeConditions
from nth.simulation.clock import START_AT, VirtualClock, run
from tests.report import stories
from tests.report.stories import BEGUN, MARKED, NODE, NOTICE, RESTORED, WITHDRAWN, Step

HANGS = 1e9
PATCHED = tuple[float, str, dict[str, Any]]
"""(seconds, node, body)"""


@dataclass
class FakeNodes:
    """Takes its time, and answers with `error` if there is one."""

    seconds: float = 0.01
    error: Exception | None = None
    asked: list[PATCHED] = field(default_factory=list)

    async def patch(self, node_name: str, body: Mapping[str, object]) -> None:
        self.asked.append((asyncio.get_running_loop().time(), node_name, dict(body)))
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error

    @property
    def conditions(self) -> list[dict[str, str]]:
        return [one for _, _, body in self.asked for one in body["status"]["conditions"]]

    @property
    def statuses(self) -> list[str]:
        return [one["status"] for one in self.conditions]


class Fed(NodeConditions):
    """With the interruptions that are told of, as `FanOut` hands them on."""

    def __init__(self, nodes: FakeNodes, clock: VirtualClock) -> None:
        super().__init__(nodes, clock)
        self._interruptions = Interruptions()

    def tell(self, told: Told) -> None:
        self(told, self._interruptions.take(told))


Scene = Callable[[Fed], Awaitable[None]]


def play(scene: Scene, nodes: FakeNodes) -> NodeConditions:
    async def main(clock: VirtualClock) -> NodeConditions:
        conditions = Fed(nodes, clock)
        running = asyncio.create_task(conditions.run(), name="conditions")
        try:
            await scene(conditions)
        finally:
            running.cancel()
            await asyncio.wait([running])
        return conditions

    return run(main, start_at=START_AT)


async def follow(conditions: Fed, *steps: Step) -> None:
    """Tell each step at its time."""
    loop = asyncio.get_running_loop()
    for seconds, report in steps:
        await asyncio.sleep(max(0.0, seconds - loop.time()))
        conditions.tell(Told(at=START_AT + seconds, session_id="s-1", node_name=NODE, report=report))


def telling(*steps: Step, then_seconds: float = 10.0) -> Scene:
    async def scene(conditions: Fed) -> None:
        await follow(conditions, *steps)
        await asyncio.sleep(then_seconds)

    return scene


def test_a_story_is_written_a_second_late_and_at_most_once_a_second() -> None:
    nodes = FakeNodes()
    conditions = play(telling(*stories.FULL_STORY), nodes)
    at = [seconds for seconds, _, _ in nodes.asked]
    assert at[0] == LAG_SECONDS
    assert min(later - earlier for earlier, later in pairwise(at)) >= LAG_SECONDS
    assert {name for _, name, _ in nodes.asked} == {NODE}
    messages = [one["message"].partition(": ")[2] for one in nodes.conditions]
    assert messages[0].startswith("0 of 3 pods gone, 2 stopping; shop/billing")
    assert messages[-1] == "drained, 3 pods gone: 3 moved"
    assert len(messages) == len(set(messages)), "nothing is written twice"
    assert (conditions.stats.sent, conditions.stats.failed) == (len(at), 0)


def test_the_time_of_the_transition_is_that_of_the_first_write() -> None:
    nodes = FakeNodes()
    play(telling(*stories.FULL_STORY), nodes)
    assert [("lastTransitionTime" in one) for one in nodes.conditions] == [True] + [False] * (
        len(nodes.asked) - 1
    )


def test_called_off_it_becomes_false_and_the_annotation_goes() -> None:
    nodes = FakeNodes()
    steps = (
        (0.0, NOTICE),
        (0.1, MARKED),
        (5.0, WITHDRAWN),
        (5.1, RESTORED),
        (5.2, SessionEnded(reason=OVER)),
    )
    conditions = play(telling(*steps), nodes)
    assert nodes.statuses == ["True", "False"]
    last = nodes.asked[-1][2]
    assert last["metadata"]["annotations"] == {ANNOTATION: None}
    assert last["status"]["conditions"][0]["type"] == CONDITION
    assert "lastTransitionTime" in last["status"]["conditions"][0]
    assert conditions.followed == 0


def test_a_machine_that_rebooted_while_nobody_looked_is_not_interrupted_any_more() -> None:
    nodes = FakeNodes()
    play(telling((0.0, WITHDRAWN), (3.0, RESTORED), (3.1, SessionEnded(reason=OVER))), nodes)
    assert nodes.statuses == ["False", "False"]


def test_after_a_restart_it_goes_on() -> None:
    nodes = FakeNodes()
    play(telling((0.0, SessionResumed(event_ids=("spot-1",))), (0.1, MARKED)), nodes)
    assert [one["message"] for one in nodes.conditions] == ["Interruption: cordoned"]


@pytest.mark.parametrize("reason", [GONE, HANDED_OVER, TAKEN])
def test_nothing_is_written_when_the_node_is_gone_or_anothers(reason: str) -> None:
    nodes = FakeNodes()
    conditions = play(telling(*BEGUN, (0.6, SessionEnded(reason=reason))), nodes)
    assert (nodes.asked, conditions.followed) == ([], 0)


def test_what_no_session_says_is_no_interruption() -> None:
    nodes = FakeNodes()

    async def scene(conditions: Fed) -> None:
        report = MonitorFailed(monitor="SQS_MONITOR", reason="silent")
        conditions.tell(Told(at=0.0, session_id="", node_name=NODE, report=report))
        await follow(conditions, (0.0, MARKED))
        await asyncio.sleep(5)
        assert conditions.followed == 0
        await follow(conditions, (5.0, NOTICE))
        conditions.tell(Told(at=5.0, session_id="", node_name=NODE, report=report))
        await asyncio.sleep(5)

    play(scene, nodes)
    assert nodes.statuses == ["True"]


def test_a_refusal_is_said_once_and_nothing_is_asked_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    nodes = FakeNodes(error=Forbidden("no rule"))
    conditions = play(telling(*stories.FULL_STORY[:9], then_seconds=5.0), nodes)
    assert len(nodes.asked) == 1
    assert conditions.stats.failed == 1
    assert conditions.stats.dropped == 2
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == ["Node conditions are refused (nodes/status)"]


def test_a_failure_is_tried_again_within_bounds_and_a_new_word_begins_anew() -> None:
    nodes = FakeNodes(error=Unreachable("no answer"))

    async def scene(conditions: Fed) -> None:
        await follow(conditions, (0.0, NOTICE))
        await asyncio.sleep(10 * RETRY_SECONDS)
        assert len(nodes.asked) == MAX_TRIES
        conditions.tell(stories.told((0.0, MARKED))[0])
        await asyncio.sleep(LAG_SECONDS + RETRY_SECONDS / 2)
        assert len(nodes.asked) == MAX_TRIES + 1
        nodes.error = None
        await asyncio.sleep(RETRY_SECONDS)
        assert len(nodes.asked) == MAX_TRIES + 2
        await asyncio.sleep(10 * RETRY_SECONDS)

    conditions = play(scene, nodes)
    assert (conditions.stats.failed, conditions.stats.sent) == (MAX_TRIES + 1, 1)


def test_the_last_word_is_tried_again_also_after_the_session() -> None:
    nodes = FakeNodes()

    async def scene(conditions: Fed) -> None:
        await follow(conditions, (0.0, NOTICE))
        await asyncio.sleep(3)
        nodes.error = Unreachable("no answer")
        await follow(conditions, (3.0, WITHDRAWN), (3.1, SessionEnded(reason=OVER)))
        await asyncio.sleep(3)
        assert conditions.followed == 1
        nodes.error = None
        await asyncio.sleep(RETRY_SECONDS)
        assert conditions.followed == 0

    play(scene, nodes)
    assert nodes.statuses == ["True", "False", "False"]


def test_a_node_that_is_gone_is_forgotten() -> None:
    nodes = FakeNodes(error=Missing("no such node"))
    conditions = play(telling((0.0, NOTICE), (3.0, MARKED)), nodes)
    assert (len(nodes.asked), conditions.followed) == (1, 0)


def test_the_next_interruption_of_a_node_knows_what_stands_there() -> None:
    nodes = FakeNodes()

    async def scene(conditions: Fed) -> None:
        await follow(conditions, (0.0, NOTICE))
        await asyncio.sleep(3)
        conditions.tell(replace(stories.told((3.0, NOTICE))[0], session_id="s-2"))
        await asyncio.sleep(3)

    play(scene, nodes)
    assert len(nodes.asked) == 1


def test_one_writes_at_a_time_and_a_server_that_hangs_delays_nobody_else() -> None:
    nodes = FakeNodes(seconds=HANGS)

    async def scene(conditions: Fed) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(MAX_NODES + 5):
            conditions.tell(
                replace(stories.told((0.0, NOTICE))[0], node_name=f"n-{number}", session_id=str(number))
            )
        assert loop.time() == began
        assert conditions.followed == MAX_NODES
        await asyncio.sleep(30)
        assert len(nodes.asked) == 1

    play(scene, nodes)


def test_at_the_end_what_is_known_is_written_at_once() -> None:
    nodes = FakeNodes()

    async def scene(conditions: Fed) -> None:
        await follow(conditions, (0.0, NOTICE))
        await conditions.flush(5.0)
        assert asyncio.get_running_loop().time() < LAG_SECONDS
        await conditions.flush(5.0)

    play(scene, nodes)
    assert nodes.statuses == ["True"]


def test_what_is_not_written_at_the_end_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(conditions: Fed) -> None:
        await follow(conditions, (0.0, NOTICE))
        conditions.tell(replace(stories.told((0.0, NOTICE))[0], node_name="another", session_id="s-2"))
        await conditions.flush(2.0)
        assert asyncio.get_running_loop().time() == 2.0

    conditions = play(scene, FakeNodes(seconds=HANGS))
    assert conditions.stats.dropped == 1
    assert caplog.records[-1].getMessage() == "Node conditions are not written, time is up"
