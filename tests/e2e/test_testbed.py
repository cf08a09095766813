"""The test bed keeps its promises: times, budgets, rights, counts, and a clean cluster for each test."""

import asyncio
import contextlib
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from nth.core.facts import NodePatch, Pod, PodScope
from nth.errors import Blocked, Forbidden, Missing, Unreachable
from testbed.audit import AuditLog
from testbed.bed import RealBed
from testbed.build import BuildError, assets_folder, ensure_built
from testbed.control_plane import ControlPlane, StartError
from testbed.rights import ACCOUNTS
from tests.contract.bed import BudgetSpec, NodeSpec, Workload


async def gone(bed: RealBed, pod: Pod) -> bool:
    return pod.ref not in {other.ref for other in await bed.pods()}


def test_a_node_is_what_its_spec_says(bed: RealBed) -> None:
    async def scenario() -> None:
        node = await bed.add_node(NodeSpec(name="a", zone="eu-west-1b", labels={"lifecycle": "Ec2Spot"}))
        assert (node.unschedulable, node.taints) == (False, ())
        assert node.provider_id == "aws:///eu-west-1b/i-0123456789abcdef0"
        assert node.labels["kubernetes.io/hostname"] == "a"
        assert node.labels["lifecycle"] == "Ec2Spot"

    asyncio.run(scenario())


def test_pods_need_time_to_become_ready_and_to_stop(bed: RealBed) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a"))
        began = bed.now()
        await bed.run(Workload(name="web", replicas=3))
        pods = await bed.wait_ready("web", 3)
        assert 1.4 <= bed.now() - began <= 8
        assert {pod.node_name for pod in pods} == {"a"}

        began = bed.now()
        await bed.delete_pod(pods[0].ref)
        await bed.wait_until(lambda: gone(bed, pods[0]))
        assert 2.9 <= bed.now() - began <= 6.5

    asyncio.run(scenario())


def test_a_pod_stops_when_its_grace_is_over(bed: RealBed) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a"))
        await bed.run(Workload(name="one", kind="Pod", grace_seconds=2, stops_after_seconds=(50, 60)))
        (pod,) = await bed.wait_ready("one", 1)
        began = bed.now()
        await bed.delete_pod(pod.ref)
        await bed.wait_until(lambda: gone(bed, pod))
        assert 1.9 <= bed.now() - began <= 4

    asyncio.run(scenario())


def test_a_shorter_grace_counts_from_the_first_deletion_for_the_server_and_anew_for_the_kubelet(
    bed: RealBed,
) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a"))
        for name in ("early", "late"):
            await bed.run(Workload(name=name, kind="Pod", grace_seconds=60, stops_after_seconds=(50, 60)))
        (early,), (late,) = await bed.wait_ready("early", 1), await bed.wait_ready("late", 1)
        began = bed.now()
        await bed.delete_pod(early.ref)
        await bed.delete_pod(late.ref)
        await asyncio.sleep(2.5)
        await bed.delete_pod(early.ref, grace_seconds=5)
        await bed.delete_pod(late.ref, grace_seconds=2)
        (early,), (late,) = await bed.pods("early"), await bed.pods("late")
        # The two seconds were over already: the server makes it the least that is not by force.
        assert (early.deletion_grace_seconds, late.deletion_grace_seconds) == (5, 1)
        assert early.deleting_until_at is not None
        assert 3.9 <= early.deleting_until_at - began <= 5.5
        shortened = bed.now()
        await bed.wait_until(lambda: gone(bed, late))
        assert 0.9 <= bed.now() - shortened <= 3
        await bed.wait_until(lambda: gone(bed, early))
        assert 4.8 <= bed.now() - shortened <= 7

    asyncio.run(scenario())


def test_a_finalizer_keeps_a_pod_that_has_stopped(bed: RealBed) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a"))
        await bed.run(
            Workload(
                name="kept", kind="Pod", finalizers=("testbed.invalid/keep",), stops_after_seconds=(0.1, 0.2)
            )
        )
        (pod,) = await bed.wait_ready("kept", 1)
        await bed.delete_pod(pod.ref)

        async def stopped() -> bool:
            return [found.deletion_grace_seconds for found in await bed.pods()] == [0]

        await bed.wait_until(stopped)
        await bed.drop_finalizers(pod.ref)
        await bed.wait_until(lambda: gone(bed, pod))

    asyncio.run(scenario())


