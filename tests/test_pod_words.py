"""The two words for each pod, with the real handler in a simulated world, beside what is so in that world."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from nth.core.facts import NodePatch
from nth.report.interruption import InterruptionReport
from nth.report.metrics.measures import Measures
from nth.report.pod_fates import counts
from nth.report.words import verdict
from nth.reporters.fanout import FanOut
from nth.reporters.report_line import InterruptionReporter
from nth.simulation.objects import BudgetSpec
from nth.ui.html import page
from tests.worlds import VICTIM, Stage, play

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
