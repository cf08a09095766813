"""Whole interruptions in virtual time: what the node, the pods and the reports say together, by setting."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from nth.core.facts import NodePatch, Taint
from nth.core.node.node_annotation import (
    ACTION_LABEL,
    ACTION_TIME_LABEL,
    EVENT_ID_LABEL,
    RECORD_ANNOTATION,
    UNCORDON_AFTER_REBOOT,
)
from nth.core.policy import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT
from nth.core.reports import (
    DrainEnded,
    EvictionAccepted,
    NodeMarked,
    NodeRestored,
    NoticeReceived,
    NoticeWithdrawn,
    PodForced,
    PodsOnNode,
    ReplacementEnded,
    SessionEnded,
)
from nth.simulation.cloud import ScheduledEvent
from nth.simulation.objects import BudgetSpec, PodTemplate, WorkloadSpec
from tests.core.samples import ASG_TAINT, REBALANCE_TAINT, SCHEDULED_TAINT, SPOT_TAINT
from tests.worlds import VICTIM, WORKLOADS, Process, Stage, play

UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"
EVERYTHING = Counter({"web": 4, "db": 2})


def human(body: dict[str, object]) -> NodePatch:
    """What somebody writes without looking at versions."""
    return NodePatch(body)


async def begin(stage: Stage) -> Process:
    process = stage.process()
    await asyncio.sleep(2)
    return process


def assert_drained(stage: Stage, process: Process) -> None:
    (ended,) = process.reports(DrainEnded)
    assert (ended.left, ended.evicted, ended.forced) == ((), 6, 0)
    assert stage.movable() == ()
    assert stage.running_elsewhere() == EVERYTHING
    assert set(stage.evicted.values()) == {1}
    assert len(stage.evicted) == 6


def test_a_spot_interruption_from_notice_to_power_cut() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        gone_at = stage.clock.now() + 120
        stage.cloud.interrupt(gone_at)
        await asyncio.sleep(30)
        assert stage.node.unschedulable
        assert stage.taints == {SPOT_TAINT: "NoSchedule", UNSCHEDULABLE_TAINT: "NoSchedule"}
        assert_drained(stage, process)
        (received,) = process.reports(NoticeReceived)
        assert received.deadline_at == pytest.approx(gone_at, abs=1)
        (marked,) = process.reports(NodeMarked)
        assert (marked.cordoned_by_us, marked.taints, marked.labels) == (True, (SPOT_TAINT,), ())
        (replaced,) = process.reports(ReplacementEnded)
        assert (replaced.controllers, replaced.missing) == (2, ())
        assert process.told[0].at < process.told[1].at < stage.clock.now() - 25
        await asyncio.sleep(100)
        assert stage.cluster.lost == ()
        assert process.reports(SessionEnded) == []

    play(story, "--taint-node")


def test_the_node_is_cordoned_before_the_first_pod_is_asked_to_go() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(20)
        verbs = [write.verb for write in process.connection.writes]
        # The last one records that the node is drained.
        assert verbs == ["patch_node", *["evict_pod"] * 6, "patch_node"]

    play(story)


def test_needs_W25_a_notice_that_is_repeated_each_poll_is_one_event() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.asg_terminate(stage.clock.now())
        await asyncio.sleep(60)
        assert len(process.reports(NoticeReceived)) == 1
        assert_drained(stage, process)
        assert stage.taints == {ASG_TAINT: "NoSchedule", UNSCHEDULABLE_TAINT: "NoSchedule"}

    play(story, "--taint-node", "--enable-asg-lifecycle-draining")


def maintenance(stage: Stage, in_seconds: float, code: str = "system-reboot") -> ScheduledEvent:
    begin_at = stage.clock.now() + in_seconds
    return ScheduledEvent(event_id="reboot-1", code=code, not_before_at=begin_at, not_after_at=begin_at + 600)


def test_S7_a_scheduled_event_that_is_cancelled_leaves_nothing_behind() -> None:
    async def story(stage: Stage) -> None:
        before = stage.node
        process = await begin(stage)
        stage.cloud.schedule(maintenance(stage, 3600))
        await asyncio.sleep(30)
        assert stage.node.unschedulable
        assert stage.taints == {SCHEDULED_TAINT: "NoSchedule", UNSCHEDULABLE_TAINT: "NoSchedule"}
        assert stage.node.labels[ACTION_LABEL] == UNCORDON_AFTER_REBOOT
        assert stage.node.labels[EVENT_ID_LABEL] == "reboot-1"
        assert int(stage.node.labels[ACTION_TIME_LABEL]) <= stage.clock.now()
        assert_drained(stage, process)
        stage.cloud.cancel("reboot-1")
        await asyncio.sleep(30)
        after = replace(stage.node, resource_version=before.resource_version)
        assert after == before
        (restored,) = process.reports(NodeRestored)
        assert (restored.uncordoned, restored.taints) == (True, (SCHEDULED_TAINT,))
        assert [told.event_id for told in process.reports(NoticeWithdrawn)] == ["reboot-1"]
        assert process.story[-1] == "SessionEnded"

    play(story, "--taint-node")


def test_a_cancelled_event_stops_a_drain_that_is_held_back() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, min_available=4))
        process = await begin(stage)
        stage.cloud.schedule(maintenance(stage, 3600))
        await asyncio.sleep(10)
        assert {pod.labels["app"] for pod in stage.movable()} == {"web"}
        stage.cloud.cancel("reboot-1")
        await asyncio.sleep(5)
        writes = len(process.connection.writes)
        await asyncio.sleep(60)
        assert len(process.connection.writes) == writes
        assert len(stage.movable()) == 4
        assert not stage.node.unschedulable

    play(story)


def test_P15_A16_after_the_reboot_the_node_is_given_back_and_the_event_is_not_acted_on_again() -> None:
    async def story(stage: Stage) -> None:
        before = stage.node
        first = await begin(stage)
        stage.cloud.schedule(maintenance(stage, 300))
        await asyncio.sleep(30)
        assert_drained(stage, first)
        first.die()
        await first.killed()
        await asyncio.sleep(300)
        second = stage.process(booted_at=stage.clock.now() - 5)
        await asyncio.sleep(30)
        assert not stage.node.unschedulable
        assert stage.taints == {}
        assert stage.node.labels == before.labels
        assert len(second.reports(NodeRestored)) == 1
        assert stage.record is not None
        assert stage.record.finished == ("reboot-1",)
        stage.cloud.complete("reboot-1")
        await asyncio.sleep(10)
        assert RECORD_ANNOTATION not in stage.node.annotations
        assert stage.sessions == 2
        assert second.reports(EvictionAccepted) == []
        assert second.story[-1] == "SessionEnded"

    play(story, "--taint-node")


def test_needs_W24_a_handler_that_comes_back_twice_after_the_reboot_gives_the_node_back_once() -> None:
    async def story(stage: Stage) -> None:
        first = await begin(stage)
        stage.cloud.schedule(maintenance(stage, 300))
        await asyncio.sleep(30)
        first.die()
        await asyncio.sleep(600)
        booted_at = stage.clock.now() - 200
        for _ in range(2):
            later = stage.process(booted_at=booted_at)
            await asyncio.sleep(20)
            later.die()
            await later.killed()
        assert not stage.node.unschedulable
        assert len(stage.evicted) == 6
        assert [len(process.reports(NodeRestored)) for process in stage.processes] == [0, 1, 0]

    play(story)


def test_S3_a_rebalance_recommendation_cordons_and_a_spot_notice_then_drains() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.rebalance(stage.clock.now())
        await asyncio.sleep(60)
        assert stage.node.unschedulable
        assert stage.taints == {REBALANCE_TAINT: "NoSchedule", UNSCHEDULABLE_TAINT: "NoSchedule"}
        assert len(stage.movable()) == 6
        assert stage.evicted == {}
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(40)
        assert_drained(stage, process)
        assert stage.sessions == 1
        assert {REBALANCE_TAINT, SPOT_TAINT} < stage.taints.keys()

    play(story, "--taint-node", "--enable-rebalance-monitoring")


def test_S3_a_rebalance_recommendation_drains_when_asked_but_never_forces() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="db", match_labels={"app": "db"}, min_available=2))
        process = await begin(stage)
        stage.cloud.rebalance(stage.clock.now())
        await asyncio.sleep(300)
        assert process.reports(PodForced) == []
        assert {pod.labels["app"] for pod in stage.movable()} == {"db"}
        (ended,) = process.reports(DrainEnded)
        assert {str(left.ref) for left in ended.left} == {"default/db-0", "default/db-1"}
        assert "disruption budget db" in ended.left[0].reason

    play(story, "--enable-rebalance-draining")


@pytest.mark.parametrize("effect", ["NoSchedule", "PreferNoSchedule", "NoExecute"])
def test_taint_effect(effect: str) -> None:
    async def story(stage: Stage) -> None:
        await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(40)
        assert stage.taints[SPOT_TAINT] == effect
        assert stage.movable() == ()

    play(story, "--taint-node", f"--taint-effect={effect}")


def test_without_taint_node_there_is_no_taint() -> None:
    async def story(stage: Stage) -> None:
        await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(40)
        assert stage.taints == {UNSCHEDULABLE_TAINT: "NoSchedule"}

    play(story)


@pytest.mark.parametrize("kind", ["spot", "scheduled", "asg", "rebalance"])
def test_T5_cordon_only_never_evicts(kind: str) -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        now = stage.clock.now()
        notices = {
            "spot": lambda: stage.cloud.interrupt(now + 120),
            "scheduled": lambda: stage.cloud.schedule(maintenance(stage, 60)),
            "asg": lambda: stage.cloud.asg_terminate(now),
            "rebalance": lambda: stage.cloud.rebalance(now),
        }
        notices[kind]()
        await asyncio.sleep(110)
        assert stage.node.unschedulable
        assert {write.verb for write in process.connection.writes} == {"patch_node"}
        assert OUT_OF_SERVICE_TAINT.key not in stage.taints
        assert process.reports(PodsOnNode) == []

    on = ("--enable-asg-lifecycle-draining", "--enable-rebalance-draining")
    play(story, "--cordon-only", "--enable-out-of-service-taint", *on)


def test_needs_W21_the_load_balancer_label_is_taken_back() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.schedule(maintenance(stage, 3600))
        await asyncio.sleep(30)
        assert stage.node.labels[LOAD_BALANCER_LABEL] == "aws-node-termination-handler"
        assert_drained(stage, process)
        stage.cloud.cancel("reboot-1")
        await asyncio.sleep(10)
        assert LOAD_BALANCER_LABEL not in stage.node.labels

    play(story, "--exclude-from-load-balancers")


def test_needs_W21_somebody_elses_load_balancer_label_stays_as_it_is() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.change_node(VICTIM, human({"metadata": {"labels": {LOAD_BALANCER_LABEL: "theirs"}}}))
        await begin(stage)
        stage.cloud.schedule(maintenance(stage, 3600))
        await asyncio.sleep(30)
        assert stage.node.labels[LOAD_BALANCER_LABEL] == "theirs"
        stage.cloud.cancel("reboot-1")
        await asyncio.sleep(10)
        assert stage.node.labels[LOAD_BALANCER_LABEL] == "theirs"

    play(story, "--exclude-from-load-balancers")


def test_a_cordon_and_a_taint_of_a_human_before_us_survive_our_undo() -> None:
    async def story(stage: Stage) -> None:
        theirs = [{"key": "team", "effect": "NoSchedule", "value": "db"}]
        stage.cluster.change_node(VICTIM, human({"spec": {"unschedulable": True, "taints": theirs}}))
        await asyncio.sleep(1)
        process = await begin(stage)
        stage.cloud.schedule(maintenance(stage, 3600))
        await asyncio.sleep(30)
        assert ACTION_LABEL not in stage.node.labels
        assert SCHEDULED_TAINT in stage.taints
        stage.cloud.cancel("reboot-1")
        await asyncio.sleep(10)
        assert stage.node.unschedulable
        assert stage.taints == {"team": "NoSchedule", UNSCHEDULABLE_TAINT: "NoSchedule"}
        (restored,) = process.reports(NodeRestored)
        assert (restored.uncordoned, restored.still_cordoned) == (False, True)

    play(story, "--taint-node")


def test_A9_the_out_of_service_taint_comes_when_the_node_is_drained() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(3)
        assert OUT_OF_SERVICE_TAINT.key not in stage.taints
        await asyncio.sleep(30)
        assert_drained(stage, process)
        (taint,) = [taint for taint in stage.node.taints if taint.key == OUT_OF_SERVICE_TAINT.key]
        assert (
            replace(taint, time_added=None)
            == OUT_OF_SERVICE_TAINT
            == Taint("node.kubernetes.io/out-of-service", "NoExecute", "nodeshutdown")
        )

    play(story, "--enable-out-of-service-taint")


def test_needs_W26_no_out_of_service_taint_while_a_daemon_with_a_volume_runs_here() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(60)
        assert_drained(stage, process)
        assert OUT_OF_SERVICE_TAINT.key not in stage.taints

    agent = WorkloadSpec(name="agent", kind="DaemonSet", template=PodTemplate(attached_storage=True))
    play(story, "--enable-out-of-service-taint", workloads=(*WORKLOADS[:2], agent))


def test_needs_W26_no_out_of_service_taint_when_a_pod_with_a_volume_could_not_be_moved() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="db", match_labels={"app": "db"}, min_available=2))
        process = await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(119)
        assert OUT_OF_SERVICE_TAINT.key not in stage.taints
        (ended,) = process.reports(DrainEnded)
        assert not ended.drained

    play(story, "--enable-out-of-service-taint", "--force-policy=never")


def test_A19_the_out_of_service_taint_is_taken_back_when_the_event_is_cancelled() -> None:
    async def story(stage: Stage) -> None:
        await begin(stage)
        stage.cloud.schedule(maintenance(stage, 3600))
        await asyncio.sleep(30)
        assert OUT_OF_SERVICE_TAINT.key in stage.taints
        stage.cloud.cancel("reboot-1")
        await asyncio.sleep(10)
        assert stage.taints == {}

    play(story, "--enable-out-of-service-taint")


@pytest.mark.parametrize(("ignore", "drained"), [("true", True), ("false", False)])
def test_ignore_daemon_sets(ignore: str, drained: bool) -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(118)
        assert stage.movable() == ()
        assert [pod.labels["app"] for pod in stage.cluster.pods_on(VICTIM)] == ["agent"]
        (ended,) = process.reports(DrainEnded)
        assert ended.drained is drained

    play(story, f"--ignore-daemon-sets={ignore}")


@pytest.mark.parametrize(("delete", "left"), [("true", set()), ("false", {"cache"})])
def test_delete_local_data(delete: str, left: set[str]) -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(118)
        assert {pod.labels["app"] for pod in stage.movable()} == left
        (ended,) = process.reports(DrainEnded)
        assert ended.drained is (not left)
        assert {str(one.ref).split("/")[1].split("-")[0] for one in ended.left} == left

    cache = WorkloadSpec(name="cache", template=PodTemplate(local_storage=True))
    play(story, f"--delete-local-data={delete}", workloads=(*WORKLOADS, cache))


@pytest.mark.parametrize(("setting", "grace"), [("-1", 20), ("7", 7), ("0", 0)])
def test_pod_termination_grace_period(setting: str, grace: int) -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(30)
        accepted = process.reports(EvictionAccepted)
        assert {a.grace_seconds for a in accepted if a.pod.labels["app"] == "db"} == {grace}
        assert not any(a.cut for a in accepted)

    play(story, f"--pod-termination-grace-period={setting}")


def test_needs_W13_a_grace_longer_than_the_time_left_is_cut() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 60, notice_seconds=60)
        await asyncio.sleep(58)
        (accepted,) = process.reports(EvictionAccepted)
        assert accepted.cut
        assert 50 <= accepted.grace_seconds <= 55
        assert stage.movable() == ()
        await asyncio.sleep(5)
        assert stage.cluster.lost == ()

    patient = PodTemplate(grace_seconds=600, stop_seconds=(590.0, 590.0))
    play(story, workloads=(WorkloadSpec(name="patient", template=patient),))


def test_node_termination_grace_period_is_when_the_drain_begins() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        begin_at = stage.clock.now()
        stage.cloud.interrupt(begin_at + 120)
        await asyncio.sleep(58)
        assert stage.node.unschedulable
        assert stage.evicted == {}
        await asyncio.sleep(30)
        assert_drained(stage, process)
        first_at = min(told.at for told in process.told if isinstance(told.report, EvictionAccepted))
        assert first_at == pytest.approx(begin_at + 60, abs=1.1)

    play(story, "--node-termination-grace-period=60")


def test_S4_scheduled_events_wait_for_their_start_when_asked() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.schedule(maintenance(stage, 600))
        await asyncio.sleep(470)
        assert not stage.node.unschedulable
        assert process.connection.writes == ()
        await asyncio.sleep(60)
        assert_drained(stage, process)
        assert stage.node.unschedulable

    play(story, "--scheduled-event-drain-at=start")


def test_S4_an_event_that_is_cancelled_before_its_time_has_come_touches_nothing() -> None:
    async def story(stage: Stage) -> None:
        process = await begin(stage)
        stage.cloud.schedule(maintenance(stage, 600))
        await asyncio.sleep(100)
        stage.cloud.cancel("reboot-1")
        await asyncio.sleep(600)
        assert process.connection.writes == ()
        assert process.story == ["NoticeReceived", "NoticeWithdrawn", "SessionEnded"]

    play(story, "--scheduled-event-drain-at=start")


@pytest.mark.parametrize("policy", ["deadline", "never"])
def test_force_policy(policy: str) -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="db", match_labels={"app": "db"}, min_available=2))
        process = await begin(stage)
        gone_at = stage.clock.now() + 120
        stage.cloud.interrupt(gone_at)
        await asyncio.sleep(130)
        forced = [told.at for told in process.told if isinstance(told.report, PodForced)]
        if policy == "never":
            assert forced == []
            assert {pod.ref.name for pod in stage.cluster.lost} == {"db-0", "db-1"}
            assert {w.verb for w in process.connection.writes} == {"patch_node", "evict_pod"}
        else:
            latest_at = gone_at - 5 - 20
            assert len(forced) == 2
            assert all(latest_at - 1 <= at <= latest_at + 1 for at in forced)
            assert stage.cluster.lost == ()

    play(story, f"--force-policy={policy}")


def test_a_pod_that_is_annotated_against_it_is_never_forced() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="solo", match_labels={"app": "solo"}, min_available=1))
        process = await begin(stage)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(118)
        assert process.reports(PodForced) == []
        assert [pod.labels["app"] for pod in stage.movable()] == ["solo"]

    template = PodTemplate(annotations={"aws-node-termination-handler/force": "never"})
    play(story, workloads=(WorkloadSpec(name="solo", template=template),))
