"""Each thing that is said of an interruption's pods is held against the API server's own truth.

The scenes (`plays`) are played once, side by side; each test then compares for each of them. What was said
comes from the log, `nth report`, `nth explain`, webhook posts, metrics, events and the node's condition; what
was so from a watch of all pods and from the answers to the handler's requests.
"""

import asyncio
import re
from collections import Counter

import pytest

from testbed.bed import RealBed
from testbed.control_plane import ControlPlane
from tests.e2e import plays
from tests.e2e.fleet import at
from tests.e2e.hearing import nth
from tests.e2e.played import Played, is_final
from tests.e2e.words_read import HOW_LEFT, WHAT_BECAME, Words, counted, flat
from tests.servers.aws import AwsServer

NEVER_SEEN = ("its controller has made no new pod",)
"""Causes that no handler can have seen."""
TOLERANCE_SECONDS = 1.0
"""From a pod's end to its line in the log, on a busy machine."""

METADATA_SCENES = tuple(name for name in plays.SCENES if name != "blind")
"""Those whose handler may read how many pods are wanted, so that it can know what is so."""
ALL_SCENES = (*METADATA_SCENES, *plays.QUEUE_SCENES)


@pytest.fixture(scope="module")
def stories(
    control_plane: ControlPlane, aws_server: AwsServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Played]:
    bed, folder = RealBed(control_plane), tmp_path_factory.mktemp("stories")

    async def both() -> dict[str, Played]:
        return await plays.play_all(bed, folder) | await plays.play_queue(bed, aws_server, folder)

    try:
        return asyncio.run(both())
    finally:
        bed.clear()


@pytest.fixture
def played(stories: dict[str, Played], request: pytest.FixtureRequest) -> Played:
    """The scene that the test's parameter names."""
    return stories[request.param]


counted_scene = pytest.mark.parametrize("played", METADATA_SCENES, indirect=True)
each_scene = pytest.mark.parametrize("played", ALL_SCENES, indirect=True)


# What holds in every scene


@each_scene
def test_each_pod_left_as_the_report_says(played: Played) -> None:
    words = Words(played.said.report)
    for life in played.on_node:
        assert words.two(life)[0] == played.left(life), f"{life.name}\n{played.said.report}"


@each_scene
def test_what_became_of_the_pods_is_what_runs_elsewhere_and_is_wanted(played: Played) -> None:
    words = Words(played.said.report)
    for app in played.apps:
        said = Counter(words.two(life)[1] for life in played.here(app))
        assert said == played.becames(app), f"{app}\n{played.said.report}"


@each_scene
def test_the_counts_of_report_metrics_and_condition_are_those_of_the_pods(played: Played) -> None:
    left = sum((played.lefts(app) for app in played.apps), Counter())
    became = sum((played.becames(app) for app in played.apps), Counter())
    assert counted(HOW_LEFT, played.said.report) == left
    assert counted(WHAT_BECAME, played.said.report) == became
    if played.over_at == played.ended_at:  # The node is there, and with it its last condition.
        condition = played.said.conditions[-1]["message"]
        assert all(f"{count} {word}" in condition for word, count in became.items()), condition


@counted_scene
def test_the_metrics_count_each_pod_by_both_words(played: Played) -> None:
    left = sum((played.lefts(app) for app in played.apps), Counter())
    became = sum((played.becames(app) for app in played.apps), Counter())
    assert _metric(played, "nth_pods_left_total") == left
    del became["not replaced yet"]
    assert _metric(played, "nth_pods_total") == became


def _metric(played: Played, name: str) -> Counter[str]:
    series = played.said.metrics[name]
    return +Counter({labels[0][1].replace("_", " "): int(value) for labels, value in series.items()})


@each_scene
def test_the_headline_says_the_worst_that_is_so(played: Played) -> None:
    became = sum((played.becames(app) for app in played.apps), Counter())
    line = str(played.said.reports[-1]["message"])
    assert line in flat(played.said.report)
    if became["not replaced yet"]:
        assert f"Not known yet: {became['not replaced yet']} replacements are not Ready" in line
    elif became["lost"]:
        assert f"{became['lost']} POD" in line
        assert "LOST" in line
        assert "nothing was lost" not in played.said.everything.lower()
    else:
        assert "LOST" not in line
        assert "No pod was lost" in line or "Nothing was lost" in line


@each_scene
def test_no_cause_is_named_that_was_not_seen(played: Played) -> None:
    for cause in NEVER_SEEN:
        assert cause not in flat(played.said.everything)


@each_scene
def test_a_pod_has_an_event_if_the_handler_asked_it_to_go_and_no_other_has(played: Played) -> None:
    told = [one["involvedObject"]["name"] for one in played.said.events if one["reason"] == "PodEviction"]
    asked = [life.name for life in played.on_node if played.asked_by_us(life)]
    assert len(set(told)) == len(told)
    # A handler that is killed takes with it what it has not written yet.
    assert set(told) <= set(asked) if played.name == "killed" else sorted(told) == sorted(asked)


@each_scene
def test_the_webhook_is_posted_a_failure_if_pods_are_lost_and_no_other_time(played: Played) -> None:
    lost = sum(played.becames(app)["lost"] for app in played.apps)
    phases = [post["phase"] for post in played.said.posts]
    assert ("failed" in phases) is bool(lost), phases
    assert phases[:2] == ["received", "cordoned"]
    whole = played.final and not any(played.missing(app) for app in played.apps)
    if not whole:
        assert "replaced" not in phases
    elif not lost:
        assert "replaced" in phases


