"""Tells the probes whether queue mode is alive and ready, without a request."""

from collections.abc import Mapping

from nth.core.times import is_old
from nth.ports import Clock
from nth.queue_mode.node_informer import NodeInformer
from nth.queue_mode.sqs_receiver import QueueSource

STUCK_AFTER_SECONDS = 120.0
"""A queue that has not been asked for so long is stuck: a call takes 25 s at most."""


class Health:
    """The health of one replica. `receivers` by the URL of their queue."""

    def __init__(self, receivers: Mapping[str, QueueSource], nodes: NodeInformer, clock: Clock) -> None:
        self._receivers = receivers
        self._nodes = nodes
        self._clock = clock
        self._calls: dict[str, tuple[int, float]] = {}

    def is_alive(self) -> list[str]:
        """Returns the queues that are stuck, as they are not even asked any more."""
        now = self._clock.now()
        return [
            f"queue {url} has not been asked for {silent_seconds:.0f} s"
            for url in self._receivers
            if (silent_seconds := now - self._asked_at(url, now)) > STUCK_AFTER_SECONDS
        ]

    def _asked_at(self, url: str, now: float) -> float:
        """Returns when the number of its receive calls last grew."""
        calls = self._receivers[url].calls
        known, at = self._calls.get(url, (-1, now))
        if calls != known or not self._nodes.synced.is_set():
            at = now
        self._calls[url] = calls, at
        return at

    def is_ready(self) -> list[str]:
        """Returns the parts that have not answered lately."""
        now = self._clock.now()
        problems = []
        followed = self._nodes.is_fresh or not is_old(self._nodes.last_answer_at, now)
        if not (self._nodes.synced.is_set() and followed):
            problems.append("the Kubernetes API server does not answer")
        problems += [
            f"queue {url} does not answer"
            for url, receiver in self._receivers.items()
            if is_old(receiver.last_answer_at, now)
        ]
        return problems
