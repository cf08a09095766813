"""The simulated metadata service beyond the contract: its script, the power cut, and its faults."""

import asyncio
import json
from collections.abc import Callable, Coroutine

import pytest

from nth.core.notices.imds import ASG_PATH, IDENTITY_PATH, REBALANCE_PATH, SCHEDULED_PATH, SPOT_PATH
from nth.errors import Silent
from nth.simulation.clock import START_AT, VirtualClock, run
from nth.simulation.cloud import InstanceSpec, ScheduledEvent, SimulatedCloud


def play(scenario: Callable[[VirtualClock], Coroutine[object, object, None]]) -> None:
    run(scenario)


def test_S1_a_notice_comes_two_minutes_before_the_power_goes() -> None:
    async def scenario(clock: VirtualClock) -> None:
        off_at: list[float] = []
        cloud = SimulatedCloud(clock, power_off=lambda: off_at.append(clock.now()))
        cloud.interrupt(START_AT + 300, "stop")
        await asyncio.sleep(179.9)
        assert await cloud.get(SPOT_PATH) is None
        await asyncio.sleep(0.2)
        body = await cloud.get(SPOT_PATH)
        assert body is not None
        assert json.loads(body) == {"action": "stop", "time": "2026-11-22T08:35:00Z"}
        await asyncio.sleep(119.8)
        assert off_at == []
        await asyncio.sleep(0.2)
        assert off_at == [START_AT + 300]

    play(scenario)


def test_S2_S8_rebalance_and_lifecycle_state_are_told_at_their_instants() -> None:
    async def scenario(clock: VirtualClock) -> None:
        cloud = SimulatedCloud(clock)
        cloud.rebalance(START_AT + 10)
        cloud.asg_terminate(START_AT + 20)
        await asyncio.sleep(9)
        assert (await cloud.get(REBALANCE_PATH), await cloud.get(ASG_PATH)) == (None, b"InService")
        await asyncio.sleep(2)
        assert await cloud.get(REBALANCE_PATH) == b'{"noticeTime": "2026-11-22T08:30:10Z"}'
        await asyncio.sleep(10)
        assert await cloud.get(ASG_PATH) == b"Terminated"

    play(scenario)


def test_S4_S6_scheduled_events_are_listed_as_aws_lists_them() -> None:
    async def scenario(clock: VirtualClock) -> None:
        cloud = SimulatedCloud(clock)
        assert await cloud.get(SCHEDULED_PATH) == b"[]"
        cloud.schedule(ScheduledEvent(not_before_at=START_AT + 600, not_after_at=START_AT + 900))
        cloud.schedule(
            ScheduledEvent(event_id="instance-event-2", not_before_at=START_AT), told_at=START_AT + 5
        )
        cloud.cancel("instance-event-0d59937288b749b32", told_at=START_AT + 10)
        cloud.complete("instance-event-2", told_at=START_AT + 10)
        first = {
            "EventId": "instance-event-0d59937288b749b32",
            "Code": "system-reboot",
            "Description": "scheduled reboot",
            "State": "active",
            "NotBefore": "22 Nov 2026 08:40:00 GMT",
            "NotAfter": "22 Nov 2026 08:45:00 GMT",
        }
        assert json.loads(await cloud.get(SCHEDULED_PATH) or b"") == [first]
        await asyncio.sleep(11)
        ended = json.loads(await cloud.get(SCHEDULED_PATH) or b"")
        assert [(event["EventId"], event["State"]) for event in ended] == [
            ("instance-event-0d59937288b749b32", "canceled"),
            ("instance-event-2", "completed"),
        ]
        assert "NotAfter" not in ended[1]

    play(scenario)


def test_S11_the_instance_is_what_its_spec_says() -> None:
    async def scenario(clock: VirtualClock) -> None:
        instance = InstanceSpec(instance_id="i-0aaaaaaaaaaaaaaaa", zone="us-east-2c", local_ipv4="10.1.2.3")
        cloud = SimulatedCloud(clock, instance=instance)
        for name, wanted in {
            "instance-id": b"i-0aaaaaaaaaaaaaaaa",
            "instance-life-cycle": b"spot",
            "local-hostname": b"ip-10-1-2-3.us-east-2.compute.internal",
            "placement/availability-zone": b"us-east-2c",
        }.items():
            assert await cloud.get(f"/latest/meta-data/{name}") == wanted
        identity = json.loads(await cloud.get(IDENTITY_PATH) or b"")
        assert (identity["accountId"], identity["region"]) == ("123456789012", "us-east-2")

    play(scenario)


def test_faults_come_instead_of_documents_and_are_logged_too() -> None:
    async def scenario(clock: VirtualClock) -> None:
        def fault(path: str) -> Silent | None:
            return Silent("it answered 503") if clock.now() < START_AT + 5 and path == SPOT_PATH else None

        cloud = SimulatedCloud(clock, faults=fault, latency_seconds=1.0)
        with pytest.raises(Silent, match="503"):
            await cloud.get(SPOT_PATH)
        assert await cloud.get(ASG_PATH) == b"InService"
        await asyncio.sleep(5)
        assert await cloud.get(SPOT_PATH) is None
        assert clock.now() == START_AT + 8
        assert cloud.requests == [SPOT_PATH, ASG_PATH, SPOT_PATH]

    play(scenario)