@each_scene
def test_a_pods_end_has_one_time_from_the_notice_in_log_and_report(played: Played) -> None:
    words, began_at = Words(played.said.report), at(played.said.notice)
    gone_lines = played.said.lines_with("Pod gone")
    assert gone_lines
    lives = {f"{life.namespace}/{life.name}": life for life in played.on_node}
    for line in gone_lines:
        life = lives[str(line["pod"])]
        shown = float(words.of(life)["gone"].removesuffix(" s"))
        assert f"{shown:.1f} s after the notice" in str(line["message"])
        assert at(line) - began_at == pytest.approx(shown, abs=0.11)
        assert life.gone_at is not None
        assert at(line) == pytest.approx(life.gone_at, abs=TOLERANCE_SECONDS)


# What holds in one


def one_scene(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("played", [name], indirect=True)


def becames(played: Played) -> dict[str, Counter[str]]:
    return {app: played.becames(app) for app in played.apps}


@one_scene("graceful")
def test_ordinary_stops_are_reported_when_every_replacement_is_ready(played: Played) -> None:
    assert becames(played) == {
        "web": {"moved": 2},
        "db": {"moved": 3},
        "alone": {"moved": 1},
        "well": {"ended": 1},
        "bare": {"ended": 1},
    }
    finals = [line for line in played.said.reports if is_final(line["report"])]
    assert len(finals) == 1
    ready_at = [life.ready_at or 0.0 for app in played.apps for life in played.elsewhere(app)]
    assert at(finals[0]) >= max(ready_at) - TOLERANCE_SECONDS
    assert "bare" in played.said.report.partition("What to do")[2]


@one_scene("graceful")
def test_a_pod_that_a_person_deleted_after_refusals_left_by_itself(played: Played) -> None:
    (life,) = played.here("alone")
    assert [each.status for each in played.asked if each.is_pod_removal and each.pod_uid == life.uid] != []
    assert not played.asked_by_us(life)
    (gone,) = [line for line in played.said.lines_with("Pod gone") if "alone" in str(line["pod"])]
    assert gone["how"] == "by itself"
    why = flat(nth("explain", life.name, str(played.said.log_file)))
    assert "the API server refused" in why
    assert "evictions had been refused" in why


@pytest.mark.parametrize("played", ["changed", "queue-changed"], indirect=True)
def test_nothing_is_missed_of_what_was_scaled_down_deleted_or_rolled_out(played: Played) -> None:
    assert becames(played) == {
        "shrunk": {"moved": 1, "ended": 3},
        "dropped": {"ended": 2},
        "rolled": {"ended": 2},
    }
    assert not played.said.lines_with("Not all pods are replaced")
    assert [line for line in played.said.lines if line["level"] in ("error", "fatal")] == []


@one_scene("stuck")
def test_while_replacements_are_pending_the_last_word_is_that_it_is_not_known_yet(played: Played) -> None:
    assert becames(played) == {"web": {"not replaced yet": 2}}
    assert not played.final
    assert "Not known yet: 2 replacements are not Ready" in flat(played.said.report)
    for claim in ("nothing was lost", "all pods replaced", "no pod was lost"):
        assert claim not in played.said.everything.lower()
    assert "Pending: " in played.said.report


@pytest.mark.parametrize("played", ["rescued", "queue-rescued"], indirect=True)
def test_a_late_replacement_corrects_what_was_not_known_yet(played: Played) -> None:
    assert becames(played) == {"web": {"moved": 2}}
    ready_at = max(life.ready_at or 0.0 for life in played.elsewhere("web"))
    claims = [line for line in played.said.lines if "nothing was lost" in str(line["message"]).lower()]
    claims += played.said.lines_with("All pods replaced")
    assert claims
    assert min(at(line) for line in claims) >= ready_at - TOLERANCE_SECONDS


@one_scene("clings")
def test_pods_that_came_back_are_said_so_and_the_last_of_them_is_lost(played: Played) -> None:
    found = becames(played)
    assert found["web"] == {"moved": 1}
    assert found["stays"] == {"came back": len(played.here("stays")) - 1, "lost": 1}
    assert len(played.here("stays")) >= 2


@one_scene("forced")
def test_a_job_that_was_forced_and_failed_is_said_to_have_failed(played: Played) -> None:
    assert played.lefts("job") == {"forced": 1}
    assert "has failed" in flat(played.said.report)
    (life,) = played.here("job")
    assert "has failed" in flat(nth("explain", life.name, str(played.said.log_file)))


@one_scene("forced")
def test_a_pod_that_needed_longer_than_there_was_is_cut_off(played: Played) -> None:
    assert played.lefts("long") == {"cut off": 1}
    assert played.lefts("held") == {"forced": 1}
    assert becames(played)["held"] == {"moved": 1}


@one_scene("never")
def test_a_pod_that_died_with_its_machine_is_lost_everywhere(played: Played) -> None:
    assert becames(played) == {"web": {"moved": 2}, "held": {"lost": 1}}
    assert not re.search(r"\b0 lost", played.said.report, re.IGNORECASE)
    assert "FORCE_POLICY" in played.said.report


@one_scene("blind")
def test_without_the_right_to_read_controllers_it_is_not_known_how_many_are_wanted(played: Played) -> None:
    said = flat(played.said.report)
    assert "has 1 of 4 Ready pods elsewhere: not known how many are wanted" in said
    assert not re.search(r"\bLOST\b", said)
    assert played.lefts("shrunk") == {"politely": 4}
    assert not [line for line in played.said.lines if line["level"] in ("error", "fatal")]


@one_scene("killed")
def test_a_restarted_handler_counts_terminating_pods_once(played: Played) -> None:
    assert becames(played) == {"web": {"moved": 4}}
    counts = re.findall(r"\b\d+(?:/| of )(\d+)\b", played.said.everything)
    assert {int(count) for count in counts} <= {1, 2, 3, 4}, counts
    assert not played.said.lines_with("Not all pods are replaced")
