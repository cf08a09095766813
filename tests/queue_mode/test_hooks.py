"""The keeper of lifecycle hooks against a simulated Auto Scaling, in virtual time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import pytest

from nth.core.lifecycle.hook_messages import ABANDON, HookRules, Outcome
from nth.core.notices.aws_facts import LifecycleAction
from nth.errors import AwsError, AwsRefused, AwsUnreachable
from nth.queue_mode.hooks import HookKeeper
from nth.simulation.aws import AwsConnection, SimulatedAws
from nth.simulation.aws_link import AwsLink, Request
from nth.simulation.clock import VirtualClock, run
from nth.simulation.lifecycle import LAUNCHING, TERMINATING, HookSpec

GROUP = "workers"
COMPLETE = "CompleteLifecycleAction"
HEARTBEAT = "RecordLifecycleActionHeartbeat"
DESCRIBE = "DescribeLifecycleHooks"
DENIED = AwsRefused("not authorized to perform this", code="AccessDenied")


class Scene:
    """A group of instances that wait for us, and a keeper."""

    def __init__(
        self,
        clock: VirtualClock,
        *,
        rules: HookRules,
        before: Callable[[Request], AwsError | None],
        heartbeat_seconds: int,
    ) -> None:
        self.clock = clock
        self.began_at = clock.now()
        self.aws = SimulatedAws(clock)
        self.aws.put_hook(
            HookSpec(group=GROUP, name="drain", transition=TERMINATING,
                     heartbeat_seconds=heartbeat_seconds)
        )  # fmt: skip
        self.aws.put_hook(
            HookSpec(group=GROUP, name="join", transition=LAUNCHING,
                     heartbeat_seconds=heartbeat_seconds, default_result="ABANDON")
        )  # fmt: skip
        self.link: AwsConnection = self.aws.connect(AwsLink(before=before))
        self.deadlines: list[float] = []
        self.done: list[tuple[LifecycleAction, Outcome]] = []
        self.rules = rules
        self.keeper = self.new_keeper(self.link)

    def new_keeper(self, link: AwsConnection) -> HookKeeper:
        return HookKeeper(
            link.hooks,
            self.clock,
            self.rules,
            prolonged=lambda _, at: self.deadlines.append(round(at - self.began_at)),
            done=lambda action, outcome: self.done.append((action, outcome)),
        )

    def terminate(self, count: int = 1) -> list[LifecycleAction]:
        actions: list[LifecycleAction] = []
        for number in range(count):
            instance_id = f"i-{number:017x}"
            self.aws.add_instance(instance_id, group=GROUP)
            actions += self.aws.begin_termination(instance_id)
        return actions

    def begin(self, action: LifecycleAction) -> Outcome | None:
        return self.keeper.begin(action, noticed_at=self.clock.now())

    @property
    def seconds(self) -> float:
        return self.clock.now() - self.began_at

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for _, outcome in self.done]


def no_fault(_request: Request) -> AwsError | None:
    return None


def play(
    story: Callable[[Scene], Coroutine[object, object, None]],
    *,
    rules: HookRules | None = None,
    before: Callable[[Request], AwsError | None] = no_fault,
    heartbeat_seconds: int = 3600,
) -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock, rules=rules or HookRules(), before=before, heartbeat_seconds=heartbeat_seconds)
        running = asyncio.create_task(scene.keeper.run())
        await asyncio.sleep(0)
        await story(scene)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    run(main)


def test_a_settled_action_is_completed_once_and_done_is_told() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        assert scene.begin(action) is None
        await asyncio.sleep(30)
        assert scene.aws.state_of(action.instance_id) == "Terminating:Wait"
        assert scene.keeper.settle(action) is None
        await asyncio.sleep(1)
        assert scene.done == [(action, Outcome.COMPLETED)]
        assert [(ended.action, ended.how) for ended in scene.aws.ended] == [(action, "CONTINUE")]
        assert scene.keeper.waiting == 0

    play(story)


def test_the_same_token_twice_is_one_action() -> None:
    """Once by EventBridge, once straight from the group."""

    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        scene.begin(LifecycleAction(**{name: getattr(action, name) for name in action.__slots__}))
        assert scene.keeper.waiting == 1
        scene.keeper.settle(action)
        scene.keeper.settle(action)
        await asyncio.sleep(1)
        assert len(scene.link.asked(COMPLETE)) == 1
        assert scene.outcomes == [Outcome.COMPLETED]

    play(story)


def test_a_late_duplicate_hears_at_once_that_it_is_done() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        scene.keeper.settle(action)
        await asyncio.sleep(1)
        assert scene.begin(action) is Outcome.COMPLETED
        assert scene.keeper.settle(action) is Outcome.COMPLETED
        await asyncio.sleep(1)
        assert len(scene.link.asked(COMPLETE)) == 1
        assert len(scene.done) == 1

    play(story)


def test_an_action_that_was_never_begun_is_completed_all_the_same() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.keeper.settle(action)
        await asyncio.sleep(1)
        assert scene.outcomes == [Outcome.COMPLETED]

    play(story)


def test_a_launch_is_never_completed_with_abandon() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.aws.begin_launch("i-0000000000000000a", group=GROUP)
        scene.keeper.settle(action, launching=True)
        await asyncio.sleep(1)
        assert [ended.how for ended in scene.aws.ended] == ["CONTINUE"]
        assert scene.link.asked(DESCRIBE) == []

    play(story, rules=HookRules(result=ABANDON))


def test_needs_W5_how_long_a_hook_waits_is_asked_once_for_all_its_instances() -> None:
    async def story(scene: Scene) -> None:
        for action in scene.terminate(40):
            scene.begin(action)
        await asyncio.sleep(1)
        assert len(scene.link.asked(DESCRIBE)) == 1
        assert scene.deadlines == [3600] * 40
        (late,) = scene.aws.begin_launch("i-0000000000000000a", group=GROUP)
        scene.begin(late)
        await asyncio.sleep(1)
        assert len(scene.link.asked(DESCRIBE)) == 2  # Another hook.

    play(story)


def test_what_is_known_of_a_hook_is_asked_anew_after_a_while() -> None:
    async def story(scene: Scene) -> None:
        first, second, third = scene.terminate(3)
        scene.begin(first)
        await asyncio.sleep(299)
        scene.begin(second)
        await asyncio.sleep(2)
        scene.begin(third)
        await asyncio.sleep(1)
        assert len(scene.link.asked(DESCRIBE)) == 2

    play(story)


def test_the_deadline_of_a_hook_can_be_asked_before_anything_is_begun() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        deadline_at = await scene.keeper.deadline_of(action, noticed_at=scene.began_at - 5)
        assert deadline_at == scene.began_at + 3595
        passed_at = await scene.keeper.deadline_of(action, noticed_at=scene.began_at - 5000)
        assert passed_at is not None
        assert passed_at < scene.began_at
        assert len(scene.link.asked(DESCRIBE)) == 1

    play(story)


def test_who_stops_waiting_for_a_deadline_takes_it_from_nobody() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await scene.keeper.deadline_of(action, noticed_at=scene.began_at)
        await asyncio.sleep(1)
        assert len(scene.link.asked(DESCRIBE)) == 1
        assert scene.deadlines == [3600]

    play(story)


def test_a_deadline_that_aws_does_not_tell_is_an_error() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        with pytest.raises(AwsRefused):
            await scene.keeper.deadline_of(action, noticed_at=scene.began_at)

    play(story, before=lambda request: DENIED if request.action == DESCRIBE else None)


def test_T3_heartbeats_keep_the_hook_and_end_at_their_deadline(caplog: pytest.LogCaptureFixture) -> None:
    """Delay 120, interval 30, until 100; the hook itself waits for 70 s."""
    caplog.set_level(logging.INFO, "nth.queue_mode.hooks")

    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        await asyncio.sleep(15)
        scene.keeper.settle(action)
        await asyncio.sleep(119)
        assert scene.done == []
        await asyncio.sleep(2)
        assert scene.outcomes == [Outcome.COMPLETED]
        assert [round(request.at - scene.began_at) for request in scene.link.asked(HEARTBEAT)] == [30, 60, 90]
        assert scene.deadlines == [70, 100, 130, 160]

    rules = HookRules(
        completion_delay_seconds=120, heartbeat_interval_seconds=30, heartbeat_until_seconds=100
    )
    play(story, rules=rules, heartbeat_seconds=70)
    heartbeats = [text for text in caplog.messages if "eartbeat" in text]
    assert heartbeats == [
        *["Successfully sent lifecycle heartbeat"] * 3,
        "Heartbeat deadline exceeded, stopping heartbeat",
    ]


def test_L3_a_heartbeat_that_fails_is_told_in_the_originals_words(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        for action in scene.terminate():
            scene.begin(action)
        await asyncio.sleep(100)

    def before(request: Request) -> AwsError | None:
        return DENIED if request.action == HEARTBEAT else None

    play(story, rules=HookRules(heartbeat_interval_seconds=30), before=before)
    assert caplog.messages == ["Failed to send lifecycle heartbeat"] * 3


def test_Q17_a_hook_that_lapses_between_heartbeats_is_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(scene: Scene) -> None:
        for action in scene.terminate(5):
            scene.begin(action)
        await asyncio.sleep(40)
        assert scene.outcomes == [Outcome.GONE] * 5

    play(story, rules=HookRules(heartbeat_interval_seconds=35), heartbeat_seconds=30)
    assert [text for text in caplog.messages if "HEARTBEAT_INTERVAL" in text] == [
        "HEARTBEAT_INTERVAL is too long: this lifecycle hook times out before the next heartbeat"
    ]


def test_a_permission_that_is_missing_is_told_once_for_each_hook(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        for action in scene.terminate(5):
            scene.begin(action)
        await asyncio.sleep(100)
        assert scene.deadlines == []

    play(story, before=lambda request: DENIED if request.action == DESCRIBE else None)
    assert len(caplog.messages) == 1
    assert "cannot ask how long" in caplog.messages[0]


def test_auto_heartbeats_keep_a_hook_of_30_s_for_as_long_as_the_drain_takes() -> None:
    """Each third heartbeat is lost."""
    count = 0

    def before(request: Request) -> AwsError | None:
        nonlocal count
        count += request.action == HEARTBEAT
        return AwsUnreachable("reset") if request.action == HEARTBEAT and count % 3 == 0 else None

    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        await asyncio.sleep(1000)
        assert scene.aws.state_of(action.instance_id) == "Terminating:Wait"
        scene.keeper.settle(action)
        await asyncio.sleep(1)
        assert scene.outcomes == [Outcome.COMPLETED]

    play(story, rules=HookRules(heartbeat_auto=True), heartbeat_seconds=30, before=before)


def test_needs_W11_three_failures_of_the_completion_then_fine(caplog: pytest.LogCaptureFixture) -> None:
    failures = iter([AwsUnreachable("reset"), AwsUnreachable("reset"), AwsUnreachable("reset")])

    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        scene.keeper.settle(action)
        await asyncio.sleep(5)
        assert len(scene.link.asked(COMPLETE)) == 4
        assert scene.outcomes == [Outcome.COMPLETED]

    play(story, before=lambda request: next(failures, None) if request.action == COMPLETE else None)
    assert len([text for text in caplog.messages if "cannot complete" in text]) == 1


def test_needs_W11_an_accepted_completion_whose_answer_is_lost_ends_well() -> None:
    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock, rules=HookRules(), before=no_fault, heartbeat_seconds=3600)
        lost = iter([AwsUnreachable("reset")])
        link = scene.aws.connect(
            AwsLink(after=lambda request: next(lost, None) if request.action == COMPLETE else None)
        )
        keeper = scene.new_keeper(link)
        running = asyncio.create_task(keeper.run())
        await asyncio.sleep(0)
        (action,) = scene.terminate()
        keeper.settle(action)
        await asyncio.sleep(5)
        assert scene.outcomes == [Outcome.GONE]
        assert [ended.how for ended in scene.aws.ended] == ["CONTINUE"]
        running.cancel()

    run(main)


def test_needs_W12_an_abandoned_action_gets_no_more_heartbeats_and_may_be_begun_again() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        await asyncio.sleep(35)
        scene.keeper.abandon(action)
        scene.keeper.abandon(action)
        await asyncio.sleep(100)
        assert len(scene.link.asked(HEARTBEAT)) == 1
        assert scene.done == []
        assert scene.keeper.waiting == 0
        assert scene.begin(action) is None
        scene.keeper.settle(action)
        await asyncio.sleep(1)
        assert scene.outcomes == [Outcome.COMPLETED]

    play(story, rules=HookRules(heartbeat_interval_seconds=30))


def test_an_action_begun_again_while_its_completion_is_under_way_is_not_lost() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        scene.keeper.settle(action)
        await asyncio.sleep(0.005)
        scene.keeper.abandon(action)
        assert scene.begin(action) is None
        scene.keeper.settle(action)
        await asyncio.sleep(1)
        assert scene.outcomes == [Outcome.GONE]
        assert [ended.how for ended in scene.aws.ended] == ["CONTINUE"]

    play(story)


def test_a_hook_that_aws_ends_is_told_before_it_is_settled() -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        await scene.link.hooks.complete(action, "CONTINUE")
        await asyncio.sleep(31)
        assert scene.outcomes == [Outcome.GONE]
        assert scene.keeper.settle(action) is Outcome.GONE

    play(story, rules=HookRules(heartbeat_interval_seconds=30))


def test_a_storm_of_completions_goes_out_a_few_at_a_time() -> None:
    under_way = most = 0

    def before(_request: Request) -> AwsError | None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        asyncio.get_running_loop().call_later(0.005, leave)
        return None

    def leave() -> None:
        nonlocal under_way
        under_way -= 1

    async def story(scene: Scene) -> None:
        for action in scene.terminate(80):
            scene.begin(action)
            scene.keeper.settle(action)
        await asyncio.sleep(1)
        assert scene.outcomes == [Outcome.COMPLETED] * 80
        assert most <= 11

    play(story, before=before)


def test_at_shutdown_due_completions_are_answered_and_the_rest_is_left() -> None:
    async def story(scene: Scene) -> None:
        settled, waiting = scene.terminate(2)
        scene.begin(settled)
        scene.begin(waiting)
        await asyncio.sleep(5)
        scene.keeper.settle(settled)
        began = scene.seconds
        await scene.keeper.flush(10)
        assert scene.seconds - began < 0.1
        assert scene.done == [(settled, Outcome.COMPLETED)]
        assert scene.keeper.waiting == 0
        await asyncio.sleep(100)
        assert [ended.action for ended in scene.aws.ended] == [settled]
        assert scene.link.asked(HEARTBEAT) == []

    play(story, rules=HookRules(heartbeat_interval_seconds=30))


def test_at_shutdown_a_completion_whose_delay_is_long_is_left_to_the_successor() -> None:
    async def story(scene: Scene) -> None:
        soon, late = scene.terminate(2)
        scene.keeper.settle(soon)
        await asyncio.sleep(52)
        scene.keeper.settle(late)
        began = scene.seconds
        await scene.keeper.flush(20)
        assert scene.seconds - began == pytest.approx(8, abs=0.1)
        assert scene.done == [(soon, Outcome.COMPLETED)]

    play(story, rules=HookRules(completion_delay_seconds=60))


def test_a_shutdown_ends_in_time_though_aws_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.keeper.settle(action)
        began = scene.seconds
        await scene.keeper.flush(10)
        assert scene.seconds - began == pytest.approx(10)
        assert scene.keeper.waiting == 0
        await asyncio.sleep(60)
        assert scene.done == []

    play(story, before=lambda _: AwsUnreachable("refused"))
    assert "time is up" in caplog.text


def test_a_defect_of_a_listener_or_of_ours_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Defective(Exception):
        """Not an error that anybody expects."""

    async def main(clock: VirtualClock) -> None:
        scene = Scene(clock, rules=HookRules(), before=no_fault, heartbeat_seconds=3600)

        def broken(*_: object) -> None:
            raise Defective

        class Broken:
            tries = 0

            async def complete(self, action: LifecycleAction, result: str) -> None:
                self.tries += 1
                if self.tries == 1:
                    raise Defective
                await scene.link.hooks.complete(action, result)

            heartbeat = scene.link.hooks.heartbeat

            async def timeouts(self, group: str, hook: str) -> object:
                raise Defective

        keeper = HookKeeper(Broken(), clock, HookRules(), prolonged=broken, done=broken)  # type: ignore[arg-type]
        running = asyncio.create_task(keeper.run())
        await asyncio.sleep(0)
        for action in scene.terminate(2):
            keeper.settle(action)
        await asyncio.sleep(5)
        assert [ended.how for ended in scene.aws.ended] == ["CONTINUE", "CONTINUE"]
        assert not running.done()
        running.cancel()

    run(main)
    assert "in the handler itself" in caplog.text
    assert "could not be handled" in caplog.text


def test_a_machine_that_fails_is_begun_anew(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(scene: Scene) -> None:
        (action,) = scene.terminate()
        scene.begin(action)
        await asyncio.sleep(1)
        (kept,) = scene.keeper._kept.values()

        def defect(*_: object) -> None:
            raise RuntimeError("a defect")

        monkeypatch.setattr(kept.hook, "handle", defect)
        scene.keeper.settle(action)
        await asyncio.sleep(6)
        assert scene.outcomes == [Outcome.COMPLETED]

    play(story)
    assert "beginning it anew" in caplog.text
