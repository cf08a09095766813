"""Every message is read once, and goes to the session of its node or back where it came from."""

import asyncio
import logging
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.node.node_annotation import Seen
from nth.core.notices.events import (
    AsgTermination,
    InstanceStateChange,
    RebalanceRecommendation,
    SpotInterruption,
    Withdrawn,
)
from nth.core.policy import Level, Policy
from nth.core.queue.cases import MAX_ABSENT, REGISTER_SECONDS, TIMEOUT_SECONDS
from nth.core.queue.dispatch_words import Stage
from nth.core.queue.launches import LAUNCH_SECONDS
from nth.errors import AwsThrottled
from nth.queue_mode.dispatcher import HOOK_TIMEOUT_SECONDS
from nth.queue_mode.recorded import RecordedNews
from tests.core.queue_samples import (
    asg_message,
    health_message,
    rebalance_message,
    sns_wrapped,
    spot_message,
    state_message,
    test_notification,
)
from tests.queue_mode.office import Office, a_node, an_id, play, rules

CHECKED = rules(check_tag=True)
THROTTLED = AwsThrottled("Request limit exceeded.")
Change = dict[str, bool]


def spot_of(office: Office, number: int) -> str:
    return spot_message(instance_id=an_id(number), at=office.clock.now())


def test_Q7_an_event_of_a_node_of_ours_is_taken_and_its_message_held() -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        [message] = office.deliver(spot_of(office, 1))
        [(name, event)] = office.notes.taken
        assert name == "node-1"
        assert isinstance(event, SpotInterruption)
        assert office.notes.held == {message}
        assert office.notes.settled == office.notes.left == []

    play(story)


def test_needs_W5_the_index_answers_without_ec2_where_the_tag_does_not_matter() -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.deliver(spot_of(office, 1), spot_of(office, 2))
        await asyncio.sleep(1)
        assert office.cluster.asked == []

    play(story)


