"""Every decision that asks for something has its answer among the inputs."""

from typing import get_args

from nth.core import decisions
from nth.core.decisions import Decision, Input

ANSWERS = {
    decisions.ReadNode: decisions.NodeRead,
    decisions.PatchNode: decisions.NodePatched,
    decisions.ListPods: decisions.PodsListed,
    decisions.FollowPods: decisions.PodsListed,
    decisions.EvictPod: decisions.PodAnswered,
    decisions.DeletePod: decisions.PodAnswered,
    decisions.MarkPod: decisions.PodMarked,
    decisions.ReadWanted: decisions.WantedRead,
    decisions.WantSlot: decisions.SlotGranted,
}
UNANSWERED = {
    decisions.StopFollowing,
    decisions.Tell,
    decisions.Engage,
    decisions.Settle,
    decisions.ReleaseSlot,
    decisions.WatchNode,
}


def test_every_decision_is_answered_or_needs_no_answer() -> None:
    assert set(get_args(Decision)) == set(ANSWERS) | UNANSWERED
    assert set(ANSWERS.values()) <= set(get_args(Input))
