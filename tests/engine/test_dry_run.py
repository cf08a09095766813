"""The dry run: what it says, and that it changes nothing."""

import asyncio
import logging
import re

import pytest

from nth.core.facts import Budget, Node
from nth.core.node.node_annotation import RECORD_ANNOTATION
from nth.core.reports import NoticeWithdrawn, Planned, Told
from nth.engine.dry_run import DryRun
from nth.errors import ClusterError, Forbidden
from nth.report.log_lines import line_of
from nth.simulation.cloud import ScheduledEvent
from nth.simulation.connection import Request
from nth.simulation.objects import BudgetSpec, WorkloadSpec
from tests.worlds import VICTIM, WORKLOADS, Passing, Process, Stage, play

DRY_RUN = "--dry-run"


def plan_of(process: Process) -> Planned:
    (plan,) = process.reports(Planned)
    return plan


def test_A17_T21_needs_W9_a_spot_notice_makes_a_plan_and_nothing_else() -> None:
    async def story(stage: Stage) -> None:
        before = stage.node, stage.cluster.pods
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(60)
        assert (stage.node, stage.cluster.pods) == before
        assert process.connection.writes == ()
        assert {request.verb for request in process.connection.requests} == {
            "find_node",
            "read_node",
            "list_pods",
            "list_budgets",
        }
        plan = plan_of(process)
        assert plan.drain
        assert line_of(plan).text == "Node would have been cordoned and drained, but dry-run flag was set"
        assert plan.steps[0] == (
            "+0 s: Would cordon the node and taint it with aws-node-termination-handler/spot-itn"
        )
        assert sum(step.startswith("+0 s: Would evict default/") for step in plan.steps) == 6
        assert ": Would have drained the node: 6 pods evicted, 0 forced, " in plan.steps[-1]
        assert all(re.match(r"\+\d+ s: Would ", step) and "[" not in step for step in plan.steps)
        assert {told.session_id for told in process.told} == {"dry-run"}

    play(story, DRY_RUN, "--taint-node")


def test_the_plan_says_what_would_be_forced_and_when() -> None:
    async def story(stage: Stage) -> None:
        stage.cluster.set_budget(BudgetSpec(name="solo", match_labels={"app": "solo"}, min_available=1))
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(10)
        (refused,) = [step for step in plan_of(process).steps if "Would wait with" in step]
        assert re.fullmatch(
            r"\+0 s: Would wait with default/solo-\S+, because the disruption budget solo allows no "
            r"disruption, and force it at its latest moment",
            refused,
        )
        (forced,) = [step for step in plan_of(process).steps if "past its budget" in step]
        # 120 s, less up to 1 s of polling, 5 s of reserve and 30 s of grace.
        assert forced.split(" s:")[0] in ("+84", "+85")

    play(story, DRY_RUN, workloads=(*WORKLOADS, WorkloadSpec(name="solo")))


def test_notices_of_the_same_moment_make_one_plan() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        now = stage.clock.now()
        stage.cloud.schedule(ScheduledEvent(event_id="reboot-1", not_before_at=now + 3600))
        stage.cloud.schedule(ScheduledEvent(event_id="reboot-2", not_before_at=now + 7200))
        await asyncio.sleep(5)
        assert len(process.reports(Planned)) == 1

    play(story, DRY_RUN)


def test_T10_cordon_only_plans_no_drain() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(10)
        plan = plan_of(process)
        assert not plan.drain
        assert line_of(plan).text == "Node would have been cordoned, but dry-run flag was set"

    play(story, DRY_RUN, "--cordon-only")


def test_a_withdrawn_event_is_told_and_joins_no_later_plan() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        event = ScheduledEvent(event_id="reboot-1", not_before_at=stage.clock.now() + 3600)
        stage.cloud.schedule(event)
        await asyncio.sleep(5)
        assert plan_of(process).drain
        stage.cloud.cancel("reboot-1")
        await asyncio.sleep(5)
        assert [report.event_id for report in process.reports(NoticeWithdrawn)] == ["reboot-1"]
        stage.cloud.rebalance(stage.clock.now())
        await asyncio.sleep(5)
        assert [plan.drain for plan in process.reports(Planned)] == [True, False]

    play(story, DRY_RUN, "--enable-rebalance-monitoring")


def test_a_server_that_is_down_is_told_once_and_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cluster.set_outage(stage.clock.now(), stage.clock.now() + 20)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(30)
        assert plan_of(process).drain

    with caplog.at_level(logging.WARNING):
        play(story, DRY_RUN)
    assert [record.message for record in caplog.records] == [
        "cannot read the cluster for the plan, trying again: connection refused: the API server is down"
    ]


def test_without_the_right_to_read_budgets_there_still_is_a_plan(caplog: pytest.LogCaptureFixture) -> None:
    def before(request: Request) -> ClusterError | None:
        return Forbidden("403: forbidden") if request.verb == "list_budgets" else None

    async def story(stage: Stage) -> None:
        process = stage.process(before=before)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(5)
        assert plan_of(process).drain

    play(story, DRY_RUN)
    assert "the plan knows no budgets of namespace default: 403: forbidden" in caplog.text


def test_a_defect_costs_one_plan_and_not_the_process(caplog: pytest.LogCaptureFixture) -> None:
    class Defective(Passing):
        times = 0

        async def list_budgets(self, namespace: str) -> tuple[Budget, ...]:
            Defective.times += 1
            if Defective.times == 1:
                raise RuntimeError("a defect")
            return await super().list_budgets(namespace)

    async def story(stage: Stage) -> None:
        process = stage.process(around=Defective)
        await asyncio.sleep(2)
        stage.cloud.rebalance(stage.clock.now())
        await asyncio.sleep(5)
        assert process.reports(Planned) == []
        assert process.running
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(5)
        assert plan_of(process).drain

    play(story, DRY_RUN, "--enable-rebalance-monitoring")
    assert "no plan for this notice" in caplog.text


def test_a_listener_that_fails_does_not_end_the_process() -> None:
    def deaf(told: Told) -> None:
        raise RuntimeError("the listener is broken")

    async def story(stage: Stage) -> None:
        process = stage.process(tell=deaf)
        await asyncio.sleep(2)
        stage.cloud.schedule(ScheduledEvent(event_id="reboot-1", not_before_at=stage.clock.now() + 3600))
        await asyncio.sleep(5)
        stage.cloud.cancel("reboot-1")
        await asyncio.sleep(5)
        assert process.running

    play(story, DRY_RUN)


def test_a_record_on_the_node_is_left_alone() -> None:
    """Also after a reboot, when the real handler would give the node back."""

    async def story(stage: Stage) -> None:
        marked = Node(name=VICTIM, uid="u", resource_version="1", annotations={RECORD_ANNOTATION: "{}"})
        cluster = stage.cluster.connect()
        rehearsal = DryRun(cluster, stage.clock, stage.session_rules, tell=lambda told: None)
        assert rehearsal.adopt(marked, stage.clock.now()) == ()
        assert cluster.requests == []

    play(story)


def test_sigterm_ends_it_at_once() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 120)
        await asyncio.sleep(5)
        process.terminate()
        terminated_at = stage.clock.now()
        await process.ended()
        assert stage.clock.now() - terminated_at < 0.1

    play(story, DRY_RUN)