@pytest.mark.parametrize("tagged", [True, False])
def test_Q14_only_tagged_instances_are_taken(tagged: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def story(office: Office) -> None:
        office.add_node(1, tagged=tagged)
        [message] = office.deliver(spot_of(office, 1))
        await asyncio.sleep(1)
        assert (len(office.notes.taken), office.notes.settled) == ((1, []) if tagged else (0, [message]))

    play(story, CHECKED)
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == ([] if tagged else ["Doing nothing for a node of our cluster"])


def test_a_doomed_node_is_taken_even_if_ec2_cannot_be_asked(caplog: pytest.LogCaptureFixture) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.cluster.slow_seconds = 60
        office.deliver(spot_of(office, 1))
        await asyncio.sleep(TIMEOUT_SECONDS - 0.1)
        assert office.notes.taken == []
        await asyncio.sleep(0.2)
        assert len(office.notes.taken) == 1

    play(story, CHECKED)
    assert "certainly goes away" in caplog.text


def test_a_rebalance_recommendation_waits_for_ec2_in_the_queue() -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.cluster.error = THROTTLED
        [message] = office.deliver(rebalance_message(instance_id=an_id(1)))
        await asyncio.sleep(1)
        assert (office.notes.taken, office.notes.left) == ([], [message])

    play(story, CHECKED)


def test_needs_W8_an_ec2_that_cannot_be_asked_is_not_an_instance_that_is_not_found() -> None:
    async def story(office: Office) -> None:
        office.cluster.error = THROTTLED
        [message] = office.deliver(spot_of(office, 1), age_seconds=600)
        await asyncio.sleep(1)
        assert (office.notes.left, office.notes.settled) == ([message], [])

    play(story, rules(check_tag=True, delete_if_not_found=True))


@pytest.mark.parametrize("delete", [True, False])
def test_Q20_an_instance_without_a_node_waits_until_its_time_is_over(delete: bool) -> None:
    async def story(office: Office) -> None:
        office.add_instance(1)
        [message] = office.deliver(spot_of(office, 1))
        await asyncio.sleep(118)
        assert office.notes.held == {message}
        assert (office.notes.settled, office.notes.left) == ([], [])
        await asyncio.sleep(4)
        assert office.notes.settled == ([message] if delete else [])
        assert office.notes.left == ([] if delete else [message])

    play(story, rules(check_tag=True, delete_if_not_found=delete))


def test_T17_without_a_deadline_a_node_has_twenty_seconds_to_register() -> None:
    async def story(office: Office) -> None:
        office.add_instance(1)
        [message] = office.deliver(rebalance_message(instance_id=an_id(1)))
        await asyncio.sleep(REGISTER_SECONDS - 1)
        assert office.notes.settled == []
        await asyncio.sleep(2)
        assert office.notes.settled == [message]

    play(story, rules(check_tag=True, delete_if_not_found=True))


def test_a_node_that_registers_is_taken_at_once() -> None:
    async def story(office: Office) -> None:
        office.add_instance(1)
        office.deliver(spot_of(office, 1))
        await asyncio.sleep(10.5)
        office.add_node(1)
        office.node_changed(None, a_node(1))
        await asyncio.sleep(0.01)
        assert len(office.notes.taken) == 1

    play(story, CHECKED)


def test_only_so_many_messages_are_held_for_nodes_that_may_come() -> None:
    async def story(office: Office) -> None:
        for number in range(MAX_ABSENT + 5):
            office.add_instance(number)
            office.deliver(spot_of(office, number))
        await asyncio.sleep(0.01)
        assert len(office.notes.held) == MAX_ABSENT
        assert len(office.notes.left) == 5

    play(story, CHECKED)


def test_events_of_a_node_that_has_left_the_cluster_are_settled() -> None:
    async def story(office: Office) -> None:
        office.node_changed(a_node(1), None)
        [message] = office.deliver(state_message(instance_id=an_id(1), state="terminated"))
        assert office.notes.settled == [message]

    play(story)


def test_Q13_a_node_without_provider_id_is_found_by_its_dns_name() -> None:
    async def story(office: Office) -> None:
        office.add_instance(1, private_dns_name="ip-10-0-0-1.ec2.internal")
        office.cluster.has_nameless = True
        office.cluster.by_dns["ip-10-0-0-1.ec2.internal"] = a_node(1)
        office.deliver(spot_of(office, 1))
        await asyncio.sleep(0.01)
        assert [name for name, _ in office.notes.taken] == ["node-1"]

    play(story)


def test_foreign_accounts_are_none_of_our_business() -> None:
    async def story(office: Office) -> None:
        [message] = office.deliver(spot_message(instance_id=an_id(1), account="999999999999"))
        assert office.notes.settled == [message]

    play(story)


def test_needs_W30_every_instance_of_a_health_message_is_taken() -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.add_node(2)
        [message] = office.deliver(health_message([an_id(1), an_id(2)]))
        assert [name for name, _ in office.notes.taken] == ["node-1", "node-2"]
        for name, event in office.notes.taken:
            assert office.notes.settled == []
            office.done(name, event)
        assert office.notes.settled == [message]

    play(story)


@pytest.mark.parametrize("others", [False, True])
def test_the_end_of_maintenance_goes_to_who_has_the_node(others: bool) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        if others:
            office.another_has(1)
        [message] = office.deliver(health_message([an_id(1)], status="closed"))
        assert len(office.notes.withdrawn) == (0 if others else 1)
        assert (office.notes.settled, office.notes.left) == (([], [message]) if others else ([message], []))

    play(story)


@pytest.mark.parametrize(
    ("hook_seconds", "slow_seconds", "known"), [(600.0, 0.1, True), (None, 0.1, False), (600.0, 60.0, False)]
)
def test_the_hooks_own_timeout_is_known_before_the_drain_begins(
    hook_seconds: float | None, slow_seconds: float, known: bool
) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.notes.hook_seconds, office.notes.slow_seconds = hook_seconds, slow_seconds
        at = office.clock.now()
        office.deliver(asg_message(instance_id=an_id(1), at=at))
        await asyncio.sleep(HOOK_TIMEOUT_SECONDS + 0.1)
        [(_, event)] = office.notes.taken
        assert isinstance(event, AsgTermination)
        assert (event.deadline_at is not None) == known

    play(story)


@pytest.mark.parametrize("hook_seconds", [600.0, None])
def test_Q18_a_launch_is_held_until_its_hook_is_over(hook_seconds: float | None) -> None:
    async def story(office: Office) -> None:
        office.add_node(1, ready=False)
        office.notes.hook_seconds = hook_seconds
        transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
        at = office.clock.now()
        [message] = office.deliver(asg_message(instance_id=an_id(1), transition=transition, at=at))
        await asyncio.sleep((hook_seconds or LAUNCH_SECONDS) - 5)
        assert (len(office.dispatch.launches), office.notes.settled) == (1, [])
        await asyncio.sleep(10)
        assert (len(office.dispatch.launches), office.notes.settled) == (0, [message])

    play(story)


@pytest.mark.parametrize("level", [Level.IGNORE, Level.NOTIFY, Level.CORDON])
def test_what_is_to_be_ignored_is_settled_at_once(level: Level) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        [message] = office.deliver(rebalance_message(instance_id=an_id(1)))
        ignored = level is Level.IGNORE
        assert (office.notes.settled, len(office.notes.taken)) == (([message], 0) if ignored else ([], 1))

    play(story, rules(policy=Policy(levels={RebalanceRecommendation: level})))


OTHERS = {
    "running": state_message(instance_id=an_id(1), state="running"),
    "test notification": test_notification(),
    "sns test": sns_wrapped(test_notification()),
}


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("policy", ["delete", "leave"])
def test_Q6_Q9_what_asks_nothing_of_us_is_put_aside(body: str, policy: Literal["delete", "leave"]) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        [message] = office.deliver(body)
        delete = policy == "delete"
        assert (office.notes.settled, office.notes.left) == (([message], []) if delete else ([], [message]))
        assert office.dispatch.counts["not for us"] == 1

    play(story, rules(delete_not_for_us=policy == "delete"))


@pytest.mark.parametrize("delete", [True, False])
def test_needs_W14_what_cannot_be_read_is_said_once_without_its_secrets(
    delete: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(office: Office) -> None:
        message = office.message('{"password": "hunter2"')
        for _ in range(5):
            office.reader.take([message])
        put_aside = office.notes.settled if delete else office.notes.left
        assert put_aside == [message.message_id] * 5
        assert office.dispatch.counts["unreadable"] == 5

    play(story, rules(delete_unreadable=delete))
    assert len(caplog.records) == 1
    assert "hunter2" not in str(caplog.records[0].__dict__)


def test_after_closing_nothing_is_begun() -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        office.cluster.slow_seconds = 1
        [message] = office.deliver(spot_of(office, 1))
        office.close()
        await asyncio.sleep(5)
        assert office.notes.taken == []
        assert office.notes.given_back == [message]

    play(story, CHECKED)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
bodies = st.one_of(
    st.text(max_size=200),
    json_values.map(str),
    st.sampled_from(["", "{}", "[]", "null", '{"Message": "{"}', "\x00", "[" * 5000, '{"detail": []}']),
)


@given(st.lists(bodies, max_size=6), st.data())
def test_no_body_ends_anything_blocks_another_or_is_acted_on(broken: list[str], data: st.DataObject) -> None:
    async def story(office: Office) -> None:
        office.add_node(1)
        place = data.draw(st.integers(0, len(broken)))
        office.deliver(*broken[:place], spot_of(office, 1), *broken[place:])
        await asyncio.sleep(0.01)
        assert [name for name, _ in office.notes.taken] == ["node-1"]
        decided = len(office.notes.held) + len(office.notes.settled) + len(office.notes.left)
        assert decided == len(broken) + 1

    play(story)


def test_a_defect_of_ours_costs_one_message(caplog: pytest.LogCaptureFixture) -> None:
    async def story(office: Office) -> None:
        class Broken(dict[str, object]):
            def get(self, *_: object) -> object:
                raise RuntimeError("a defect")

        office.cluster.nodes = Broken()  # type: ignore[assignment]
        [message] = office.deliver(spot_of(office, 1))
        assert office.notes.left == [message]
        office.cluster.nodes = {an_id(2): a_node(2)}
        office.deliver(state_message(instance_id=an_id(2), state="stopping", at=office.clock.now()))
        [(_, event)] = office.notes.taken
        assert isinstance(event, InstanceStateChange)

    play(story)
    assert "a defect" in caplog.text


def test_safe_5_a_record_is_gone_on_with_once_it_is_known_what_of_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over: list[tuple[Withdrawn, ...] | None] = [None]
    monkeypatch.setattr(RecordedNews, "over", lambda *_: over[-1])

    async def story(office: Office) -> None:
        office.add_node(1)
        spot = SpotInterruption(event_id="spot", action="stop", interrupted_at=120, instance_id=an_id(1))
        office.another_has(1, holder="", events=(Seen(spot, 1.0),))
        office.dispatcher.feed(Stage.STARTED)
        await asyncio.sleep(30)
        assert office.notes.adopted == []
        over.append((Withdrawn(event_id="spot", reason="it is over"),))
        await asyncio.sleep(1)
        assert office.notes.adopted == ["node-1"]
        assert office.notes.adopted_over == [over[-1]]

    play(story)
