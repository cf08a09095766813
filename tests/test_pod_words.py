"""The two words for each pod, with the real handler in a simulated world, beside what is so in that world."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from nth.core.facts import NodePatch
from nth.core.reports import PodForced, PodLeft
from nth.reading.past import past_of
from nth.report.interruption import InterruptionReport
from nth.report.metrics.measures import Measures
from nth.report.pod_fates import counts
from nth.report.words import verdict
from nth.reporters.fanout import FanOut
from nth.reporters.report_line import InterruptionReporter
from nth.simulation.objects import BudgetSpec, PodTemplate, WorkloadSpec
from nth.ui.html import page
from tests.reading.logs import log_of_told, without_end
from tests.worlds import VICTIM, Process, Stage, play

WEB_BUDGET = BudgetSpec(name="web", namespace="default", match_labels={"app": "web"}, max_unavailable=0)


@dataclass
class Heard:
    """The reports of a story, its metrics, and what was so at the end."""

    reports: list[InterruptionReport] = field(default_factory=list)
    measures: Measures = field(default_factory=Measures)
    ready_elsewhere: int = 0
    lost: int = 0

    @property
    def headlines(self) -> list[str]:
        return [verdict(report)[1].partition(": default")[0] for report in self.reports]

    @property
    def words(self) -> dict[str, int]:
        """Both words with their counts, as the last report has them."""
        found = counts(self.reports[-1])
        left = {how.value: count for how, count in found.left.items()}
        return left | {word.value: count for word, count in found.became.items()}

    @property
    def counted(self) -> dict[str, float]:
        """The same as metrics have it."""
        series = [one for one in self.measures.counters.series() if one.metric.name.startswith("nth_pods")]
        return {
            one.labels[0].replace("_", " "): one.value
            for one in series
            if isinstance(one.value, float) and one.value
        }


def told_of(change: Callable[[Stage], object], *flags: str, seconds: float = 900) -> Heard:
    """Let AWS take the machine after this change of the world, and go on for so long."""
    heard = Heard()

    async def story(stage: Stage) -> None:
        stage.process(tell=FanOut(InterruptionReporter(heard.reports.append), heard.measures.take))
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 122)
        change(stage)
        await asyncio.sleep(seconds)
        heard.ready_elsewhere = sum(stage.running_elsewhere().values())
        heard.lost = len(stage.cluster.lost)

    play(story, *flags)
    return heard


def no_room(stage: Stage) -> None:
    """The other nodes take no pods."""
    for node in stage.cluster.nodes:
        if node.name != VICTIM:
            body = {
                "metadata": {"resourceVersion": node.resource_version},
                "spec": {"unschedulable": True},
            }
            stage.cluster.change_node(node.name, NodePatch(body))


def test_with_all_replacements_pending_for_ever_nothing_is_called_moved_and_the_end_says_so() -> None:
    heard = told_of(no_room)
    assert heard.headlines == [
        "Not known yet: 6 replacements are not Ready.",
        "6 PODS LOST: no replacement was Ready at the end",
    ]
    assert heard.ready_elsewhere == 0
    assert heard.words == heard.counted == {"politely": 6, "lost": 6}


def test_where_there_is_room_all_have_moved() -> None:
    heard = told_of(lambda stage: None)
    assert heard.headlines == ["Nothing was lost."]
    assert heard.ready_elsewhere == 6
    assert heard.words == heard.counted == {"politely": 6, "moved": 6}


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        (lambda stage: stage.cluster.scale("web", 1), 3),
        (lambda stage: stage.cluster.delete_workload("web"), 4),
    ],
    ids=["scaled down", "deleted"],
)
def test_pods_that_nobody_wants_any_more_have_ended(change: Callable[[Stage], None], ended: int) -> None:
    heard = told_of(change)
    assert heard.headlines == ["Nothing was lost."]
    assert heard.words == heard.counted
    assert (heard.words["ended"], heard.words["moved"]) == (ended, heard.ready_elsewhere)


def test_never_forced_the_pods_that_die_with_their_machine_are_lost_and_no_page_says_none_is() -> None:
    heard = told_of(lambda stage: stage.cluster.set_budget(WEB_BUDGET), "--force-policy", "never")
    late, last = heard.reports
    assert heard.headlines == [
        "4 pods not moved, still there 2.5 s before the deadline",
        "4 PODS LOST with the machine",
    ]
    assert heard.words == heard.counted == {"politely": 2, "not": 4, "moved": 2, "lost": heard.lost}
    assert "<b>0</b>" not in page(late) + page(last)
    assert '<div class="card bad"><b>4</b><span>lost</span>' in page(last)


def test_forced_pods_that_run_elsewhere_have_moved() -> None:
    heard = told_of(lambda stage: stage.cluster.set_budget(WEB_BUDGET))
    assert heard.words == heard.counted == {"forced": 4, "politely": 2, "moved": 6}


ALL_WAYS = (
    WorkloadSpec(name="web", replicas=2, template=PodTemplate(grace_seconds=20, stop_seconds=(15, 15))),
    WorkloadSpec(name="held", template=PodTemplate(grace_seconds=20, stop_seconds=(15, 15))),
    WorkloadSpec(name="long", template=PodTemplate(grace_seconds=600, stop_seconds=(600, 600))),
    WorkloadSpec(name="drained", template=PodTemplate(grace_seconds=100, stop_seconds=(50, 50))),
    WorkloadSpec(name="deleted", template=PodTemplate(grace_seconds=100, stop_seconds=(50, 50))),
)
HELD_BUDGET = BudgetSpec(name="held", namespace="default", match_labels={"app": "held"}, max_unavailable=0)
LEFT = {
    "web": "politely",
    "held": "forced",
    "long": "cut off",
    "drained": "by itself",
    "deleted": "by itself",
}


async def others_ask(stage: Stage) -> None:
    """Before the notice, another client drains the node of one pod and deletes one."""
    pods = {pod.labels["app"]: pod.ref for pod in stage.movable()}
    await stage.cluster.connect().evict_pod(pods["drained"], grace_seconds=None)
    stage.cluster.delete_pod(pods["deleted"])
    await asyncio.sleep(2)


@pytest.mark.parametrize(
    ("kill_seconds", "apps"),
    [(6, LEFT), (98, {"held": "forced", "long": "cut off"})],
    ids=["evicted", "forced"],
)
def test_a_handler_that_was_killed_and_its_successor_say_the_same_of_pods_that_terminate(
    kill_seconds: float, apps: dict[str, str]
) -> None:
    heard = Heard()

    async def story(stage: Stage) -> list[Process]:
        stage.cluster.set_budget(HELD_BUDGET)
        first = stage.process()
        await others_ask(stage)
        stage.cloud.interrupt(stage.clock.now() + 122)
        await asyncio.sleep(kill_seconds)
        assert bool(first.reports(PodForced)) is (kill_seconds > 90)
        first.die()
        await first.killed()
        second = stage.process(tell=FanOut(InterruptionReporter(heard.reports.append), heard.measures.take))
        await asyncio.sleep(900)
        return [first, second]

    first, second = play(story, workloads=ALL_WAYS)
    (last,) = heard.reports[-1:]
    assert {one.pod.labels["app"]: one.left.value for one in last.pods} == apps
    assert heard.words == heard.counted
    (joined,) = past_of(without_end(log_of_told(first.told)), log_of_told(second.told)).reports
    assert {one.pod.ref.name.split("-")[0]: one.left.value for one in joined.pods} == LEFT
    words = {"politely": "evicted", "cut off": "evicted"}
    left = {report.pod.labels["app"]: report.how for report in second.reports(PodLeft)}
    assert left == {app: words.get(how, how) for app, how in apps.items()}
