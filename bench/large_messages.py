"""Large messages: twenty of AWS Health's with 5,000 foreign instances each, and one of ours behind them.

In this process, without a cluster: `python -m bench.large_messages`. It measures others' wait, and the cost.
"""

import asyncio
import json
import resource
import sys
import time

from bench.figures import Figure, table
from nth.core.queue.dispatch_view import DispatchRules
from tests.core.queue_samples import health_message, spot_message
from tests.queue_mode.office import Office, an_id, play, rules

MESSAGES, INSTANCES, CHARS = 20, 5_000, 680_000
AT_ONCE = 10
"""The number of messages that one receive call brings."""
MIB = 1024
"""ru_maxrss is in KiB."""


def a_body(number: int) -> str:
    """Returns a body of about 680 KB."""
    begin = 1_000_000 + number * INSTANCES
    body = json.loads(health_message([an_id(n) for n in range(begin, begin + INSTANCES)]))
    body["padding"] = "x" * max(0, CHARS - len(json.dumps(body)) - 20)
    return json.dumps(body)


def measure(given: DispatchRules) -> tuple[float, float, float]:
    """Returns the longest block of the loop and the time until ours was taken, in seconds; the peak's MiB."""
    longest, taken_seconds = 0.0, float("inf")

    async def story(office: Office) -> None:
        nonlocal longest, taken_seconds
        office.add_node(1)
        bodies = [a_body(number) for number in range(MESSAGES)]
        began_at = turn_at = time.perf_counter()
        rest = 0
        for begin in range(0, MESSAGES, AT_ONCE):
            office.deliver(*bodies[begin : begin + AT_ONCE])
        office.deliver(spot_message(an_id(1), office.clock.now()))
        while rest < 1_000:
            now = time.perf_counter()
            longest, turn_at = max(longest, now - turn_at), now
            if office.notes.taken and taken_seconds > 1e9:
                taken_seconds = now - began_at
            await asyncio.sleep(0)
            busy = office.reader._chars > 0
            rest = 0 if busy else rest + 1

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    play(story, given)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / MIB
    return longest, taken_seconds, grown_mib


def figures(*, check_tag: bool) -> list[Figure]:
    """Returns rows; only the first call's memory is true, for a process only ever grows."""
    longest, taken_seconds, grown_mib = measure(rules(check_tag=check_tag))
    what = f"{MESSAGES} x {INSTANCES} instances, tag check {'on' if check_tag else 'off'}"
    return [
        Figure(f"{what}: loop blocked, s", [longest], 0.5),
        Figure("  ours behind them: delivered -> taken, s", [taken_seconds], 0.5),
        Figure("  memory, peak with the line of 4 MiB, above before, MiB", [grown_mib], 60.0),
    ]


if __name__ == "__main__":
    print(table(figures(check_tag="--tags" in sys.argv)))
