"""The wiring of queue mode: what each setting becomes, and which region is asked."""

import logging
from collections.abc import Mapping
from dataclasses import replace

import pytest

from nth.core.lifecycle.hook_messages import HookRules
from nth.core.notices.events import (
    AsgTargetState,
    AsgTermination,
    Event,
    InstanceStateChange,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.policy import Level, Policy
from nth.core.queue.dispatch_view import DispatchRules
from nth.core.queue.node_owner import OwnerRules
from nth.errors import SettingError
from nth.queue_mode.world import FleetRules
from nth.settings import Settings, read_settings
from nth.wiring.queue_app import fleet_rules, queue_urls, region
from nth.wiring.rules import identity, session_rules

ACCOUNT = "123456789012"
TAG = "aws-node-termination-handler/managed"


def url(region: str, name: str = "nth") -> str:
    return f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}"


def settings(*flags: str, queues: str = url("eu-west-1")) -> Settings:
    """In queue mode."""
    return read_settings(["--enable-sqs-termination-draining", f"--queue-url={queues}", *flags], {}).settings


# Which queues, which region


@pytest.mark.parametrize(
    ("queues", "expected"),
    [
        ("http://a", ("http://a",)),
        ("http://a,http://b", ("http://a", "http://b")),
        (" http://b , http://a ,", ("http://b", "http://a")),
        ("http://a,http://b,http://a", ("http://a", "http://b")),
    ],
)
def test_each_queue_once_and_in_their_order(queues: str, expected: tuple[str, ...]) -> None:
    assert queue_urls(replace(settings(), queue_url=queues)) == expected


@pytest.mark.parametrize(
    ("queues", "expected"),
    [
        (url("eu-west-1"), "eu-west-1"),
        (url("eu-west-1", "nth-us-east-1"), "eu-west-1"),
        (f"{url('eu-west-1', 'a')},{url('eu-west-1', 'b')}", "eu-west-1"),
        (f"https://vpce-1-a.sqs.us-gov-west-1.vpce.amazonaws.com/{ACCOUNT}/nth", "us-gov-west-1"),
    ],
)
def test_P8_needs_W36_the_region_is_what_the_host_says(queues: str, expected: str) -> None:
    assert region(settings(queues=queues)) == expected


@pytest.mark.parametrize(
    ("queues", "said"),
    [
        ("https://sqs.example/nth-eu-west-1", "names no region"),
        ("https://sqs.example/a,https://sqs.example/b", "names no region"),
        (f"{url('eu-west-1')},{url('us-east-1')}", "names several regions"),
        (f"{url('eu-west-1')},https://sqs.example/nth", "names several regions"),
    ],
)
def test_P8_a_region_that_nobody_tells_is_asked_for(queues: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        region(settings(queues=queues))
    assert str(caught.value) == (
        f"--aws-region (AWS_REGION) is '', and the host in --queue-url (QUEUE_URL) {said}; "
        "allowed: the region of the queue, for example eu-west-1"
    )


@pytest.mark.parametrize(
    ("queues", "warned"),
    [
        (url("eu-west-1"), False),
        ("https://sqs.example/nth", False),
        (url("us-east-1"), True),
        (f"{url('eu-west-1')},{url('us-east-1')}", True),
    ],
)
def test_P8_the_setting_wins_and_a_host_that_says_otherwise_is_told(
    queues: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert region(settings("--aws-region=eu-west-1", queues=queues)) == "eu-west-1"
    expected = (
        "--aws-region (AWS_REGION) is 'eu-west-1', but the host in --queue-url (QUEUE_URL) names "
        "another region: AWS will refuse requests"
    )
    told = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert told == ([(logging.WARNING, expected)] if warned else [])


# Who we are


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("--pod-name=nth-0 --pod-namespace=kube-system", "nth-0"),
        ("--pod-name=nth-0", ""),
        ("--pod-namespace=kube-system", ""),
        ("", ""),
        ("--pod-name=nth-0 --pod-namespace=kube-system --dry-run", ""),
    ],
)
def test_a_replica_has_its_pod_s_name_if_it_can_keep_a_lease(flags: str, expected: str) -> None:
    """A dry run writes nothing, not even a lease."""
    read = settings(*flags.split())
    assert identity(read) == session_rules(read).identity == fleet_rules(read, ACCOUNT).identity == expected


def test_metadata_mode_has_no_replicas_and_needs_no_drain_slots() -> None:
    read = read_settings(["--node-name=one", "--pod-name=nth-0", "--pod-namespace=kube-system"], {}).settings
    assert identity(read) == ""
    assert not session_rules(read).needs_drain_slot
    assert session_rules(settings()).needs_drain_slot


