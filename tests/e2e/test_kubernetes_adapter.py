"""What only a real API server can show of the adapter: its answers, its rules, its watches."""

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nth.adapters.kubernetes import KubernetesCluster, connect
from nth.core.facts import NodePatch, Pod, PodChange, PodGone, PodRef, PodScope, PodSeen, Taint
from nth.errors import Blocked, Conflict, Expired, Forbidden, Missing, Rejected, Unreachable
from testbed.audit import AuditLog
from testbed.bed import RealBed
from testbed.control_plane import ControlPlane
from testbed.rights import DRY_HANDLER, HANDLER, POLITE_HANDLER
from tests.contract.bed import BudgetSpec, NodeSpec, Workload

NODE = NodeSpec(name="one", instance_id="i-0aaaaaaaaaaaaaaa1", hostname="host-one")
OTHER = NodeSpec(name="two", instance_id="i-0aaaaaaaaaaaaaaa2", hostname="host-two")
WEB = Workload(name="web", replicas=2, ready_after_seconds=0.1, stops_after_seconds=(0.1, 0.2))

Test = Callable[[KubernetesCluster, RealBed], Awaitable[None]]


@contextlib.asynccontextmanager
async def _connected(bed: RealBed, account: str = HANDLER) -> AsyncIterator[KubernetesCluster]:
    """With that account's own rules."""
    plane = bed.plane
    cluster = connect(
        kubeconfig=str(plane.handler_kubeconfig(account)),
        service_host="",
        service_port="",
        user_agent="aws-node-termination-handler/e2e",
        qps=500,
        burst=500,
    )
    try:
        yield cluster
    finally:
        await cluster.close()


def _run(bed: RealBed, test: Test, account: str = HANDLER) -> None:
    async def scene() -> None:
        async with _connected(bed, account) as cluster:
            await test(cluster, bed)

    asyncio.run(scene())


async def _one_pod(bed: RealBed) -> Pod:
    await bed.add_node(NODE)
    await bed.run(replace(WEB, replicas=1))
    return (await bed.wait_ready("web", 1))[0]


