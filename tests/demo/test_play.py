"""Each scenario, played as fast as the machine can: the real handler in the simulated world."""

import logging

import pytest

from nth.demo.fleet import DOOMED, OTHERS
from nth.demo.play import Audience, Ending, handler_settings, play
from nth.demo.scenarios import SCENARIOS
from nth.errors import SettingError
from nth.report.interruption import Became, Entry, HowLeft, InterruptionReport, PodOutcome
from nth.report.pod_fates import counts
from nth.report.words import short_name
from nth.simulation import clock
from nth.ui.scene import Scene


def played(name: str, *flags: str, audience: Audience | None = None) -> Ending:
    scenario = SCENARIOS[name]
    settings = handler_settings(scenario, flags)
    return clock.run(lambda now: play(now, scenario, settings, audience or Audience()))


def the_report(ending: Ending) -> InterruptionReport:
    assert ending.report is not None
    return ending.report


def by_app(report: InterruptionReport) -> dict[str, list[PodOutcome]]:
    found: dict[str, list[PodOutcome]] = {}
    for outcome in report.pods:
        found.setdefault(outcome.pod.labels["app"], []).append(outcome)
    return found


def test_a_spot_notice_loses_nothing() -> None:
    ending = played("spot")
    report = the_report(ending)
    assert ending.fine
    found = counts(report)
    assert found.left == {HowLeft.FORCED: 1, HowLeft.POLITELY: 6}
    assert found.became == {Became.MOVED: 7}
    assert report.taints == ("aws-node-termination-handler/spot-itn",)
    assert report.margin_seconds is not None
    assert report.margin_seconds > 5
    assert report.replaced_at is not None


def test_the_fleet_shows_every_kind_of_trouble() -> None:
    pods = by_app(the_report(played("spot")))
    assert {app: len(found) for app, found in pods.items()} == {
        "web": 2,
        "db": 1,
        "billing": 1,
        "encoder": 1,
        "import": 1,
        "coredns": 1,
    }
    (billing,), (encoder,), (coredns,) = pods["billing"], pods["encoder"], pods["coredns"]
    assert billing.forced
    assert billing.refused_at is not None
    assert billing.asked_at is not None
    assert billing.asked_at - billing.refused_at > 60
    assert encoder.cut
    assert encoder.grace_seconds is not None
    assert encoder.grace_seconds < encoder.pod.grace_seconds
    # Ordinary pods first: what the whole cluster needs goes when their time is nearly over.
    assert coredns.asked_at is not None
    assert encoder.asked_at is not None
    assert coredns.asked_at > encoder.asked_at + 60


def test_every_pod_has_a_successor_on_another_node() -> None:
    others = {machine.name for machine in OTHERS}
    for outcome in the_report(played("spot")).pods:
        assert outcome.successor is not None, short_name(outcome.pod)
        assert outcome.successor.pod.node_name in others
        assert outcome.successor.ready_at is not None


def test_without_force_the_blocked_pod_is_lost_and_the_report_says_so() -> None:
    ending = played("spot", "--force-policy", "never")
    report = the_report(ending)
    assert not ending.fine
    assert [pod.labels["app"] for pod in ending.lost] == ["billing"]
    assert [outcome.pod.ref for outcome in report.lost] == [pod.ref for pod in ending.lost]
    assert ending.short == ("shop/billing has 0 of 1 Ready pods",)
    assert report.margin_seconds is None


def test_a_rebalance_recommendation_cordons_and_the_spot_notice_drains() -> None:
    ending = played("rebalance-then-spot")
    report = the_report(ending)
    assert ending.fine
    assert [notice.event.kind.name for notice in report.notices] == ["REBALANCE_RECOMMENDATION", "SPOT_ITN"]
    assert report.cordoned_at is not None
    assert report.cordoned_at < report.began_at - 10


def test_cancelled_maintenance_gives_the_node_back() -> None:
    scenes: list[Scene] = []
    ending = played("scheduled-cancelled", audience=Audience(look=scenes.append, frame_seconds=1))
    report = the_report(ending)
    assert ending.fine
    assert report.called_off
    assert report.restored_at is not None
    node = next(node for node in scenes[-1].nodes if node.name == DOOMED.name)
    assert not node.unschedulable
    assert node.taints == ()
    assert scenes[-1].dead == frozenset()


def test_a_dry_run_changes_nothing_and_so_everything_is_lost() -> None:
    scenes: list[Scene] = []
    ending = played("spot", "--dry-run", audience=Audience(look=scenes.append, frame_seconds=1))
    assert not ending.fine
    assert len(ending.lost) == 7
    assert the_report(ending).planned
    assert all(not node.unschedulable for scene in scenes for node in scene.nodes)


def test_a_handler_that_is_told_to_do_nothing_tells_nothing() -> None:
    ending = played("spot", "--enable-spot-interruption-draining=false")
    assert ending.report is None
    assert not ending.fine


def test_the_same_demo_is_played_each_time() -> None:
    assert played("spot") == played("spot")


def test_the_audience_hears_every_line_and_sees_the_whole_way() -> None:
    heard: list[Entry] = []
    scenes: list[Scene] = []
    ending = played("spot", audience=Audience(hear=heard.append, look=scenes.append, frame_seconds=1))
    told = the_report(ending).entries
    assert [entry for entry in heard if entry in told] == list(told)
    assert any("Started watching" in entry.text for entry in heard)
    assert scenes[0].report is None
    assert scenes[-1].dead == {DOOMED.name}
    assert len(scenes) > 120


def test_the_log_of_the_process_is_as_before() -> None:
    logger = logging.getLogger("nth")
    before = (logger.level, logger.propagate, list(logger.handlers))
    played("spot")
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_queue_mode_is_refused() -> None:
    flags = ("--enable-sqs-termination-draining", "--queue-url", "https://sqs.eu-west-1.amazonaws.com/1/q")
    with pytest.raises(SettingError, match="the demo plays metadata mode"):
        handler_settings(SCENARIOS["spot"], flags)


def test_a_wrong_handler_flag_is_the_handlers_own_error() -> None:
    with pytest.raises(SettingError, match=r"--force-policy \(FORCE_POLICY\) is 'maybe'"):
        handler_settings(SCENARIOS["spot"], ("--force-policy", "maybe"))
