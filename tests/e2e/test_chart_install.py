"""The commands of everybody's instructions, word for word, with the repository that `make chart` makes."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from nth import __version__
from nth.core.facts import Taint
from testbed.bed import RealBed
from testbed.build import assets_folder
from tests.contract.bed import NodeSpec
from tests.e2e.operator import Terminal, at_terminal, served
from tools.chart.package import find_helm, package

SPOT = ("spot-1", "spot-2")
ON_DEMAND = ("on-demand-1", "on-demand-2")
FARGATE = "fargate-1"
COMPUTE = "eks.amazonaws.com/compute-type"
INSTALL = "helm upgrade --install aws-node-termination-handler --namespace kube-system"
QUEUE = (
    "--set enableSqsTerminationDraining=true,queueURL=https://sqs.eu-west-1.amazonaws.com/123456789012/nodes"
)


@pytest.fixture
def terminal(bed: RealBed, tmp_path: Path) -> Iterator[Terminal]:
    """With the chart's repository under the name that users give it."""
    program = find_helm(assets_folder())
    assert program is not None
    package(program, tmp_path / "charts")
    with served(tmp_path / "charts") as url, at_terminal(bed.plane, tmp_path) as terminal:
        terminal.types(f"helm repo add eks {url}")
        yield terminal


@pytest.fixture
def nodes(bed: RealBed) -> None:
    """Some of each sort; a DaemonSet tolerates Fargate's taint, so only its affinity keeps it away."""
    specs = [NodeSpec(name=name, labels={"lifecycle": "Ec2Spot"}) for name in SPOT]
    specs += [NodeSpec(name=name, labels={"lifecycle": "OnDemand"}) for name in ON_DEMAND]
    keep_out = Taint(key=COMPUTE, value="fargate", effect="NoSchedule")
    specs += [NodeSpec(name=FARGATE, labels={COMPUTE: "fargate"}, taints=(keep_out,))]

    async def join() -> None:
        for spec in specs:
            await bed.add_node(spec)

    asyncio.run(join())


def printed(terminal: Terminal) -> dict[str, str]:
    """What a person reads of the DaemonSet; the last two columns may hold no or several words."""
    head, row = terminal.types("kubectl --namespace=kube-system get daemonsets").splitlines()
    return dict(zip(head.split()[:6], row.split()[:6], strict=True))


def test_C2_pods_run_on_the_nodes_of_the_selector_and_without_one_on_all_but_fargate(
    terminal: Terminal, nodes: None
) -> None:
    terminal.types(f"{INSTALL} --set nodeSelector.lifecycle=Ec2Spot eks/aws-node-termination-handler")
    terminal.waits_until(lambda: terminal.ready_on() == sorted(SPOT))
    terminal.waits_until(lambda: printed(terminal)["AVAILABLE"] == "2")
    assert printed(terminal) == {
        "NAME": "aws-node-termination-handler",
        **dict.fromkeys(("DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE"), "2"),
    }

    # Without a value, helm would take the release's.
    terminal.types(f"{INSTALL} --reset-values eks/aws-node-termination-handler")
    everywhere = sorted((*SPOT, *ON_DEMAND))
    terminal.waits_until(lambda: terminal.ready_on() == everywhere)
    terminal.waits_until(lambda: printed(terminal)["AVAILABLE"] == "4")
    assert printed(terminal)["DESIRED"] == "4"


def test_C1_C3_in_queue_mode_two_replicas_run_on_two_nodes_under_a_budget(
    terminal: Terminal, nodes: None
) -> None:
    more = "--set replicas=2,podDisruptionBudget.maxUnavailable=1"
    notes = terminal.types(f"{INSTALL} {QUEUE} {more} eks/aws-node-termination-handler")
    assert "mode   queue" in notes
    terminal.waits_until(lambda: len(set(terminal.ready_on())) == 2)
    assert len(terminal.pods()) == 2
    assert FARGATE not in terminal.ready_on()
    assert terminal.object("daemonset") is None

    def one_may_go() -> bool:
        budget = terminal.object("poddisruptionbudget")
        return budget is not None and budget["status"].get("disruptionsAllowed") == 1

    terminal.waits_until(one_may_go)


@pytest.mark.parametrize("values", ["", f"{QUEUE} --set replicas=2,podDisruptionBudget.maxUnavailable=1"])
def test_uninstalled_it_leaves_nothing(terminal: Terminal, nodes: None, values: str) -> None:
    terminal.types(f"{INSTALL} {values} eks/aws-node-termination-handler")
    terminal.waits_until(lambda: terminal.ready_on() != [])
    terminal.types("helm uninstall aws-node-termination-handler --namespace kube-system")
    terminal.waits_until(lambda: terminal.lists() == [])


@pytest.mark.parametrize(
    ("values", "mode", "workload"), [("", "metadata", "daemonset"), (QUEUE, "queue", "deployment")]
)
def test_the_notes_say_what_runs_and_their_commands_work(
    terminal: Terminal, nodes: None, values: str, mode: str, workload: str
) -> None:
    image = "--set image.repository=registry.invalid/handler"
    notes = terminal.types(f"{INSTALL} {values} {image} eks/aws-node-termination-handler")
    assert f"mode   {mode}" in notes
    assert f"image  registry.invalid/handler:v{__version__}" in notes
    rollout, logs = (line.strip() for line in notes.splitlines() if line.startswith("  kubectl"))
    assert "successfully rolled out" in terminal.types(rollout)
    assert logs.endswith(f"logs {workload}/aws-node-termination-handler")
    # A fake kubelet has no logs; that it is asked shows that kubectl has found the pod.
    assert "no preferred addresses found" in terminal.tries(logs).stderr
