"""Drains that get nowhere: they hold up no other node's, and go on."""

import asyncio

import pytest

from nth.core.reports import DrainEnded
from nth.simulation.objects import BudgetSpec, MachineSpec, PodTemplate, WorkloadSpec
from tests.queue_mode.fleet_worlds import Stage, instance_of, play

STUCK = 10
GRACE_SECONDS = 120


def machine(name: str) -> MachineSpec:
    odd = name.startswith("n") and int(name[1:]) % 2
    labels = {"pool": "odd" if odd else "even", "name": name}
    return MachineSpec(name=name, instance_id=instance_of(name), labels=labels)


def pinned(count: int) -> tuple[WorkloadSpec, ...]:
    """One pod for each of the first nodes."""
    return tuple(
        WorkloadSpec(
            name=f"held-{n}", template=PodTemplate(node_selector={"name": f"n{n}"}, labels={"held": ""})
        )
        for n in range(count)
    )


def empty(stage: Stage, *names: str) -> list[str]:
    """Which of these nodes have been drained, as the handler says."""
    told = [each for replica in stage.replicas for each in replica.told]
    drained = {each.node_name for each in told if isinstance(each.report, DrainEnded) and each.report.drained}
    return [name for name in names if name in drained]


async def all_stuck(stage: Stage) -> None:
    stage.cluster.set_budget(BudgetSpec(name="none", match_labels={"held": ""}, max_unavailable=0))
    stage.replica()
    await asyncio.sleep(3)
    for number in range(STUCK):
        stage.rebalance(f"n{number}")
    await asyncio.sleep(5)


@pytest.mark.parametrize("per_group", ["0", "5"])
def test_safe_11_ten_stuck_drains_do_not_starve_an_empty_node(per_group: str) -> None:
    async def story(stage: Stage) -> None:
        await all_stuck(stage)
        late = [f"n{STUCK}", f"n{STUCK + 1}"]
        for name in late:
            stage.rebalance(name)
        await asyncio.sleep(10)
        assert empty(stage, *late) == []
        await stage.until(lambda: empty(stage, *late) == late, GRACE_SECONDS)
        # The stuck ones go on politely, and end as soon as they may.
        assert stage.evicted == {}
        stage.cluster.set_budget(BudgetSpec(name="none", match_labels={"held": ""}, max_unavailable=10))
        await stage.until(lambda: len(stage.evicted) == STUCK, 10)
        # A machine goes with a pod that fits nowhere else: it is Pending by then, and not lost.
        await stage.end_well(*(f"n{n}" for n in range(STUCK + 2)))

    play(
        story,
        doomed=STUCK + 2,
        pods=0,
        machine=machine,
        workloads=pinned(STUCK),
        WORKERS="10",
        WORKERS_PER_GROUP=per_group,
        GROUP_LABEL="pool",
    )


def test_safe_11_after_a_restart_likewise() -> None:
    async def story(stage: Stage) -> None:
        await all_stuck(stage)
        await asyncio.sleep(GRACE_SECONDS)
        stage.replicas[0].die()
        await stage.replicas[0].gone()
        stage.replica()
        stage.rebalance(f"n{STUCK}")
        late = f"n{STUCK}"
        await stage.until(lambda: empty(stage, late) == [late], GRACE_SECONDS + 60)

    play(story, doomed=STUCK + 1, pods=0, machine=machine, workloads=pinned(STUCK), WORKERS="10")
