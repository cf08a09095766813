"""Stories as hypothesis makes them up: any pods, any ends, any instants."""

from hypothesis import strategies as st

from nth.core.facts import Controller, Pod, PodRef
from nth.core.notices.aws_facts import LifecycleAction
from nth.core.notices.events import AsgTermination, InstanceStateChange, ScheduledMaintenance
from nth.core.policy import Level
from nth.core.reports import (
    DeadlineMoved,
    DrainEnded,
    EvictionAccepted,
    EvictionRefused,
    ForceForbidden,
    GraceShortened,
    LeftBehind,
    MarkForbidden,
    NoticeReceived,
    NoticeWithdrawn,
    NotReplaced,
    Planned,
    PodForced,
    PodLeft,
    PodsOnNode,
    Replaced,
    ReplacementEnded,
    Report,
    SessionEnded,
    SessionResumed,
    Trouble,
)
from tests.report.stories import DEADLINE_SECONDS, MARKED, NOTICE, REBALANCE, REFUSAL, RESTORED, T0, Step

SECRET_TOKEN = "d3c9a6e2-token-of-a-hook"
NAMES = st.text(alphabet="abcxyz-059", min_size=1, max_size=12)
TEXTS = st.text(max_size=40) | st.just(REFUSAL) | st.just("Pending: 1 Insufficient cpu; <b>|`*_@here")
GRACES = st.integers(min_value=0, max_value=600)
SECONDS = st.floats(min_value=0, max_value=300, allow_nan=False)
KINDS = st.sampled_from(["ReplicaSet", "StatefulSet", "DaemonSet", "Job"])
CONTROLLERS = st.builds(Controller, KINDS, NAMES, NAMES)
PODS = st.builds(
    Pod,
    ref=st.builds(PodRef, st.sampled_from(["shop", "kube-system"]), NAMES, NAMES),
    node_name=st.just("one"),
    ready=st.booleans(),
    grace_seconds=GRACES,
    priority_class=st.sampled_from(["", "system-node-critical"]),
    controller=st.none() | CONTROLLERS,
    annotations=st.just({}) | st.just({"aws-node-termination-handler/force": "never"}),
    local_storage=st.booleans(),
)
TERMINATION = NoticeReceived(
    event=AsgTermination(
        event_id="asg-1",
        instance_id="i-1",
        action=LifecycleAction(group="g", hook="h", token=SECRET_TOKEN, instance_id="i-1"),
        noticed_at=T0 - 2,
    ),
    level=Level.DRAIN,
    drain_at=T0,
    deadline_at=T0 + DEADLINE_SECONDS + 0.1234567,
)
STATE = NoticeReceived(
    event=InstanceStateChange(event_id="state-1", instance_id="i-1", state="stopping", noticed_at=T0),
    level=Level.DRAIN,
    drain_at=T0,
    deadline_at=T0,
)
MAINTENANCE = NoticeReceived(
    event=ScheduledMaintenance(
        event_id="m-1", code="system-reboot", not_before_at=T0, not_after_at=T0 + 60, reason="disk"
    ),
    level=Level.DRAIN,
    drain_at=T0,
    deadline_at=T0,
)
NOTICES = st.sampled_from([NOTICE, REBALANCE, TERMINATION, STATE, MAINTENANCE])
LEFT = st.builds(LeftBehind, ref=PODS.map(lambda pod: pod.ref), reason=TEXTS)
MISSING = st.builds(
    NotReplaced,
    namespace=st.just("shop"),
    controller=CONTROLLERS,
    ready=st.integers(0, 5),
    before=st.integers(0, 9),
    reason=TEXTS,
)


def reports(pods: list[Pod]) -> st.SearchStrategy[Report]:
    """Anything that a session of these pods may tell."""
    pod = st.sampled_from(pods)
    left = st.lists(LEFT, max_size=3).map(tuple)
    return st.one_of(
        NOTICES,
        st.sampled_from(["spot-1", "asg-1"]).map(lambda one: NoticeWithdrawn(event_id=one, reason="over")),
        st.builds(DeadlineMoved, event_id=st.just("asg-1"), deadline_at=SECONDS.map(lambda s: T0 + s)),
        st.just(SessionResumed(event_ids=("spot-1", "old-1"))),
        st.just(MARKED),
        st.just(RESTORED),
        st.builds(
            PodsOnNode,
            going=st.lists(pod, max_size=5).map(tuple),
            staying=st.lists(st.tuples(PODS, TEXTS), max_size=3).map(tuple),
        ),
        st.builds(
            EvictionRefused, pod=pod, reason=TEXTS, forced_at=st.none() | SECONDS.map(lambda s: T0 + s)
        ),
        st.builds(EvictionAccepted, pod=pod, grace_seconds=GRACES, cut=st.booleans()),
        st.builds(PodForced, pod=pod, grace_seconds=GRACES, reason=TEXTS),
        st.builds(GraceShortened, pod=pod, grace_seconds=GRACES),
        st.builds(PodLeft, pod=pod, how=st.sampled_from(["evicted", "forced", "by itself"]), seconds=SECONDS),
        st.builds(
            DrainEnded,
            left=left,
            evicted=st.integers(0, 9),
            forced=st.integers(0, 9),
            seconds=SECONDS,
            margin_seconds=st.none() | SECONDS,
        ),
        st.builds(Replaced, namespace=st.just("shop"), controller=CONTROLLERS, ready=GRACES, seconds=SECONDS),
        st.builds(
            ReplacementEnded,
            missing=st.lists(MISSING, max_size=3).map(tuple),
            controllers=st.integers(0, 9),
            seconds=SECONDS,
        ),
        st.just(ForceForbidden(reason="403")),
        st.just(MarkForbidden(reason="403")),
        st.builds(Planned, steps=st.lists(TEXTS, max_size=3).map(tuple), drain=st.booleans()),
        st.just(Trouble(what="the Kubernetes API server", reason="refused")),
        st.just(SessionEnded(reason="the node is gone")),
    )


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Step], float]:
    """(steps in order, until when)."""
    pods = draw(st.lists(PODS, min_size=1, max_size=5))
    steps = draw(st.lists(st.tuples(SECONDS, reports(pods)), min_size=1, max_size=25))
    return sorted(steps, key=lambda step: step[0]), draw(SECONDS)
