"""A Job that asked to be spared, from the notice to its new pod: the whole handler in virtual time."""

import asyncio

import pytest

from nth.core.reports import MarkForbidden, NoticeReceived, PodForced
from nth.errors import ClusterError, Forbidden, Unreachable
from nth.simulation.connection import Fault, no_fault
from nth.simulation.objects import BudgetSpec, PodTemplate, WorkloadSpec
from tests.worlds import VICTIM, Process, Stage, play

JOB = WorkloadSpec(
    name="job",
    kind="Job",
    template=PodTemplate(grace_seconds=10, exit_code=143),
    backoff_limit=0,
    spares_disrupted=True,
)
NEVER = BudgetSpec(name="never", match_labels={"app": "job"}, min_available=1)
BEFORE_DEADLINE_SECONDS = 5 + 10
"""The reserve and the pod's grace: so long before the deadline it is deleted."""


def refuse(error: ClusterError) -> Fault:
    return lambda request: error if request.verb == "mark_pod" else None


async def force(stage: Stage, process: Process) -> list[tuple[str, float]]:
    """The Job's pod is held by its budget until its latest moment; what was asked, in seconds from then."""
    stage.cluster.set_budget(NEVER)
    await asyncio.sleep(2)
    stage.cloud.interrupt(stage.clock.now() + 121)
    await asyncio.sleep(150)
    (forced,) = process.reports(PodForced)
    assert forced.pod.labels["app"] == "job"
    (notice,) = process.reports(NoticeReceived)
    assert notice.deadline_at is not None
    latest_at = notice.deadline_at - BEFORE_DEADLINE_SECONDS
    verbs = [r for r in process.connection.requests if r.verb in ("mark_pod", "delete_pod")]
    return [(r.verb, round(r.at - latest_at, 1)) for r in verbs]


def alive(stage: Stage) -> list[tuple[str, bool]]:
    return [(pod.node_name, pod.ready) for pod in stage.cluster.pods_of("job") if pod.node_name != VICTIM]


def test_safe_16_a_job_that_asked_to_be_spared_runs_again_elsewhere() -> None:
    async def story(stage: Stage) -> None:
        asked = await force(stage, stage.process())
        # One request more, and none for pods that were evicted.
        assert asked == [("mark_pod", -1), ("delete_pod", 0)]
        assert [ready for _, ready in alive(stage)] == [True]

    play(story, workloads=(JOB, WorkloadSpec(name="web", replicas=3)))


def test_safe_16_without_the_right_it_is_told_once_and_the_job_fails_for_good() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process(before=refuse(Forbidden("pods/status: no rule")))
        asked = await force(stage, process)
        assert asked == [("mark_pod", -1), ("delete_pod", 0)]
        assert process.reports(MarkForbidden) == [MarkForbidden(reason="pods/status: no rule")]
        assert alive(stage) == []

    play(story, workloads=(JOB,))


@pytest.mark.parametrize("silent", [True, False], ids=["no answer", "an error each time"])
def test_safe_16_a_mark_that_does_not_come_through_delays_nothing(silent: bool) -> None:
    async def story(stage: Stage) -> None:
        process = stage.process(
            before=no_fault if silent else refuse(Unreachable("500")),
            latency_seconds=lambda request: 8.0 if silent and request.verb == "mark_pod" else 0.01,
        )
        asked = await force(stage, process)
        assert ("delete_pod", 0) in asked
        assert [verb for verb, _ in asked].count("mark_pod") == 3
        assert [verb for verb, _ in asked].count("delete_pod") == 1

    play(story, workloads=(JOB,))


def test_safe_16_with_force_policy_never_nothing_is_marked() -> None:
    async def story(stage: Stage) -> None:
        process = stage.process()
        stage.cluster.set_budget(NEVER)
        await asyncio.sleep(2)
        stage.cloud.interrupt(stage.clock.now() + 121)
        await asyncio.sleep(110)
        assert [r.verb for r in process.connection.requests if r.verb in ("mark_pod", "delete_pod")] == []

    play(story, "--force-policy=never", workloads=(JOB,))
