"""Evictions that a real API server refuses for ten reasons: each pod's own reason is told, and no other.

The scene (`plays_refused`) is played once: every pod is refused until it is forced at its latest moment.
"""

import asyncio
import re
from collections import Counter

import pytest

from testbed.bed import RealBed
from testbed.control_plane import ControlPlane
from tests.e2e import plays_refused
from tests.e2e.gatekeepers import DEAD, FAILS, POLICY
from tests.e2e.hearing import nth
from tests.e2e.lives import Life, watched
from tests.e2e.played import Played, scene_of
from tests.e2e.plays import REFUSED
from tests.e2e.plays_refused import BUDGET, DOUBLE, ENDING, STALE
from tests.e2e.words_read import HOW_LEFT, Words, counted, flat

DENIED = r'admission webhook "{}.gatekeeper.invalid" denied the request: \S+ is being looked after'
REASONS = {
    "denied403": DENIED.format("denied403"),
    "denied400": DENIED.format("denied400"),
    "denied429": DENIED.format("denied429"),
    FAILS: r'failed calling webhook "fails.gatekeeper.invalid"',
    DEAD: r'failed calling webhook "dead.gatekeeper.invalid": .*connection refused',
    POLICY: r"ValidatingAdmissionPolicy '\S+' with binding '\S+' denied request: no eviction on a weekday",
    DOUBLE: r"This pod has more than one PodDisruptionBudget",
    STALE: r"The disruption budget refused-stale is still being processed by the server",
    BUDGET: r"The disruption budget refused-budget needs 1 healthy pods and has 1 currently",
    ENDING: r"because it is being terminated",
}
"""What the API server says, by workload."""
BUDGETS = (BUDGET, DOUBLE, STALE)
each_reason = pytest.mark.parametrize("app", REASONS)


@pytest.fixture(scope="module")
def played(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Played:
    bed, folder = RealBed(control_plane), tmp_path_factory.mktemp("refused")

    async def play() -> Played:
        async with watched(bed.plane) as lives, scene_of(bed, folder, lives, "refused") as scene:
            return await plays_refused.refused(scene)

    try:
        return asyncio.run(play())
    finally:
        bed.clear()


def only(played: Played, app: str) -> Life:
    (life,) = played.here(app)
    return life


@each_reason
def test_a_refusal_is_logged_of_its_pod_with_the_api_servers_reason(played: Played, app: str) -> None:
    life = only(played, app)
    pod = f"{life.namespace}/{life.name}"
    lines = [line for line in played.said.lines_with(REFUSED) if line.get("pod") == pod]
    assert lines, f"no refusal of {pod} is in the log"
    assert all(re.search(REASONS[app], str(line["reason"])) for line in lines), lines


def test_no_refusal_is_said_to_be_a_wait_for_the_api_server(played: Played) -> None:
    assert "Waiting for the Kubernetes API server" not in played.said.everything


@each_reason
def test_explain_gives_the_reason_of_the_pod_and_of_no_other(played: Played, app: str) -> None:
    life = only(played, app)
    why = flat(nth("explain", f"{life.namespace}/{life.name}", str(played.said.log_file)))
    found = [name for name, reason in REASONS.items() if re.search(reason, why)]
    assert found == [app], why


@each_reason
def test_the_report_shows_each_pod_as_refused_until_it_was_forced(played: Played, app: str) -> None:
    row = Words(played.said.report).of(only(played, app))
    assert row["left"].lower() == "forced"
    # In the bar of the pod: it was refused, and did not wait for its turn.
    assert "xxxx" in row[0], row[0]
    assert "..." not in row[0].replace(row["name"], ""), row[0]
    assert re.search(REASONS[app], flat(played.said.report))


@each_reason
def test_advice_about_budgets_is_given_only_where_a_budget_refused(played: Played, app: str) -> None:
    name = Words(played.said.report).of(only(played, app))["name"]
    _, _, advice = played.said.report.partition("What to do before the next one\n")
    advice, _, _ = advice.partition("\n\n")
    sentences = [text for text in flat(advice).split("* ") if name in text or f"refused-{app} " in text]
    assert ("let the budget spare one" in " ".join(sentences)) is (app == BUDGET), sentences
    assert ("only one budget" in " ".join(sentences)) is (app == DOUBLE), sentences
    if "disruption" in " ".join(sentences):
        assert app in BUDGETS, sentences


def test_nothing_is_said_to_be_forced_past_a_budget_that_no_budget_held(played: Played) -> None:
    held = {only(played, app).name for app in BUDGETS}
    said = {str(line["pod"]).partition("/")[2] for line in played.said.lines_with("past its budget")}
    assert said == held
    events = [event for event in played.said.events if "past its budget" in event["message"]]
    assert {event["involvedObject"]["name"] for event in events} == held
    assert "past a budget" not in played.said.everything


def test_the_forced_phase_of_the_webhook_gives_a_reason(played: Played) -> None:
    (post,) = [post for post in played.said.posts if post["phase"] == "forced"]
    assert any(re.search(reason, post["reason"]) for reason in REASONS.values()), post


def test_the_counts_of_a_refused_drain_are_those_of_the_pods(played: Played) -> None:
    left = sum((played.lefts(app) for app in played.apps), Counter())
    assert left == {"forced": len(REASONS)}
    assert counted(HOW_LEFT, played.said.report) == left


def test_the_condition_of_the_node_gives_the_reason_of_pods_that_wait(played: Played) -> None:
    told = flat(" ".join(one["message"] for one in played.said.conditions))
    assert any(re.search(reason, told) for reason in REASONS.values())
    assert "past its budget" not in told
