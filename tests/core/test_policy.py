"""What each event demands of its node (S1-S8, A1, A5-A8, A11, P12)."""

from dataclasses import replace

import pytest

from nth.core.notices.events import (
    EVENT_BY_NAME,
    AsgTermination,
    Event,
    InstanceStateChange,
    Noticed,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.notices.kinds import KINDS
from nth.core.policy import (
    Demand,
    Level,
    Policy,
    demand_of,
    returns_after_reboot,
    taint_key_of,
    together,
)
from tests.core import fleet_samples as queue
from tests.core.samples import T0, asg, rebalance, scheduled, spot

USUAL_LEVELS = {EVENT_BY_NAME[kind.event]: Level[kind.action.upper()] for kind in KINDS}
PREFIX = "aws-node-termination-handler"


def demand(notice: Noticed, policy: Policy | None = None, seen_at: float = T0) -> Demand:
    return demand_of(notice.event, seen_at, policy or Policy())


def drain(cordon: float, drain: float, deadline: float) -> Demand:
    return Demand(level=Level.DRAIN, cordon_at=T0 + cordon, drain_at=T0 + drain, deadline_at=T0 + deadline)


def test_S1_spot_interruption_cordons_and_drains_at_once_until_its_time() -> None:
    assert demand(spot(120)) == drain(0, 0, 120)


def test_P12_drain_begins_at_the_deadline_minus_the_nodes_grace() -> None:
    assert demand(spot(120), Policy(node_grace_seconds=90)) == drain(0, 30, 120)
    assert demand(spot(10)) == drain(0, 0, 10)


@pytest.mark.parametrize(
    ("policy", "level"),
    [(Policy(), Level.CORDON), (Policy(levels={RebalanceRecommendation: Level.DRAIN}), Level.DRAIN)],
)
def test_S3_rebalance_cordons_and_drains_only_when_asked(policy: Policy, level: Level) -> None:
    found = demand(rebalance(), policy)
    assert found == Demand(level=level, cordon_at=T0, drain_at=T0, deadline_at=None)


def test_S5_scheduled_event_is_acted_on_at_once() -> None:
    assert demand(scheduled(3600)) == drain(0, 0, 3600)


def test_scheduled_event_waits_for_its_start_by_setting() -> None:
    policy = Policy(scheduled_at_start=True)
    assert demand(scheduled(3600), policy) == drain(3480, 3480, 3600)
    assert demand(scheduled(60), policy) == drain(0, 0, 60)


@pytest.mark.parametrize("at_start", [False, True])
def test_scheduled_event_that_has_begun_has_the_nodes_grace(at_start: bool) -> None:
    assert demand(scheduled(-5), Policy(scheduled_at_start=at_start)) == drain(0, 0, 120)


def test_S8_asg_target_state_has_the_nodes_grace() -> None:
    assert demand(asg(), Policy(node_grace_seconds=60)) == drain(0, 0, 60)


@pytest.mark.parametrize("notice", [spot(), scheduled(), asg()], ids=["spot", "scheduled", "asg"])
def test_A11_cordon_only_never_drains(notice: Noticed) -> None:
    found = demand(notice, Policy(cordon_only=True))
    assert found.level is Level.CORDON
    assert found.deadline_at == demand(notice).deadline_at


def test_A11_cordon_only_changes_nothing_of_a_cordon() -> None:
    assert demand(rebalance(), Policy(cordon_only=True)) == demand(rebalance())


def test_nothing_is_demanded_without_events() -> None:
    assert together([]) is None


def test_needs_W10_several_events_tighten_and_raise() -> None:
    demands = [demand(scheduled(90)), demand(rebalance(), seen_at=T0 - 60), demand(spot(120))]
    assert together(demands) == drain(-60, 0, 90)


def test_cordon_does_not_bring_the_drain_forward() -> None:
    late = Policy(scheduled_at_start=True)
    found = together([demand(rebalance()), demand(scheduled(3600), late)])
    assert found == drain(0, 3480, 3600)


def test_cordons_alone_have_no_deadline() -> None:
    assert together([demand(rebalance())]) == demand(rebalance())


@pytest.mark.parametrize(
    ("notice", "key"),
    [
        (spot(), f"{PREFIX}/spot-itn"),
        (scheduled(), f"{PREFIX}/scheduled-maintenance"),
        (asg(), f"{PREFIX}/asg-lifecycle-termination"),
        (rebalance(), f"{PREFIX}/rebalance-recommendation"),
    ],
    ids=["A5", "A6", "A7", "A8"],
)
def test_A5_A6_A7_A8_taint_names_the_reason(notice: Noticed, key: str) -> None:
    assert taint_key_of(notice.event) == key


@pytest.mark.parametrize(
    ("code", "returns"),
    [
        ("instance-stop", True),
        ("system-reboot", True),
        ("instance-reboot", True),
        ("instance-retirement", True),
        ("system-maintenance", False),
    ],
)
def test_S7_codes_after_which_the_node_returns(code: str, returns: bool) -> None:
    event = scheduled(code=code).event
    assert isinstance(event, ScheduledMaintenance)
    assert returns_after_reboot(event) is returns
    assert (taint_key_of(event) is not None) is returns


@pytest.mark.parametrize("notice", [spot(), asg(), rebalance()], ids=["spot", "asg", "rebalance"])
def test_A1_other_kinds_do_not_return(notice: Noticed) -> None:
    assert not returns_after_reboot(notice.event)


# From a queue

FROM_QUEUE = [queue.spot_warning(), queue.risk(), queue.hook(), queue.going_down(), queue.health()]
CLASSES = [type(notice.event) for notice in FROM_QUEUE]


def test_Q7_a_spot_warning_by_queue_is_drained_at_once_whatever_the_nodes_grace() -> None:
    assert demand(queue.spot_warning(120), Policy(node_grace_seconds=30)) == drain(0, 0, 120)
    assert demand(queue.spot_warning(120), seen_at=T0 + 50) == drain(50, 50, 120)


def test_Q3_a_hook_has_its_own_deadline_or_else_the_nodes_grace() -> None:
    assert demand(queue.hook(300)) == drain(0, 0, 300)
    assert demand(queue.hook(None), Policy(node_grace_seconds=60)) == drain(0, 0, 60)


@pytest.mark.parametrize(
    ("state", "deadline"), [("stopping", 120), ("shutting-down", 120), ("stopped", 0), ("terminated", 0)]
)
def test_Q9_a_state_change_drains_at_once(state: str, deadline: float) -> None:
    found = demand(queue.going_down(state), seen_at=T0 + 5)
    assert (found.level, found.cordon_at, found.drain_at) == (Level.DRAIN, T0 + 5, T0 + 5)
    assert found.deadline_at == T0 + deadline


def test_Q8_a_rebalance_recommendation_has_no_deadline() -> None:
    found = demand(queue.risk(), Policy(levels={RebalanceRecommendation: Level.DRAIN}))
    assert found == Demand(level=Level.DRAIN, cordon_at=T0, drain_at=T0, deadline_at=None)


def test_Q10_a_scheduled_change_has_its_start() -> None:
    assert demand(queue.health(3600)) == drain(0, 0, 3600)
    assert demand(queue.health(3600), Policy(scheduled_at_start=True)) == drain(3480, 3480, 3600)


@pytest.mark.parametrize("notice", FROM_QUEUE, ids=lambda notice: type(notice.event).__name__)
@pytest.mark.parametrize("level", Level)
def test_needs_W22_each_kind_has_an_action_of_its_own(notice: Noticed, level: Level) -> None:
    policy = Policy(levels={type(notice.event): level})
    assert policy.level_of(notice.event) is level
    assert demand(notice, policy).level is level
    others = [each.event for each in FROM_QUEUE if each != notice]
    assert [policy.level_of(each) for each in others] == [USUAL_LEVELS[type(each)] for each in others]


@pytest.mark.parametrize("notice", FROM_QUEUE, ids=lambda notice: type(notice.event).__name__)
@pytest.mark.parametrize("level", Level)
def test_A11_cordon_only_lowers_a_drain_and_raises_nothing(notice: Noticed, level: Level) -> None:
    policy = Policy(levels={type(notice.event): level}, cordon_only=True)
    assert policy.level_of(notice.event) is min(level, Level.CORDON)


def test_every_kind_has_a_usual_level() -> None:
    assert set(USUAL_LEVELS) == set(EVENT_BY_NAME.values())
    drained: set[type[Event]] = {kind for kind, level in USUAL_LEVELS.items() if level is Level.DRAIN}
    assert drained == set(EVENT_BY_NAME.values()) - {RebalanceRecommendation}


@pytest.mark.parametrize("other", FROM_QUEUE, ids=lambda notice: type(notice.event).__name__)
def test_a_notification_neither_cordons_nor_drains_earlier(other: Noticed) -> None:
    """It adds its deadline, and nothing else."""
    told = demand(queue.health(900), Policy(levels={ScheduledMaintenance: Level.NOTIFY}), seen_at=T0 - 600)
    late = Policy(levels={type(other.event): Level.DRAIN})
    found = together([told, demand(other, late)])
    assert found is not None
    assert replace(found, deadline_at=None) == replace(demand(other, late), deadline_at=None)


def test_notifications_alone_ask_for_no_more_than_that() -> None:
    found = together(
        [demand(notice, Policy(levels=dict.fromkeys(CLASSES, Level.NOTIFY))) for notice in FROM_QUEUE]
    )
    assert found is not None
    assert found.level is Level.NOTIFY


@pytest.mark.parametrize("notice", FROM_QUEUE, ids=lambda notice: type(notice.event).__name__)
def test_only_a_rebalance_recommendation_is_over_by_itself(notice: Noticed) -> None:
    policy = Policy(rebalance_expires_after_seconds=600)
    expected = T0 + 600 if notice == queue.risk() else None
    assert policy.expires_at(notice.event, T0) == expected
    assert Policy().expires_at(notice.event, T0) is None


@pytest.mark.parametrize(
    ("notice", "key"),
    [
        (queue.spot_warning(), f"{PREFIX}/spot-itn"),
        (queue.risk(), f"{PREFIX}/rebalance-recommendation"),
        (queue.hook(), f"{PREFIX}/asg-lifecycle-termination"),
        (queue.going_down(), None),
        (queue.health(), f"{PREFIX}/scheduled-maintenance"),
        (queue.health(code="system-maintenance"), f"{PREFIX}/scheduled-maintenance"),
    ],
    ids=["A5", "A8", "A7", "S7", "A6", "T20"],
)
def test_A5_A6_A7_A8_taints_of_queue_events(notice: Noticed, key: str | None) -> None:
    assert taint_key_of(notice.event) == key


@pytest.mark.parametrize("notice", FROM_QUEUE, ids=lambda notice: type(notice.event).__name__)
def test_A1_who_reads_a_queue_cannot_tell_when_a_machine_was_booted(notice: Noticed) -> None:
    assert not returns_after_reboot(notice.event)


def test_the_samples_are_of_all_kinds_of_a_queue() -> None:
    assert set(CLASSES) == {
        SpotInterruption,
        RebalanceRecommendation,
        AsgTermination,
        InstanceStateChange,
        ScheduledMaintenance,
    }
