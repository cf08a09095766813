"""Replacements are followed to a final report, whatever happens to them; and each report is so."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from nth.core.decisions import Decision, FollowPods, PodsChanged, PodsListed, ReadWanted, Tell, WantedRead
from nth.core.drain.follow_up import FOLLOW_SECONDS, MAX_READ, FollowUp
from nth.core.facts import Pod, PodGone, PodRef, PodScope, PodSeen, Wanted
from nth.core.reports import Replaced, ReplacementEnded, Report
from nth.errors import ClusterError, Forbidden, Missing, Unreachable
from tests.core.samples import NODE, T0, a_pod, owned_by

LATE_AT = T0 + 115
OVER_AT = LATE_AT + 2 * FOLLOW_SECONDS
NAMES = ("one", "two", "three")


@dataclass
class Truth:
    """What is so in the cluster."""

    elsewhere: dict[str, dict[str, bool]]
    """By controller: whether its pods on other nodes are Ready, by name."""
    wanted: dict[str, Wanted | ClusterError | None]


@dataclass
class Change:
    """A controller's pod becomes so, or goes (None); or the controller answers otherwise from now on."""

    at: float
    controller: str
    pod: str
    ready: bool | None
    answer: Wanted | ClusterError | None


def pod_of(controller: str, name: str, **changes: object) -> Pod:
    fields: dict[str, object] = {
        "controller": owned_by("ReplicaSet", controller),
        "labels": {"pod-template-hash": controller},
        **changes,
    }
    return replace(a_pod(f"{controller}-{name}"), **fields)  # type: ignore[arg-type]  # a test names the fields


def scope_of() -> PodScope:
    return PodScope(namespace="shop", label_selector=f"pod-template-hash in ({','.join(sorted(NAMES))})")


def pods_here() -> list[Pod]:
    return [pod_of(name, str(number)) for name in NAMES for number in range(2)]


changes = st.lists(
    st.builds(
        Change,
        at=st.floats(T0, OVER_AT),
        controller=st.sampled_from(NAMES),
        pod=st.sampled_from(["x", "y", "z"]),
        ready=st.sampled_from([True, False, None]),
        answer=st.one_of(
            st.none(),
            st.builds(Wanted, pods=st.integers(0, 3)),
            st.sampled_from([Missing("gone"), Forbidden("no"), Unreachable("down")]),
        ),
    ),
    max_size=25,
).map(lambda found: sorted(found, key=lambda each: each.at))


class Story:
    """A node that was drained at T0, and what happens then."""

    def __init__(self) -> None:
        self.truth = Truth({name: {} for name in NAMES}, dict.fromkeys(NAMES))
        self.follow_up = FollowUp(NODE)
        self.told: list[tuple[float, Report]] = []
        self.asked = 0
        self.now = T0
        assert self.follow_up.begin(pods_here(), T0, T0) == [FollowPods(scope_of())]
        self.take(self.follow_up.heard(PodsListed(scope_of(), tuple(pods_here())), T0))
        for pod in pods_here():
            assert self.follow_up.asked(pod, T0) == []
        self.take(self.follow_up.heard(PodsListed(scope_of(), ()), T0))

    def take(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Tell):
                self.told.append((self.now, decision.report))
                self.check(decision.report)
            elif isinstance(decision, ReadWanted):
                self.asked += 1
                answer = self.truth.wanted[decision.controller.name]
                self.follow_up.wanted_read(WantedRead(decision.controller, answer))
                self.step()

    def step(self) -> None:
        self.take(self.follow_up.step(self.now, LATE_AT, proven=True))

    def run(self, until_at: float) -> None:
        for _ in range(1000):
            self.step()
            wake_at = self.follow_up.wake_at(LATE_AT)
            if wake_at is None or wake_at > until_at:
                self.now = until_at
                return
            self.now = max(self.now, wake_at)
        raise AssertionError("it never sleeps")

    def happen(self, change: Change) -> None:
        self.truth.wanted[change.controller] = change.answer
        pods = self.truth.elsewhere[change.controller]
        ref = PodRef("shop", change.pod, f"uid-{change.controller}-{change.pod}")
        if change.ready is None:
            pods.pop(change.pod, None)
            news: PodSeen | PodGone = PodGone(ref)
        else:
            pods[change.pod] = change.ready
            seen = pod_of(change.controller, "0", node_name="node-2", ready=change.ready)
            news = PodSeen(replace(seen, ref=ref))
        if self.follow_up.follows(scope_of()):
            self.take(self.follow_up.heard(PodsChanged(scope_of(), (news,)), self.now))
            self.step()

    def ready(self, controller: str) -> int:
        return sum(self.truth.elsewhere[controller].values())

    def check(self, report: Report) -> None:
        if isinstance(report, Replaced):
            assert report.ready == self.ready(report.controller.name) >= 2
        if not isinstance(report, ReplacementEnded):
            return
        for missing in report.missing:
            assert missing.before == 2
            assert missing.ready == self.ready(missing.controller.name)
            assert missing.ready < 2
            assert not missing.deleted
            assert missing.wanted is None or missing.ready < missing.wanted
        for released in report.released:
            assert released.deleted or (released.wanted is not None and released.wanted <= 3)


@given(changes)
def test_each_report_is_so_and_the_last_one_is_final(happening: list[Change]) -> None:
    story = Story()
    for change in happening:
        story.run(change.at)
        story.happen(change)
    story.run(OVER_AT + FOLLOW_SECONDS)
    ends = [(at, each) for at, each in story.told if isinstance(each, ReplacementEnded)]
    assert [each.final for _, each in ends] in ([True], [False, True])
    last_at, last = ends[-1]
    # It is not said that pods are missing for good before they were followed for so long.
    assert not last.missing or last_at >= ends[0][0] + FOLLOW_SECONDS
    assert last_at <= LATE_AT + FOLLOW_SECONDS + 1
    assert story.asked <= len(NAMES) * 6
    assert not story.follow_up.follows(scope_of())
    replaced = [each.controller.name for _, each in story.told if isinstance(each, Replaced)]
    assert len(replaced) == len(set(replaced))
    told = {each.controller.name for each in (*last.missing, *last.released)} | set(replaced)
    assert told >= set(NAMES)


def test_no_more_controllers_are_asked_at_a_time_than_a_report_can_wait_for() -> None:
    follow_up = FollowUp(NODE)
    pods = [pod_of(f"web-{number}", "0") for number in range(MAX_READ + 5)]
    (follow,) = follow_up.begin(pods, T0, T0)
    assert isinstance(follow, FollowPods)
    for pod in pods:
        follow_up.asked(pod, T0)
    follow_up.heard(PodsListed(follow.scope, ()), T0)
    asked = follow_up.step(LATE_AT, LATE_AT, proven=True)
    assert len(asked) == MAX_READ
    for each in asked:
        assert isinstance(each, ReadWanted)
        follow_up.wanted_read(WantedRead(each.controller, Wanted(pods=0)))
    (told,) = follow_up.step(LATE_AT, LATE_AT, proven=True)
    assert isinstance(told, Tell)
    assert isinstance(told.report, ReplacementEnded)
    assert (len(told.report.missing), len(told.report.released)) == (5, MAX_READ)
    assert not told.report.final
