"""What every `Cluster` does, nodes and reading: here the simulation, in tests/e2e the real API server.

A test hands its scenario to `play`, which knows the cluster and the event loop that it needs.
"""

from contextlib import aclosing
from dataclasses import replace

import pytest

from nth.core.drain.pod_filter import FORCE_ANNOTATION
from nth.core.facts import NodePatch, PodGone, PodScope, PodSeen, Taint
from nth.core.node.node_annotation import FIELD_MANAGER
from nth.errors import Conflict, Missing, Rejected
from nth.ports import Cluster
from tests.contract.bed import Bed, Kind, NodeSpec
from tests.contract.simulated import Play
from tests.contract.steps import WEB, change, change_spec, patch, seen, started, wait_gone

# Nodes


def test_a_node_is_read_as_it_was_made(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        taint = Taint("dedicated", "NoSchedule", "batch")
        await bed.add_node(NodeSpec(name="a", labels={"lifecycle": "Ec2Spot"}, taints=(taint,)))
        node = await cluster.read_node("a")
        assert (node.name, node.unschedulable, node.taints) == ("a", False, (taint,))
        assert node.provider_id == "aws:///eu-west-1a/i-0123456789abcdef0"
        labels = ("lifecycle", "kubernetes.io/hostname", "topology.kubernetes.io/zone")
        assert [node.labels[label] for label in labels] == ["Ec2Spot", "a", "eu-west-1a"]
        assert node.uid
        assert node.resource_version.isdigit()

    play(scenario)


def test_a_node_that_is_not_there_is_missing(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        with pytest.raises(Missing):
            await cluster.read_node("nowhere")
        with pytest.raises(Missing):
            await cluster.patch_node("nowhere", NodePatch({"spec": {"unschedulable": True}}))

    play(scenario)


def test_A15_a_node_is_found_by_name_by_hostname_and_by_instance(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a", hostname="host-a", instance_id="i-0aaaaaaaaaaaaaaaa"))
        await bed.add_node(NodeSpec(name="b", hostname="host-b", instance_id="i-0bbbbbbbbbbbbbbbb"))
        await bed.add_node(NodeSpec(name="c", hostname="a", instance_id=""))
        wanted = {("a", ""): "a", ("host-b", ""): "b", ("host-b.internal", ""): "b"}
        wanted[("elsewhere", "i-0bbbbbbbbbbbbbbbb")] = "b"
        # The name is the best witness.
        wanted[("a", "i-0bbbbbbbbbbbbbbbb")] = "a"
        for (name, instance_id), node_name in wanted.items():
            assert (await cluster.find_node(name=name, instance_id=instance_id)).name == node_name

    play(scenario)


def test_safe_4_a_label_of_another_nodes_kubelet_hides_no_node(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        mine = "i-0aaaaaaaaaaaaaaaa"
        await bed.add_node(NodeSpec(name="a", hostname="host", instance_id=mine))
        await bed.add_node(NodeSpec(name="b", hostname="host", instance_id="i-0bbbbbbbbbbbbbbbb"))
        await bed.add_node(NodeSpec(name="c", hostname="host", instance_id=""))
        for name in ("host", "host.internal", "elsewhere"):
            assert (await cluster.find_node(name=name, instance_id=mine)).name == "a"
        # No provider id is ours: the only node without one may be.
        assert (await cluster.find_node(name="host", instance_id="i-0dddddddddddddddd")).name == "c"
        await bed.add_node(NodeSpec(name="d", instance_id=mine))
        with pytest.raises(Missing):
            await cluster.find_node(name="elsewhere", instance_id=mine)
        await bed.add_node(NodeSpec(name=f"{mine}.internal", instance_id=mine))
        assert (await cluster.find_node(name="elsewhere", instance_id=mine)).name == f"{mine}.internal"

    play(scenario)


def test_a_node_that_cannot_be_told_from_another_is_missing(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a", hostname="twin"))
        await bed.add_node(NodeSpec(name="b", hostname="twin"))
        for name, instance_id in (("elsewhere", ""), ("elsewhere", "i-0ccccccccccccccccc"), ("twin", "")):
            with pytest.raises(Missing):
                await cluster.find_node(name=name, instance_id=instance_id)

    play(scenario)


def test_safe_2_a_cordon_tells_whose_it_is(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        assert (await cluster.read_node("a")).cordoned_by == ()
        await change_spec(cluster, "a", unschedulable=True)
        assert (await cluster.read_node("a")).cordoned_by == (FIELD_MANAGER,)
        # Who sets what is set already does not own it.
        await bed.change_node("a", {"spec": {"unschedulable": True}})
        (listed,) = (await cluster.list_nodes()).nodes
        assert listed.cordoned_by == (FIELD_MANAGER,)
        await bed.change_node("a", {"spec": {"unschedulable": None}})
        assert (await cluster.read_node("a")).cordoned_by == ()
        await bed.change_node("a", {"spec": {"unschedulable": True}})
        (person,) = (await cluster.read_node("a")).cordoned_by or ()
        assert person != FIELD_MANAGER
        await change_spec(cluster, "a", unschedulable=True)
        assert (await cluster.read_node("a")).cordoned_by == (person,)
        await change_spec(cluster, "a", unschedulable=None)
        assert (await cluster.read_node("a")).cordoned_by == ()

    play(scenario)


def test_a_patch_changes_what_it_names_and_nothing_else(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a", labels={"keep": "1", "drop": "2"}, annotations={"old": "x"}))
        metadata = {"labels": {"drop": None, "new": "3"}, "annotations": {"old": None, "note": "{}"}}
        before, after = await change(cluster, "a", metadata=metadata)
        assert replace(after, resource_version="") == replace(
            await cluster.read_node("a"), resource_version=""
        )
        assert after.resource_version != before.resource_version
        assert after.uid == before.uid
        changed = {key: after.labels.get(key) for key in ("keep", "drop", "new")}
        assert changed == {"keep": "1", "drop": None, "new": "3"}
        assert ("old" in after.annotations, after.annotations["note"]) == (False, "{}")
        assert (after.unschedulable, after.taints) == (before.unschedulable, before.taints)

    play(scenario)


def test_a_patch_of_an_older_version_is_a_conflict_and_changes_nothing(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        old = await bed.add_node(NodeSpec(name="a"))
        await bed.change_node("a", {"metadata": {"labels": {"somebody": "was-faster"}}})
        with pytest.raises(Conflict):
            await patch(cluster, old, spec={"unschedulable": True})
        now = await cluster.read_node("a")
        assert (now.unschedulable, now.labels["somebody"]) == (False, "was-faster")
        assert (await change_spec(cluster, "a", unschedulable=True)).unschedulable

    play(scenario)


def test_a_patch_that_changes_nothing_writes_nothing(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a", labels={"one": "1"}))
        labels = {"one": "1", "none": None}
        before, after = await change(cluster, "a", metadata={"labels": labels})
        assert after == before

    play(scenario)


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {"labels": {"event": "x" * 64}}},
        {"metadata": {"labels": {"event": "not/allowed"}}},
        {"spec": {"taints": [{"key": "a", "effect": "Sometimes"}]}},
        {"spec": {"taints": [{"key": "a", "effect": "NoSchedule", "value": v} for v in "12"]}},
        {"spec": {"taints": [{"key": "a", "effect": "NoSchedule", "value": "-"}]}},
    ],
    ids=["long label", "odd label", "unknown effect", "taint twice", "odd taint value"],
)
def test_a_patch_that_makes_no_valid_node_is_rejected(play: Play, body: dict[str, object]) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        before = await bed.add_node(NodeSpec(name="a"))
        with pytest.raises(Rejected):
            await cluster.patch_node("a", NodePatch(body))
        after = await cluster.read_node("a")
        assert (after.labels, after.taints) == (before.labels, before.taints)

    play(scenario)


def test_a_cordon_keeps_new_pods_away_and_lets_the_others_run(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        await change_spec(cluster, "a", unschedulable=True)
        await bed.add_node(NodeSpec(name="b"))
        others = await started(bed, replace(WEB, name="other", replicas=3))
        assert {other.node_name for other in others} == {"b"}
        assert await seen(bed, pod) == pod

    play(scenario)


def test_a_cordon_becomes_a_taint_too_until_it_is_taken_back(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def has_taint() -> bool:
            taints = (await cluster.read_node("a")).taints
            return [(t.key, t.effect) for t in taints] == [("node.kubernetes.io/unschedulable", "NoSchedule")]

        async def has_none() -> bool:
            return (await cluster.read_node("a")).taints == ()

        await bed.add_node(NodeSpec(name="a"))
        await change_spec(cluster, "a", unschedulable=True)
        await bed.wait_until(has_taint)
        assert all(taint.time_added for taint in (await cluster.read_node("a")).taints)
        await change_spec(cluster, "a", unschedulable=None)
        await bed.wait_until(has_none)
        assert not (await cluster.read_node("a")).unschedulable

    play(scenario)


def test_taints_keep_when_they_were_added(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        theirs = {"key": "theirs", "effect": "NoSchedule", "timeAdded": "2026-01-02T03:04:05Z"}
        await bed.add_node(NodeSpec(name="a"))
        await bed.change_node("a", {"spec": {"taints": [theirs]}})
        ours = {"key": "ours", "effect": "NoSchedule", "value": "spot-itn-1"}
        after = await change_spec(cluster, "a", taints=[theirs, ours])
        assert set(after.taints) == {
            Taint("theirs", "NoSchedule", "", "2026-01-02T03:04:05Z"),
            Taint("ours", "NoSchedule", "spot-itn-1"),
        }
        assert (await change_spec(cluster, "a", taints=None)).taints == ()

    play(scenario)


def test_a_taint_keeps_new_pods_away(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        await change_spec(cluster, "a", taints=[{"key": "ours", "effect": "NoSchedule"}])
        await bed.add_node(NodeSpec(name="b"))
        pods = await started(bed, replace(WEB, replicas=3))
        assert {pod.node_name for pod in pods} == {"b"}

    play(scenario)


def test_A9_an_out_of_service_taint_drives_the_pods_away(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (pod,) = await started(bed, WEB)
        taint = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute", "value": "nodeshutdown"}
        await change_spec(cluster, "a", taints=[taint])
        await wait_gone(bed, pod)

    play(scenario)


# Reading pods


def test_a_pod_is_read_as_it_was_made(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        workload = replace(
            WEB,
            kind="StatefulSet",
            labels={"tier": "back"},
            annotations={"note": "x", FORCE_ANNOTATION: "never"},
            grace_seconds=77,
            priority_class="system-cluster-critical",
            local_storage=True,
            attached_storage=True,
        )
        await started(bed, workload)
        (pod,) = (await cluster.list_pods(PodScope(node_name="a"))).pods
        assert (pod.ref.namespace, pod.ref.name) == (bed.namespace, "web-0")
        assert (pod.node_name, pod.phase, pod.ready, pod.finished) == ("a", "Running", True, False)
        assert (pod.grace_seconds, pod.priority_class) == (77, "system-cluster-critical")
        assert (pod.local_storage, pod.attached_storage, pod.mirror) == (True, True, False)
        assert (pod.deleting_until_at, pod.deletion_grace_seconds) == (None, None)
        assert (pod.labels["app"], pod.labels["tier"]) == ("web", "back")
        assert pod.annotations == {FORCE_ANNOTATION: "never"}, "others' are not kept"
        assert (pod.pending_reason, pod.finalizers) == ("", ())
        assert pod.controller is not None
        assert (pod.controller.kind, pod.controller.name) == ("StatefulSet", "web")

    play(scenario)


def test_safe_19_a_list_of_several_pages_is_whole_and_a_watch_goes_on_from_it(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        for name in "ab":
            await bed.add_node(NodeSpec(name=name, instance_id=""))
        pods = await started(bed, replace(WEB, replicas=60, cpu_millis=10))
        scope = PodScope(namespace=bed.namespace)
        listed = await cluster.list_pods(scope)
        assert len(listed.pods) == len({pod.ref.uid for pod in listed.pods}) == 60
        async with aclosing(cluster.watch_pods(scope, listed.resource_version)) as changes:
            await cluster.delete_pod(pods[0].ref, grace_seconds=0)
            news = await anext(changes)
        assert (news.pod.ref if isinstance(news, PodSeen) else news.ref).uid

    play(scenario)


@pytest.mark.parametrize(
    ("kind", "controller", "label"),
    [
        ("Deployment", "ReplicaSet", "pod-template-hash"),
        ("StatefulSet", "StatefulSet", "controller-revision-hash"),
        ("DaemonSet", "DaemonSet", "controller-revision-hash"),
        ("Job", "Job", "batch.kubernetes.io/job-name"),
        ("Mirror", "Node", ""),
        ("Pod", "", ""),
    ],
)
def test_pods_name_their_controller_and_carry_its_label(
    play: Play, kind: Kind, controller: str, label: str
) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        await bed.run(replace(WEB, kind=kind, node_name="a" if kind == "Mirror" else ""))
        (pod,) = await bed.wait_ready("web", 1)
        assert (pod.controller.kind if pod.controller else "") == controller
        assert not label or pod.labels[label]
        assert pod.mirror is (kind == "Mirror")

    play(scenario)


def test_pods_are_listed_by_node_by_namespace_and_by_label(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        async def names(scope: PodScope) -> list[str]:
            return sorted(pod.ref.name for pod in (await cluster.list_pods(scope)).pods)

        await bed.add_node(NodeSpec(name="a"))
        await started(bed, replace(WEB, kind="StatefulSet", labels={"tier": "back"}))
        await bed.add_node(NodeSpec(name="b"))
        await started(bed, replace(WEB, name="only-b", kind="Pod", node_name="b"))
        assert await names(PodScope(node_name="a")) == ["web-0"]
        assert await names(PodScope(namespace=bed.namespace)) == ["only-b", "web-0"]
        assert await names(PodScope(namespace="elsewhere")) == []
        for selector, wanted in {
            "app=web": ["web-0"],
            "app in (web,only-b)": ["only-b", "web-0"],
            "app notin (web)": ["only-b"],
            "app!=web": ["only-b"],
            "tier": ["web-0"],
            "!tier,app": ["only-b"],
        }.items():
            assert await names(PodScope(namespace=bed.namespace, label_selector=selector)) == wanted
        both = PodScope(namespace=bed.namespace, node_name="b", label_selector="app=web")
        assert await names(both) == []

    play(scenario)


def test_a_watch_tells_everything_after_the_list(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        (old,) = await started(bed, WEB)
        scope = PodScope(namespace=bed.namespace)
        listed = await cluster.list_pods(scope)
        assert [pod.ref for pod in listed.pods] == [old.ref]
        # Before the watch begins, and yet after the list.
        await cluster.evict_pod(old.ref, grace_seconds=None)
        states: list[str] = []
        async with aclosing(cluster.watch_pods(scope, listed.resource_version)) as changes:
            async for change in changes:
                if isinstance(change, PodGone):
                    states.append("old gone" if change.ref == old.ref else "?")
                elif change.pod.ref == old.ref:
                    states.append("old going" if change.pod.deleting_until_at else "old")
                else:
                    states.append("new Ready" if change.pod.ready else "new")
                if {"old gone", "new Ready"} <= set(states):
                    break
        assert "?" not in states
        assert states.index("old going") < states.index("old gone")
        assert states.index("new") < states.index("new Ready")

    play(scenario)


def test_a_watch_of_a_node_tells_of_no_other(play: Play) -> None:
    async def scenario(bed: Bed, cluster: Cluster) -> None:
        await bed.add_node(NodeSpec(name="a"))
        listed = await cluster.list_pods(PodScope(node_name="b"))
        await started(bed, WEB)
        await bed.add_node(NodeSpec(name="b"))
        await bed.run(replace(WEB, name="only-b", node_selector={"kubernetes.io/hostname": "b"}))
        scope = PodScope(node_name="b")
        async with aclosing(cluster.watch_pods(scope, listed.resource_version)) as changes:
            first = await anext(changes)
        # A pod enters the scope when it is bound.
        assert isinstance(first, PodSeen)
        assert (first.pod.labels["app"], first.pod.node_name) == ("only-b", "b")

    play(scenario)
