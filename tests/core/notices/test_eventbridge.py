"""Bodies as AWS writes them, and as nobody should."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.envelope import MAX_BODY
from nth.core.notices.eventbridge import read_message
from nth.core.notices.events import (
    AsgLaunch,
    AsgTermination,
    InstanceStateChange,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.notices.message import Ended, Heard, Item, NotForUs, Reading, Unreadable, instance_id_of
from tests.core import queue_samples
from tests.core.queue_invariants import broken_invariant
from tests.core.queue_samples import (
    ACCOUNT,
    AT,
    ENVELOPE_ID,
    EVENT_ARN,
    GROUP,
    HOOK,
    INSTANCE_ID,
    LAUNCHING,
    TOKEN,
    asg_message,
    direct_asg_message,
    eventbridge_message,
    health_message,
    health_time,
    rebalance_message,
    sns_wrapped,
    spot_message,
    state_message,
)

HEX = ENVELOPE_ID.encode().hex()
RECEIVED_AT = AT + 3
OTHER_ID = "i-0123456789abcdef0"
ACTION = LifecycleAction(group=GROUP, hook=HOOK, token=TOKEN, instance_id=INSTANCE_ID)
TEST_NOTIFICATION = "autoscaling:TEST_NOTIFICATION"


def read(body: str) -> Reading:
    return read_message(body, received_at=RECEIVED_AT)


def heard(body: str) -> Heard:
    reading = read(body)
    assert isinstance(reading, Heard), reading
    return reading


def only(body: str) -> Item:
    (item,) = heard(body).items
    return item


def changed(body: str, **fields: object) -> str:
    """The document with other fields at its top; `detail_type` is `detail-type`, None takes one out."""
    document = json.loads(body)
    document |= {key.replace("_", "-"): value for key, value in fields.items()}
    return json.dumps({key: value for key, value in document.items() if value is not None})


def detail_changed(body: str, **fields: object) -> str:
    return changed(body, detail=json.loads(changed(json.dumps(json.loads(body)["detail"]), **fields)))


# Each kind.


def test_Q7_a_spot_warning_gives_two_minutes_from_its_own_time() -> None:
    event = only(spot_message())
    assert event == SpotInterruption(
        event_id=f"spot-itn-event-{HEX}",
        instance_id=INSTANCE_ID,
        action="terminate",
        interrupted_at=AT + 120,
        noticed_at=AT,
    )
    assert event.description == (
        f"Spot Interruption notice for instance {INSTANCE_ID} was sent at 2026-08-27T13:19:00Z \n"
    )
    assert heard(spot_message()) == Heard(items=(event,), account=ACCOUNT)


@pytest.mark.parametrize(("action", "notice_seconds"), [("stop", 120), ("hibernate", 0)])
def test_Q7_hibernation_begins_at_once(action: str, notice_seconds: int) -> None:
    event = only(spot_message(action=action))
    assert isinstance(event, SpotInterruption)
    assert (event.action, event.interrupted_at) == (action, AT + notice_seconds)


@pytest.mark.parametrize("action", [None, "evaporate", 7, ["stop"]])
def test_a_spot_warning_of_no_known_action_still_counts(action: object) -> None:
    reading = heard(detail_changed(spot_message(), instance_action=action))
    (event,) = reading.items
    assert isinstance(event, SpotInterruption)
    assert (event.action, event.interrupted_at) == ("terminate", AT + 120)
    assert reading.warnings == ("instance-action is none that we know, took terminate",)


def test_a_spot_warning_that_fis_sends_is_one_like_any_other() -> None:
    # FIS has EC2 send its ordinary warning; nothing in the body tells them apart:
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/initiate-a-spot-instance-interruption.html
    body = changed(spot_message(), resources=[f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/{INSTANCE_ID}"])
    assert isinstance(only(body), SpotInterruption)


def test_Q8_a_rebalance_recommendation() -> None:
    event = only(rebalance_message())
    assert event == RebalanceRecommendation(
        event_id=f"rebalance-recommendation-event-{HEX}", instance_id=INSTANCE_ID, noticed_at=AT
    )


@pytest.mark.parametrize("state", ["stopping", "stopped", "shutting-down", "terminated"])
def test_Q9_an_instance_on_its_way_down(state: str) -> None:
    assert only(state_message(state=state)) == InstanceStateChange(
        event_id=f"ec2-state-change-event-{HEX}", instance_id=INSTANCE_ID, state=state, noticed_at=AT
    )


@pytest.mark.parametrize("state", ["", "stop", "running", "pending", "stopping,stopped", "Stopped", "down"])
def test_needs_W37_other_states_and_fragments_of_states_are_not_for_us(state: str) -> None:
    assert read(state_message(state=state)) == NotForUs(f"instance state {state}")


def test_Q3_an_asg_termination() -> None:
    assert only(asg_message()) == AsgTermination(
        event_id=f"asg-lifecycle-term-{HEX}", instance_id=INSTANCE_ID, action=ACTION, noticed_at=AT
    )


def test_Q4_needs_W37_an_asg_launch_has_a_prefix_of_its_own() -> None:
    assert only(asg_message(transition=LAUNCHING)) == AsgLaunch(
        event_id=f"asg-lifecycle-launch-{HEX}", instance_id=INSTANCE_ID, action=ACTION, noticed_at=AT
    )


@pytest.mark.parametrize("message", [asg_message, direct_asg_message])
@pytest.mark.parametrize("transition", [TEST_NOTIFICATION, "autoscaling:EC2_INSTANCE_DANCING"])
def test_Q4_Q6_other_transitions_are_not_for_us(message: type, transition: str) -> None:
    assert read(message(transition=transition)) == NotForUs(f"lifecycle transition {transition}")


@pytest.mark.parametrize("wrap", [str, sns_wrapped])
def test_Q5_a_hook_that_sends_straight_to_the_queue(wrap: type) -> None:
    body = direct_asg_message(request_id="64065e49")
    assert heard(wrap(body)) == Heard(
        items=(
            AsgTermination(
                event_id=f"asg-lifecycle-term-{b'64065e49'.hex()}",
                instance_id=INSTANCE_ID,
                action=ACTION,
                noticed_at=AT,
            ),
        ),
        account=ACCOUNT,
    )
    launch = only(wrap(direct_asg_message(transition=LAUNCHING, request_id="64065e49")))
    assert isinstance(launch, AsgLaunch)
    assert launch.event_id == f"asg-lifecycle-launch-{b'64065e49'.hex()}"


@pytest.mark.parametrize(
    "body",
    [spot_message(), rebalance_message(), state_message(), asg_message(), health_message()],
    ids=["spot", "rebalance", "state", "asg", "health"],
)
def test_Q5_sns_may_wrap_any_of_them(body: str) -> None:
    assert read(sns_wrapped(body)) == heard(body)


def test_Q6_test_notifications_are_not_for_us() -> None:
    said = NotForUs(f"notification {TEST_NOTIFICATION}")
    assert read(queue_samples.test_notification()) == said
    assert read(sns_wrapped(queue_samples.test_notification())) == said
    moved = queue_samples.test_notification(Event="", LifecycleTransition=TEST_NOTIFICATION)
    assert read(moved) == NotForUs(f"lifecycle transition {TEST_NOTIFICATION}")


def test_other_notifications_of_auto_scaling_are_not_for_us() -> None:
    body = queue_samples.test_notification(Event="autoscaling:EC2_INSTANCE_TERMINATE")
    assert read(body) == NotForUs("notification autoscaling:EC2_INSTANCE_TERMINATE")


# AWS Health.


def maintenance(**fields: object) -> ScheduledMaintenance:
    planned = ScheduledMaintenance(
        event_id=f"aws-health-scheduled-change-event-{HEX}",
        code="instance-reboot",
        not_before_at=AT + 86_400,
        not_after_at=AT + 93_600,
        reason="AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED",
        instance_id=INSTANCE_ID,
        arn=EVENT_ARN,
    )
    return replace(planned, **fields)  # type: ignore[arg-type]


def test_Q10_a_scheduled_change() -> None:
    assert heard(health_message()) == Heard(items=(maintenance(),), account=ACCOUNT)


def test_needs_W30_each_instance_is_an_event_and_each_only_once() -> None:
    reading = heard(health_message([INSTANCE_ID, OTHER_ID, INSTANCE_ID]))
    assert reading.items == (maintenance(), maintenance(instance_id=OTHER_ID))
    assert reading.warnings == ()


@pytest.mark.parametrize(
    ("type_code", "code"),
    {
        "AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED": "instance-reboot",
        "AWS_EC2_INSTANCE_REBOOT_FLEXIBLE_MAINTENANCE_SCHEDULED": "instance-reboot",
        "AWS_EC2_SYSTEM_REBOOT_MAINTENANCE_SCHEDULED": "system-reboot",
        "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED": "instance-retirement",
        "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_EXPEDITED": "instance-retirement",
        "AWS_EC2_INSTANCE_STOP_SCHEDULED": "instance-stop",
        "AWS_EC2_INSTANCE_POWER_MAINTENANCE_SCHEDULED": "system-maintenance",
        "AWS_EC2_PERSISTENT_INSTANCE_POWER_MAINTENANCE_SCHEDULED": "system-maintenance",
        "AWS_EC2_INSTANCE_NETWORK_MAINTENANCE_SCHEDULED": "system-maintenance",
        "AWS_EC2_SYSTEM_MAINTENANCE_EVENT": "system-maintenance",
        "AWS_EC2_INSTANCE_TERMINATION_SCHEDULED": "AWS_EC2_INSTANCE_TERMINATION_SCHEDULED",
    }.items(),
)
def test_the_code_is_ec2s_own_word_where_it_has_one(type_code: str, code: str) -> None:
    assert only(health_message(type_code=type_code)) == maintenance(code=code, reason=type_code)


@pytest.mark.parametrize(
    ("times", "window", "warnings"),
    [
        ({"startTime": "2026-08-28T13:19:00Z"}, (86_400, 93_600), 0),
        ({"startTime": "2026-08-28T15:19:00+02:00"}, (86_400, 93_600), 0),
        ({"endTime": None}, (86_400, 86_400), 0),
        ({"endTime": "soon"}, (86_400, 86_400), 1),
        ({"endTime": health_time(AT)}, (86_400, 86_400), 0),
        ({"startTime": None}, (0, 93_600), 1),
        ({"startTime": 1_787_836_740}, (0, 93_600), 1),
        ({"startTime": "Thu, 31 Feb 2026 13:19:00 GMT"}, (0, 93_600), 1),
        ({"startTime": "0001-01-01T00:00:00Z"}, (0, 93_600), 1),
        ({"startTime": "9999-12-31T23:59:59-23:59"}, (0, 93_600), 1),
        ({"startTime": {}, "endTime": []}, (0, 0), 2),
    ],
)
def test_Q10_start_and_end(times: dict[str, object], window: tuple[int, int], warnings: int) -> None:
    reading = heard(health_message(**times))  # type: ignore[arg-type]
    assert reading.items == (maintenance(not_before_at=AT + window[0], not_after_at=AT + window[1]),)
    assert len(reading.warnings) == warnings


def test_a_closed_event_is_over_for_all_its_instances() -> None:
    ended = Ended(instance_id=INSTANCE_ID, arn=EVENT_ARN, reason="AWS Health closed the event")
    reading = heard(health_message([INSTANCE_ID, OTHER_ID], status="closed"))
    assert reading.items == (ended, replace(ended, instance_id=OTHER_ID))


@pytest.mark.parametrize("status", ["RESOLVED", "completed", "canceled", "Cancelled"])
def test_an_entity_may_be_over_while_others_are_not(status: str) -> None:
    entities = [{"entityValue": INSTANCE_ID, "status": status}, {"entityValue": OTHER_ID}]
    ended = Ended(instance_id=INSTANCE_ID, arn=EVENT_ARN, reason=f"AWS Health says {status.lower()}")
    items = heard(health_message(affectedEntities=entities)).items
    assert items == (maintenance(instance_id=OTHER_ID), ended)


@pytest.mark.parametrize("statuses", [("PENDING", "RESOLVED"), ("RESOLVED", "PENDING"), (None, "RESOLVED")])
def test_an_instance_named_twice_is_over_only_if_both_say_so(statuses: tuple[str | None, ...]) -> None:
    entities = [{"entityValue": INSTANCE_ID, "status": status} for status in statuses]
    assert only(health_message(affectedEntities=entities)) == maintenance()


def test_what_is_over_must_say_which_event_it_was() -> None:
    assert isinstance(read(health_message(status="closed", eventArn=None)), NotForUs)
    assert only(health_message(eventArn=None)) == maintenance(arn="")


def test_entities_that_are_no_instances_are_left_out_with_a_warning() -> None:
    entities = [{"entityValue": "h-0b662ef9931388ba0"}, 7, {}, {"entityValue": INSTANCE_ID}]
    reading = heard(health_message(affectedEntities=entities))
    assert reading.items == (maintenance(),)
    assert reading.warnings == ("3 of 4 affected entities are not instances, left out",)


@pytest.mark.parametrize(
    "changes",
    [
        {"service": "RDS"},
        {"service": "RDS", "affectedEntities": 7},
        {"eventTypeCategory": "issue"},
        {"eventTypeCategory": "accountNotification"},
        {"affectedEntities": []},
        {"affectedEntities": [{"entityValue": "vol-0123456789"}]},
    ],
)
def test_Q10_anything_else_of_health_is_not_for_us(changes: dict[str, object]) -> None:
    reading = read(health_message(**changes))  # type: ignore[arg-type]
    assert isinstance(reading, NotForUs)
    assert reading.reason.startswith("AWS Health: ")


@pytest.mark.parametrize("field", ["service", "eventTypeCategory", "eventTypeCode"])
def test_health_must_say_what_it_is_about(field: str) -> None:
    body = json.loads(health_message())
    del body["detail"][field]
    assert read(json.dumps(body)) == Unreadable(
        f"expected an AWS Health event: Object missing required field `{field}`"
    )


def test_the_account_is_the_affected_one_where_health_tells_for_another() -> None:
    # https://docs.aws.amazon.com/health/latest/ug/aggregating-health-events.html
    assert heard(health_message(affectedAccount="999999999999")).account == "999999999999"
    assert heard(health_message(affectedAccount="all")).account == ACCOUNT


# What lies around.


@pytest.mark.parametrize("bad", [None, "", "yesterday", 1_787_836_740, ["2026-08-27T13:19:00Z"], "9" * 500])
def test_Q2_a_missing_or_bad_time_is_the_time_of_receipt_with_a_warning(bad: object) -> None:
    reading = heard(changed(spot_message(), time=bad))
    (event,) = reading.items
    assert isinstance(event, SpotInterruption)
    assert (event.noticed_at, event.interrupted_at) == (RECEIVED_AT, RECEIVED_AT + 120)
    assert reading.warnings == ("time is missing or unreadable, took the time of receipt",)


@pytest.mark.parametrize("bad", [None, "", 7, {"id": 1}, "x" * 129])
def test_without_an_id_the_body_gives_one_that_stays(bad: object) -> None:
    body = changed(rebalance_message(), id=bad)
    event = only(body)
    assert isinstance(event, RebalanceRecommendation)
    prefix, _, digest = event.event_id.rpartition("-")
    assert (prefix, len(digest)) == ("rebalance-recommendation-event", 64)
    assert only(body) == only(sns_wrapped(body)) == event
    assert only(changed(rebalance_message(OTHER_ID), id=bad)) != event


def test_a_direct_message_without_a_request_id_is_named_after_its_token() -> None:
    event = only(changed(direct_asg_message(), RequestId=7))
    assert isinstance(event, AsgTermination)
    assert event.event_id == f"asg-lifecycle-term-{TOKEN.encode().hex()}"


@pytest.mark.parametrize("account", [None, "", 123456789012, "12345678901", "12345678901x", "123456789012\n"])
def test_what_is_no_account_is_none(account: object) -> None:
    assert heard(changed(spot_message(), account=account)).account == ""


@pytest.mark.parametrize(
    ("source", "detail_type"),
    [
        ("aws.s3", "Object Created"),
        ("aws.ec2", "EC2 Fleet Instance Change"),
        ("aws.autoscaling", "EC2 Instance Launch Successful"),
        ("my.app", "EC2 Spot Instance Interruption Warning"),
        ("aws.health", "AWS Health Abuse Event"),
    ],
)
def test_unknown_kinds_are_not_for_us(source: str, detail_type: str) -> None:
    body = eventbridge_message(source, detail_type, {"instance-id": INSTANCE_ID})
    assert read(body) == NotForUs(f"{source}: {detail_type}")


def test_reasons_are_short_and_printable() -> None:
    reading = read(eventbridge_message("my.app\n\x1b[31m", "x" * 5000, {}))
    assert isinstance(reading, NotForUs)
    assert len(reading.reason) == 100
    assert reading.reason.isprintable()


def test_a_subscription_is_not_for_us() -> None:
    body = changed(sns_wrapped("You have chosen to subscribe"), Type="SubscriptionConfirmation")
    assert read(body) == NotForUs("SNS message of type SubscriptionConfirmation")


def test_an_event_that_also_has_a_message_is_the_event() -> None:
    assert isinstance(only(changed(spot_message(), Message=rebalance_message(OTHER_ID))), SpotInterruption)


# What nobody should have put there.

DEEP = 200_000
UNREADABLE = {
    "nothing": "",
    "words": "drain everything",
    "null": "null",
    "a number": "1e999",
    "not a number": "NaN",
    "a list": f"[{spot_message()}]",
    "an empty object": "{}",
    "half": spot_message()[:100],
    "two": spot_message() * 2,
    "a byte order mark": "\ufeff" + spot_message(),
    "half a character": '{"source": "\ud800"}',
    "half a character, escaped": '{"source": "\\ud800"}',
    "lists without end": "[" * DEEP,
    "objects without end": '{"source":' * DEEP,
    "depth where nobody looks": '{"x":' + "[" * DEEP + "]" * DEEP + "}",
    "depth in a time": '{"time":' + "[" * DEEP + "]" * DEEP + "}",
    "depth in the detail": spot_message()[:-1] + ',"detail":' + "[" * DEEP + "]" * DEEP + "}",
    "a huge integer": changed(spot_message(), time=7).replace("7,", "7" * 10_000 + ",", 1),
    "no detail type": changed(spot_message(), detail_type=None),
    "a source that is a list": changed(spot_message(), source=["aws.ec2"]),
    "no detail": changed(spot_message(), detail=None),
    "a detail that is text": changed(spot_message(), detail=json.dumps({"instance-id": INSTANCE_ID})),
    "no instance": detail_changed(spot_message(), instance_id=None),
    "several instances": detail_changed(spot_message(), instance_id=[INSTANCE_ID]),
    "no state": detail_changed(state_message(), state=None),
    "no token": detail_changed(asg_message(), LifecycleActionToken=None),
    "an empty hook": asg_message(hook=""),
    "a group without end": asg_message(group="g" * 2000),
    "a direct message without an instance": changed(direct_asg_message(), EC2InstanceId=None),
    "entities that are no list": health_message(affectedEntities={"entityValue": INSTANCE_ID}),
    "sns with words": sns_wrapped("drain everything"),
    "sns with a number": changed(sns_wrapped(""), Message=7),
    "sns in sns": sns_wrapped(sns_wrapped(spot_message())),
    "too long": spot_message() + " " * 2_000_000,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_says_what_was_expected(body: str) -> None:
    reading = read(body)
    assert isinstance(reading, Unreadable)
    assert reading.reason.startswith("expected ")
    assert len(reading.reason) < 200


@pytest.mark.parametrize(
    "instance_id",
    [
        "",
        "i-",
        "i-1234567",
        "i-0123456789abcdef01",
        "i-0123456G",
        "I-01234567",
        f"{INSTANCE_ID}\n",
        "mi-12345678",
    ],
)
@pytest.mark.parametrize(
    "message", [spot_message, rebalance_message, state_message, asg_message, direct_asg_message]
)
def test_what_is_no_instance_id_is_never_acted_on(message: type, instance_id: str) -> None:
    assert isinstance(read(message(instance_id)), Unreadable)


def test_ids_of_both_lengths_are_instances() -> None:
    for instance_id in ("i-1a2b3c4d", INSTANCE_ID):
        assert only(spot_message(instance_id)).instance_id == instance_id  # type: ignore[union-attr]


# Whatever comes.

SAMPLES = (
    spot_message(),
    rebalance_message(),
    state_message(),
    asg_message(),
    asg_message(transition=LAUNCHING),
    direct_asg_message(),
    health_message([INSTANCE_ID, OTHER_ID]),
    health_message(status="closed"),
    queue_samples.test_notification(),
    sns_wrapped(spot_message()),
    sns_wrapped(direct_asg_message()),
)
SECRET = "hunter2-hunter2"
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([SECRET, INSTANCE_ID, "i-0", "aws.ec2", "closed", "", "2026-08-27T13:19:00Z"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value within this one, but not its own."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    )
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A sample with a few values replaced, at any depth."""
    document = json.loads(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        *above, last = draw(st.sampled_from(sorted(places(document), key=str)))
        parent = document
        for key in above:
            parent = parent[key]
        parent[last] = draw(VALUES)
    body = json.dumps(document)
    return sns_wrapped(body) if draw(st.booleans()) else body


@given(st.text() | VALUES.map(json.dumps) | st.builds("".join, st.lists(st.sampled_from(SAMPLES))))
def test_no_text_and_no_json_is_too_strange(body: str) -> None:
    assert broken_invariant(body, read(body)) == ""


@given(mutated())
def test_no_mutation_leads_astray(body: str) -> None:
    assert broken_invariant(body, read(body)) == ""


@given(st.sampled_from(SAMPLES), st.integers(0), st.text(max_size=3), st.integers(0, 3))
def test_no_slip_of_the_pen_leads_astray(body: str, at: int, put: str, cut: int) -> None:
    at %= len(body) + 1
    body = body[:at] + put + body[at + cut :]
    assert broken_invariant(body, read(body)) == ""


@given(mutated())
def test_reasons_never_quote_what_could_not_be_read(body: str) -> None:
    reading = read(body)
    assert not isinstance(reading, Unreadable) or SECRET not in reading.reason


@pytest.mark.parametrize(
    "body",
    [
        health_message(["i-" + f"{number:017x}" for number in range(7_000)]),
        health_message(["volume-0123456789"] * 7_000),
        "[" * 1_000_000,
        spot_message() + " " * 1_000_000,
        '{"source": "' + "\\u0041" * 160_000 + '"}',
    ],
    ids=["instances", "strangers", "brackets", "spaces", "escapes"],
)
def test_the_longest_message_takes_a_moment(body: str) -> None:
    assert 0.75 * MAX_BODY < len(body) <= MAX_BODY
    began = time.perf_counter()
    read(body)
    assert time.perf_counter() - began < 1


# Fields that are not needed.

OF_EACH_KIND = {
    "spot": spot_message(),
    "rebalance": rebalance_message(),
    "state": state_message(),
    "health": health_message(),
    "hook": asg_message(),
    "direct hook": direct_asg_message(),
}
NEEDED_OF_THE_ENVELOPE = ("source", "detail-type", "detail", "LifecycleTransition")
NEEDED_OF_THE_DETAIL = (
    "instance-id",
    "state",
    "service",
    "eventTypeCategory",
    "eventTypeCode",
    "affectedEntities",
    "LifecycleActionToken",
    "AutoScalingGroupName",
    "LifecycleHookName",
    "EC2InstanceId",
    "LifecycleTransition",
)
NOT_USED_BY_ALL = ("Type", "Message", "Event", "LifecycleTransition", "AccountId", "RequestId", "id", "time")


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("kind", OF_EACH_KIND)
def test_safe_21_no_field_that_is_not_needed_costs_a_message(kind: str, value: object) -> None:
    body = json.loads(OF_EACH_KIND[kind])
    needed = (*NEEDED_OF_THE_ENVELOPE, *NEEDED_OF_THE_DETAIL)
    forms = [{**body, field: value} for field in {*body, *NOT_USED_BY_ALL} if field not in needed]
    forms += [{name: body[name] for name in body if name != field} for field in body if field not in needed]
    if "detail" in body:
        names = {*body["detail"], "instance-action"}
        forms += [{**body, "detail": {**body["detail"], name: value}} for name in names if name not in needed]
        entities = body["detail"].get("affectedEntities", [])
        forms += [
            {**body, "detail": {**body["detail"], "affectedEntities": [{**entities[0], name: value}]}}
            for name in ("status", "lastUpdatedTime", "tags")
            if entities
        ]
    for form in forms:
        (item,) = heard(json.dumps(form)).items
        assert instance_id_of(item) == INSTANCE_ID, form


def test_safe_21_health_that_affects_nothing_is_not_for_us_whichever_way_it_says_so() -> None:
    affected: list[object] = [None, []]
    for entities in affected:
        body = json.loads(health_message())
        body["detail"]["affectedEntities"] = entities
        assert isinstance(read(json.dumps(body)), NotForUs)
