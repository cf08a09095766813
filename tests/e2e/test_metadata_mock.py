"""The metadata mock of the test bed says what a test tells it, when it is told to."""

import json
import math
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from testbed.metadata_mock import AsgTargetState, MetadataMock, ScheduledEvent, SpotNotices


def get(mock: MetadataMock, path: str, token: str = "") -> tuple[int, str]:
    request = urllib.request.Request(
        mock.url + path, headers={"X-aws-ec2-metadata-token": token} if token else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


AT, AT_TEXT = 4_000_000_000.0, "2096-10-02T07:06:40Z"
SPOT = "/latest/meta-data/spot/instance-action"
REBALANCE = "/latest/meta-data/events/recommendations/rebalance"
SCHEDULED = "/latest/meta-data/events/maintenance/scheduled"
TARGET_STATE = "/latest/meta-data/autoscaling/target-lifecycle-state"


def wait_for_status(mock: MetadataMock, path: str, status: int) -> float:
    """When it first answered so."""
    end = time.monotonic() + 5
    while get(mock, path)[0] != status:
        assert time.monotonic() < end, f"{path}: {get(mock, path)}, expected {status}"
        time.sleep(0.005)
    return time.time()


def test_the_metadata_mock_says_what_it_is_told(metadata_mock: MetadataMock) -> None:
    metadata_mock.hear(SpotNotices())
    assert [get(metadata_mock, path)[0] for path in (SPOT, REBALANCE, SCHEDULED, TARGET_STATE)] == [404] * 4
    assert get(metadata_mock, "/latest/meta-data/instance-id") == (200, "i-0123456789abcdef0")
    assert get(metadata_mock, "/latest/meta-data/instance-life-cycle") == (200, "spot")

    metadata_mock.hear(SpotNotices(rebalance_noticed_at=AT))
    assert json.loads(get(metadata_mock, REBALANCE)[1]) == {"noticeTime": AT_TEXT}
    assert get(metadata_mock, SPOT)[0] == 404
    metadata_mock.hear(SpotNotices(interrupted_at=AT, action="stop"))
    assert json.loads(get(metadata_mock, SPOT)[1]) == {"action": "stop", "time": AT_TEXT}


def test_the_metadata_mock_says_it_at_a_moment_that_is_known_beforehand(metadata_mock: MetadataMock) -> None:
    said_at = float(math.ceil(time.time() + 0.5))
    metadata_mock.hear(SpotNotices(interrupted_at=AT, said_at=said_at))
    assert get(metadata_mock, SPOT)[0] == 404
    assert said_at <= wait_for_status(metadata_mock, SPOT, 200) <= said_at + 0.2


def test_the_metadata_mock_schedules_and_cancels_maintenance(metadata_mock: MetadataMock) -> None:
    event = ScheduledEvent(
        code="instance-stop", event_id="instance-event-1", not_before_at=AT, not_after_at=AT + 3600
    )
    metadata_mock.hear(event)
    (said,) = json.loads(get(metadata_mock, SCHEDULED)[1])
    assert (said["Code"], said["State"]) == ("instance-stop", "active")
    assert (said["EventId"], said["NotBefore"]) == ("instance-event-1", "2 Oct 2096 07:06:40 GMT")
    metadata_mock.hear(replace(event, state="canceled"))
    (said,) = json.loads(get(metadata_mock, SCHEDULED)[1])
    assert (said["EventId"], said["State"]) == ("instance-event-1", "canceled")


def test_the_metadata_mock_changes_the_target_state(metadata_mock: MetadataMock) -> None:
    metadata_mock.hear(AsgTargetState(terminated_at=AT))
    assert get(metadata_mock, TARGET_STATE) == (200, "InService")
    metadata_mock.hear(AsgTargetState(terminated_at=0))
    assert get(metadata_mock, TARGET_STATE) == (200, "Terminated")


def test_the_metadata_mock_can_insist_on_tokens(metadata_mock: MetadataMock) -> None:
    metadata_mock.imdsv2_only = True
    metadata_mock.hear(SpotNotices(interrupted_at=AT))
    assert get(metadata_mock, SPOT)[0] == 401
    metadata_mock.stop()
    with pytest.raises(OSError, match="refused"):
        get(metadata_mock, SPOT)
