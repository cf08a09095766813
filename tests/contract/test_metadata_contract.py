"""What every `MetadataService` does: here the simulation, in tests/e2e our adapter with a mock.

The documents are read by the core, as in production: what is compared is what they say.
"""

import asyncio

import pytest

from nth.core.notices.events import ScheduledMaintenance
from nth.core.notices.imds import (
    ASG_PATH,
    IDENTITY_PATH,
    REBALANCE_PATH,
    SCHEDULED_PATH,
    SPOT_PATH,
    account_and_region,
    asg_target_state,
    rebalance,
    scheduled_events,
    spot_interruption,
)
from nth.ports import MetadataService
from testbed.metadata_mock import AsgTargetState, ScheduledEvent, SpotNotices
from tests.contract.simulated_cloud import Play, Stage

INSTANCE_ID = "i-0123456789abcdef0"


@pytest.fixture
def play(play_metadata: Play) -> Play:
    return play_metadata


async def document(service: MetadataService, path: str) -> bytes:
    body = await service.get(path)
    assert body is not None
    return body


def test_a_healthy_instance_hears_nothing(play: Play) -> None:
    async def scenario(stage: Stage, service: MetadataService) -> None:
        await stage.hear(SpotNotices())
        assert await service.get(SPOT_PATH) is None
        assert await service.get(REBALANCE_PATH) is None
        scheduled = await service.get(SCHEDULED_PATH)
        assert scheduled is None or scheduled_events(scheduled).active == ()

    play(scenario)


def test_what_does_not_exist_is_none(play: Play) -> None:
    async def scenario(stage: Stage, service: MetadataService) -> None:
        await stage.hear(SpotNotices())
        assert await service.get("/latest/meta-data/no-such-thing") is None

    play(scenario)


@pytest.mark.parametrize("action", ["terminate", "stop", "hibernate"])
def test_S1_a_spot_interruption_tells_action_and_time(play: Play, action: str) -> None:
    async def scenario(stage: Stage, service: MetadataService) -> None:
        at = float(int(stage.now()) + 120)
        await stage.hear(SpotNotices(interrupted_at=at, action=action))
        first = await document(service, SPOT_PATH)
        told = spot_interruption(first)
        assert (told.action, told.interrupted_at) == (action, at)
        assert await document(service, SPOT_PATH) == first

    play(scenario)


def test_S2_a_rebalance_recommendation_tells_its_time_and_no_interruption(play: Play) -> None:
    async def scenario(stage: Stage, service: MetadataService) -> None:
        at = float(int(stage.now()))
        await stage.hear(SpotNotices(rebalance_noticed_at=at))
        assert rebalance(await document(service, REBALANCE_PATH)).noticed_at == at
        assert await service.get(SPOT_PATH) is None

    play(scenario)


@pytest.mark.parametrize(
    "code",
    ["instance-reboot", "system-reboot", "system-maintenance", "instance-retirement", "instance-stop"],
)
def test_S4_a_scheduled_event_tells_code_and_window(play: Play, code: str) -> None:
    async def scenario(stage: Stage, service: MetadataService) -> None:
        begin_at = float(int(stage.now()) + 3600)
        await stage.hear(ScheduledEvent(code=code, not_before_at=begin_at, not_after_at=begin_at + 600))
        told = scheduled_events(await document(service, SCHEDULED_PATH))
        (event,) = told.active
        assert isinstance(event, ScheduledMaintenance)
        assert (event.event_id, event.code) == ("instance-event-1234567890abcdef0", code)
        assert (event.not_before_at, event.not_after_at) == (begin_at, begin_at + 600)
        assert event.reason
        assert (told.ended, told.problems) == ({}, ())

    play(scenario)


@pytest.mark.parametrize("state", ["canceled", "completed"])
def test_S6_an_event_that_has_ended_is_still_listed(play: Play, state: str) -> None:
    async def scenario(stage: Stage, service: MetadataService) -> None:
        begin_at = float(int(stage.now()) + 3600)
        for now_state in ("active", state):
            await stage.hear(
                ScheduledEvent(state=now_state, not_before_at=begin_at, not_after_at=begin_at + 600)
            )
        told = scheduled_events(await document(service, SCHEDULED_PATH))
        assert told.active == ()
        assert told.ended == {"instance-event-1234567890abcdef0": state}

    play(scenario)


def test_S8_the_target_lifecycle_state_is_told(play: Play) -> None:
    async def scenario(stage: Stage, service: MetadataService) -> None:
        await stage.hear(AsgTargetState(terminated_at=stage.now() + 3600))
        assert asg_target_state(await document(service, ASG_PATH), INSTANCE_ID) is None
        await stage.hear(AsgTargetState(terminated_at=stage.now()))
        for _ in range(50):
            event = asg_target_state(await document(service, ASG_PATH), INSTANCE_ID)
            if event is not None:
                return
            # A mock process reads its configuration in its own time.
            await asyncio.sleep(0.1)
        pytest.fail("never Terminated")

    play(scenario)


def test_S11_the_instance_tells_what_it_is(play: Play) -> None:
    async def scenario(stage: Stage, service: MetadataService) -> None:
        await stage.hear(SpotNotices())
        assert await document(service, "/latest/meta-data/instance-id") == INSTANCE_ID.encode()
        assert await document(service, "/latest/meta-data/instance-life-cycle") == b"spot"
        for name in (
            "instance-type",
            "local-hostname",
            "local-ipv4",
            "placement/availability-zone",
            "public-hostname",
            "public-ipv4",
        ):
            assert (await document(service, f"/latest/meta-data/{name}")).decode().strip()
        account_id, region = account_and_region(await document(service, IDENTITY_PATH))
        assert account_id.isdigit()
        assert region

    play(scenario)
