"""What is known of a machine, with and without a metadata service."""

from nth.core.facts import Node
from nth.core.notices.imds import InstanceMetadata
from nth.report.machine import described

NODE = Node(
    name="ip-10-0-1-17",
    uid="u",
    resource_version="1",
    provider_id="aws:///eu-west-1a/i-0123456789abcdef0",
    labels={
        "topology.kubernetes.io/zone": "eu-west-1a",
        "topology.kubernetes.io/region": "eu-west-1",
        "node.kubernetes.io/instance-type": "m5.large",
        "eks.amazonaws.com/capacityType": "SPOT",
    },
    addresses=(
        ("InternalIP", "10.0.1.17"),
        ("ExternalIP", "192.0.2.7"),
        ("ExternalDNS", "ec2-192-0-2-7.example"),
    ),
)


def test_E11_labels_and_addresses_tell_what_no_metadata_service_was_asked_for() -> None:
    assert described(NODE, InstanceMetadata(account_id="123456789012")) == InstanceMetadata(
        account_id="123456789012",
        instance_id="i-0123456789abcdef0",
        instance_life_cycle="spot",
        instance_type="m5.large",
        public_hostname="ec2-192-0-2-7.example",
        public_ipv4="192.0.2.7",
        local_hostname="ip-10-0-1-17",
        local_ipv4="10.0.1.17",
        availability_zone="eu-west-1a",
        region="eu-west-1",
    )


def test_what_the_metadata_service_says_comes_first() -> None:
    said = InstanceMetadata(instance_type="c5.large", local_hostname="host.internal", region="us-east-2")
    found = described(NODE, said)
    assert (found.instance_type, found.local_hostname, found.region) == (
        "c5.large",
        "host.internal",
        "us-east-2",
    )
    assert found.local_ipv4 == "10.0.1.17"


def test_old_labels_do_where_there_are_no_new_ones() -> None:
    labels = {
        "failure-domain.beta.kubernetes.io/zone": "z",
        "beta.kubernetes.io/instance-type": "t",
        "karpenter.sh/capacity-type": "on-demand",
    }
    found = described(Node(name="n", uid="u", resource_version="1", labels=labels), InstanceMetadata())
    assert (found.availability_zone, found.instance_type, found.instance_life_cycle) == (
        "z",
        "t",
        "on-demand",
    )
    assert (found.instance_id, found.local_ipv4, found.region) == ("", "", "")


def test_a_node_that_is_not_known_adds_nothing() -> None:
    said = InstanceMetadata(instance_id="i-1")
    assert described(None, said) is said
