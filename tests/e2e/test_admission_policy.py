"""What a token of metadata mode can do with the chart's admission policy, on a real API server.

The policy is installed with helm. A token is bound to the DaemonSet's pod on a node, as the kubelet gets it.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from nth.core.node.node_annotation import ACTION_LABEL
from nth.core.policy import LOAD_BALANCER_LABEL, OUT_OF_SERVICE_TAINT
from nth.errors import Denied
from testbed import access, rights
from testbed.api import Api
from testbed.audit import AuditLog
from testbed.bed import RealBed
from testbed.helm import NAMESPACE
from tests.contract.bed import BudgetSpec, NodeSpec, Workload
from tests.core.samples import SPOT_TAINT
from tests.e2e.operator import Json, Terminal, at_terminal, is_ready
from tests.e2e.proxy import write_kubeconfig
from tests.e2e.stage import DRAINED, FORCED, Stage, staged

INSTALL = f"helm upgrade --install {rights.HANDLER} {rights.CHART} --namespace {NAMESPACE} --reset-values"
GUARDED = "admissionPolicy.create=true,emitKubernetesEvents=true,enableNodeCondition=true"
QUEUE = "enableSqsTerminationDraining=true,queueURL=https://sqs.eu-west-1.amazonaws.com/123456789012/nodes"
NEAR_SECONDS = 36.0
"""To the interruption, so that a pod with 30 s of grace is forced in about three."""
TELL_AND_MARK = (
    *("EMIT_KUBERNETES_EVENTS", "ENABLE_NODE_CONDITION", "TAINT_NODE"),
    *("EXCLUDE_FROM_LOAD_BALANCERS", "ENABLE_OUT_OF_SERVICE_TAINT"),
)
DENIED = "denied request: "
NO_NODE = "The handler's token names no node"

Ask = Callable[[Api], object]


@dataclass(slots=True, kw_only=True)
class Guarded:
    """A release with the policy, one pod of it on each node, and one pod of somebody's on each."""

    bed: RealBed
    terminal: Terminal
    folder: Path
    pods: dict[str, str]
    """The paths of the others' pods, by node."""

    @contextmanager
    def holding(self, node: str) -> Iterator[Api]:
        """As root on that node: with the token of the handler's pod there. "" is a token without a node."""
        with self.using(token_for(self.bed, self.terminal, node)) as api:
            yield api

    @contextmanager
    def using(self, token: str) -> Iterator[Api]:
        plane = self.bed.plane
        path = self.folder / f"{uuid.uuid4().hex}.kubeconfig"
        access.write_kubeconfig(path, url=plane.url, authority=plane.authority, user="any", token=token)
        with Api(path) as api:
            yield api


def token_for(bed: RealBed, terminal: Terminal, node: str) -> str:
    pods = [pod for pod in terminal.pods() if pod["spec"]["nodeName"] == node]
    with Api(bed.plane.kubeconfig) as admin:
        return rights.token_of(admin, rights.HANDLER, pods[0] if node else None)


def mark_node(name: str, part: str = "") -> Ask:
    change = {"metadata": {"annotations": {"tried": uuid.uuid4().hex}}}
    return lambda api: api.merge(f"/api/v1/nodes/{name}{part}", change)


def mark_pod(path: str) -> Ask:
    condition = {"type": "DisruptionTarget", "status": "True"}
    return lambda api: api.merge(f"{path}/status", {"status": {"conditions": [condition]}})


def delete(path: str) -> Ask:
    return lambda api: api.delete(path, {"gracePeriodSeconds": 30})


def evict(path: str) -> Ask:
    name, namespace = path.split("/")[-1], path.split("/")[-3]
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
    }
    return lambda api: api.post(f"{path}/eviction", body)


def tell(namespace: str) -> Ask:
    about = {"kind": "Pod", "namespace": namespace, "name": "any"}
    body = {
        "metadata": {"generateName": "tried-"},
        "involvedObject": about,
        "reason": "Tried",
        "type": "Normal",
    }
    return lambda api: api.post(f"/api/v1/namespaces/{namespace}/events", body)


def refused(api: Api, ask: Ask) -> str:
    """In the policy's own words."""
    with pytest.raises(Denied) as caught:
        ask(api)
    message = str(caught.value)
    assert f"ValidatingAdmissionPolicy '{rights.HANDLER}'" in message, message
    return message.partition(DENIED)[2]


async def place(bed: RealBed) -> dict[str, str]:
    found = {}
    for node in ("a", "b"):
        await bed.add_node(NodeSpec(name=node))
        await bed.run(Workload(name=f"on-{node}", kind="Pod", node_name=node, ready_after_seconds=0.1))
        found[node] = f"/api/v1/namespaces/{bed.namespace}/pods/on-{node}"
    for node in found:
        await bed.wait_ready(f"on-{node}", 1)
    return found


