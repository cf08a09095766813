"""Lifecycle hooks' rules where the contract does not look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.errors import ActionGone
from nth.simulation.lifecycle import HookSpec, Lifecycles

ONE = "i-0123456789abcdef0"
HOOK = HookSpec(group="fleet", name="drain", heartbeat_seconds=300.0)

steps = st.lists(
    st.tuples(st.sampled_from(["wait", "heartbeat", "CONTINUE", "ABANDON"]), st.integers(1, 400)),
    max_size=200,
)


@given(steps)
def test_an_action_ends_once_and_in_time_whatever_is_said(plan: list[tuple[str, int]]) -> None:
    now = began_at = beat_at = 1000.0
    lifecycles = Lifecycles(proceed_seconds=1.0)
    lifecycles.put_hook(HOOK)
    lifecycles.add(ONE, "fleet")
    (action,) = lifecycles.terminate(ONE, now)
    for what, seconds in plan:
        waits = lifecycles.state_of(ONE) == "Terminating:Wait"
        assert waits == (not lifecycles.ended)
        if what == "wait":
            now += seconds
            lifecycles.advance(now)
        elif not waits:
            with pytest.raises(ActionGone):
                lifecycles.complete(action, "CONTINUE", now)
            with pytest.raises(ActionGone):
                lifecycles.heartbeat(action, now)
        elif what == "heartbeat":
            lifecycles.heartbeat(action, now)
            beat_at = now
        else:
            lifecycles.complete(action, what, now)
    lifecycles.advance(now + 100_000)
    (ended,) = lifecycles.ended
    assert ended.at <= min(beat_at + 300, began_at + 30_000)
    if ended.how == "timed out":
        assert ended.at == min(beat_at + 300, began_at + 30_000)
    assert lifecycles.state_of(ONE) == "Terminated"
    assert lifecycles.pop_terminated() == [ONE]
    assert lifecycles.pop_terminated() == []
    assert lifecycles.wake_at is None


def test_each_action_has_a_token_of_its_own() -> None:
    lifecycles = Lifecycles()
    lifecycles.put_hook(HOOK)
    tokens = set()
    for i in range(3):
        lifecycles.add(f"i-{i}", "fleet")
        tokens |= {action.token for action in lifecycles.terminate(f"i-{i}", 0.0)}
    assert len(tokens) == 3


def test_the_default_result_of_a_launch_hook_decides() -> None:
    for result, state in (("CONTINUE", "InService"), ("ABANDON", "Terminated")):
        lifecycles = Lifecycles()
        lifecycles.put_hook(
            HookSpec(
                group="fleet",
                name="ready",
                transition="autoscaling:EC2_INSTANCE_LAUNCHING",
                heartbeat_seconds=30.0,
                default_result=result,
            )
        )
        lifecycles.launch(ONE, "fleet", 0.0)
        lifecycles.advance(29.0)
        assert lifecycles.state_of(ONE) == "Pending:Wait"
        lifecycles.advance(32.0)
        assert lifecycles.state_of(ONE) == state


def test_an_unknown_instance_has_no_state() -> None:
    assert Lifecycles().state_of(ONE) == ""
