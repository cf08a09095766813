"""Every helm and kubectl command of the guides works, in the order in which a reader types it."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from nth import __version__
from testbed.bed import RealBed
from testbed.build import assets_folder
from testbed.helm import RELEASE
from tests.chart.old_release import old_values
from tests.contract.bed import NodeSpec
from tests.documents import ROOT, all_blocks, blocks, programs
from tests.e2e.operator import Terminal, at_terminal, served
from tools.chart.package import find_helm, package

OLD_CHART = ROOT / "tests" / "charts" / "original"
QUEUE = {
    "enableSqsTerminationDraining": True,
    "queueURL": "https://sqs.eu-west-1.amazonaws.com/123456789012/nodes",
}
PINNED = {"image": {"tag": "v1.25.6"}}
OLD_IMAGE = "public.ecr.aws/aws-ec2/aws-node-termination-handler:v1.25.6"
WORDS = {
    "MY_REGISTRY": "registry.invalid",
    "MY_QUEUE_URL": QUEUE["queueURL"],
    "MY_ROLE_ARN": "arn:aws:iam::123456789012:role/nth",
    "MY_NODE": "a",
    "MY_REVISION": "1",
    "deploy/kubernetes": str(ROOT / "deploy" / "kubernetes"),
    " charts/": f" {ROOT / 'charts'}/",
    "--timeout=1h": "--timeout=1s",
}
"""What a reader puts in place of a word."""


@pytest.fixture
def terminal(bed: RealBed, tmp_path: Path) -> Iterator[Terminal]:
    program = find_helm(assets_folder())
    assert program is not None
    package(program, tmp_path / "charts")
    asyncio.run(join(bed))
    with served(tmp_path / "charts") as url, at_terminal(bed.plane, tmp_path) as terminal:
        own_file = {"old-values.yaml": str(tmp_path / "old-values.yaml")}
        terminal.words |= {str(word): str(value) for word, value in WORDS.items()}
        terminal.words |= {"MY_CHARTS_URL": url, **own_file}
        yield terminal


async def join(bed: RealBed) -> None:
    for name in ("a", "b"):
        await bed.add_node(NodeSpec(name=name, labels={"lifecycle": "Ec2Spot"}))


GUIDES = ("README.md", "docs/install.md", "docs/upgrading.md")
"""Those that are followed from top to bottom."""
EXCUSES = {
    " logs ": "no preferred addresses found",
    " exec ": "no preferred addresses found",
    " debug ": "Unable to use a TTY",
    " wait ": "timed out waiting for the condition",
    " servicemonitor ": "the server doesn't have a resource type",
}
"""What the commands of other pages may fail with: nodes have no kubelet, nobody sits at the terminal, no
interruption comes, and Prometheus' operator is not there. So far they are understood."""


def commands(guide: str) -> list[str]:
    """Those of helm and kubectl, and `nth restore`, without the comments behind them."""
    lines = [command.partition("  #")[0] for block in blocks(ROOT / guide) for command in block.commands()]
    return [" ".join(line.split()) for line in lines if is_for_the_cluster(line)]


def is_for_the_cluster(command: str) -> bool:
    return programs(command)[0] in ("helm", "kubectl") or command.startswith("nth restore ")


def follow(terminal: Terminal, line: str) -> str:
    """Type it; what `>` names gets what was printed."""
    command, _, file = line.partition(" > ")
    done = terminal.tries(command)
    # A fake kubelet has no logs; that it is asked shows that kubectl has found the pod.
    no_kubelet = " logs " in command and "no preferred addresses found" in done.stderr
    assert done.returncode == 0 or no_kubelet, f"{line}: {done.stderr}"
    if file:
        Path(terminal.words[file]).write_text(done.stdout)
    return done.stdout


def others() -> list[tuple[str, str]]:
    """Commands of all other pages; of a line with a pipe, the part that asks the cluster."""
    pages = sorted({block.page for block in all_blocks()} - {*GUIDES})
    lines = [(page, line) for page in pages for line in commands(page)]
    return [(page, line.partition(" | ")[0].partition(" > ")[0]) for page, line in lines]


def test_the_commands_of_all_other_pages_are_understood(terminal: Terminal) -> None:
    terminal.types("helm repo add nth MY_CHARTS_URL")
    terminal.types(f"helm install {RELEASE} --namespace kube-system nth/{RELEASE}")
    failures = []
    # A command of helm puts other pods in the place of those that kubectl is asked for.
    for page, line in sorted(others(), key=lambda each: each[1].startswith("kubectl")):
        if "MY_POD" in line and "MY_POD" not in terminal.words:
            terminal.types(f"kubectl rollout status daemonset {RELEASE} --namespace kube-system")
            terminal.words["MY_POD"] = terminal.pods()[0]["metadata"]["name"]
        done = terminal.tries(line)
        excuse = next((text for verb, text in EXCUSES.items() if verb in f"{line} "), None)
        if done.returncode and (excuse is None or excuse not in done.stderr):
            failures.append(f"{page}: {line}: {done.stderr}")
    assert failures == []
    assert len(others()) > 20


def test_the_guide_to_install_works_from_top_to_bottom(terminal: Terminal) -> None:
    for line in commands("docs/install.md"):
        follow(terminal, line)
        if " get daemonsets" in line:
            terminal.waits_until(lambda: terminal.ready_on() == ["a", "b"])
    terminal.waits_until(lambda: terminal.lists() == [])


@pytest.mark.parametrize("values", [{}, QUEUE], ids=["metadata", "queue"])
def test_the_guide_to_upgrade_works_from_top_to_bottom(
    terminal: Terminal, tmp_path: Path, values: dict[str, object]
) -> None:
    install_old(terminal, tmp_path, values)
    workload, other = ("deployment", "daemonset") if values else ("daemonset", "deployment")
    for line in commands("docs/upgrading.md"):
        if f"rollout status {other}" in line:
            continue
        follow(terminal, line)
        if "rollout status" in line:
            assert (
                image(terminal, workload) == f"registry.invalid/aws-node-termination-handler:v{__version__}"
            )
    assert yaml.safe_load((tmp_path / "old-values.yaml").read_text()) == values | PINNED
    # The last command goes back.
    assert image(terminal, workload) == OLD_IMAGE


def test_the_readme_works_from_top_to_bottom(terminal: Terminal) -> None:
    try:
        for line in commands("README.md"):
            follow(terminal, line)
    finally:
        terminal.types("helm uninstall nth-trial --namespace nth-trial --ignore-not-found")
    # The last command that installs asks for queue mode.
    assert image(terminal, "deployment").startswith("registry.invalid/")


def image(terminal: Terminal, workload: str) -> str:
    found = terminal.object(workload)
    assert found is not None
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def install_old(terminal: Terminal, folder: Path, values: dict[str, object]) -> None:
    """With the version pinned, as some have it."""
    chart = Path(shutil.copytree(OLD_CHART, folder / "aws-node-termination-handler"))
    (chart / "values.yaml").write_text(yaml.safe_dump(old_values()))
    users = folder / "users.yaml"
    users.write_text(yaml.safe_dump(values | PINNED))
    terminal.types(
        f"helm install aws-node-termination-handler {chart} --namespace kube-system --values {users}"
    )
