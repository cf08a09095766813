"""kubectl's own table of pod cases, name for name, with our fate for each.

https://github.com/kubernetes/kubectl/blob/v0.34.2/pkg/cmd/drain/drain_test.go and
pkg/drain/drain_test.go. kubectl refuses the whole drain for some of them; the machine goes all the
same, so a handler never refuses: such a pod goes, stays, or is in the way. The differences are
stated in `pods`.
"""

import pytest

from nth.core.drain.pod_filter import FORCE_ANNOTATION, Fate, PodRules, judge, may_be_forced, tier
from nth.core.facts import Pod
from tests.core.samples import a_pod, owned_by

KEEP_LOCAL_DATA = PodRules(delete_local_data=False)
NO_DAEMON_SETS = PodRules(ignore_daemon_sets=False)
DAEMON = owned_by("DaemonSet", "ds")

GO, STAY, IN_THE_WAY = Fate.GO, Fate.STAY, Fate.IN_THE_WAY

KUBECTLS_CASES = {
    "RC-managed pod": (a_pod(controller=owned_by("ReplicationController")), PodRules(), GO),
    "DS-managed pod": (a_pod(controller=DAEMON), NO_DAEMON_SETS, IN_THE_WAY),
    "DS-managed pod with --ignore-daemonsets": (a_pod(controller=DAEMON), PodRules(), STAY),
    "DS-managed terminated pod": (a_pod(controller=DAEMON, phase="Succeeded"), NO_DAEMON_SETS, GO),
    "DS-managed failed pod": (a_pod(controller=DAEMON, phase="Failed"), PodRules(), GO),
    # kubectl looks the DaemonSet up and deletes an orphan with --force; we do not look it up.
    "orphaned DS-managed pod": (a_pod(controller=owned_by("DaemonSet", "unknown")), PodRules(), STAY),
    "orphaned DS-managed pod with --force": (
        a_pod(controller=owned_by("DaemonSet", "unknown")),
        PodRules(),
        STAY,
    ),
    "DS-managed pod with emptyDir with --ignore-daemonsets": (
        a_pod(controller=DAEMON, local_storage=True),
        KEEP_LOCAL_DATA,
        STAY,
    ),
    "Job-managed pod": (a_pod(controller=owned_by("Job")), PodRules(), GO),
    "Job-managed pod with local storage": (
        a_pod(controller=owned_by("Job"), local_storage=True),
        KEEP_LOCAL_DATA,
        IN_THE_WAY,
    ),
    "Job-managed terminated pod with local storage": (
        a_pod(controller=owned_by("Job"), local_storage=True, phase="Succeeded"),
        KEEP_LOCAL_DATA,
        GO,
    ),
    "RS-managed pod": (a_pod(), PodRules(), GO),
    # kubectl wants --force for these; the original handler always sets it (A12).
    "naked pod": (a_pod(controller=None), PodRules(), GO),
    "naked pod with --force": (a_pod(controller=None), PodRules(), GO),
    "naked terminated pod": (a_pod(controller=None, phase="Failed"), PodRules(), GO),
    "pod with EmptyDir": (a_pod(local_storage=True), KEEP_LOCAL_DATA, IN_THE_WAY),
    "pod with EmptyDir and --delete-emptydir-data": (a_pod(local_storage=True), PodRules(), GO),
    "terminated pod with emptyDir": (a_pod(local_storage=True, phase="Failed"), KEEP_LOCAL_DATA, GO),
    "mirror pod": (a_pod(controller=owned_by("Node"), mirror=True), PodRules(), STAY),
    "mirror pod without a controller": (a_pod(controller=None, mirror=True), PodRules(), STAY),
}


@pytest.mark.parametrize(("pod", "rules", "fate"), KUBECTLS_CASES.values(), ids=KUBECTLS_CASES.keys())
def test_A12_kubectls_case(pod: Pod, rules: PodRules, fate: Fate) -> None:
    assert judge(pod, rules).fate is fate


def test_A12_own_pod_stays_whatever_it_is() -> None:
    rules = PodRules(own_pod=("shop", "web-1"), ignore_daemon_sets=False)
    assert judge(a_pod(), rules).reason == "it is this handler"
    assert judge(a_pod(controller=DAEMON), rules).fate is STAY
    assert judge(a_pod("web-2"), rules).fate is GO
    assert judge(a_pod(namespace="other"), rules).fate is GO


def test_A12_unknown_own_pod_is_no_pod_at_all() -> None:
    """POD_NAME and NAMESPACE empty: nothing is skipped, and nothing matches by accident."""
    assert judge(a_pod(), PodRules(own_pod=("", ""))).fate is GO


@pytest.mark.parametrize(
    ("pod", "rules", "reason"),
    [
        (a_pod(controller=DAEMON), PodRules(), "a DaemonSet would only put it back"),
        (
            a_pod(controller=DAEMON),
            NO_DAEMON_SETS,
            "it belongs to a DaemonSet, and IGNORE_DAEMON_SETS is false",
        ),
        (a_pod(mirror=True), PodRules(), "a static pod can only be stopped on its machine"),
        (
            a_pod(local_storage=True),
            KEEP_LOCAL_DATA,
            "it has an emptyDir volume, and DELETE_LOCAL_DATA is false",
        ),
        (a_pod(controller=None), PodRules(), "no controller will replace it, but the machine goes"),
        (a_pod(), PodRules(), "the machine goes"),
    ],
    ids=["daemon", "daemon in the way", "static", "local data", "naked", "ordinary"],
)
def test_each_fate_has_its_reason(pod: Pod, rules: PodRules, reason: str) -> None:
    assert judge(pod, rules).reason == reason


def test_tiers() -> None:
    names = ["", "my-own-class", "system-cluster-critical", "system-node-critical"]
    assert [tier(a_pod(priority_class=name)) for name in names] == [0, 0, 1, 2]


def test_owner_can_opt_out_of_force() -> None:
    assert may_be_forced(a_pod())
    assert may_be_forced(a_pod(annotations={FORCE_ANNOTATION: "yes"}))
    assert not may_be_forced(a_pod(annotations={FORCE_ANNOTATION: "never"}))
