"""An admission webhook or policy that refuses evictions: the whole handler, and all that it says of it."""

import asyncio
from itertools import pairwise

import pytest

from nth.core.drain.pod_eviction import BLOCKED_RETRY_SECONDS
from nth.core.reports import EvictionRefused, ForceForbidden, PodForced, Trouble, TroubleOver
from nth.report.advice import advice
from nth.report.builder import interruption_reports
from nth.report.explain import why_pod
from nth.simulation.admission import AdmissionSpec
from nth.simulation.objects import WorkloadSpec
from tests.report.stories import logged_as
from tests.worlds import Process, Stage, play

NAME = "guard.example.com"
DENIES = AdmissionSpec(name=NAME, message="it evacuates the machine")
DEAD = AdmissionSpec(name=NAME, reachable=False)
POLICY = AdmissionSpec(name="keep", kind="policy", message="no")
NODES = AdmissionSpec(name=NAME, resources=frozenset({"nodes"}), reachable=False)
WEB = WorkloadSpec(name="web")


async def interrupted(stage: Stage, spec: AdmissionSpec) -> Process:
    process = stage.process()
    stage.cluster.set_admission(spec)
    await asyncio.sleep(2)
    stage.cloud.interrupt(stage.clock.now() + 121)
    await asyncio.sleep(20)
    return process


@pytest.mark.parametrize("spec", [DENIES, DEAD, POLICY], ids=["denies", "dead", "policy"])
def test_what_admission_refuses_is_the_pods_refusal_and_not_the_servers_silence(spec: AdmissionSpec) -> None:
    async def story(stage: Stage) -> None:
        process = await interrupted(stage, spec)
        await asyncio.sleep(105)
        for kind in (Trouble, TroubleOver, ForceForbidden):
            assert process.reports(kind) == []
        (refused,) = process.reports(EvictionRefused)
        (forced,) = process.reports(PodForced)
        assert spec.name in refused.reason == forced.reason
        lines = [logged_as(told) for told in process.told]
        (late,) = [line for line in lines if line.text.startswith("Pod deleted")]
        assert late.text.startswith("Pod deleted although its eviction was refused, ")
        assert late.fields["reason"] == refused.reason
        (report,) = interruption_reports(process.told, stage.clock.now())
        said = " ".join([*why_pod(report.pods[0], report), *advice(report)])
        assert refused.reason in said
        assert "budget" not in said

    play(story, workloads=(WEB,))


def test_it_is_asked_again_every_five_seconds_and_goes_politely_when_it_may() -> None:
    async def story(stage: Stage) -> None:
        process = await interrupted(stage, DENIES)
        asked_at = [request.at for request in process.connection.requests if request.verb == "evict_pod"]
        assert len(asked_at) == 4
        assert all(b - a == pytest.approx(BLOCKED_RETRY_SECONDS, abs=0.1) for a, b in pairwise(asked_at))
        stage.cluster.set_admission(None)
        await stage.cluster.wait_until(lambda: stage.movable() == ())
        assert process.reports(PodForced) == []

    play(story, workloads=(WEB,))


def test_a_node_whose_webhook_is_dead_is_drained_and_the_webhook_is_named() -> None:
    async def story(stage: Stage) -> None:
        process = await interrupted(stage, NODES)
        (trouble,) = process.reports(Trouble)
        assert trouble.what == "the admission webhook that checks nodes"
        assert NAME in trouble.reason
        assert stage.evicted
        stage.cluster.set_admission(None)
        await asyncio.sleep(2)
        assert len(process.reports(TroubleOver)) == 1
        assert stage.is_cordoned()

    play(story, workloads=(WEB,))
