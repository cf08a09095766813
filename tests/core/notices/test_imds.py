"""Documents as EC2 and amazon-ec2-metadata-mock write them, and as nobody should."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.notices.events import RebalanceRecommendation, ScheduledMaintenance, SpotInterruption
from nth.core.notices.imds import (
    account_and_region,
    asg_target_state,
    rebalance,
    region_of_zone,
    scheduled_events,
    spot_interruption,
)
from nth.errors import BadDocument

SPOT = b'{"action": "terminate", "time": "2017-09-18T08:22:00Z"}'
REBALANCE = b'{"noticeTime": "2020-10-27T08:22:00Z"}'

# As the EC2 User Guide shows it.
SCHEDULED = b"""[
  {
    "NotBefore" : "21 Jan 2019 09:00:43 GMT",
    "Code" : "system-reboot",
    "Description" : "scheduled reboot",
    "EventId" : "instance-event-0d59937288b749b32",
    "NotAfter" : "21 Jan 2019 09:17:23 GMT",
    "State" : "active"
  }
]"""

# As amazon-ec2-metadata-mock writes it: tabs, one event, NotBeforeDeadline.
MOCKED = (
    b'[\n\t{\n\t\t"Code": "instance-stop",\n'
    b'\t\t"Description": "The instance is scheduled for instance-stop",\n'
    b'\t\t"State": "STATE",\n\t\t"EventId": "instance-event-1234567890abcdef0",\n'
    b'\t\t"NotBefore": "1 Jan 2020 01:03:47 GMT",\n\t\t"NotAfter": "7 Jan 2020 01:03:47 GMT",\n'
    b'\t\t"NotBeforeDeadline": "10 Jan 2020 01:03:47 GMT"\n\t}\n]'
)


def entry(**changes: object) -> dict[str, object]:
    first: dict[str, object] = json.loads(SCHEDULED)[0]
    return {key: value for key, value in {**first, **changes}.items() if value is not None}


def test_S1_spot_interruption() -> None:
    event = spot_interruption(SPOT)
    assert event == SpotInterruption(
        event_id=event.event_id, action="terminate", interrupted_at=1_505_722_920.0
    )
    prefix, digest = event.event_id[:9], event.event_id[9:]
    assert prefix == "spot-itn-"
    assert len(digest) == 64
    assert int(digest, 16) > 0
    assert event.description == "Spot ITN received. Instance will be interrupted at 2017-09-18T08:22:00Z \n"


def test_S1_id_depends_on_what_the_notice_says_and_not_on_how_it_is_written() -> None:
    same = b'{\n\t"time": "2017-09-18T08:22:00+00:00",\n\t"action": "terminate", "more": 1}\n'
    assert spot_interruption(same).event_id == spot_interruption(SPOT).event_id
    for other in (SPOT.replace(b"terminate", b"stop"), SPOT.replace(b"08:22:00", b"08:22:01")):
        assert spot_interruption(other).event_id != spot_interruption(SPOT).event_id


@pytest.mark.parametrize("action", [b"", b'"action": null, ', b'"action": 1, ', b'"action": ["stop"], '])
def test_S1_a_notice_with_a_time_and_no_action_is_acted_on(action: bytes) -> None:
    event = spot_interruption(b"{" + action + b'"time": "2017-09-18T08:22:00Z"}')
    assert (event.action, event.interrupted_at) == ("", 1_505_722_920.0)
    assert event.event_id != spot_interruption(SPOT).event_id


def test_S2_rebalance_recommendation() -> None:
    event = rebalance(REBALANCE)
    assert event == RebalanceRecommendation(event_id=event.event_id, noticed_at=1_603_786_920.0)
    assert event.event_id.startswith("rebalance-recommendation-")
    assert rebalance(b'{"noticeTime":"2020-10-27T08:22:00.000Z"}') == event
    assert rebalance(REBALANCE.replace(b"08:22", b"08:23")).event_id != event.event_id


def test_S4_scheduled_event() -> None:
    document = scheduled_events(SCHEDULED)
    assert document.active == (
        ScheduledMaintenance(
            event_id="instance-event-0d59937288b749b32",
            code="system-reboot",
            not_before_at=1_548_061_243.0,
            not_after_at=1_548_062_243.0,
            reason="scheduled reboot",
        ),
    )
    assert (dict(document.ended), document.problems) == ({}, ())
    assert document.active[0].description == (
        "system-reboot will occur between 21 Jan 2019 09:00:43 GMT and 21 Jan 2019 09:17:23 GMT "
        "because scheduled reboot\n"
    )


def test_S4_document_of_the_mock() -> None:
    (event,) = scheduled_events(MOCKED.replace(b"STATE", b"active")).active
    assert (event.event_id, event.code) == ("instance-event-1234567890abcdef0", "instance-stop")
    assert (event.not_before_at, event.not_after_at) == (1_577_840_627.0, 1_578_359_027.0)


@pytest.mark.parametrize("not_after", [None, ""])
def test_S5_missing_not_after_is_not_before(not_after: str | None) -> None:
    (event,) = scheduled_events(json.dumps([entry(NotAfter=not_after)]).encode()).active
    assert event.not_after_at == event.not_before_at == 1_548_061_243.0


WORTHLESS: list[object] = [None, "", 7, [], {"a": 1}]
"""What may stand where something else is expected; None is written as null."""


@pytest.mark.parametrize("value", WORTHLESS)
@pytest.mark.parametrize("field", ["NotAfter", "Description", "State", "NotBeforeDeadline"])
def test_safe_21_no_field_that_is_not_needed_costs_a_scheduled_event(field: str, value: object) -> None:
    first = json.loads(SCHEDULED)[0]
    for fields in ({**first, field: value}, {name: first[name] for name in first if name != field}):
        (event,) = scheduled_events(json.dumps([fields]).encode()).active
        assert (event.event_id, event.code) == (first["EventId"], first["Code"])
        assert event.not_before_at == 1_548_061_243.0
        assert event.not_after_at >= event.not_before_at


@pytest.mark.parametrize("value", ["soon", 7, ["x"]])
def test_safe_21_an_end_that_cannot_be_read_is_told_and_the_event_is_heard(value: object) -> None:
    document = scheduled_events(json.dumps([entry(NotAfter=value)]).encode())
    assert [event.not_after_at for event in document.active] == [1_548_061_243.0]
    (problem,) = document.problems
    assert problem.endswith("took NotBefore for NotAfter")


@pytest.mark.parametrize("field", ["Code", "NotBefore", "NotAfter", "Description"])
@pytest.mark.parametrize("value", WORTHLESS)
def test_safe_21_an_event_that_is_over_needs_its_id_only(field: str, value: object) -> None:
    body = json.dumps([{"EventId": "e-1", "State": "completed", field: value}]).encode()
    assert scheduled_events(body).ended == {"e-1": "completed"}


@pytest.mark.parametrize("value", [b"null", b'""'])
def test_safe_21_an_identity_document_without_an_account_still_tells_the_region(value: bytes) -> None:
    assert account_and_region(b'{"accountId": ' + value + b', "region": "eu-west-1"}') == ("", "eu-west-1")
    assert account_and_region(b'{"region": ' + value + b', "accountId": "1"}') == ("1", "")


@pytest.mark.parametrize("state", ["canceled", "completed"])
def test_S6_ended_event(state: str) -> None:
    document = scheduled_events(MOCKED.replace(b"STATE", state.encode()))
    assert document.active == ()
    assert document.ended == {"instance-event-1234567890abcdef0": state}


def test_S6_ended_event_needs_no_dates() -> None:
    body = b'[{"EventId": "e-1", "State": "canceled", "NotBefore": "?"}]'
    assert scheduled_events(body).ended == {"e-1": "canceled"}


@pytest.mark.parametrize("state", [None, "", "in-progress"])
def test_S6_any_other_state_is_active(state: str | None) -> None:
    assert len(scheduled_events(json.dumps([entry(State=state)]).encode()).active) == 1


def test_S6_event_that_is_listed_as_ended_and_as_active_is_active() -> None:
    document = scheduled_events(json.dumps([entry(), entry(State="completed")]).encode())
    assert len(document.active) == 1
    assert document.ended == {}


def test_S4_no_events() -> None:
    assert scheduled_events(b" [] ") == scheduled_events(b"[]")
    assert scheduled_events(b"[]").active == ()


def test_S4_one_bad_entry_does_not_lose_the_others() -> None:
    bad = [
        entry(NotBefore="soon"),
        7,
        entry(EventId=None),
        entry(Code=1),
        entry(Code=None),
    ]
    document = scheduled_events(json.dumps([*bad, entry(EventId="good")]).encode())
    assert [event.event_id for event in document.active] == ["good"]
    assert len(document.problems) == len(bad)
    assert document.problems[0].startswith('expected a date, got \'soon\' in \'{"NotBefore": "soon", ')
    assert document.problems[1] == "expected a scheduled event, got '7'"


def test_S8_needs_W25_terminated_is_one_event_for_ever() -> None:
    event = asg_target_state(b"Terminated", "i-1")
    assert event is not None
    assert event.event_id.startswith("asg-lifecycle-")
    assert asg_target_state(b" Terminated\n", "i-1") == event
    assert asg_target_state(b"Terminated", "i-2") != event


@pytest.mark.parametrize(
    "state", ["", "InService", "Detached", "Standby", "Warmed:Running", "Warmed:Terminated", "terminated"]
)
def test_S8_other_states_are_no_event(state: str) -> None:
    assert asg_target_state(state.encode(), "i-1") is None


@pytest.mark.parametrize("body", [b"<html>Terminated</html>", b"Terminated now", b"\xff", b"A" * 41])
def test_S8_what_is_no_state_is_a_bad_document(body: bytes) -> None:
    with pytest.raises(BadDocument, match="expected a lifecycle state, got "):
        asg_target_state(body, "i-1")


@pytest.mark.parametrize(
    ("zone", "region"),
    [
        ("us-east-1a", "us-east-1"),
        ("us-gov-west-1b", "us-gov-west-1"),
        ("ap-southeast-2", "ap-southeast-2"),
        ("us-west-2-lax-1a", "us-west-2"),
        ("us-east-1-wl1-bos-wlz-1", "us-east-1"),
        ("", ""),
        ("use1-az1", ""),
        ("<html>", ""),
    ],
)
def test_S11_the_zone_names_the_region(zone: str, region: str) -> None:
    assert region_of_zone(zone) == region


def test_S11_account_and_region() -> None:
    body = b'{"accountId": "123456789012", "region": "eu-west-1", "kernelId": null, "version": "2017-09-30"}'
    assert account_and_region(body) == ("123456789012", "eu-west-1")
    assert account_and_region(b"{}") == ("", "")
    with pytest.raises(BadDocument, match="expected an instance identity document, got '1'"):
        account_and_region(b"1")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"action": "termi', id="truncated"),
        pytest.param(b"<html>hello</html>", id="html"),
        pytest.param(b'["terminate"]', id="list"),
        pytest.param(b'{"action": "terminate"}', id="no time"),
        pytest.param(b'{"action": "terminate", "time": "soon"}', id="no date"),
        pytest.param(b'{"action": "terminate", "time": "0001-01-01T00:00:00Z"}', id="before 1970"),
        pytest.param(b'{"action": "terminate", "time": "9999-12-31T23:59:59-23:59"}', id="year 10000"),
        pytest.param(b'{"action": "\xff", "time": "2017-09-18T08:22:00Z"}', id="not UTF-8"),
        pytest.param(b'{"action": "\\ud800", "time": "2017-09-18T08:22:00Z"}', id="half a character"),
        pytest.param(b"[" * 65_536, id="very deep"),
    ],
)
def test_needs_W14_wrong_spot_document_is_one_short_line(body: bytes) -> None:
    with pytest.raises(BadDocument) as caught:
        spot_interruption(body)
    message = str(caught.value)
    assert message.startswith("expected a ")
    assert "\n" not in message
    assert len(message) <= 180


def test_needs_W14_bad_document_says_what_stood_there() -> None:
    with pytest.raises(BadDocument, match=r"^expected a Spot instance action, got nothing$"):
        spot_interruption(b"  ")
    with pytest.raises(BadDocument, match=r"^expected a list of scheduled events, got '<html> <b>x</b>'$"):
        scheduled_events(b"<html>\n\t<b>x</b>")
    with pytest.raises(BadDocument, match=r"^expected a rebalance recommendation, got 'x{79}…'$"):
        rebalance(b"x" * 200)


@pytest.mark.parametrize("body", [b"[" * 65_536, b'[{"EventId":' + b"[" * 65_000], ids=["list", "entry"])
def test_needs_W14_very_deep_document_is_a_bad_document(body: bytes) -> None:
    with pytest.raises(BadDocument):
        scheduled_events(body)


def json_like() -> st.SearchStrategy[bytes]:
    texts = st.sampled_from(["active", "canceled", "21 Jan 2019 09:00:43 GMT", "GMT", "2017-09-18T08:22:00Z"])
    keys = st.sampled_from(
        ["EventId", "Code", "State", "NotBefore", "NotAfter", "action", "time", "noticeTime"]
    )
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | texts
    values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=12)
    return values.map(lambda value: json.dumps(value).encode())


@given(st.binary(max_size=200) | json_like())
def test_needs_W14_any_bytes_are_a_value_or_a_bad_document(body: bytes) -> None:
    for parse in (spot_interruption, rebalance, account_and_region, lambda b: asg_target_state(b, "i-1")):
        with contextlib.suppress(BadDocument):
            parse(body)
    with contextlib.suppress(BadDocument):
        document = scheduled_events(body)
        assert all(event.description for event in document.active)
        assert not set(document.ended) & {event.event_id for event in document.active}
