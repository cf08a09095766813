"""Whose node is an instance: a full table, and what holds in all of it (needs_W5, needs_W8)."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from nth.core.facts import Node
from nth.core.notices.aws_facts import Instance
from nth.core.queue.node_owner import (
    Answer,
    AskEc2,
    Ec2,
    Later,
    Left,
    NotFound,
    NotOurs,
    Ours,
    Owner,
    OwnerRules,
    Question,
    owner_of,
)
from tests.core.fleet_samples import INSTANCE
from tests.core.samples import T0, a_node

KEY = "aws-node-termination-handler/managed"
NO_TAG, ANY, VALUE = OwnerRules(), OwnerRules(tag_key=KEY), OwnerRules(tag_key=KEY, tag_value="mine")
OUR_ACCOUNT = OwnerRules(account="111111111111")
NODE, BY_DNS = a_node(provider_id=f"aws:///eu-west-1a/{INSTANCE}"), a_node(name="by-dns")
DNS = "ip-10-0-0-1.ec2.internal"


def instance(*, tag: str | None = None, dns: str = DNS, state: str = "running") -> Instance:
    tags = {} if tag is None else {KEY: tag}
    return Instance(instance_id=INSTANCE, state=state, private_dns_name=dns, tags=tags)


TAGGED = instance(tag="mine")


def question(
    *,
    node: Node | None = None,
    was_ours: bool = False,
    nameless: bool = False,
    account: str = "",
    doomed: bool = False,
    until: float = 20,
) -> Question:
    return Question(
        instance_id=INSTANCE,
        node=node,
        was_ours=was_ours,
        nameless=nameless,
        account=account,
        doomed=doomed,
        until_at=T0 + until,
    )


def find_by_dns(name: str) -> Node | None:
    return BY_DNS if name == DNS else None


OURS, ELSEWHERE = question(node=NODE), question()
EXPIRED = question(until=0)


# The cluster's own node


@pytest.mark.parametrize("answer", [*Ec2, None, instance(), TAGGED])
def test_needs_W5_without_a_tag_check_the_index_alone_answers(answer: Answer) -> None:
    assert owner_of(OURS, answer, NO_TAG, T0) == Ours(NODE)
    assert owner_of(ELSEWHERE, answer, NO_TAG, T0) == Later("the cluster has no such node")
    assert isinstance(owner_of(EXPIRED, answer, NO_TAG, T0), NotFound)


def test_Q14_the_tag_is_asked_for_first() -> None:
    assert isinstance(owner_of(OURS, Ec2.UNASKED, ANY, T0), AskEc2)


@pytest.mark.parametrize(
    ("rules", "tag", "ours"),
    [
        (ANY, None, False),
        (ANY, "", True),
        (ANY, "mine", True),
        (VALUE, None, False),
        (VALUE, "", False),
        (VALUE, "theirs", False),
        (VALUE, "mine", True),
        (OwnerRules(tag_key=KEY, tag_value=""), "", True),
        (OwnerRules(tag_key=KEY, tag_value=""), "mine", False),
    ],
)
def test_Q13_Q14_the_tag_counts_by_key_and_by_value_if_one_is_given(
    rules: OwnerRules, tag: str | None, ours: bool
) -> None:
    answer = instance(tag=tag)
    assert isinstance(owner_of(OURS, answer, rules, T0), Ours) is ours
    found = owner_of(question(nameless=True), answer, rules, T0, find_by_dns)
    assert isinstance(found, Ours if ours else NotOurs)


def test_needs_W35_an_untagged_node_of_our_cluster_is_worth_a_warning() -> None:
    untagged = owner_of(OURS, instance(), VALUE, T0)
    assert untagged == NotOurs(f"it does not have the tag {KEY}=mine", of_our_cluster=True)
    assert owner_of(OURS, None, ANY, T0) == NotOurs("EC2 knows no such instance", of_our_cluster=True)


def test_needs_W35_an_untagged_instance_elsewhere_is_not() -> None:
    assert owner_of(ELSEWHERE, instance(), ANY, T0) == NotOurs(f"it does not have the tag {KEY}")


def test_needs_W5_a_doomed_node_is_drained_even_if_ec2_cannot_be_asked() -> None:
    found = owner_of(question(node=NODE, doomed=True), Ec2.SILENT, ANY, T0)
    assert isinstance(found, Ours)
    assert KEY in found.doubt


def test_needs_W5_a_node_that_may_live_on_waits_until_ec2_can_be_asked() -> None:
    assert owner_of(OURS, Ec2.SILENT, ANY, T0) == Later("EC2 could not be asked for its tags")


@pytest.mark.parametrize("rules", [NO_TAG, ANY, OUR_ACCOUNT])
def test_a_node_of_the_cluster_is_ours_whatever_account_the_message_names(rules: OwnerRules) -> None:
    asked = question(node=NODE, account="222222222222", was_ours=True)
    assert isinstance(owner_of(asked, TAGGED, rules, T0), Ours)


# Instances that are no node of the cluster


def test_an_instance_whose_node_has_left_is_done() -> None:
    assert owner_of(question(was_ours=True), Ec2.UNASKED, ANY, T0) == NotOurs("its node has left the cluster")


@pytest.mark.parametrize(
    ("account", "foreign"), [("", False), ("111111111111", False), ("222222222222", True)]
)
def test_instances_of_foreign_accounts_are_not_ours(account: str, foreign: bool) -> None:
    found = owner_of(question(account=account), Ec2.UNASKED, OUR_ACCOUNT, T0)
    assert isinstance(found, NotOurs) is foreign
    assert not isinstance(owner_of(question(account=account), Ec2.UNASKED, NO_TAG, T0), NotOurs)


@pytest.mark.parametrize("asked", [question(nameless=True), question(nameless=True, until=0)])
def test_Q13_Q19_where_nodes_name_no_instance_it_is_found_by_its_dns_name(asked: Question) -> None:
    assert isinstance(owner_of(asked, Ec2.UNASKED, NO_TAG, T0, find_by_dns), AskEc2)
    assert owner_of(asked, instance(), NO_TAG, T0, find_by_dns) == Ours(BY_DNS)


@pytest.mark.parametrize("rules", [ANY, VALUE])
def test_Q11_what_ec2_does_not_know_is_not_ours(rules: OwnerRules) -> None:
    for asked in (ELSEWHERE, EXPIRED):
        assert owner_of(asked, None, rules, T0) == NotOurs("EC2 knows no such instance")


@pytest.mark.parametrize("state", ["pending", "shutting-down", "terminated", "stopping", "stopped"])
def test_Q12_no_name_and_not_running_is_not_ours(state: str) -> None:
    nameless = instance(tag="mine", dns="", state=state)
    for asked in (ELSEWHERE, EXPIRED):
        assert owner_of(asked, nameless, ANY, T0, find_by_dns) == NotOurs(f"it is {state}, and has no node")


def test_Q12_running_without_a_name_may_still_become_a_node() -> None:
    nameless = instance(tag="mine", dns="")
    assert owner_of(ELSEWHERE, nameless, ANY, T0, find_by_dns) == Later(
        "the cluster has no such node", found=True
    )
    assert isinstance(owner_of(EXPIRED, nameless, ANY, T0, find_by_dns), NotFound)


def test_found_by_its_tag_it_is_waited_for_until_its_time_is_over() -> None:
    assert owner_of(ELSEWHERE, TAGGED, ANY, T0) == Later("the cluster has no such node", found=True)
    assert owner_of(ELSEWHERE, TAGGED, ANY, T0 + 19.9) == Later("the cluster has no such node", found=True)
    assert isinstance(owner_of(ELSEWHERE, TAGGED, ANY, T0 + 20), NotFound)


@pytest.mark.parametrize("rules", [ANY, NO_TAG])
def test_Q20_needs_W8_could_not_ask_is_later_and_stays_so(rules: OwnerRules) -> None:
    assert owner_of(question(nameless=True, until=-3600), Ec2.SILENT, rules, T0) == Later(
        "EC2 could not be asked"
    )


# All of it

# A hook whose node has left

LEFT = Left("its node has left the cluster")


def hooked(*names: str, until: float = 20) -> Question:
    return replace(question(was_ours=True, until=until), hook_left_by=frozenset(names))


@pytest.mark.parametrize(
    "name", [DNS, "ip-10-0-0-1", "ip-10-0-0-1.example.com", INSTANCE, f"{INSTANCE}.internal"]
)
def test_safe_13_a_hook_is_completed_if_ec2_calls_the_instance_as_its_node_was_called(name: str) -> None:
    assert isinstance(owner_of(hooked(name), Ec2.UNASKED, NO_TAG, T0), AskEc2)
    assert owner_of(hooked(name), instance(), NO_TAG, T0) == LEFT
    assert owner_of(hooked("other", name), TAGGED, ANY, T0) == LEFT
    assert isinstance(owner_of(hooked(name), instance(), ANY, T0), NotOurs), "it has no tag"


@pytest.mark.parametrize(
    "answer", [None, instance(dns="", state="terminated"), instance(state="shutting-down")]
)
def test_safe_13_a_hook_is_completed_if_its_machine_goes_away_anyway(answer: Answer) -> None:
    assert owner_of(hooked("called-otherwise"), answer, NO_TAG, T0) == LEFT


@pytest.mark.parametrize(
    "answer", [Ec2.SILENT, instance(), instance(dns=""), instance(dns="", state="stopped")]
)
@pytest.mark.parametrize("until", [20, 0])
def test_safe_13_a_claim_that_is_not_confirmed_counts_for_nothing(answer: Answer, until: float) -> None:
    claimed = owner_of(hooked("forged", until=until), answer, NO_TAG, T0)
    assert claimed == owner_of(question(until=until), answer, NO_TAG, T0)
    assert isinstance(claimed, Later if until else NotFound)


QUESTIONS = [
    question(node=node, was_ours=was_ours, nameless=nameless, account=account, doomed=doomed, until=until)
    for node, was_ours, nameless, account, doomed, until in itertools.product(
        [None, NODE],
        [False, True],
        [False, True],
        ["", "111111111111", "222222222222"],
        [False, True],
        [0, 20],
    )
]
ANSWERS: list[Answer] = [
    *Ec2,
    None,
    *(
        instance(tag=tag, dns=dns, state=state)
        for tag, dns, state in itertools.product(
            [None, "mine", "theirs"], ["", DNS, "foreign"], ["running", "terminated"]
        )
    ),
]
RULES = [
    OwnerRules(tag_key=key, tag_value=value, account=account)
    for key, value, account in itertools.product(["", KEY], [None, "mine"], ["", "111111111111"])
]


def everything() -> Iterator[tuple[Question, Answer, OwnerRules, Owner]]:
    for asked, answer, rules in itertools.product(QUESTIONS, ANSWERS, RULES):
        yield asked, answer, rules, owner_of(asked, answer, rules, T0, find_by_dns)


def test_every_combination_has_an_answer() -> None:
    found = [owner for *_, owner in everything()]
    assert len(found) == 96 * 21 * 8
    assert {type(owner) for owner in found} == {Ours, NotOurs, AskEc2, Later, NotFound}


def test_Q20_needs_W8_not_found_is_never_said_while_ec2_could_not_be_asked() -> None:
    """Only where nothing depends on EC2, or EC2 has described the instance, or is it too late to wait."""
    for asked, answer, rules, owner in everything():
        if isinstance(owner, NotFound):
            assert asked.node is None
            assert asked.until_at <= T0
            assert isinstance(answer, Instance) or not (rules.tag_key or asked.nameless)


def test_needs_W8_not_ours_is_never_said_because_ec2_could_not_be_asked() -> None:
    for asked, answer, rules, owner in everything():
        if isinstance(owner, NotOurs) and isinstance(answer, Ec2):
            foreign = rules.account and asked.account and asked.account != rules.account
            assert asked.was_ours or foreign
            assert asked.node is None


def test_ec2_is_asked_once_and_only_for_what_needs_it() -> None:
    for asked, answer, rules, owner in everything():
        if isinstance(owner, AskEc2):
            assert answer is Ec2.UNASKED
            assert rules.tag_key or (asked.nameless and asked.node is None)


def test_a_node_of_the_cluster_is_found_or_there_is_a_reason_in_ec2() -> None:
    for asked, answer, rules, owner in everything():
        if asked.node is not None:
            assert not isinstance(owner, NotFound)
            if isinstance(owner, NotOurs):
                assert owner.of_our_cluster
                assert rules.tag_key
                assert answer is None or isinstance(answer, Instance)
        elif isinstance(owner, NotOurs):
            assert not owner.of_our_cluster


def test_needs_W5_only_the_doomed_go_with_a_doubt() -> None:
    for asked, answer, _, owner in everything():
        if isinstance(owner, Ours) and owner.doubt:
            assert asked.doomed
            assert answer is Ec2.SILENT


def test_what_waits_can_still_come_true() -> None:
    """`found` is said only of an instance that EC2 knows; later means that time or EC2 may tell."""
    for asked, answer, _, owner in everything():
        if isinstance(owner, Later):
            assert asked.until_at > T0 or answer is Ec2.SILENT
            assert not owner.found or isinstance(answer, Instance)


# Several nodes say that they are the instance (safe_4)

REAL = replace(NODE, name="ip-10-0-0-1.corp.example", ready=False)
FORGED = replace(NODE, name="ip-10-0-0-9.ec2.internal", ready=True)
LABELLED = a_node(name="labelled")


def rivals(*nodes: Node, doomed: bool = True, patient: bool = False) -> Question:
    return replace(question(doomed=doomed, nameless=True), rivals=nodes, patient=patient)


@pytest.mark.parametrize("patient", [True, False])
@pytest.mark.parametrize("doomed", [True, False])
@pytest.mark.parametrize("ready", [True, False])
def test_safe_4_ec2s_name_for_the_instance_decides_between_nodes(
    ready: bool, doomed: bool, patient: bool
) -> None:
    asked = rivals(replace(REAL, ready=ready), FORGED, doomed=doomed, patient=patient)
    assert isinstance(owner(asked, Ec2.UNASKED), AskEc2)
    assert owner(asked, instance()) == Ours(replace(REAL, ready=ready))
    by_id = replace(FORGED, name=f"{INSTANCE}.eu-west-1.compute.internal")
    assert owner(replace(asked, rivals=(FORGED, by_id)), instance(dns="elsewhere")) == Ours(by_id)


@pytest.mark.parametrize(("doomed", "patient"), [(True, False), (True, True), (False, False)])
def test_safe_4_where_ec2_is_silent_only_a_machine_that_dies_now_is_not_waited_for(
    doomed: bool, patient: bool
) -> None:
    found = owner(rivals(REAL, FORGED, doomed=doomed, patient=patient), Ec2.SILENT)
    if doomed and not patient:
        assert isinstance(found, Ours)
        assert found.node is FORGED
        assert found.doubt
    else:
        assert isinstance(found, Later)
    both = replace(REAL, ready=True), FORGED
    assert isinstance(owner(rivals(*both, doomed=doomed, patient=patient), Ec2.SILENT), Later)


def test_safe_4_where_ec2s_name_fits_none_the_only_ready_node_is_taken_and_doubted() -> None:
    found = owner(rivals(REAL, FORGED), instance(dns="ip-10-9-9-9.ec2.internal"))
    assert isinstance(found, Ours)
    assert (found.node, bool(found.doubt)) == (FORGED, True)
    assert isinstance(owner(rivals(replace(REAL, ready=True), FORGED), instance(dns="other")), Later)
    assert isinstance(owner(rivals(REAL, FORGED), None), NotOurs)


def test_safe_4_of_several_nodes_too_the_tag_decides_whether_it_is_ours() -> None:
    asked = rivals(REAL, FORGED)
    assert isinstance(owner(asked, instance(), ANY), NotOurs)
    assert owner(asked, TAGGED, ANY) == Ours(REAL)


def test_safe_4_a_label_gives_way_to_the_name_of_a_node_without_provider_id() -> None:
    asked = question(node=LABELLED, nameless=True, doomed=True)
    assert isinstance(owner(asked, Ec2.UNASKED), AskEc2)
    assert owner(asked, instance()) == Ours(BY_DNS)
    assert owner(asked, instance(dns="fits-nobody")) == Ours(LABELLED)
    assert owner(asked, Ec2.SILENT) == Ours(LABELLED)
    assert isinstance(owner(replace(asked, patient=True), Ec2.SILENT), Later)
    # Nobody else may be it: EC2 need not be asked.
    assert owner(question(node=LABELLED), Ec2.UNASKED) == Ours(LABELLED)


def owner(asked: Question, answer: Answer, rules: OwnerRules = NO_TAG) -> Owner:
    return owner_of(asked, answer, rules, T0, find_by_dns)