@contextmanager
def installed(bed: RealBed, folder: Path) -> Iterator[Terminal]:
    """With the policy, and with the right to mark pods, whether the chart gives it or not."""
    with at_terminal(bed.plane, folder) as terminal, Api(bed.plane.kubeconfig) as admin:
        terminal.types(f"{INSTALL} --set {GUARDED}")
        more = _right_to_mark()
        rights.install(admin, more)
        try:
            yield terminal
        finally:
            rights.remove(admin, more)


def _right_to_mark() -> list[rights.Object]:
    named = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "tried"}}
    rule = {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["patch"]}
    account = {"kind": "ServiceAccount", "name": rights.HANDLER, "namespace": NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "tried"}
    return [
        {**named, "kind": "ClusterRole", "rules": [rule]},
        {**named, "kind": "ClusterRoleBinding", "roleRef": role, "subjects": [account]},
    ]


def wait_in_force(terminal: Terminal, guarded: Callable[[], object]) -> None:
    """The API server reads a new policy a moment after it is made."""

    def so() -> bool:
        try:
            guarded()
        except Denied as error:
            return DENIED in str(error)
        return False

    terminal.waits_until(so)


@pytest.fixture
def guarded(bed: RealBed, tmp_path: Path) -> Iterator[Guarded]:
    pods = asyncio.run(place(bed))
    with installed(bed, tmp_path) as terminal:
        terminal.waits_until(lambda: terminal.ready_on() == ["a", "b"])
        guarded = Guarded(bed=bed, terminal=terminal, folder=tmp_path, pods=pods)
        with guarded.holding("") as api:
            wait_in_force(terminal, lambda: mark_node("a")(api))
        yield guarded


def test_safe_9_a_token_changes_its_own_node_and_no_other(guarded: Guarded) -> None:
    with guarded.holding("a") as api:
        for part in ("", "/status"):
            mark_node("a", part)(api)
            assert refused(api, mark_node("b", part)) == "A handler on node a may not change node b"


def change_node(name: str, *, labels: Json | None = None, part: str = "", **spec: object) -> Ask:
    change = {"metadata": {"labels": labels or {}}, "spec": spec}
    return lambda api: api.merge(f"/api/v1/nodes/{name}{part}", change)


def test_safe_9_of_its_nodes_labels_and_taints_a_token_changes_the_handlers_own_alone(
    guarded: Guarded,
) -> None:
    """As NodeRestriction keeps the kubelet from it."""
    theirs = [{"key": "quarantine", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}]
    kept = [{"key": "quarantine", "effect": "NoExecute"}]
    ours = [
        {"key": SPOT_TAINT, "value": "x", "effect": "NoSchedule"},
        {"key": OUT_OF_SERVICE_TAINT.key, "value": "nodeshutdown", "effect": "NoExecute"},
    ]
    draws = "mine.node-restriction.kubernetes.io/trusted"
    with Api(guarded.bed.plane.kubeconfig) as admin:
        change_node("a", labels={"team": "one"}, taints=theirs)(admin)
    with guarded.holding("a") as api:
        change_node("a", labels={ACTION_LABEL: "x", LOAD_BALANCER_LABEL: "true"}, taints=kept + ours)(api)
        change_node("a", labels={ACTION_LABEL: None}, taints=kept, unschedulable=True)(api)
        refusals = [change_node("a", taints=None), change_node("a", taints=ours)]
        refusals += [
            change_node("a", labels=labels, part=part)
            for labels in ({draws: "yes"}, {"team": "two"}, {"team": None})
            for part in ("", "/status")
        ]
        for ask in refusals:
            assert refused(api, ask).startswith(
                "A handler may change no labels and taints of its node but its own"
            )


def test_safe_9_a_token_removes_and_marks_its_own_nodes_pods_and_no_others(guarded: Guarded) -> None:
    with guarded.holding("a") as api:
        for ask in (mark_pod, delete):
            assert (
                refused(api, ask(guarded.pods["b"])) == "A handler on node a may not change a pod of node b"
            )
            ask(guarded.pods["a"])(api)


def test_safe_9_a_pod_that_is_placed_nowhere_yet_is_no_nodes_own(guarded: Guarded) -> None:
    waiting = Workload(name="waiting", kind="Pod", node_selector={"no": "node"})
    asyncio.run(guarded.bed.run(waiting))
    path = guarded.pods["a"].replace("on-a", "waiting")
    with guarded.holding("a") as api:
        assert refused(api, delete(path)) == "A handler on node a may not change a pod of no node"


def test_safe_9_an_eviction_elsewhere_remains_within_the_budget_as_security_md_says(guarded: Guarded) -> None:
    kept = BudgetSpec(name="kept", match_labels={"app": "on-b"}, max_unavailable=0)
    asyncio.run(guarded.bed.set_budget(kept))
    with guarded.holding("a") as api:
        with pytest.raises(Exception, match="disruption budget"):
            evict(guarded.pods["b"])(api)
        asyncio.run(
            guarded.bed.set_budget(BudgetSpec(name="kept", match_labels={"app": "none"}, max_unavailable=0))
        )
        evict(guarded.pods["b"])(api)
        tell(guarded.bed.namespace)(api)


