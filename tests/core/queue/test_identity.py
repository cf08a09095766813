"""A record is believed towards AWS only if provider id, the other nodes, and EC2's name for it agree."""

import pytest

from nth.core.notices.aws_facts import Instance
from nth.core.queue.identity import claim_against, name_against
from nth.core.queue.node_owner import Ec2
from tests.core.fleet_samples import INSTANCE
from tests.core.samples import a_node

MINE = a_node(provider_id=f"aws:///eu-west-1a/{INSTANCE}")
TWIN = a_node(name="twin", provider_id=MINE.provider_id)
BARE = a_node()


@pytest.mark.parametrize(
    ("node", "claimants", "fine"),
    [
        (MINE, (MINE,), True),
        (MINE, (MINE, TWIN), False),
        (BARE, (), True),
        (BARE, (TWIN,), False),
        (a_node(provider_id="aws:///eu-west-1a/i-0aaaaaaaaaaaaaaaa"), (TWIN,), False),
        (a_node(provider_id="aws:///eu-west-1a/i-0aaaaaaaaaaaaaaaa"), (), False),
        (None, (), False),
        (None, (TWIN,), False),
    ],
)
def test_safe_1_the_node_has_the_provider_id_and_nobody_else_has(node, claimants, fine) -> None:  # type: ignore[no-untyped-def]
    assert (claim_against(node, INSTANCE, claimants) == "") is fine


DNS = "ip-10-0-0-1.eu-west-1.compute.internal"


@pytest.mark.parametrize(
    ("name", "dns", "fits"),
    [
        (DNS, DNS, True),
        ("ip-10-0-0-1", DNS, True),
        ("ip-10-0-0-1.corp.example", DNS, True),
        (INSTANCE, DNS, True),
        (f"{INSTANCE}.eu-west-1.compute.internal", DNS, True),
        (f"{INSTANCE}.eu-west-1.compute.internal", f"{INSTANCE}.eu-west-1.compute.internal", True),
        ("ip-10-0-0-2.eu-west-1.compute.internal", DNS, False),
        ("ip-10-0-0-11", DNS, False),
        (f"{INSTANCE}0", DNS, False),
        ("worker-1", DNS, False),
        (DNS, "", False),
        ("worker-1", "", False),
    ],
)
def test_safe_1_what_ec2_calls_the_instance_fits_the_name(name: str, dns: str, fits: bool) -> None:
    answer = Instance(instance_id=INSTANCE, state="running", private_dns_name=dns)
    assert (name_against(a_node(name=name), answer) == "") is fits
    # Labels and addresses are the kubelet's own: they decide nothing.
    liar = a_node(name=name, labels={"kubernetes.io/hostname": DNS}, addresses=(("InternalIP", "10.0.0.1"),))
    assert (name_against(liar, answer) == "") is fits


@pytest.mark.parametrize("answer", [None, Ec2.SILENT])
def test_safe_1_an_instance_that_ec2_does_not_know_is_nobody(answer: Ec2 | None) -> None:
    assert name_against(MINE, answer)
