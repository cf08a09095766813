"""From what sessions tell to what is posted, in virtual time; and that nobody ever waits for it."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from nth.core.facts import Node
from nth.core.reports import Planned, Told
from nth.report.webhook.data import About, about
from nth.report.webhook.post_retries import PostAnswer
from nth.report.webhook.target import BodyTemplate, Target
from nth.reporters.outbox import SendStats
from nth.reporters.webhook import DryWebhooks, Webhooks
from nth.reporters.webhook_queue import MAX_QUEUED, TargetQueue
from nth.simulation.clock import VirtualClock, run
from tests.report import stories
from tests.reporters.test_webhook_queue import FakePoster

LABELS = {"team": "shop"}
NODE = Node(name=stories.NODE, uid="u", resource_version="1", labels=LABELS)


def a_target(name: str = "webhook", text: str = "{{ .Phase }}", **fields: object) -> Target:
    target = Target(
        name=name, url=f"https://{name}.example/secret", template=BodyTemplate(text, "the template")
    )
    return replace(target, **fields)  # type: ignore[arg-type]  # a test names the fields


def known(node_name: str) -> About:
    return about(NODE if node_name == NODE.name else None)


Scene = Callable[[Webhooks], Awaitable[None]]


def play(scene: Scene, *receivers: tuple[Target, FakePoster], reports: bool = False) -> Webhooks:
    async def main(clock: VirtualClock) -> Webhooks:
        queues = []
        for target, poster in receivers:
            poster.clock = clock
            queues.append(TargetQueue(target, poster, clock, jitter=lambda: 0.0))
        webhooks = Webhooks(queues, clock, about=known, reports=reports)
        running = [asyncio.create_task(queue.run()) for queue in queues]
        try:
            await scene(webhooks)
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
        return webhooks

    return run(main)


async def flush(webhooks: Webhooks, seconds: float) -> None:
    await asyncio.gather(*(queue.flush(seconds) for queue in webhooks.queues))


def stats_of(webhooks: Webhooks) -> list[SendStats]:
    return [queue.stats for queue in webhooks.queues]


def telling(*told: Told, seconds: float = 60.0) -> Scene:
    async def scene(webhooks: Webhooks) -> None:
        stories.fed(webhooks, told)
        await flush(webhooks, seconds)

    return scene


def bodies(poster: FakePoster) -> list[str]:
    return [sent.body.decode() for sent in poster.sent]


FULL = stories.told(*stories.FULL_STORY)


def test_W1_one_post_per_interruption_after_the_drain() -> None:
    poster = FakePoster()
    play(telling(*FULL), (a_target(), poster))
    assert bodies(poster) == ["drained"]


def test_W1_failure_is_posted_too() -> None:
    poster = FakePoster()
    play(telling(*stories.told(*stories.LOSING_STORY)), (a_target(text="{{ .Phase }} {{ .Result }}"), poster))
    assert bodies(poster) == ["failed failure"]


def test_each_target_gets_its_phases_its_kinds_and_its_nodes() -> None:
    every = frozenset({"received", "cordoned", "drained", "forced", "replaced"})
    receivers = {
        "all": a_target("all", phases=every),
        "once": a_target("once"),
        "kind": a_target("kind", kinds=frozenset({"STATE_CHANGE"})),
        "nodes": a_target("nodes", node_labels=LABELS),
        "others": a_target("others", node_labels={"team": "other"}),
    }
    posters = {name: FakePoster() for name in receivers}
    play(telling(*FULL), *((receivers[name], posters[name]) for name in receivers))
    assert {name: bodies(poster) for name, poster in posters.items()} == {
        "all": ["received", "cordoned", "forced", "drained", "replaced"],
        "once": ["drained"],
        "kind": [],
        "nodes": ["drained"],
        "others": [],
    }


def test_last_phase_carries_the_report_where_it_is_wanted() -> None:
    poster = FakePoster()
    target = a_target(text="{{ .Phase }}: {{ .Report }}", phases=frozenset({"replaced"}))
    play(telling(*FULL), (target, poster), reports=True)
    (text,) = bodies(poster)
    assert text.startswith("replaced: ")
    assert "billing" in text


def test_idempotency_keys_differ_between_targets_and_phases() -> None:
    phases = frozenset({"received", "drained"})
    first, second = FakePoster(), FakePoster()
    play(telling(*FULL), (a_target("a", phases=phases), first), (a_target("b", phases=phases), second))
    keys = [sent.headers["Idempotency-Key"] for poster in (first, second) for sent in poster.sent]
    assert len(set(keys)) == 4


def test_target_that_hangs_delays_no_other_and_telling_takes_no_time() -> None:
    slow, quick = FakePoster(hangs=True), FakePoster()

    async def scene(webhooks: Webhooks) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(MAX_QUEUED + 200):
            stories.fed(webhooks, [replace(FULL[0], session_id=f"s-{number}")])
        assert loop.time() == began
        await asyncio.sleep(100)
        assert len(quick.sent) == MAX_QUEUED
        await flush(webhooks, 1.0)

    received = frozenset({"received"})
    webhooks = play(
        scene, (a_target("slow", phases=received), slow), (a_target("quick", phases=received), quick)
    )
    slow_stats, quick_stats = stats_of(webhooks)
    assert (quick_stats.sent, quick_stats.dropped) == (MAX_QUEUED, 200)
    assert slow_stats.failed < 100
    assert slow_stats.dropped + slow_stats.failed == MAX_QUEUED + 200


def test_template_that_fails_with_real_data_is_counted_and_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing, good = FakePoster(), FakePoster()
    target = a_target("odd", text="{{ index .Pods 100 }}")
    webhooks = play(telling(*FULL), (target, failing), (a_target("good"), good))
    assert (bodies(failing), bodies(good)) == ([], ["drained"])
    assert [stats.failed for stats in stats_of(webhooks)] == [1, 0]
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.getMessage() == "Webhook Error: Template execution failed"


def test_body_is_utf_8() -> None:
    poster = FakePoster()
    play(telling(*FULL), (a_target(text="für {{ .NodeName }}"), poster))
    assert poster.sent[0].body.decode() == f"für {stories.NODE}"


def test_several_targets_are_flushed_together() -> None:
    async def scene(webhooks: Webhooks) -> None:
        stories.fed(webhooks, FULL)
        began = asyncio.get_running_loop().time()
        await flush(webhooks, 3.0)
        assert asyncio.get_running_loop().time() - began == 3.0

    play(scene, (a_target("a"), FakePoster(hangs=True)), (a_target("b"), FakePoster(hangs=True)))


def test_needs_W9_dry_run_posts_nothing_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="nth")
    dry = DryWebhooks(["webhook", "chat"])
    report = Planned(steps=("+0 s: Node successfully cordoned",), drain=True)
    told = Told(at=stories.T0, session_id="dry-run", node_name="n", report=report)
    stories.fed(dry, [told, FULL[0]])
    (record,) = caplog.records
    assert record.getMessage() == "Webhook would have been posted, but dry-run flag was set"
    assert getattr(record, "fields", {}) == {"targets": ["webhook", "chat"], "node": "n"}
    assert dry.queues == ()


def test_default_answers_are_json_for_a_real_story() -> None:
    poster = FakePoster(answers=[PostAnswer(status=200)])
    text = '{"node": {{ printf "%q" .NodeName }}, "margin": {{ .Margin }}, "forced": {{ .Forced }}}'
    play(telling(*FULL), (a_target(text=text), poster))
    assert json.loads(bodies(poster)[0]) == {"node": stories.NODE, "margin": 29.9, "forced": 1}