def test_every_kind_of_workload_runs(bed: RealBed) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a"))
        await bed.run(Workload(name="set", kind="StatefulSet", replicas=2, attached_storage=True))
        await bed.run(Workload(name="agent", kind="DaemonSet", priority_class="system-node-critical"))
        await bed.run(Workload(name="batch", kind="Job", local_storage=True))
        await bed.run(Workload(name="alone", kind="Pod", grace_seconds=7))
        await bed.run(Workload(name="static", kind="Mirror", node_name="a"))
        await bed.run(Workload(name="done", kind="Job", finishes=True))
        for name, count in {"set": 2, "agent": 1, "batch": 1, "alone": 1, "static": 1}.items():
            await bed.wait_ready(name, count)

        async def job_is_done() -> bool:
            return [pod.phase for pod in await bed.pods("done")] == ["Succeeded"]

        await bed.wait_until(job_is_done)
        pods = {pod.labels["app"]: pod for pod in await bed.pods_on("a")}
        kinds = {name: pod.controller and pod.controller.kind for name, pod in pods.items()}
        assert kinds == {
            "set": "StatefulSet",
            "agent": "DaemonSet",
            "batch": "Job",
            "alone": None,
            "static": "Node",
            "done": "Job",
        }
        assert {name for name, pod in pods.items() if pod.mirror} == {"static"}
        assert {name for name, pod in pods.items() if pod.local_storage} == {"batch"}
        assert {name for name, pod in pods.items() if pod.attached_storage} == {"set"}
        assert pods["alone"].grace_seconds == 7
        assert pods["agent"].priority_class == "system-node-critical"

    asyncio.run(scenario())


def test_pods_wait_for_room_and_are_replaced_elsewhere(bed: RealBed) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a", cpu_millis=1000))
        await bed.run(Workload(name="big", replicas=2, cpu_millis=800))

        async def one_waits() -> bool:
            return any("Insufficient cpu" in pod.pending_reason for pod in await bed.pods("big"))

        await bed.wait_until(one_waits)
        await bed.add_node(NodeSpec(name="b", instance_id="i-0b", cpu_millis=2000))
        await bed.wait_ready("big", 2)
        await bed.remove_node("a")
        pods = await bed.wait_ready("big", 2)
        assert {pod.node_name for pod in pods} == {"b"}
        await bed.scale("big", 1)
        await bed.wait_ready("big", 1)
        with pytest.raises(Missing):
            await bed.node("a")

    asyncio.run(scenario())


def test_the_eviction_api_respects_budgets(bed: RealBed) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a"))
        await bed.run(Workload(name="web", replicas=2))
        first, second = await bed.wait_ready("web", 2)
        await bed.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, min_available=2))
        async with bed.cluster() as cluster:
            with pytest.raises(Blocked):
                await cluster.evict_pod(first.ref, grace_seconds=None)
            await bed.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=1))
            await cluster.evict_pod(first.ref, grace_seconds=None)
            with pytest.raises(Blocked):
                await cluster.evict_pod(second.ref, grace_seconds=None)

    asyncio.run(scenario())


def test_the_handler_may_do_what_its_rules_say_and_no_more(bed: RealBed) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a"))
        await bed.run(Workload(name="one", kind="Pod"))
        await bed.run(Workload(name="other", kind="Pod"))
        (one,), (other,) = await bed.wait_ready("one", 1), await bed.wait_ready("other", 1)
        async with bed.cluster(may_delete=False) as polite:
            with pytest.raises(Forbidden):
                await polite.delete_pod(one.ref, grace_seconds=1)
            await polite.evict_pod(one.ref, grace_seconds=None)
        async with bed.cluster() as cluster:
            await cluster.delete_pod(other.ref, grace_seconds=1)
            assert (await cluster.read_node("a")).name == "a"
            await cluster.patch_node("a", NodePatch({"spec": {"unschedulable": True}}))

    asyncio.run(scenario())
    for account in ACCOUNTS:
        token = bed.plane.handler_token(account)
        for path in ("/api/v1/secrets", "/api/v1/namespaces", "/apis/apps/v1/deployments"):
            assert status_of(bed, path, token) == 403, path
        assert status_of(bed, "/api/v1/pods", token) == 200


