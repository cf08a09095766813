"""Each right that the chart gives is needed, and no other: without it, something is seen to fail.

A verb that the chart renders and that has no row here is a failure, and so is a row that the chart does
not render.
"""

import asyncio
from pathlib import Path

import pytest

from testbed import rights
from testbed.bed import RealBed
from testbed.build import assets_folder
from testbed.helm import Helm
from tests.e2e import right_parts as parts
from tests.e2e import right_scenes as scenes
from tests.e2e.right_scenes import CORDONED, FINE, NOT_CORDONED, Scene
from tests.e2e.trials import Grant, grants_in, trial
from tests.servers.aws import AwsServer

Proofs = dict[Grant, tuple[Scene, str]]
"""What is played, and what comes of it without the right; with all rights it is fine."""

QUEUE = "enableSqsTerminationDraining=true"
TELLING = ("emitKubernetesEvents=true", "enableNodeCondition=true")
MODES: dict[str, tuple[str, ...]] = {
    "metadata": (),
    "metadata-telling": TELLING,
    "metadata-cordon-only": ("cordonOnly=true", *TELLING),
    "metadata-dry-run": ("dryRun=true", *TELLING),
    "queue": (QUEUE, "replicas=2"),
    "queue-telling": (QUEUE, "replicas=2", *TELLING),
    "queue-cordon-only": (QUEUE, "cordonOnly=true", *TELLING),
    "queue-dry-run": (QUEUE, "dryRun=true", "replicas=2", *TELLING),
}
BESIDES = {"metadata-telling": "metadata", "queue-telling": "queue"}
"""Modes with all the rights of another one, which are proved there."""

PODS: Proofs = {
    ("pods", "get"): (parts.meet_namesake, "not known to be gone"),
    ("pods", "list"): (scenes.drain, CORDONED),
    ("pods", "watch"): (scenes.drain_slowly, "drained, pods listed all the time"),
    ("pods", "delete"): (scenes.force, "the pod stays"),
    ("pods/status", "patch"): (scenes.force, "the pod is not marked"),
    ("pods/eviction", "create"): (scenes.drain, CORDONED),
    ("replicasets", "get"): (parts.uninstall_deployment, parts.NOT_KNOWN),
    ("statefulsets", "get"): (parts.uninstall_stateful_set, parts.NOT_KNOWN),
    ("jobs", "get"): (parts.uninstall_job, parts.NOT_KNOWN),
}
OWN_POD: Proofs = {("pods", "list"): (scenes.stop, "our own grace is not known")}
PLAN: Proofs = {
    ("pods", "list"): (scenes.plan, "no plan"),
    ("poddisruptionbudgets", "list"): (scenes.plan, "the plan knows no budget"),
}
BY_HOSTNAME: Proofs = {("nodes", "list"): (scenes.find_by_hostname, "its node is not found")}
WATCH_NODES: Proofs = {("nodes", "watch"): (scenes.follow, "nodes listed all the time")}
WATCH_OURS: Proofs = {("nodes", "watch"): (scenes.keep_cordoned, "our node is read all the time")}
TOLD: Proofs = {
    ("events", "create"): (scenes.tell, "no events"),
    ("nodes/status", "patch"): (scenes.tell, "no condition"),
}
READ_AGAIN: Proofs = {("nodes", "get"): (parts.write_after_another, NOT_CORDONED)}

PROOFS: dict[str, Proofs] = {
    "metadata": {
        ("nodes", "get"): (scenes.drain, NOT_CORDONED),
        ("nodes", "patch"): (scenes.drain, NOT_CORDONED),
        **BY_HOSTNAME,
        **WATCH_OURS,
        **PODS,
    },
    "metadata-telling": TOLD,
    "metadata-cordon-only": {
        ("nodes", "get"): (scenes.cordon, NOT_CORDONED),
        ("nodes", "patch"): (scenes.cordon, NOT_CORDONED),
        **BY_HOSTNAME,
        **WATCH_OURS,
        **OWN_POD,
        **TOLD,
    },
    "metadata-dry-run": {("nodes", "get"): (scenes.plan, "no plan"), **BY_HOSTNAME, **PLAN},
    "queue": {
        ("nodes", "list"): (scenes.drain, NOT_CORDONED),
        ("nodes", "patch"): (scenes.drain, NOT_CORDONED),
        ("leases", "list"): (parts.live_together, "each acts as the only one"),
        ("leases", "create"): (parts.live_together, "nobody is seen"),
        ("leases", "patch"): (parts.live_together, "a living replica counts as dead"),
        ("leases", "delete"): (parts.live_together, "a lease is left"),
        **WATCH_NODES,
        **READ_AGAIN,
        **PODS,
    },
    "queue-telling": TOLD,
    "queue-cordon-only": {
        ("nodes", "list"): (scenes.cordon, NOT_CORDONED),
        ("nodes", "patch"): (scenes.cordon, NOT_CORDONED),
        **WATCH_NODES,
        **READ_AGAIN,
        **OWN_POD,
        **TOLD,
    },
    "queue-dry-run": {
        ("nodes", "get"): (scenes.plan, "no plan"),
        ("nodes", "list"): (scenes.plan, "no plan"),
        **WATCH_NODES,
        **PLAN,
    },
}
PLAYED = {(mode, scene.__name__): scene for mode, proofs in PROOFS.items() for scene, _ in proofs.values()}


@pytest.mark.parametrize("mode", MODES)
def test_every_right_that_the_chart_gives_has_a_proof(mode: str, tmp_path: Path) -> None:
    rendered = rights.objects_of(Helm(assets_folder(), tmp_path), "any", MODES[mode])

    assert grants_in(rendered) == PROOFS[mode].keys() | PROOFS.get(BESIDES.get(mode, ""), {}).keys()


def _play(
    scene: Scene, bed: RealBed, aws: AwsServer, folder: Path, mode: str, lacking: Grant | None = None
) -> tuple[str, set[Grant]]:
    """What came of it, and what was refused."""

    async def played() -> tuple[str, set[Grant]]:
        async with trial(bed, aws, folder, MODES[mode], lacking=lacking) as one:
            outcome = await scene(one)
            return outcome, set(one.asked(refused=True))

    return asyncio.run(played())


@pytest.mark.parametrize(("mode", "scene"), [pytest.param(*key, id=" ".join(key)) for key in PLAYED])
def test_with_the_chart_s_rights_all_is_fine_and_nothing_is_refused(
    bed: RealBed, aws_server: AwsServer, tmp_path: Path, mode: str, scene: str
) -> None:
    assert _play(PLAYED[mode, scene], bed, aws_server, tmp_path, mode) == (FINE, set())


@pytest.mark.parametrize(
    ("mode", "lacking"),
    [
        pytest.param(mode, grant, id=f"{mode} {grant[0]} {grant[1]}")
        for mode in MODES
        for grant in PROOFS[mode]
    ],
)
def test_without_one_right_it_is_missed(
    bed: RealBed, aws_server: AwsServer, tmp_path: Path, mode: str, lacking: Grant
) -> None:
    scene, outcome = PROOFS[mode][lacking]

    assert _play(scene, bed, aws_server, tmp_path, mode, lacking) == (outcome, {lacking})
