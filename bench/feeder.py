"""`python -m bench.feeder AWS_URL QUEUE_URL MESSAGES OURS`: fills a queue as fast as it takes messages.

Spot warnings in batches of ten; those of our instances are spread evenly among the foreign ones. It prints
when each of ours was sent, by instance.
"""

import json
import sys
import time

from bench import fleet
from tests.core import queue_samples
from tests.servers.aws import AwsServer

BATCH = 10


def main() -> None:
    """Send, then print when each of ours was sent."""
    aws_url, queue_url, messages, ours = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    server = AwsServer(aws_url)
    every = messages // ours
    sent_at: dict[str, float] = {}
    for begin in range(0, messages, BATCH):
        now = time.time()
        bodies = []
        for number in range(begin, begin + BATCH):
            is_ours, index = number % every == every - 1, number // every
            instance_id = fleet.instance_id(index) if is_ours else f"i-f{number:016x}"
            if is_ours:
                sent_at[instance_id] = now
            bodies.append(queue_samples.spot_message(instance_id, now, event_id=f"event-{number}"))
        server.send(queue_url, *bodies)
    print(json.dumps(sent_at))


if __name__ == "__main__":
    main()
