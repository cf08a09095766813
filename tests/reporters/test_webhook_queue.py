"""One target's queue in virtual time: tries, order, limits, shutdown; and what the log says of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest

from nth.report.webhook.post_retries import PostAnswer
from nth.report.webhook.target import BodyTemplate, Target
from nth.reporters.webhook_queue import MAX_IN_FLIGHT, MAX_QUEUED, MAX_QUEUED_BYTES, Post, TargetQueue
from nth.simulation.clock import START_AT, VirtualClock, run

URL = "https://hooks.example/services/secret"
HEADERS = {"Content-type": "application/json", "X-Token": "word"}


@dataclass(frozen=True, slots=True)
class Sent:
    seconds: float
    body: bytes
    headers: Mapping[str, str]


@dataclass
class FakePoster:
    """Gives these answers, the last one for ever; each takes its time, or never comes."""

    answers: list[PostAnswer] = field(default_factory=lambda: [PostAnswer(status=200)])
    seconds: float = 0.1
    hangs: bool = False
    clock: VirtualClock | None = None
    sent: list[Sent] = field(default_factory=list)
    now_open: int = 0
    most_open: int = 0

    async def post(self, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
        assert self.clock is not None
        self.sent.append(Sent(self.clock.now() - START_AT, body, headers))
        self.now_open += 1
        self.most_open = max(self.most_open, self.now_open)
        try:
            await asyncio.sleep(5.0 if self.hangs else self.seconds)
        finally:
            self.now_open -= 1
        if self.hangs:
            return PostAnswer(reason="no answer within 5 s")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def target(tries: int = 1) -> Target:
    return Target(name="chat", url=URL, headers=HEADERS, template=BodyTemplate("x", "t"), tries=tries)


def a_post(session: str = "s-1", body: bytes = b"{}", *, phase: str = "drained", key: str = "k") -> Post:
    return Post(session_id=session, node_name="node-1", phase=phase, key=key, body=body)


Scene = Callable[[TargetQueue, FakePoster], Awaitable[None]]


def play(scene: Scene, poster: FakePoster | None = None, *, tries: int = 1) -> tuple[TargetQueue, FakePoster]:
    poster = poster or FakePoster()

    async def main(clock: VirtualClock) -> TargetQueue:
        poster.clock = clock
        queue = TargetQueue(target(tries), poster, clock, jitter=lambda: 0.0)
        running = asyncio.create_task(queue.run(), name="queue")
        try:
            await scene(queue, poster)
        finally:
            running.cancel()
            await asyncio.wait([running])
        return queue

    return run(main), poster


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, dict[str, object]]]:
    return [(r.levelname, r.getMessage(), getattr(r, "fields", {})) for r in caplog.records]


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="nth")


def test_W1_W4_W6_post_goes_out_once_with_the_headers_and_its_key(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        queue.post(a_post(body=b"hello", key="key-1"))
        await queue.flush(60)

    queue, poster = play(scene)
    (sent,) = poster.sent
    assert (sent.body, sent.headers) == (b"hello", {**HEADERS, "Idempotency-Key": "key-1"})
    ((level, text, fields),) = told(caplog)
    assert (level, text) == ("INFO", "Webhook Success: Notification Sent!")
    assert fields == {
        "target": "chat",
        "host": "hooks.example",
        "session": "s-1",
        "node": "node-1",
        "phase": "drained",
    }
    stats = queue.stats
    assert (stats.sent, stats.failed, queue.queued, queue.in_flight) == (1, 0, 0, 0)


@pytest.mark.parametrize("answer", [PostAnswer(status=500), PostAnswer(reason="cannot connect: refused")])
def test_W1_by_default_nothing_is_tried_again(answer: PostAnswer, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        queue.post(a_post())
        await asyncio.sleep(600)

    queue, poster = play(scene, FakePoster([answer]))
    assert len(poster.sent) == 1
    assert (queue.stats.sent, queue.stats.failed) == (0, 1)
    ((level, text, fields),) = told(caplog)
    assert level == "WARNING"
    if answer.status:
        assert text == "Webhook Error: Received Non-Successful Status Code"
        assert fields["status_code"] == 500
    else:
        assert text == "Webhook Error: Client Do failed"
        assert fields["reason"] == "cannot connect: refused"


def test_tries_back_off_with_the_same_key_until_one_succeeds() -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        queue.post(a_post(key="key-1"))
        await queue.flush(60)

    answers = [PostAnswer(status=503), PostAnswer(status=429, retry_after="7"), PostAnswer(status=202)]
    queue, poster = play(scene, FakePoster(answers, seconds=0.0), tries=5)
    assert [sent.seconds for sent in poster.sent] == pytest.approx([0, 1, 8])
    assert {sent.headers["Idempotency-Key"] for sent in poster.sent} == {"key-1"}
    assert (queue.stats.sent, queue.stats.retried, queue.stats.failed) == (1, 2, 0)


def test_tries_end_at_their_number_and_at_what_will_not_pass() -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        queue.post(a_post())
        await queue.flush(600)

    _, poster = play(scene, FakePoster([PostAnswer(status=500)], seconds=0.0), tries=4)
    assert [sent.seconds for sent in poster.sent] == pytest.approx([0, 1, 3, 7])
    _, poster = play(scene, FakePoster([PostAnswer(status=404)]), tries=4)
    assert len(poster.sent) == 1


def test_posts_of_one_session_arrive_in_order_and_others_pass_them() -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        for phase in (b"received", b"cordoned", b"drained"):
            queue.post(a_post("s-1", phase))
        queue.post(a_post("s-2", b"other"))
        await queue.flush(60)

    answers = [PostAnswer(status=500), PostAnswer(status=200)]
    _, poster = play(scene, FakePoster(answers, seconds=0.0), tries=2)
    bodies = [sent.body for sent in poster.sent]
    assert bodies == [b"received", b"other", b"received", b"cordoned", b"drained"]


def test_at_most_so_many_are_in_flight() -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        for number in range(20):
            queue.post(a_post(f"s-{number}"))
        assert queue.queued == 20
        await queue.flush(60)

    queue, poster = play(scene)
    assert poster.most_open == MAX_IN_FLIGHT
    assert queue.stats.sent == 20


def test_full_queue_drops_the_oldest_counts_them_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        for number in range(MAX_QUEUED + 50):
            queue.post(a_post(f"s-{number}", str(number).encode()))
        assert (queue.queued, queue.stats.dropped) == (MAX_QUEUED, 50)
        await queue.flush(600)

    queue, poster = play(scene)
    assert poster.sent[0].body == b"50"
    assert queue.stats.sent == MAX_QUEUED
    assert [text for level, text, _ in told(caplog) if level == "WARNING"] == [
        "Webhook Error: Too much is waiting, dropping the oldest"
    ]


def test_queue_is_bounded_in_bytes_too() -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        for number in range(100):
            queue.post(a_post(f"s-{number}", bytes(MAX_QUEUED_BYTES // 10)))
        assert (queue.queued, queue.stats.dropped) == (10, 90)
        await queue.flush(600)

    queue, _ = play(scene)
    assert queue.stats.sent == 10


def test_flush_gives_up_in_time_and_says_how_many_are_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        for number in range(10):
            queue.post(a_post(f"s-{number}"))
        began = asyncio.get_running_loop().time()
        await queue.flush(2.0)
        assert asyncio.get_running_loop().time() - began == 2.0

    queue, _ = play(scene, FakePoster(hangs=True))
    ((level, text, fields),) = told(caplog)
    assert (level, text, fields["number"]) == (
        "WARNING",
        "Webhook Error: Notifications are not sent, time is up",
        10,
    )
    assert queue.stats.dropped == 10


def test_flush_of_an_empty_queue_ends_at_once() -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        await queue.flush(0.0)

    play(scene)


def test_error_of_ours_ends_neither_the_queue_nor_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakePoster):
        async def post(self, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
            if body == b"bad":
                raise RuntimeError("our own fault")
            return await super().post(body, headers)

    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        queue.post(a_post("s-1", b"bad"))
        queue.post(a_post("s-1", b"good"))
        await queue.flush(60)

    queue, poster = play(scene, Broken())
    assert [sent.body for sent in poster.sent] == [b"good"]
    assert (queue.stats.sent, queue.stats.failed) == (1, 1)
    assert told(caplog)[0][1] == "Webhook Error: the handler itself failed"


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(queue: TargetQueue, poster: FakePoster) -> None:
        for number in range(4):
            queue.post(a_post(f"s-{number}", b"body-of-a-post"))
        await queue.flush(60)
        queue.post(a_post())
        await queue.flush(0.01)

    answers = [PostAnswer(status=200), PostAnswer(status=404), PostAnswer(reason="cannot connect: refused")]
    play(scene, FakePoster(answers))
    text = repr(told(caplog))
    assert len(caplog.records) >= 4
    for secret in ("services", "secret", "word", "body-of-a-post"):
        assert secret not in text
