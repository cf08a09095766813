"""Each right that the chart gives is needed, and no other: without it, something is seen to fail.

A verb that the chart renders and that has no row here is a failure, and so is a row that the chart does
not render. The rules of Kubernetes events are the exception: nothing sends any yet.
"""

import asyncio
from pathlib import Path

import pytest

from testbed import rights
from testbed.bed import RealBed
from testbed.build import assets_folder
from testbed.helm import Helm
from tests.e2e import right_scenes as scenes
from tests.e2e.right_scenes import CORDONED, FINE, NOT_CORDONED, Scene
from tests.e2e.trials import Grant, grants_in, trial
from tests.servers.aws import AwsServer

Proofs = dict[Grant, tuple[Scene, str]]
"""What is played, and what comes of it without the right; with all rights it is fine."""

QUEUE = "enableSqsTerminationDraining=true"
MODES: dict[str, tuple[str, ...]] = {
    "metadata": (),
    "metadata-cordon-only": ("cordonOnly=true",),
    "metadata-dry-run": ("dryRun=true",),
    "queue": (QUEUE, "replicas=2"),
    "queue-cordon-only": (QUEUE, "cordonOnly=true"),
    "queue-dry-run": (QUEUE, "dryRun=true", "replicas=2"),
}
EVENTS = {("events", "create"), ("events", "patch")}
IN_VAIN: dict[str, set[Grant]] = {
    "queue-cordon-only": {("pods", "watch")},
    "queue-dry-run": {("pods", "watch")},
}
"""What is asked for and not needed: a list of pods begins the shared watch, and here nobody follows pods."""

PODS: Proofs = {
    ("pods", "get"): (scenes.meet_namesake, "not known to be gone"),
    ("pods", "list"): (scenes.drain, CORDONED),
    ("pods", "watch"): (scenes.drain, "drained, pods listed all the time"),
    ("pods", "delete"): (scenes.force, "the pod stays"),
    ("pods/eviction", "create"): (scenes.drain, CORDONED),
}
OWN_POD: Proofs = {("pods", "list"): (scenes.stop, "our own grace is not known")}
PLAN: Proofs = {
    ("pods", "list"): (scenes.plan, "no plan"),
    ("poddisruptionbudgets", "list"): (scenes.plan, "the plan knows no budget"),
}
BY_HOSTNAME: Proofs = {("nodes", "list"): (scenes.find_by_hostname, "its node is not found")}
WATCH_NODES: Proofs = {("nodes", "watch"): (scenes.follow, "nodes listed all the time")}
READ_AGAIN: Proofs = {("nodes", "get"): (scenes.write_after_another, NOT_CORDONED)}

PROOFS: dict[str, Proofs] = {
    "metadata": {
        ("nodes", "get"): (scenes.drain, NOT_CORDONED),
        ("nodes", "patch"): (scenes.drain, NOT_CORDONED),
        **BY_HOSTNAME,
        **PODS,
    },
    "metadata-cordon-only": {
        ("nodes", "get"): (scenes.cordon, NOT_CORDONED),
        ("nodes", "patch"): (scenes.cordon, NOT_CORDONED),
        **BY_HOSTNAME,
        **OWN_POD,
    },
    "metadata-dry-run": {("nodes", "get"): (scenes.plan, "no plan"), **BY_HOSTNAME, **PLAN},
    "queue": {
        ("nodes", "list"): (scenes.drain, NOT_CORDONED),
        ("nodes", "patch"): (scenes.drain, NOT_CORDONED),
        ("leases", "list"): (scenes.live_together, "each acts as the only one"),
        ("leases", "create"): (scenes.live_together, "nobody is seen"),
        ("leases", "patch"): (scenes.live_together, "a living replica counts as dead"),
        ("leases", "delete"): (scenes.live_together, "a lease is left"),
        **WATCH_NODES,
        **READ_AGAIN,
        **PODS,
    },
    "queue-cordon-only": {
        ("nodes", "list"): (scenes.cordon, NOT_CORDONED),
        ("nodes", "patch"): (scenes.cordon, NOT_CORDONED),
        **WATCH_NODES,
        **READ_AGAIN,
        **OWN_POD,
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
    with_events = rights.objects_of(
        Helm(assets_folder(), tmp_path), "any", (*MODES[mode], "emitKubernetesEvents=true")
    )

    assert grants_in(rendered) == PROOFS[mode].keys()
    assert grants_in(with_events) - grants_in(rendered) == EVENTS


def _play(
    scene: Scene, bed: RealBed, aws: AwsServer, folder: Path, mode: str, lacking: Grant | None = None
) -> tuple[str, set[Grant]]:
    """What came of it, and what was refused."""

    async def played() -> tuple[str, set[Grant]]:
        async with trial(bed, aws, folder, MODES[mode], lacking=lacking) as one:
            outcome = await scene(one)
            return outcome, set(one.asked(refused=True)) - IN_VAIN.get(mode, set())

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
