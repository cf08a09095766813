"""Names that lead to a pod although they are not its own."""

from dataclasses import replace

import pytest

from nth.core.facts import PodRef
from nth.reading.questions import answers
from nth.report.interruption import Successor
from tests.report.stories import FULL_STORY, T0, WEB, report_of

NEW = replace(WEB, ref=PodRef("shop", "web-5d8f7c9b4-zzzzz", "new"), node_name="ip-10-0-2-23")
REPORT = report_of(*FULL_STORY, after_seconds=125, successors={WEB.ref.uid: Successor(NEW, T0 + 6)})


@pytest.mark.parametrize(
    ("name", "pod"),
    [
        ("web-5d8f7c9b4-zzzzz", "shop/web-5d8f7c9b4-aaaaa"),
        ("web-zzzzz", "shop/web-5d8f7c9b4-aaaaa"),
        ("ip-10-0-2-23", "shop/web-5d8f7c9b4-aaaaa"),
        ("billing-5d8f7c9b4", "shop/billing-5d8f7c9b4-bbbbb"),
        ("shop/encoder", "shop/encoder-5d8f7c9b4-ccccc"),
    ],
)
def test_a_successor_its_node_and_a_controller_lead_to_the_pod(name: str, pod: str) -> None:
    assert [answer.name for answer in answers(name, [REPORT])] == [pod]


def test_a_budget_of_another_name_leads_to_the_pods_that_it_held() -> None:
    reason = "The disruption budget payments-pdb needs 1 healthy pods and has 1 currently"
    pods = tuple(
        replace(one, reason=reason) if one.pod.ref.name.startswith("billing") else one for one in REPORT.pods
    )
    for name in ("payments-pdb", "shop/payments-pdb"):
        found = answers(name, [replace(REPORT, pods=pods)])
        assert [answer.name for answer in found] == ["shop/billing-5d8f7c9b4-bbbbb"]
