"""The demo's little cluster: four machines and their workloads.

It is built in two steps, so that the machine that will be taken away has one of everything.
"""

from dataclasses import dataclass, replace

from nth.simulation.cloud import InstanceSpec
from nth.simulation.cluster import SimulatedCluster
from nth.simulation.objects import BudgetSpec, MachineSpec, PodTemplate, WorkloadSpec

SHOP = "shop"
SYSTEM = "kube-system"
HANDLER = "aws-node-termination-handler"
DOOMED = MachineSpec(
    name="ip-10-0-1-17", instance_id="i-0a1b2c3d4e5f60017", zone="eu-west-1a", labels={"lifecycle": "Ec2Spot"}
)
OTHERS = (
    MachineSpec(name="ip-10-0-1-40", instance_id="i-0a1b2c3d4e5f60040", zone="eu-west-1a"),
    MachineSpec(name="ip-10-0-2-23", instance_id="i-0a1b2c3d4e5f60023", zone="eu-west-1b"),
    MachineSpec(name="ip-10-0-3-8", instance_id="i-0a1b2c3d4e5f60008", zone="eu-west-1c"),
)
INSTANCE = InstanceSpec(instance_id=DOOMED.instance_id, zone=DOOMED.zone, local_ipv4="10.0.1.17")


@dataclass(frozen=True, slots=True)
class _Part:
    """A workload, and how many of its pods start on the machine that will be taken away."""

    spec: WorkloadSpec
    on_doomed: int = 1


def _pods(ready_seconds: float, stop_seconds: float) -> PodTemplate:
    """Returns a template of pods that need so long to become Ready and about so long to stop."""
    about = (0.8 * stop_seconds, 1.2 * stop_seconds)
    return PodTemplate(ready_seconds=ready_seconds, stop_seconds=about)


_PARTS = (
    _Part(WorkloadSpec(name="web", namespace=SHOP, replicas=6, template=_pods(6, 5)), on_doomed=2),
    _Part(
        WorkloadSpec(
            name="db",
            kind="StatefulSet",
            namespace=SHOP,
            replicas=3,
            template=replace(_pods(12, 9), grace_seconds=60, attached_storage=True),
        )
    ),
    _Part(WorkloadSpec(name="billing", namespace=SHOP, template=_pods(7, 6))),
    _Part(WorkloadSpec(name="encoder", namespace=SHOP, template=replace(_pods(4, 55), grace_seconds=300))),
    _Part(
        WorkloadSpec(
            name="import",
            kind="Job",
            namespace=SHOP,
            template=replace(_pods(3, 3), local_storage=True),
        )
    ),
    _Part(
        WorkloadSpec(
            name="coredns",
            namespace=SYSTEM,
            replicas=2,
            template=replace(_pods(2, 4), priority_class="system-cluster-critical"),
        )
    ),
)
_DAEMONS = tuple(
    WorkloadSpec(
        name=name,
        kind="DaemonSet",
        namespace=SYSTEM,
        template=PodTemplate(priority_class="system-node-critical", cpu_millis=50, ready_seconds=0.2),
    )
    for name in ("aws-node", "kube-proxy", HANDLER)
)
_BUDGETS = (
    BudgetSpec(name="web", namespace=SHOP, match_labels={"app": "web"}, max_unavailable=1),
    BudgetSpec(name="billing", namespace=SHOP, match_labels={"app": "billing"}, max_unavailable=0),
    BudgetSpec(name="db", namespace=SHOP, match_labels={"app": "db"}, min_available=2),
)


async def build(cluster: SimulatedCluster) -> None:
    """Build the cluster; everything is there and Ready when this returns."""
    cluster.add_node(DOOMED)
    for part in _PARTS:
        cluster.add_workload(_quick(part.spec, part.on_doomed))
    await cluster.come_to_rest()
    for machine in OTHERS:
        cluster.add_node(machine)
    for part in _PARTS:
        cluster.add_workload(_quick(part.spec, part.spec.replicas))
    for spec in _DAEMONS:
        cluster.add_workload(spec)
    await cluster.come_to_rest()
    for part in _PARTS:
        cluster.add_workload(part.spec)
    for budget in _BUDGETS:
        cluster.set_budget(budget)


def _quick(spec: WorkloadSpec, replicas: int) -> WorkloadSpec:
    """Returns it with pods that are Ready at once, for the time before the demo, and stop as slowly."""
    return replace(spec, replicas=replicas, template=replace(spec.template, ready_seconds=0.1))


def short_of(cluster: SimulatedCluster) -> tuple[str, ...]:
    """Returns the workloads that lack Ready pods on living machines, each with its numbers."""
    found = []
    for spec in (part.spec for part in _PARTS):
        alive = [
            pod
            for pod in cluster.pods_of(spec.name, namespace=spec.namespace)
            if pod.node_name not in cluster.dead and pod.deleting_until_at is None
        ]
        ready = sum(pod.ready or pod.phase == "Succeeded" for pod in alive)
        if ready < spec.replicas:
            found.append(f"{spec.namespace}/{spec.name} has {ready} of {spec.replicas} Ready pods")
    return tuple(found)
