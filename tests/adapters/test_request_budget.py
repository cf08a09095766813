"""The budget: who goes next, when, and that nobody who gives up leaves a hole."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from nth.adapters.request_budget import RequestBudget, RequestClass, Ticket, WaitingLine
from nth.simulation.clock import VirtualLoop

CORDON, EVICT, READ, REPORT = RequestClass


def _served(line: WaitingLine, now: float) -> list[Ticket]:
    served = []
    while (ticket := line.next_served(now)) is not None:
        served.append(ticket)
    return served


def test_P11_the_burst_passes_at_once_and_then_one_by_one() -> None:
    line = WaitingLine(qps=10, burst=3, slots=100)
    tickets = [line.join(EVICT) for _ in range(5)]
    assert _served(line, 0.0) == tickets[:3]
    assert line.wake_at(0.0) == 0.1
    assert _served(line, 0.05) == []
    assert _served(line, 0.1) == tickets[3:4]
    assert _served(line, 0.2) == tickets[4:]
    assert line.wake_at(0.2) is None


def test_no_more_than_the_burst_is_saved_up() -> None:
    line = WaitingLine(qps=10, burst=3, slots=100)
    tickets = [line.join(EVICT) for _ in range(9)]
    assert _served(line, 0.0) == tickets[:3]
    assert _served(line, 3600.0) == tickets[3:6]


def test_needs_W4_a_cordon_passes_all_evictions_and_these_pass_lists_and_reports() -> None:
    line = WaitingLine(qps=1, burst=4, slots=4)
    report, read, evict, cordon = (line.join(kind) for kind in (REPORT, READ, EVICT, CORDON))
    assert _served(line, 0.0) == [cordon, evict, read, report]


def test_within_a_class_the_earliest_deadline_goes_first_and_then_who_came_first() -> None:
    line = WaitingLine(qps=1, burst=4, slots=4)
    never, late, early, early_too = (line.join(EVICT, at) for at in (float("inf"), 90.0, 30.0, 30.0))
    assert _served(line, 0.0) == [early, early_too, late, never]


def test_a_full_house_waits_for_a_release_and_not_for_the_clock() -> None:
    line = WaitingLine(qps=10, burst=10, slots=1)
    first, second = line.join(EVICT), line.join(EVICT)
    assert _served(line, 0.0) == [first]
    assert line.wake_at(0.0) is None
    line.release()
    assert _served(line, 0.0) == [second]


def test_who_leaves_costs_nobody_a_token() -> None:
    line = WaitingLine(qps=1, burst=1, slots=9)
    first, second = line.join(EVICT), line.join(EVICT)
    line.leave(first)
    assert _served(line, 0.0) == [second]


def test_a_refund_is_worth_a_token_and_a_slot_but_never_more_than_the_burst() -> None:
    line = WaitingLine(qps=1, burst=1, slots=1)
    line.join(EVICT)
    assert len(_served(line, 0.0)) == 1
    second = line.join(EVICT)
    line.refund(0.0)
    assert _served(line, 0.0) == [second]
    line.refund(100.0)
    line.join(EVICT)
    line.join(EVICT)
    assert len(_served(line, 100.0)) == 1


@given(
    st.lists(st.tuples(st.sampled_from(RequestClass), st.floats(0, 100)), max_size=40),
    st.integers(1, 5),
    st.floats(0.5, 50),
)
def test_any_line_is_served_to_its_end_and_never_faster_than_allowed(
    arrivals: list[tuple[RequestClass, float]], burst: int, qps: float
) -> None:
    line = WaitingLine(qps, burst, slots=1)
    for kind, deadline_at in arrivals:
        line.join(kind, deadline_at)
    now, served_at = 0.0, []
    while (wake_at := line.wake_at(now)) is not None:
        now = max(now, wake_at)
        for _ in _served(line, now):
            served_at.append(now)
            line.release()
    assert len(served_at) == len(arrivals)
    for number, at in enumerate(served_at):
        assert number + 1 <= burst + at * qps + 1e-6


def test_turns_come_at_the_rate_and_in_order() -> None:
    order: list[tuple[float, str]] = []

    async def ask(budget: RequestBudget, kind: RequestClass, name: str) -> None:
        async with budget.turn(kind):
            order.append((round(asyncio.get_running_loop().time(), 3), name))

    async def scene() -> None:
        budget = RequestBudget(qps=2, burst=1, in_flight=5)
        kinds = {"report": REPORT, "read": READ, "evict": EVICT, "cordon": CORDON}
        async with asyncio.TaskGroup() as group:
            for name, kind in kinds.items():
                group.create_task(ask(budget, kind, name))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scene())
    assert order == [(0.0, "report"), (0.5, "cordon"), (1.0, "evict"), (1.5, "read")]


def test_no_more_are_in_flight_than_allowed_even_when_one_fails() -> None:
    in_flight: list[int] = [0, 0]

    async def ask(budget: RequestBudget) -> None:
        async with budget.turn(EVICT):
            in_flight[0] += 1
            in_flight[1] = max(in_flight)
            await asyncio.sleep(1)
            in_flight[0] -= 1
            raise ValueError("refused")

    async def scene() -> float:
        budget = RequestBudget(qps=100, burst=100, in_flight=3)
        results = await asyncio.gather(*(ask(budget) for _ in range(9)), return_exceptions=True)
        assert [type(result) for result in results] == [ValueError] * 9
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert round(runner.run(scene()), 3) == 3.0
    assert in_flight[1] == 3


def test_a_cancelled_waiter_leaves_no_hole() -> None:
    async def ask(budget: RequestBudget) -> float:
        async with budget.turn(EVICT):
            return round(asyncio.get_running_loop().time(), 3)

    async def scene() -> float:
        budget = RequestBudget(qps=1, burst=1, in_flight=1)
        await ask(budget)
        waiting = [asyncio.create_task(ask(budget)) for _ in range(3)]
        await asyncio.sleep(0.5)
        waiting[0].cancel()
        waiting[1].cancel()
        return await waiting[2]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(scene()) == 1.0


def test_a_waiter_cancelled_in_the_moment_of_its_turn_leaves_no_hole() -> None:
    async def hold(budget: RequestBudget, until: asyncio.Event) -> None:
        async with budget.turn(EVICT):
            await until.wait()

    async def scene(*, cancel_first: bool) -> float:
        budget, until = RequestBudget(qps=1, burst=3, in_flight=1), asyncio.Event()
        holder = asyncio.create_task(hold(budget, until))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(hold(budget, until))
        await asyncio.sleep(0)
        if cancel_first:
            waiting.cancel()
            budget_turn = asyncio.create_task(hold(budget, until))
            holder.cancel()
        else:
            until.set()
            budget_turn = asyncio.create_task(hold(budget, until))
            await asyncio.sleep(0)  # the holder has gone, so the waiter's turn has come
            waiting.cancel()
        until.set()
        await asyncio.wait([budget_turn, holder, waiting])
        assert waiting.cancelled()
        async with budget.turn(READ):
            return asyncio.get_running_loop().time()

    for cancel_first in (True, False):
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            assert runner.run(scene(cancel_first=cancel_first)) == 0.0, cancel_first