def status_of(bed: RealBed, path: str, token: str) -> int:
    request = urllib.request.Request(bed.plane.url + path, headers={"Authorization": f"Bearer {token}"})
    context = ssl.create_default_context(cafile=str(bed.plane.authority))
    try:
        with urllib.request.urlopen(request, context=context, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_audit_log_counts_the_handlers_requests(bed: RealBed, audit_log: AuditLog) -> None:
    async def scenario() -> float:
        await bed.add_node(NodeSpec(name="a"))
        began = bed.now()
        async with bed.cluster() as cluster:
            await cluster.read_node("a")
            await cluster.list_pods(PodScope(node_name="a"))
            with pytest.raises(Missing):
                await cluster.read_node("b")
        return began

    began = asyncio.run(scenario())
    seen = audit_log.requests("aws-node-termination-handler")
    assert [(request.verb, request.resource, request.name, request.code) for request in seen] == [
        ("get", "nodes", "a", 200),
        ("list", "pods", "", 200),
        ("get", "nodes", "b", 404),
    ]
    assert began <= seen[0].received_at <= seen[0].answered_at <= time.time()
    assert {request.user_agent for request in seen} == {"testbed"}


def test_a_full_bed_is_soon_empty(bed: RealBed) -> None:
    async def scenario() -> None:
        full = RealBed(bed.plane)
        await full.add_node(NodeSpec(name="a"))
        await full.run(Workload(name="web", replicas=30, finalizers=("testbed.invalid/keep",)))
        await full.run(Workload(name="agent", kind="DaemonSet"))
        await full.set_budget(BudgetSpec(name="web", match_labels={"app": "web"}, max_unavailable=0))
        await full.wait_ready("web", 30)
        began = time.monotonic()
        await asyncio.to_thread(full.clear)
        assert time.monotonic() - began < 3
        assert await bed.pods_on("a") == ()
        with pytest.raises(Missing):
            await bed.node("a")

    asyncio.run(scenario())


def test_a_client_can_see_the_api_server_go_and_come_back(bed: RealBed) -> None:
    async def scenario() -> None:
        await bed.add_node(NodeSpec(name="a"))
        async with bed.cluster() as cluster:
            await asyncio.to_thread(bed.plane.stop_part, "kube-apiserver")
            with pytest.raises(Unreachable):
                await cluster.read_node("a")
            await asyncio.to_thread(bed.plane.start_missing)
            assert (await cluster.read_node("a")).name == "a"
        await bed.add_node(NodeSpec(name="b"))

    asyncio.run(scenario())


def test_a_control_plane_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "etcd").symlink_to(assets_folder() / "etcd")
    (assets / "kube-apiserver").symlink_to("/bin/false")
    with pytest.raises(StartError, match=r"kube-apiserver did not start; see .*/kube-apiserver\.log"):
        ControlPlane.start(assets, tmp_path)
    assert (tmp_path / "etcd").is_dir()
    assert not running_with(tmp_path)


def running_with(folder: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if str(folder) in line and "pytest" not in line]


def test_without_go_one_line_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "etcd").symlink_to("/bin/sh")
    with pytest.raises(BuildError) as error:
        ensure_built(tmp_path)
    assert str(error.value) == (
        "the test bed needs kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, kwok, "
        "ec2-metadata-mock, helm, prometheus, promtool, "
        "schemas/v1.29.15.json, schemas/v1.32.13.json, schemas/v1.34.2.json, "
        "crds/servicemonitors.yaml, crds/podmonitors.yaml, crds/prometheusrules.yaml "
        f"in {tmp_path}: install Go 1.24 or newer and run 'make bed-build', "
        "or let KUBEBUILDER_ASSETS name a folder that has them"
    )