def test_safe_9_a_token_without_a_node_changes_nothing(guarded: Guarded) -> None:
    pod = guarded.pods["a"]
    with guarded.holding("") as api:
        every = (mark_node("a"), mark_node("a", "/status"), delete(pod), mark_pod(pod), evict(pod))
        for ask in (*every, tell(guarded.bed.namespace)):
            assert refused(api, ask).startswith(NO_NODE)
        # Reading is RBAC's business.
        api.get("/api/v1/nodes")


def test_safe_9_all_other_accounts_are_as_before(guarded: Guarded) -> None:
    with Api(guarded.bed.plane.kubeconfig) as admin:
        queue_mode = rights.token_of(admin, rights.QUEUE_HANDLER)
        mark_node("a")(admin)
    with guarded.using(queue_mode) as api:
        for node in ("a", "b"):
            mark_node(node)(api)
        evict(guarded.pods["a"])(api)
        delete(guarded.pods["b"])(api)


@asynccontextmanager
async def guarded_stage(bed: RealBed, folder: Path) -> AsyncIterator[Stage]:
    """The handler has the token of the chart's pod on the doomed node."""
    with installed(bed, folder) as terminal:
        async with staged(bed, folder) as stage:
            await stage.set_up(Workload(name="web", replicas=2, ready_after_seconds=0.1))

            def pod_there() -> bool:
                pods = [pod for pod in terminal.pods() if is_ready(pod)]
                return stage.doomed in [pod["spec"]["nodeName"] for pod in pods]

            await asyncio.to_thread(terminal.waits_until, pod_there)
            token = await asyncio.to_thread(token_for, bed, terminal, stage.doomed)
            write_kubeconfig(stage.handler.kubeconfig, stage.proxy, token)
            with Api(bed.plane.handler_kubeconfig()) as api:
                guard = mark_node(stage.doomed)
                await asyncio.to_thread(wait_in_force, terminal, lambda: guard(api))
            stage.handler.env = dict.fromkeys(TELL_AND_MARK, "true")
            yield stage


def denials(audit: AuditLog) -> list[tuple[str, str]]:
    asked = audit.requests(rights.user_of(rights.HANDLER))
    return [(each.verb, each.resource) for each in asked if each.code == 403]


@pytest.mark.parametrize("budget", [False, True], ids=["polite", "forced"])
def test_safe_9_a_whole_drain_works_under_the_policy(bed: RealBed, tmp_path: Path, budget: bool) -> None:
    async def scenario() -> None:
        async with guarded_stage(bed, tmp_path) as stage:
            if budget:
                none = BudgetSpec(name="none", match_labels={"app": "one-web"}, max_unavailable=0)
                await bed.set_budget(none)
            audit = AuditLog(bed.plane.audit_log)
            await stage.listen()
            stage.say_spot(time.time() + (NEAR_SECONDS if budget else 110))
            if budget:
                await stage.handler.wait_said(FORCED, count=2)
            await stage.handler.wait_said(DRAINED, timeout_seconds=40)
            await stage.wait_moved("web", 2)
            assert (await stage.node()).unschedulable
            assert await stage.handler.stop() == 0
            assert denials(audit) == []

    asyncio.run(scenario())


@pytest.fixture
def terminal(bed: RealBed, tmp_path: Path) -> Iterator[Terminal]:
    with at_terminal(bed.plane, tmp_path) as terminal:
        yield terminal


@pytest.mark.parametrize("first", ["queue", "metadata"])
def test_safe_9_the_chart_refuses_both_modes_on_one_account(terminal: Terminal, first: str) -> None:
    shared = "serviceAccount.create=false,serviceAccount.name=shared"
    queue = f"helm upgrade --install other {rights.CHART} --namespace {NAMESPACE} --set {QUEUE}"
    metadata = f"{INSTALL} --set admissionPolicy.create=true"
    lines = [f"{metadata},{shared}", f"{queue},{shared}"]
    words = ["serviceAccount.name is shared, which the DaemonSet", "would stop the Deployment other-"]
    if first == "queue":
        lines.reverse()
        words.reverse()
    try:
        terminal.types(lines[0])
        done = terminal.tries(lines[1])
        assert done.returncode == 1
        assert words[0] in done.stderr, done.stderr
        # With an account each, both are fine.
        terminal.types(lines[1].replace("serviceAccount.name=shared", "serviceAccount.name=another"))
    finally:
        terminal.types(f"helm uninstall other --namespace {NAMESPACE} --ignore-not-found")


def test_safe_9_a_release_may_change_its_mode(terminal: Terminal) -> None:
    named = "serviceAccount.name=mine"
    terminal.types(f"{INSTALL} --set {named},admissionPolicy.create=true")
    assert terminal.object("validatingadmissionpolicy") is not None
    terminal.types(f"{INSTALL} --set {named},{QUEUE}")
    assert terminal.object("validatingadmissionpolicy") is None
    terminal.types(f"{INSTALL} --set {named},admissionPolicy.create=true")
    assert terminal.object("validatingadmissionpolicybinding") is not None