def test_needs_W18_needs_W23_a_node_is_found_in_three_ways(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        await bed.add_node(NODE)
        await bed.add_node(OTHER)
        assert (await cluster.find_node(name="one", instance_id="")).name == "one"
        assert (await cluster.find_node(name="host-two.ec2.internal", instance_id="")).name == "two"
        found = await cluster.find_node(name="nobody", instance_id="i-0aaaaaaaaaaaaaaa2")
        assert found == await bed.node("two")
        with pytest.raises(Missing):
            await cluster.find_node(name="nobody", instance_id="aaaaaaaaaaaaaaa2")

    _run(bed, test)


def test_a_patch_against_a_stale_node_is_a_conflict_and_changes_nothing(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        stale = await bed.add_node(NODE)
        await bed.change_node("one", {"metadata": {"labels": {"touched": "yes"}}})
        fresh = await cluster.read_node("one")

        def cordon(version: str) -> NodePatch:
            return NodePatch({"metadata": {"resourceVersion": version}, "spec": {"unschedulable": True}})

        with pytest.raises(Conflict):
            await cluster.patch_node("one", cordon(stale.resource_version))
        assert not (await bed.node("one")).unschedulable
        patched = await cluster.patch_node("one", cordon(fresh.resource_version))
        assert patched.unschedulable
        # Not more of it: the control plane adds a taint of its own to a cordoned node.
        assert (await bed.node("one")).unschedulable

    _run(bed, test)


def test_the_time_of_a_taint_survives_a_patch_of_the_list(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        taint = Taint("company.io/x", "NoExecute", "v", "2026-11-22T08:30:00Z")
        await bed.add_node(NODE)
        written = {
            "key": taint.key,
            "effect": taint.effect,
            "value": taint.value,
            "timeAdded": taint.time_added,
        }
        await bed.change_node("one", {"spec": {"taints": [written]}})
        node = await cluster.read_node("one")
        assert node.taints == (taint,)
        both = [written, {"key": "company.io/y", "effect": "NoSchedule"}]
        body = {"metadata": {"resourceVersion": node.resource_version}, "spec": {"taints": both}}
        patched = await cluster.patch_node("one", NodePatch(body))
        assert patched.taints == (taint, Taint("company.io/y", "NoSchedule"))

    _run(bed, test)


def test_an_eviction_and_a_deletion_never_hit_a_pod_of_the_same_name(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        pod = await _one_pod(bed)
        former = PodRef(pod.ref.namespace, pod.ref.name, "11111111-2222-3333-4444-555555555555")
        with pytest.raises(Missing):
            await cluster.delete_pod(former, grace_seconds=0)
        with pytest.raises(Missing):
            await cluster.evict_pod(former, grace_seconds=None)
        (still,) = await bed.pods("web")
        assert still.ref == pod.ref
        assert still.deleting_until_at is None
        with pytest.raises(Missing):
            await cluster.evict_pod(replace(pod.ref, name="never-was"), grace_seconds=None)
        with pytest.raises(Missing):
            await cluster.delete_pod(replace(pod.ref, name="never-was"), grace_seconds=0)

    _run(bed, test)


def test_an_evicted_pod_goes_with_the_grace_that_was_asked_for(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        await bed.add_node(NODE)
        await bed.run(
            Workload(name="slow", kind="Pod", ready_after_seconds=0.1, finalizers=("company.io/f",))
        )
        (pod,) = await bed.wait_ready("slow", 1)
        await cluster.evict_pod(pod.ref, grace_seconds=17)
        (going,) = (await cluster.list_pods(PodScope(namespace=bed.namespace))).pods
        assert going.deletion_grace_seconds == 17
        assert going.deleting_until_at is not None
        assert 10 < going.deleting_until_at - time.time() <= 18
        await cluster.delete_pod(pod.ref, grace_seconds=2)
        (going,) = (await cluster.list_pods(PodScope(namespace=bed.namespace))).pods
        assert going.deletion_grace_seconds == 2
        assert going.finalizers == ("company.io/f",)

    _run(bed, test)


def test_a_budget_that_refuses_is_named_and_told(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        await bed.add_node(NODE)
        await bed.set_budget(BudgetSpec(name="keep-web", match_labels={"app": "web"}, min_available=2))
        await bed.run(WEB)
        pods = await bed.wait_ready("web", 2)

        async def counted() -> bool:
            (budget,) = await reader.list_budgets(bed.namespace)
            assert (budget.name, dict(budget.match_labels)) == ("keep-web", {"app": "web"})
            return budget.disruptions_allowed == 0

        async with _connected(bed, DRY_HANDLER) as reader:
            await bed.wait_until(counted)
        with pytest.raises(Blocked, match="The disruption budget keep-web needs 2 healthy pods and has 2"):
            await cluster.evict_pod(pods[0].ref, grace_seconds=None)
        await bed.set_budget(BudgetSpec(name="other", match_labels={"app": "web"}, max_unavailable=0))
        with pytest.raises(Blocked, match="more than one PodDisruptionBudget"):
            await cluster.evict_pod(pods[0].ref, grace_seconds=None)

    _run(bed, test)


def test_a_watch_sees_pods_come_change_and_go_over_several_requests(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        await bed.add_node(NODE)
        scope = PodScope(node_name="one", namespace=bed.namespace)
        start = (await cluster.list_pods(scope)).resource_version
        seen: list[PodChange] = []

        async def watch() -> None:
            async with contextlib.aclosing(cluster.watch_pods(scope, start)) as changes:
                async for change in changes:
                    seen.append(change)  # noqa: PERF401 - to be seen while it goes on

        watching = asyncio.create_task(watch())
        await bed.run(replace(WEB, replicas=1))
        (pod,) = await bed.wait_ready("web", 1)
        await bed.scale("web", 0)

        async def gone() -> bool:
            return PodGone(pod.ref) in seen

        await bed.wait_until(gone)
        watching.cancel()
        await asyncio.wait([watching])
        ours = [change.pod for change in seen if isinstance(change, PodSeen)]
        assert {found.ref for found in ours} == {pod.ref}
        assert not ours[0].ready
        assert any(found.ready and found.deleting_until_at is None for found in ours)
        assert any(found.deleting_until_at is not None for found in ours)
        assert seen[-1] == PodGone(pod.ref)

    _run(bed, test)


def test_an_ended_watch_goes_on_and_misses_nothing(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        short = KubernetesCluster(replace(cluster.server, watch_seconds=1, requests_seen=Counter()))
        await bed.add_node(NODE)
        scope = PodScope(namespace=bed.namespace)
        start = (await short.list_pods(scope)).resource_version
        names: set[str] = set()

        async def watch() -> None:
            async with contextlib.aclosing(short.watch_pods(scope, start)) as changes:
                async for change in changes:
                    if isinstance(change, PodSeen):
                        names.add(change.pod.ref.name)

        watching = asyncio.create_task(watch())
        for number in range(8):
            await bed.run(Workload(name=f"p{number}", kind="Pod", node_name="one"))
            await asyncio.sleep(0.4)

        async def all_seen() -> bool:
            return names == {pod.ref.name for pod in await bed.pods()}

        await bed.wait_until(all_seen)
        watching.cancel()
        await asyncio.wait([watching])
        assert len(names) == 8
        assert short.requests_seen["watch", 200] >= 3

    _run(bed, test)


def test_a_watch_over_a_restart_of_the_server_has_expired_and_a_new_list_heals_it(
    bed: RealBed, control_plane: ControlPlane
) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        scope = PodScope(namespace=bed.namespace)
        before = (await cluster.list_pods(scope)).resource_version
        pod = await _one_pod(bed)
        # A new API server has no memory of changes before its own first list.
        control_plane.stop_part("kube-apiserver")
        with pytest.raises(Unreachable):
            await cluster.list_pods(scope)
        await asyncio.to_thread(control_plane.start_missing)
        with pytest.raises(Expired, match="too old resource version"):
            await _next_change(cluster, scope, before)
        listed = await cluster.list_pods(scope)
        assert [found.ref for found in listed.pods] == [pod.ref]
        await bed.scale("web", 0)
        change = await _next_change(cluster, scope, listed.resource_version)
        assert isinstance(change, PodSeen)
        assert change.pod.ref == pod.ref

    _run(bed, test)


async def _next_change(cluster: KubernetesCluster, scope: PodScope, resource_version: str) -> PodChange:
    async with contextlib.aclosing(cluster.watch_pods(scope, resource_version)) as changes:
        return await anext(changes)


def test_where_the_rule_to_delete_is_missing_the_server_says_so(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        pod = await _one_pod(bed)
        with pytest.raises(Forbidden, match='cannot delete resource "pods"'):
            await cluster.delete_pod(pod.ref, grace_seconds=1)
        await cluster.evict_pod(pod.ref, grace_seconds=None)

    _run(bed, test, POLITE_HANDLER)


def test_an_object_that_the_server_finds_wrong_is_rejected(bed: RealBed) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        await bed.add_node(NODE)
        with pytest.raises(Rejected, match="422"):
            await cluster.patch_node("one", NodePatch({"spec": {"taints": [{"key": "a b", "effect": "X"}]}}))

    _run(bed, test)


def test_a_service_account_token_that_is_replaced(bed: RealBed, tmp_path: Path) -> None:
    plane = bed.plane

    async def scene() -> None:
        await bed.add_node(NODE)
        (tmp_path / "ca.crt").write_bytes(plane.authority.read_bytes())
        (tmp_path / "token").write_text("no-longer-good")
        cluster = connect(
            kubeconfig="",
            service_host="127.0.0.1",
            service_port=str(plane.api_port),
            user_agent="e2e",
            qps=50,
            burst=50,
            service_account_dir=tmp_path,
        )
        try:
            with pytest.raises(Forbidden, match="401"):
                await cluster.read_node("one")
            (tmp_path / "token").write_text(plane.handler_token())
            assert (await cluster.read_node("one")).name == "one"
        finally:
            await cluster.close()

    asyncio.run(scene())


def test_thirty_evictions_are_accepted_at_once_and_ask_nothing_else(
    bed: RealBed, audit_log: AuditLog
) -> None:
    async def test(cluster: KubernetesCluster, bed: RealBed) -> None:
        await bed.add_node(NODE)
        await bed.run(replace(WEB, replicas=30, cpu_millis=10))
        await bed.wait_ready("web", 30)
        pods = (await cluster.list_pods(PodScope(node_name="one", namespace=bed.namespace))).pods
        began = time.perf_counter()
        await asyncio.gather(*(cluster.evict_pod(pod.ref, grace_seconds=None) for pod in pods))
        passed_seconds = time.perf_counter() - began
        print(f"30 evictions: {passed_seconds:.3f} s, {_resident_mib():.1f} MiB in the test's own process")
        assert passed_seconds < 2.0
        assert cluster.requests_seen == {("list", 200): 1, ("evict", 201): 30}

    _run(bed, test)
    ours = [r for r in audit_log.requests() if r.user_agent == "aws-node-termination-handler/e2e"]
    assert sum(request.resource == "pods/eviction" for request in ours) == 30
    assert len(ours) == 31


def _resident_mib() -> float:
    match = re.search(r"VmRSS:\s*(\d+)", Path("/proc/self/status").read_text())
    assert match
    return int(match[1]) / 1024
