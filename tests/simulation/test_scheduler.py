"""Where pods are placed, and in which words they are refused (Kubernetes v1.34)."""

from nth.core.facts import Node, Pod, PodRef, Taint
from nth.simulation.objects import MachineSpec, NodeObject, PodObject, PodTemplate, Toleration
from nth.simulation.scheduler import Placement, place

HELPLESS = (
    "no new claims to deallocate, preemption: 0/{0} nodes are available: "
    "{0} Preemption is not helpful for scheduling."
)


def node(
    name: str,
    *,
    cpu_millis: int = 1000,
    max_pods: int = 10,
    unschedulable: bool = False,
    taints: tuple[Taint, ...] = (),
    labels: dict[str, str] | None = None,
) -> NodeObject:
    fact = Node(
        name=name,
        uid=name,
        resource_version="1",
        unschedulable=unschedulable,
        taints=taints,
        labels=labels or {},
    )
    return NodeObject(fact, MachineSpec(name=name, cpu_millis=cpu_millis, memory_mib=1000, max_pods=max_pods))


def pod(
    name: str,
    *,
    node_name: str = "",
    pinned_to: str = "",
    phase: str = "Pending",
    template: PodTemplate | None = None,
) -> PodObject:
    fact = Pod(ref=PodRef("default", name, name), node_name=node_name, phase=phase)
    return PodObject(fact, template or PodTemplate(), ("default", "web"), pinned_to)


def place_one(waiting: PodObject, *nodes: NodeObject, others: tuple[PodObject, ...] = ()) -> Placement:
    (placement,) = place((*others, waiting), nodes)
    return placement


def test_the_emptiest_node_is_taken_and_filled_evenly() -> None:
    taken = pod("taken", node_name="a", phase="Running")
    placements = place([taken, *(pod(f"new-{i}") for i in range(3))], [node("a"), node("b")])
    assert [placement.node_name for placement in placements] == ["b", "a", "b"]


def test_finished_pods_take_no_room() -> None:
    done = pod("done", node_name="a", phase="Succeeded", template=PodTemplate(cpu_millis=1000))
    assert place_one(pod("new"), node("a"), others=(done,)).node_name == "a"


def test_a_pod_that_is_being_deleted_still_takes_its_room() -> None:
    going = pod("going", node_name="a", phase="Running", template=PodTemplate(cpu_millis=1000))
    assert place_one(pod("new"), node("a"), others=(going,)).reason.startswith(
        "0/1 nodes are available: 1 Insufficient cpu."
    )


def test_without_nodes_there_is_a_text_of_its_own() -> None:
    assert place_one(pod("new")).reason == "no nodes available to schedule pods"


def test_what_cannot_be_had_is_counted_by_reason() -> None:
    wants = PodTemplate(cpu_millis=2000, memory_mib=2000, node_selector={"disk": "ssd"})
    nodes = (
        node("cordoned", unschedulable=True, labels={"disk": "ssd"}),
        node("tainted", taints=(Taint("dedicated", "NoExecute"),), labels={"disk": "ssd"}),
        node("wrong"),
        node("small", labels={"disk": "ssd"}),
    )
    assert place_one(pod("new", template=wants), *nodes).reason == (
        "0/4 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, "
        "1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s), "
        "1 node(s) were unschedulable. " + HELPLESS.format(4)
    )


def test_a_node_that_is_full_might_be_freed() -> None:
    taken = pod("taken", node_name="a", phase="Running")
    assert place_one(pod("new"), node("a", max_pods=1), others=(taken,)).reason == (
        "0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: "
        "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )


def test_tolerations_open_tainted_nodes() -> None:
    tainted = node("a", taints=(Taint("dedicated", "NoSchedule", "batch"),))
    for toleration, fits in (
        (Toleration(), True),
        (Toleration(key="dedicated"), True),
        (Toleration(key="dedicated", value="batch", effect="NoSchedule"), True),
        (Toleration(key="dedicated", value="web"), False),
        (Toleration(key="dedicated", effect="NoExecute"), False),
        (Toleration(key="other"), False),
    ):
        new = pod("new", template=PodTemplate(tolerations=(toleration,)))
        assert bool(place_one(new, tainted).node_name) is fits, toleration


def test_a_preference_against_a_node_keeps_nobody_away() -> None:
    assert place_one(pod("new"), node("a", taints=(Taint("x", "PreferNoSchedule"),))).node_name == "a"


def test_a_daemon_sets_pod_goes_to_its_node_though_it_is_cordoned() -> None:
    nodes = (node("a", unschedulable=True), node("b"))
    assert place_one(pod("agent", pinned_to="a"), *nodes).node_name == "a"
