"""Whether an old event is over."""

from dataclasses import replace
from typing import get_args

import pytest

from nth.core.notices.aws_facts import Instance
from nth.core.notices.events import (
    AsgTermination,
    Event,
    InstanceStateChange,
    Noticed,
    SpotInterruption,
)
from nth.core.policy import Policy
from nth.core.queue.staleness import (
    OLD_SECONDS,
    AskAgain,
    Asked,
    Checked,
    LeftAlone,
    Over,
    Stands,
    as_checked,
    asked_about,
    judge,
    node_says_over,
    unanswered,
    waits_until,
)
from tests.core.fleet_samples import INSTANCE, going_down, health, hook, risk, spot_warning
from tests.core.samples import T0, a_node, asg

SPOT, STATE, HOOK = spot_warning(120).event, going_down("stopped").event, hook(3600).event
POLICY = Policy()


def checked(event: Event) -> Checked:
    assert isinstance(event, Checked)
    return event


def instance(state: str, launched: float | None) -> Instance:
    at = None if launched is None else T0 + launched
    return Instance(instance_id=INSTANCE, state=state, launched_at=at)


@pytest.mark.parametrize("event", [SPOT, STATE, HOOK], ids=["spot", "state", "hook"])
def test_safe_5_an_event_is_checked_once_it_is_older_than_two_minutes(event: Event) -> None:
    assert OLD_SECONDS == 120
    assert as_checked(event, T0 + 120) is None
    assert as_checked(event, T0 + 121) == event


@pytest.mark.parametrize("notice", [risk(), health(), asg()], ids=["risk", "health", "target state"])
def test_safe_5_age_proves_nothing_of_other_kinds(notice: Noticed) -> None:
    assert as_checked(notice.event, T0 + 48 * 3600) is None


def test_safe_5_all_kinds_that_end_by_themselves_are_checked() -> None:
    assert set(get_args(Checked)) == {SpotInterruption, InstanceStateChange, AsgTermination}
    assert [asked_about(checked(event)) for event in (SPOT, STATE, HOOK)] == [
        Asked.EC2,
        Asked.EC2,
        Asked.AUTO_SCALING,
    ]


@pytest.mark.parametrize("event", [SPOT, STATE], ids=["spot", "state"])
@pytest.mark.parametrize(
    ("state", "launched", "over"),
    [
        ("running", 1, True),
        ("running", 0, False),
        ("running", -3600, False),
        ("running", None, False),
        ("stopped", 1, False),
        ("stopping", 1, False),
        ("shutting-down", 1, False),
        ("terminated", 1, False),
    ],
)
def test_safe_5_only_a_running_instance_that_was_started_since_is_proof(
    event: Event, state: str, launched: float | None, over: bool
) -> None:
    assert isinstance(judge(checked(event), instance(state, launched)), Over if over else Stands)


@pytest.mark.parametrize("event", [SPOT, STATE], ids=["spot", "state"])
def test_safe_5_an_instance_that_is_being_started_is_asked_about_again(event: Event) -> None:
    assert isinstance(judge(checked(event), instance("pending", 30)), AskAgain)
    assert isinstance(judge(checked(event), instance("pending", -30)), Stands)


@pytest.mark.parametrize("event", [SPOT, STATE], ids=["spot", "state"])
def test_safe_5_an_instance_that_ec2_does_not_know_is_not_back(event: Event) -> None:
    assert judge(checked(event), None) == Stands()


@pytest.mark.parametrize(
    ("state", "over"),
    [
        ("Terminating", False),
        ("Terminating:Wait", False),
        ("Terminating:Proceed", False),
        ("Warmed:Terminating:Wait", False),
        ("InService", True),
        ("Pending:Wait", True),
        ("Warmed:Stopped", True),
        ("Standby", True),
        (None, True),
    ],
)
def test_safe_5_a_hook_is_over_when_auto_scaling_no_longer_terminates_the_instance(
    state: str | None, over: bool
) -> None:
    assert isinstance(judge(checked(HOOK), state), Over if over else Stands)


@pytest.mark.parametrize("event", [SPOT, STATE], ids=["spot", "state"])
def test_safe_5_a_node_that_was_registered_since_is_proof(event: Event) -> None:
    assert isinstance(node_says_over(checked(event), a_node(created_at=T0 + 1)), Over)
    assert node_says_over(checked(event), a_node(created_at=T0)) is None
    assert node_says_over(checked(event), a_node(created_at=None, ready=True)) is None
    assert node_says_over(checked(event), None) is None


def test_safe_5_a_hook_is_not_over_because_its_node_was_registered_anew() -> None:
    assert node_says_over(checked(HOOK), a_node(created_at=T0 + 1)) is None


def test_safe_5_an_answer_is_waited_for_as_long_as_it_takes_once_the_deadline_has_passed() -> None:
    late_hook, unknown_hook = hook(100).event, hook(None).event
    for event in (SPOT, STATE, late_hook, unknown_hook):
        assert waits_until(checked(event), POLICY, T0 + 300) is None


def test_safe_5_before_a_deadline_an_answer_is_waited_for_until_the_nodes_grace_is_left() -> None:
    assert waits_until(checked(HOOK), POLICY, T0 + 300) == T0 + 3600 - 120
    assert waits_until(checked(HOOK), POLICY, T0 + 3599) == T0 + 3599 + 10
    slow = Policy(node_grace_seconds=600)
    assert waits_until(checked(going_down("stopping").event), slow, T0 + 300) == T0 + 310


def test_safe_5_what_is_refused_is_handled_where_a_machine_may_still_have_time() -> None:
    now = T0 + 300
    for event in (HOOK, hook(None).event, hook(100).event):
        assert unanswered(checked(event), POLICY, now, "why") == Stands("why")
    for event in (SPOT, STATE, going_down("stopping").event):
        assert unanswered(checked(event), POLICY, now, "why") == LeftAlone("why")
    slow = Policy(node_grace_seconds=600)
    assert unanswered(checked(going_down("stopping").event), slow, now, "why") == Stands("why")


def test_safe_5_a_hibernation_is_checked_like_any_spot_warning() -> None:
    assert isinstance(SPOT, SpotInterruption)
    hibernation = replace(SPOT, action="hibernate", interrupted_at=T0)
    assert judge(hibernation, instance("running", 60)) == judge(SPOT, instance("running", 60))
