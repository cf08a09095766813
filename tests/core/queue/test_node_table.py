"""Nodes found by instance, by name, and by host name; and what is told of their changes."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nth.core.facts import Node, NodeGone, NodeSeen
from nth.core.node.node_annotation import RECORD_ANNOTATION
from nth.core.queue.node_table import (
    EKSCTL_INSTANCE_LABEL,
    HOSTNAME_LABEL,
    MAX_WORDS,
    NodeTable,
    chosen,
    instance_id_of,
    is_nameless,
    slim,
)

INSTANCE = "i-0123456789abcdef0"


def node(
    name: str,
    *,
    version: int = 1,
    uid: str = "",
    instance_id: str = "",
    provider_id: str = "",
    labels: Mapping[str, str] | None = None,
    ready: bool = True,
) -> Node:
    return Node(
        name=name,
        uid=uid or f"uid-{name}",
        resource_version=str(version),
        provider_id=f"aws:///eu-west-1a/{instance_id}" if instance_id else provider_id,
        labels=labels or {},
        ready=ready,
    )


def table(*nodes: Node) -> NodeTable:
    made = NodeTable()
    made.replace(nodes)
    return made


def names(nodes: tuple[Node, ...]) -> list[str]:
    return [each.name for each in nodes]


def test_Q13_a_node_is_found_by_the_instance_in_its_provider_id() -> None:
    assert names(table(node("one", instance_id=INSTANCE), node("two")).of_instance(INSTANCE)) == ["one"]
    assert table(node("one")).of_instance(INSTANCE) == ()


def test_Q18_a_node_without_provider_id_is_found_by_the_label_of_eksctl() -> None:
    labelled = node("one", labels={EKSCTL_INSTANCE_LABEL: INSTANCE})
    assert names(table(labelled).of_instance(INSTANCE)) == ["one"]
    assert not table(labelled).has_nameless


def test_the_provider_id_comes_before_the_label() -> None:
    assert instance_id_of(node("one", instance_id="i-1", labels={EKSCTL_INSTANCE_LABEL: INSTANCE})) == "i-1"


@pytest.mark.parametrize(
    ("provider_id", "nameless"),
    [
        ("", True),
        ("k3s://ip-10-0-0-1", True),
        ("aws:///eu-west-1a/i-1", False),
        ("aws:///eu-west-1a/0123/fargate-ip-10-0-0-1.eu-west-1.compute.internal", False),
        ("eks-hybrid:///eu-west-1/cluster/mi-0123", False),
    ],
)
def test_only_a_node_that_may_be_an_instance_is_nameless(provider_id: str, nameless: bool) -> None:
    assert is_nameless(node("one", provider_id=provider_id)) is nameless
    assert table(node("one", provider_id=provider_id)).has_nameless is nameless


DNS = "ip-10-0-0-1.eu-west-1.compute.internal"
SHORT = "ip-10-0-0-1"


@pytest.mark.parametrize(
    "found",
    [
        node(DNS),
        node(SHORT),
        node("other", labels={HOSTNAME_LABEL: DNS}),
        node("other", labels={HOSTNAME_LABEL: SHORT}),
        node(DNS, labels={HOSTNAME_LABEL: SHORT}),
    ],
)
def test_Q19_A15_a_nameless_node_is_found_by_full_or_short_host_name(found: Node) -> None:
    assert names(table(found, node("third")).of_host(DNS)) == [found.name]


def test_A15_every_match_of_a_host_name_is_told_so_that_nobody_guesses() -> None:
    assert names(table(node(DNS), node(SHORT)).of_host(DNS)) == [SHORT, DNS]
    labelled = (node("a", labels={HOSTNAME_LABEL: DNS}), node("b", labels={HOSTNAME_LABEL: SHORT}))
    assert names(table(*labelled).of_host(DNS)) == ["a", "b"]


@pytest.mark.parametrize("name", [DNS, SHORT])
def test_safe_4_a_name_beats_a_label_that_any_kubelet_may_write(name: str) -> None:
    forged = node("other", labels={HOSTNAME_LABEL: DNS})
    assert names(table(forged, node(name)).of_host(DNS)) == [name]


def test_safe_4_a_provider_id_beats_a_label_that_any_kubelet_may_write() -> None:
    forged = node("a", labels={EKSCTL_INSTANCE_LABEL: INSTANCE})
    assert names(table(forged, node("b", instance_id=INSTANCE)).of_instance(INSTANCE)) == ["b"]
    assert names(table(forged, node("b")).of_instance(INSTANCE)) == ["a"]


def test_a_node_of_another_instance_is_not_found_by_host_name() -> None:
    assert table(node(DNS, instance_id=INSTANCE)).of_host(DNS) == ()
    assert table(node(DNS, provider_id="aws:///eu-west-1a/0123/fargate-ip-10-0-0-1")).of_host(DNS) == ()


def test_of_two_nodes_of_one_instance_the_ready_one_is_chosen() -> None:
    old, new = node("old", version=9, ready=False), node("new", version=5)
    assert chosen((old, new)) == new


def test_of_two_that_are_not_ready_the_one_written_last_is_chosen() -> None:
    old, new = node("old", version=9, ready=False), node("new", version=10, ready=False)
    assert chosen((old, new)) == new


def test_between_two_ready_nodes_there_is_no_choice() -> None:
    assert chosen((node("old"), node("new"), node("third", ready=False))) is None
    assert chosen(()) is None


def test_nothing_is_kept_that_nobody_needs() -> None:
    full = Node(
        name="one",
        uid="1",
        resource_version="1",
        labels={"team": "a"},
        annotations={RECORD_ANNOTATION: "{}", "big": "x" * 10_000},
    )
    kept = slim(full, {})
    assert kept.annotations == {RECORD_ANNOTATION: "{}"}
    assert kept.labels == {"team": "a"}
    assert slim(node("two"), {}).annotations == {}


def test_labels_of_many_nodes_share_their_strings() -> None:
    nodes = table(*(node(name, labels={"".join(["te", "am"]): "".join(["pay", "ments"])}) for name in "ab"))
    one, two = (each.labels for each in nodes.all())
    assert next(iter(one)) is next(iter(two))
    assert one["team"] is two["team"]


def test_the_words_of_nodes_that_are_gone_do_not_pile_up() -> None:
    words: dict[str, str] = {}
    for n in range(3 * MAX_WORDS):
        slim(node("one", labels={HOSTNAME_LABEL: f"host-{n}"}), words)
    assert len(words) <= MAX_WORDS + 2


def test_a_watch_tells_before_and_after() -> None:
    nodes = NodeTable()
    first, second = node("one"), node("one", version=2, ready=False)
    assert nodes.take(NodeSeen(first)) == ((None, first),)
    assert nodes.take(NodeSeen(second)) == ((first, second),)
    assert nodes.take(NodeGone("one", first.uid)) == ((second, None),)
    assert nodes.all() == ()


def test_what_is_known_already_is_no_news() -> None:
    nodes = table(node("one"))
    assert nodes.take(NodeSeen(node("one"))) == ()
    assert nodes.replace([node("one")]) == ()


def test_what_a_lagging_watch_tells_of_an_earlier_version_is_no_news() -> None:
    nodes = table(node("one", version=7))
    assert nodes.take(NodeSeen(node("one", version=6, ready=False))) == ()
    assert nodes.take(NodeSeen(node("one", version=8, ready=False)))
    assert nodes.take(NodeSeen(node("one", version=5, uid="new"))), "another node of the same name"


def test_the_end_of_an_earlier_node_of_that_name_is_no_news() -> None:
    nodes = table(node("one", uid="new"))
    assert nodes.take(NodeGone("one", "old")) == ()
    assert nodes.take(NodeGone("none", "old")) == ()
    assert names(nodes.all()) == ["one"]


def test_a_list_tells_what_is_new_other_and_gone() -> None:
    one, two, three = node("one"), node("two"), node("three")
    changed = node("two", version=2)
    nodes = table(one, two)
    assert nodes.replace([changed, three]) == ((one, None), (two, changed), (None, three))


def test_a_node_made_anew_under_its_name_is_gone_first() -> None:
    old, new = node("one", uid="a"), node("one", uid="b", version=2)
    assert table(old).replace([new]) == ((old, None), (None, new))


def test_a_node_that_gets_its_provider_id_later_changes_places() -> None:
    nodes = table(node(DNS))
    assert names(nodes.of_host(DNS)) == [DNS]
    nodes.take(NodeSeen(node(DNS, version=2, instance_id=INSTANCE)))
    assert not nodes.has_nameless
    assert nodes.of_host(DNS) == ()
    assert names(nodes.of_instance(INSTANCE)) == [DNS]


NODES = st.builds(
    node,
    st.sampled_from([DNS, SHORT, "c"]),
    version=st.integers(1, 50),
    uid=st.sampled_from(["", "again"]),
    instance_id=st.sampled_from(["", "", INSTANCE, "i-2"]),
    labels=st.sampled_from([{}, {HOSTNAME_LABEL: SHORT}, {EKSCTL_INSTANCE_LABEL: INSTANCE}]),
    ready=st.booleans(),
)
STEPS = st.one_of(
    st.builds(NodeSeen, NODES),
    st.builds(NodeGone, st.sampled_from([DNS, SHORT, "c"]), st.sampled_from(["again", f"uid-{DNS}"])),
    st.lists(NODES, max_size=3, unique_by=lambda each: each.name),
)


@given(st.lists(STEPS, max_size=20))
def test_after_any_changes_it_is_as_if_the_nodes_had_just_been_listed(
    steps: list[NodeSeen | NodeGone | list[Node]],
) -> None:
    nodes = NodeTable()
    told: dict[str, Node] = {}
    for step in steps:
        for before, after in nodes.replace(step) if isinstance(step, list) else nodes.take(step):
            if before is not None:
                assert told.pop(before.name) == before
            if after is not None:
                assert after.name not in told
                told[after.name] = after
    fresh = table(*nodes.all())
    assert sorted(told) == names(nodes.all())
    assert vars(nodes) | {"_words": {}} == vars(fresh) | {"_words": {}}
