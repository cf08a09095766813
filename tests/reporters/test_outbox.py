"""The outbox by itself, in virtual time: each item is sent once, dropped, or still there."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from nth.reporters.outbox import Outbox, Rules
from nth.simulation.clock import VirtualClock, run

Item = tuple[int, str]
"""Its number, and its group."""


class Sending(Outbox[Item]):
    """Each request takes half a second; with every third one the handler itself fails."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules, logging.getLogger("nth"))
        self.requests = 0
        self.begun: list[Item] = []
        self.open: Counter[str] = Counter()

    async def send(self, items: Sequence[Item]) -> None:
        self.requests += 1
        number = self.requests
        self.begun += items
        groups = Counter(group for _, group in items if group)
        self.open += groups
        assert max(self.open.values(), default=0) <= 1
        await asyncio.sleep(0.5)
        self.open -= groups
        if number % 3 == 0:
            raise ValueError("a defect")
        self.stats.sent += len(items)


puts = st.lists(
    st.tuples(st.sampled_from(["", "a", "b"]), st.integers(1, 4), st.sampled_from([0.0, 0.1, 3.0])),
    max_size=30,
)


@given(
    puts,
    st.builds(
        Rules,
        items=st.integers(1, 20),
        size=st.sampled_from([5.0, 1000.0]),
        senders=st.integers(1, 3),
        batch_size=st.just(0),
        pause_seconds=st.sampled_from([0.0, 0.04]),
        late=st.just("late"),
        full=st.just("full"),
    ),
    st.sampled_from([0.0, 1.0, 1000.0]),
)
def test_nothing_is_lost_or_sent_twice(
    coming: list[tuple[str, int, float]], rules: Rules, flush_seconds: float
) -> None:
    async def scene(clock: VirtualClock) -> None:
        outbox = Sending(rules)
        running = asyncio.create_task(outbox.run())
        for number, (group, size, pause_seconds) in enumerate(coming):
            outbox.put((number, group), size=size, group=group)
            assert outbox.queued <= rules.items
            await asyncio.sleep(pause_seconds)
        began_at = asyncio.get_running_loop().time()
        await outbox.flush(flush_seconds)
        assert asyncio.get_running_loop().time() <= began_at + flush_seconds
        running.cancel()
        await asyncio.wait([running])
        assert (outbox.queued, outbox.in_flight) == (0, 0)
        assert len(outbox.begun) == len(set(outbox.begun)), "sent twice"
        for group in "ab":
            numbers = [number for number, each in outbox.begun if each == group]
            assert numbers == sorted(numbers)
        if flush_seconds == 1000.0:
            assert len(outbox.begun) + outbox.stats.dropped == len(coming)
            assert outbox.stats.sent == len(outbox.begun) - len(outbox.begun) // 3

    run(scene)
