"""What a whole replica asks for in an hour while something is refused to it for good."""

import asyncio
from collections import Counter

import pytest

from nth.errors import AwsError, AwsRefused, ClusterError, Forbidden, Rejected, Unreachable
from nth.simulation import aws_link
from nth.simulation.connection import Request, Verb
from tests.queue_mode.fleet_replica import Replica
from tests.queue_mode.fleet_worlds import Stage, play

HOUR_SECONDS = 3600.0
LATER_SECONDS = 1200.0
DENIED = AwsRefused("not authorized to perform this", code="AccessDenied")


async def asked_in_an_hour(stage: Stage) -> Counter[str]:
    """By verb, of Kubernetes and AWS: what is asked in a quarter of an hour, four times."""

    def all_asked() -> Counter[str]:
        (replica,) = stage.replicas
        verbs = [each.verb for each in replica.connection.requests]
        return Counter([*verbs, *(each.action for each in replica.aws.requests)])

    await asyncio.sleep(LATER_SECONDS)
    before = all_asked()
    await asyncio.sleep(HOUR_SECONDS / 4)
    return Counter({name: 4 * number for name, number in (all_asked() - before).items()})


@pytest.mark.parametrize("error", [Forbidden("403"), Rejected("405")])
@pytest.mark.parametrize(
    ("verb", "most"),
    [
        ("list_nodes", 65),
        ("watch_nodes", 725),
        ("list_pods", 65 * 2),
        ("watch_pods", 65 * 2),
        ("evict_pod", 65 * 2),
        ("patch_node", 30),
        ("read_node", 65),
    ],
)
def test_safe_18_what_the_api_server_refuses_for_good_is_asked_for_rarely(
    verb: Verb, most: int, error: ClusterError
) -> None:
    async def story(stage: Stage) -> None:
        refused = False

        def fault(_: Replica, request: Request) -> ClusterError | None:
            return error if refused and request.verb == verb else None

        stage.kube_fault = fault
        stage.replica()
        await asyncio.sleep(5)
        refused = True
        if verb.endswith("nodes"):
            stage.replicas[0].connection.break_watches(Unreachable("closed"))
        stage.rebalance("n0")
        asked = await asked_in_an_hour(stage)
        assert asked[verb] <= most, asked
        assert sum(asked.values()) < (700 if verb != "watch_nodes" else 1900), asked

    play(story, pods=2, USE_LEASES="false")


@pytest.mark.parametrize(
    ("action", "most"),
    [
        ("ReceiveMessage", 365),
        ("DescribeInstances", 125),
        ("DescribeLifecycleHooks", 125),
        ("CompleteLifecycleAction", 125),
        ("RecordLifecycleActionHeartbeat", 125),
        ("ChangeMessageVisibilityBatch", 65),
        ("DeleteMessageBatch", 65),
    ],
)
def test_safe_18_what_aws_refuses_for_good_is_asked_for_rarely(action: str, most: int) -> None:
    async def story(stage: Stage) -> None:
        refused = False

        def fault(request: aws_link.Request) -> AwsError | None:
            return DENIED if refused and request.action == action else None

        stage.aws_fault = fault
        stage.hook(seconds=172_800)
        stage.replica()
        await asyncio.sleep(5)
        refused = True
        stage.asg("n0")
        stage.spot("n1")
        asked = await asked_in_an_hour(stage)
        assert asked[action] <= most, asked

    play(story, doomed=2, pods=2, HEARTBEAT_INTERVAL="60", USE_LEASES="false")
