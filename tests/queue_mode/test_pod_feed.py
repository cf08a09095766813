"""What a subscriber of the feed hears is what a watch of his own would tell him, whatever the timing."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.facts import Pod, PodChange, PodGone, PodList, PodRef, PodScope, PodSeen
from nth.errors import ClusterError, Expired, Unreachable
from nth.queue_mode.pod_feed import REMEMBERED_CHANGES, REMEMBERED_LISTS, PodFeed
from nth.queue_mode.pod_scopes import ScopeRule, rule_of

LABEL = "pod-template-hash"
SCOPES = (
    PodScope(),
    PodScope(node_name="a"),
    PodScope(namespace="shop"),
    PodScope(namespace="shop", label_selector=f"{LABEL} in (x,y)"),
    PodScope(node_name="a", namespace="shop", label_selector=f"{LABEL} in (x)"),
    PodScope(label_selector=f"{LABEL} in (y)"),
)


def a_pod(name: str, node_name: str = "a", label: str = "x", *, namespace: str = "shop") -> Pod:
    return Pod(ref=PodRef(namespace, name, f"uid-{name}"), node_name=node_name, labels={LABEL: label})


def rule(scope: PodScope) -> ScopeRule:
    found = rule_of(scope)
    assert found is not None
    return found


@dataclass
class Server:
    """The pods, and every write of them: (version, before, after)."""

    pods: dict[str, Pod] = field(default_factory=dict)
    writes: list[tuple[int, Pod | None, Pod | None]] = field(default_factory=list)
    version: int = 100

    def write(self, uid: str, after: Pod | None) -> None:
        before = self.pods.pop(uid, None)
        if after is not None:
            self.pods[uid] = after
        if before is not None or after is not None:
            self.version += 1
            self.writes.append((self.version, before, after))

    def list(self, scope: PodScope) -> PodList:
        inside = rule(scope).matches
        return PodList(tuple(filter(inside, self.pods.values())), str(self.version))

    def watched(self, scope: PodScope, version: int) -> Iterator[PodChange]:
        """What a watch of that scope tells from that version on."""
        inside = rule(scope).matches
        for at, before, after in self.writes:
            if at > version and after is not None and inside(after):
                yield PodSeen(after, str(at))
            elif at > version and before is not None and inside(before):
                yield PodGone(before.ref, str(at))


@dataclass
class Subscriber:
    scope: PodScope
    version: int
    heard: list[PodChange | ClusterError] = field(default_factory=list)


PODS = st.builds(
    a_pod,
    st.sampled_from(("p", "q", "r")),
    st.sampled_from(("", "a", "b")),
    st.sampled_from(("x", "y", "z")),
)
STEPS = st.lists(
    st.one_of(
        PODS,  # written
        st.sampled_from(("uid-p", "uid-q", "uid-r")),  # removed
        st.sampled_from(SCOPES),  # listed
        st.integers(0, 5),  # that list is subscribed to
        st.none(),  # the feed is told one more change
    ),
    max_size=60,
)


class Story:
    """A server, a feed that lags behind it, and those who list and subscribe."""

    def __init__(self) -> None:
        self.server = Server()
        for name in "pq":
            self.server.write(f"uid-{name}", a_pod(name))
        self.feed = PodFeed(self.server.version)
        self.told = len(self.server.writes)
        self.lists: dict[PodScope, str] = {}
        self.subscribers: list[Subscriber] = []

    def step(self, step: object) -> None:
        match step:
            case Pod():
                self.server.write(step.ref.uid, step)
            case str():
                self.server.write(step, None)
            case PodScope():
                found = self.server.list(step)
                self.feed.listed(step, found)
                self.lists[step] = found.resource_version
            case int():
                self.subscribe(step)
            case _:
                self.tell()

    def subscribe(self, number: int) -> None:
        if self.lists:
            scope = list(self.lists)[number % len(self.lists)]
            version = self.lists.pop(scope)
            subscriber = Subscriber(scope, int(version))
            self.feed.subscribe(scope, rule(scope), version, subscriber.heard.append)
            self.subscribers.append(subscriber)

    def tell(self) -> None:
        if self.told < len(self.server.writes):
            at, before, after = self.server.writes[self.told]
            self.told += 1
            if after is not None:
                self.feed.tell(PodSeen(after, str(at)))
            elif before is not None:
                self.feed.tell(PodGone(before.ref, str(at)))


@given(STEPS)
def test_every_subscriber_hears_what_a_watch_of_his_own_would_tell(steps: list[object]) -> None:
    story = Story()
    for step in steps:
        story.step(step)
    for _ in steps:
        story.tell()
    for subscriber in story.subscribers:
        assert subscriber.heard == list(story.server.watched(subscriber.scope, subscriber.version))


def a_feed(*changes: PodChange, anchor: int = 100) -> PodFeed:
    feed = PodFeed(anchor)
    for change in changes:
        feed.tell(change)
    return feed


def subscribe(feed: PodFeed, scope: PodScope, version: str, *known: Pod) -> list[PodChange | ClusterError]:
    heard: list[PodChange | ClusterError] = []
    feed.listed(scope, PodList(known, version))
    feed.subscribe(scope, rule(scope), version, heard.append)
    return heard


def test_a_pod_that_was_listed_and_is_deleted_at_once_is_gone() -> None:
    feed = a_feed()
    heard = subscribe(feed, SCOPES[3], "100", a_pod("p"))
    others = subscribe(feed, SCOPES[3], "100")
    feed.tell(PodGone(a_pod("p").ref, "101"))
    feed.tell(PodGone(a_pod("p").ref, "102"))
    assert heard == [PodGone(a_pod("p").ref)]
    assert others == []


def test_a_pod_that_loses_the_label_has_left_the_scope() -> None:
    feed = a_feed()
    heard = subscribe(feed, SCOPES[3], "100", a_pod("p"))
    detached, back = a_pod("p", label="mine"), a_pod("p", label="y")
    for version, pod in enumerate((detached, detached, back), 101):
        feed.tell(PodSeen(pod, str(version)))
    assert heard == [PodGone(a_pod("p").ref), PodSeen(back)]
    assert [change.resource_version for change in heard if not isinstance(change, ClusterError)] == [
        "101",
        "103",
    ]


def test_a_change_that_is_older_than_the_list_is_not_told() -> None:
    feed = a_feed()
    newest = a_pod("p", label="y")
    heard = subscribe(feed, SCOPES[0], "105", newest)
    feed.tell(PodSeen(a_pod("p"), "104"))
    feed.tell(PodGone(a_pod("q").ref, "105"))
    feed.tell(PodSeen(newest, "106"))
    assert heard == [PodSeen(newest)]


def test_who_lists_before_the_anchor_lists_again() -> None:
    with pytest.raises(Expired):
        subscribe(a_feed(anchor=100), SCOPES[0], "99")


def test_who_comes_too_late_lists_again() -> None:
    count = REMEMBERED_CHANGES + 1
    feed = a_feed(*(PodSeen(a_pod("p"), str(version)) for version in range(101, 101 + count)))
    with pytest.raises(Expired):
        subscribe(feed, SCOPES[0], "100")
    assert len(subscribe(feed, SCOPES[0], "101")) == REMEMBERED_CHANGES


def test_a_list_is_gone_on_from_once_and_only_the_last_one() -> None:
    feed = a_feed()
    feed.listed(SCOPES[1], PodList((), "100"))
    feed.listed(SCOPES[1], PodList((), "101"))
    for scope, version in ((SCOPES[1], "100"), (SCOPES[1], "101"), (SCOPES[2], "101")):
        with pytest.raises(Expired):
            feed.subscribe(scope, rule(scope), version, lambda _: None)


def test_lists_that_nobody_goes_on_from_are_forgotten() -> None:
    feed = a_feed()
    scopes = [PodScope(node_name=f"node-{number}") for number in range(REMEMBERED_LISTS + 1)]
    for scope in scopes:
        feed.listed(scope, PodList((), "100"))
    with pytest.raises(Expired):
        feed.subscribe(scopes[0], rule(scopes[0]), "100", lambda _: None)
    feed.subscribe(scopes[1], rule(scopes[1]), "100", lambda _: None)


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_who_has_left_hears_nothing_and_leaves_nothing(scope: PodScope) -> None:
    feed = a_feed()
    heard: list[PodChange | ClusterError] = []
    feed.listed(scope, PodList((a_pod("p", label="y"),), "100"))
    subscription = feed.subscribe(scope, rule(scope), "100", heard.append)
    feed.tell(PodSeen(a_pod("p", label="y"), "101"))
    count = len(heard)
    feed.leave(subscription)
    feed.tell(PodSeen(a_pod("p"), "102"))
    feed.end(Unreachable("over"))
    assert len(heard) == count
    assert (feed.subscriptions, feed._index, feed._knowing) == (set(), {}, {})


def test_all_hear_why_it_ended() -> None:
    feed = a_feed()
    heard = [subscribe(feed, scope, "100") for scope in SCOPES]
    error = Unreachable("reset")
    feed.end(error)
    assert heard == [[error]] * len(SCOPES)


@pytest.mark.parametrize("selector", ["app=web", "a in (b),c in (d)", "!a", "a notin (b)", "a in (b, c)"])
def test_a_selector_of_another_shape_is_not_guessed_at(selector: str) -> None:
    assert rule_of(PodScope(namespace="shop", label_selector=selector)) is None
