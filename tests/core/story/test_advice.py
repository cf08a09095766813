"""What to change before the next interruption."""

from dataclasses import replace

from nth.core.reports import (
    EvictionAccepted,
    EvictionRefused,
    ForceForbidden,
    NotReplaced,
    PodLeft,
    ReplacementEnded,
)
from nth.core.story.advice import advice
from tests.core.story.stories import (
    BILLING,
    FULL_STORY,
    LOSING_STORY,
    NOTICE,
    REFUSAL,
    a_pod,
    owner,
    report_of,
)


def test_a_forced_pod_names_its_budget_and_a_cut_grace_its_pod() -> None:
    found = advice(report_of(*FULL_STORY, after_seconds=125))
    assert len(found) == 2
    assert found[0].startswith("The budget billing allowed no disruption: it held billing-bbbbb for 84.7 s")
    assert "2 replicas or more" in found[0]
    assert "encoder-ccccc asks for 300 s of grace, more than the 114 s that were left" in found[1]


def test_a_lost_pod_says_what_forbade_to_force_it() -> None:
    assert "FORCE_POLICY" in advice(report_of(*LOSING_STORY, after_seconds=125))[0]
    rights = (*LOSING_STORY, (90.0, ForceForbidden(reason="403")))
    first, second, *_ = advice(report_of(*rights, after_seconds=125))
    assert "RBAC" in first
    assert "because RBAC forbids to force it" in second
    annotated = replace(BILLING, annotations={"aws-node-termination-handler/force": "never"})
    refused = EvictionRefused(pod=annotated, reason=REFUSAL, forced_at=None)
    (only,) = advice(report_of((0.0, NOTICE), (1.0, refused), after_seconds=125))
    assert "because its annotation forbids to force it" in only


def test_a_pod_without_controller_and_local_data_are_pointed_out() -> None:
    bare = replace(a_pod("bare", None), local_storage=True)
    steps = (
        (0.0, NOTICE),
        (0.1, EvictionAccepted(pod=bare, grace_seconds=30, cut=False)),
        (3.0, PodLeft(pod=bare, how="evicted", seconds=2.9)),
    )
    found = advice(report_of(*steps, after_seconds=5))
    assert [text.split()[0] for text in found] == ["bare", "bare"]
    assert "no controller" in found[0]
    assert "emptyDir" in found[1]


def test_no_room_elsewhere_asks_for_room() -> None:
    missing = NotReplaced(
        namespace="shop", controller=owner("web"), ready=2, wanted=3, reason="Pending: 1 Insufficient cpu."
    )
    steps = ((0.0, NOTICE), (5.0, ReplacementEnded(missing=(missing,), controllers=1, seconds=5)))
    (only,) = advice(report_of(*steps, after_seconds=6))
    assert only.startswith("web found no room on the other nodes")


def test_a_drain_without_trouble_has_no_advice() -> None:
    assert advice(report_of((0.0, NOTICE), after_seconds=1)) == ()