# What the settings become

OWNER = OwnerRules(tag_key=TAG, account=ACCOUNT)
POLICY = Policy(levels={RebalanceRecommendation: Level.DRAIN})
MESSAGES = DispatchRules(owner=OWNER, policy=POLICY)
HOOKS = HookRules()
USUAL = FleetRules(
    identity="",
    node_name="",
    own_pod=("", ""),
    takes_over=True,
    evicts=True,
    visibility_seconds=20,
    messages=MESSAGES,
    hooks=HOOKS,
    group_label="",
    shutdown_grace_seconds=None,
)


def owned(**changes: object) -> FleetRules:
    return replace(USUAL, messages=replace(MESSAGES, owner=replace(OWNER, **changes)))  # type: ignore[arg-type]


def taken(**changes: object) -> FleetRules:
    return replace(USUAL, messages=replace(MESSAGES, **changes))  # type: ignore[arg-type]


def hooked(**changes: object) -> FleetRules:
    return replace(USUAL, hooks=replace(HOOKS, **changes))  # type: ignore[arg-type]


def decided(levels: Mapping[type[Event], Level], **changes: object) -> FleetRules:
    """On top of the usual drain for a rebalance recommendation."""
    drains: Mapping[type[Event], Level] = {RebalanceRecommendation: Level.DRAIN}
    return taken(policy=Policy(levels={**drains, **levels}, **changes))  # type: ignore[arg-type]


REPLICA = replace(USUAL, identity="nth-0", own_pod=("kube-system", "nth-0"))
NAMED = "--pod-name=nth-0 --pod-namespace=kube-system"

RULES = {
    "": USUAL,
    NAMED: REPLICA,
    f"{NAMED} --dry-run": replace(REPLICA, identity="", takes_over=False, evicts=False),
    f"{NAMED} --use-leases=false": replace(REPLICA, identity=""),
    "--node-name=one": replace(USUAL, node_name="one"),
    "--sqs-msg-visibility-timeout-sec=60": replace(USUAL, visibility_seconds=60),
    "--group-label=pool": replace(USUAL, group_label="pool"),
    "--shutdown-grace-period=0": replace(USUAL, shutdown_grace_seconds=0),
    "--shutdown-grace-period=90": replace(USUAL, shutdown_grace_seconds=90),
    "--managed-tag=mine": owned(tag_key="mine"),
    "--managed-tag=mine=blue": owned(tag_key="mine", tag_value="blue"),
    "--managed-tag=mine=": owned(tag_key="mine", tag_value=""),
    "--managed-tag=mine=a=b": owned(tag_key="mine", tag_value="a=b"),
    "--managed-asg-tag=mine": owned(tag_key="mine"),
    "--check-tag-before-draining=false": owned(tag_key=""),
    "--check-tag-before-draining=false --managed-tag=mine=blue": owned(tag_key="", tag_value="blue"),
    "--delete-sqs-msg-if-node-not-found": taken(delete_if_not_found=True),
    "--not-for-us-messages=leave": taken(delete_not_for_us=False),
    "--unreadable-messages=delete": taken(delete_unreadable=True),
    "--cordon-only": replace(decided({}, cordon_only=True), evicts=False),
    "--rebalance-uncordon-after=60": decided({}, rebalance_expires_after_seconds=60),
    "--action-rebalance-recommendation=cordon": decided({RebalanceRecommendation: Level.CORDON}),
    "--action-spot-interruption=notify": decided({SpotInterruption: Level.NOTIFY}),
    "--action-scheduled-event=ignore": decided({ScheduledMaintenance: Level.IGNORE}),
    "--action-state-change=cordon": decided({InstanceStateChange: Level.CORDON}),
    "--action-asg-lifecycle=ignore": decided({AsgTargetState: Level.IGNORE, AsgTermination: Level.IGNORE}),
    "--lifecycle-action-result=ABANDON": hooked(result="ABANDON"),
    "--complete-lifecycle-action-delay-seconds=5": hooked(completion_delay_seconds=5),
    "--complete-lifecycle-action-delay-seconds=-1": USUAL,
    "--heartbeat-auto": hooked(heartbeat_auto=True),
    "--heartbeat-interval=30": hooked(heartbeat_interval_seconds=30),
    "--heartbeat-interval=30 --heartbeat-until=60": hooked(
        heartbeat_interval_seconds=30, heartbeat_until_seconds=60
    ),
}


@pytest.mark.parametrize("flags", RULES)
def test_each_setting_of_the_mode(flags: str) -> None:
    assert fleet_rules(settings(*flags.split()), ACCOUNT) == RULES[flags]
