"""How often the pods of one controller are asked to go while a cordon stands."""

from hypothesis import given, settings
from hypothesis import strategies as st

from nth.core.drain.returns import ASKED_AGAIN, MAX_CHAINS, Returns
from nth.core.facts import Pod, PodRef
from tests.core.samples import a_pod, owned_by


def pod(number: int, owner: str = "web") -> Pod:
    return a_pod(f"{owner}-{number}", controller=owned_by("ReplicaSet", owner))


def cycle(returns: Returns, first: int, rounds: int) -> int:
    """So many pods are there, and each that leaves comes back at once; how many are asked."""
    asked = sum(returns.may_go(pod(number), newcomer=False) for number in range(first))
    number = first
    for _ in range(rounds):
        for _ in range(first):
            returns.left(pod(number - first))
            returns.came_back(pod(number))
            if not returns.may_go(pod(number), newcomer=True):
                return asked
            asked += 1
            number += 1
    return asked


def test_safe_14_each_of_many_pods_is_asked_again_so_often() -> None:
    for first in (1, 2, 5, 30):
        assert cycle(Returns(), first, 20) == first * (1 + ASKED_AGAIN)


def test_safe_14_bindings_that_were_under_way_at_the_cordon_are_all_asked() -> None:
    returns = Returns()
    assert returns.may_go(pod(0), newcomer=False)
    late = [pod(number) for number in range(1, 30)]
    assert not any(returns.came_back(each) for each in late)
    assert all(returns.may_go(each, newcomer=True) for each in late)


def test_safe_14_a_pod_that_is_looked_at_again_is_counted_once() -> None:
    returns = Returns()
    for _ in range(10):
        returns.look_anew()
        assert returns.may_go(pod(0), newcomer=False)
        assert not returns.came_back(pod(0))
    returns.left(pod(0))
    assert returns.came_back(pod(1))
    assert not returns.came_back(pod(2))


def test_safe_14_an_earlier_drain_of_the_same_cordon_counts() -> None:
    returns = Returns()
    assert cycle(returns, 1, 20) == 1 + ASKED_AGAIN
    returns.look_anew()
    assert not returns.may_go(pod(100), newcomer=False)
    returns.clear()
    assert returns.may_go(pod(100), newcomer=False)


def test_safe_14_pods_without_a_controller_go_by_their_name() -> None:
    returns = Returns()
    for number in range(1 + ASKED_AGAIN):
        again = alone(f"uid-{number}")
        assert returns.came_back(again) is (number > 0)
        assert returns.may_go(again, newcomer=number > 0)
        returns.left(again)
    assert not returns.may_go(alone("uid-last"), newcomer=True)


def alone(uid: str) -> Pod:
    return a_pod("alone", controller=None, ref=PodRef("shop", "alone", uid))


def test_safe_14_memory_is_bounded() -> None:
    returns = Returns()
    answers = [returns.may_go(pod(0, f"owner-{number}"), newcomer=True) for number in range(2 * MAX_CHAINS)]
    assert sum(answers) == MAX_CHAINS
    assert returns.may_go(pod(0, "found"), newcomer=False)


@settings(max_examples=60)
@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.sampled_from(["come", "go"]), st.integers(0, 5)), max_size=80),
)
def test_safe_14_whatever_comes_and_goes_it_is_bounded_by_the_places(
    first: int, moves: list[tuple[str, int]]
) -> None:
    """Of one controller no more pods are asked than three for each place that it has had on the node."""
    returns, here, asked, most = Returns(), [], 0, first
    for number in range(first):
        assert returns.may_go(pod(number), newcomer=False)
        here.append(pod(number))
        asked += 1
    number = first
    for move, which in moves:
        if move == "go" and here:
            returns.left(here.pop(which % len(here)))
        elif move == "come":
            number += 1
            asked += returns.may_go(pod(number), newcomer=True)
            here.append(pod(number))
            most = max(most, len(here))
    assert asked <= first + ASKED_AGAIN * most
