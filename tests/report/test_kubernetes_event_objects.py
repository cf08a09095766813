"""Events as the API server takes them: object, name, source and annotations (contract E10, E11)."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from nth.core.facts import Node, PodRef
from nth.core.notices.imds import InstanceMetadata
from nth.report.kubernetes_event_objects import (
    MAX_MESSAGE_BYTES,
    document_of,
    extra_annotations,
    namespace_of,
)
from nth.report.kubernetes_events import KubeEvent
from tests.report.stories import NODE, T0, WEB
from tests.report.test_machine import NODE as MACHINE

SAID = InstanceMetadata(
    account_id="123456789012",
    instance_id="i-1",
    instance_life_cycle="spot",
    instance_type="m5.large",
    public_hostname="ec2.example",
    public_ipv4="192.0.2.1",
    local_hostname="ip-10-0-1-17.internal",
    local_ipv4="10.0.1.17",
    availability_zone="eu-west-1a",
    region="eu-west-1",
)
OF_NODE = KubeEvent(at=T0 + 0.4, session_id="s-1", node_name=NODE, reason="PreDrain", message="done")
OF_POD = replace(OF_NODE, reason="PodEviction", pod=replace(WEB, labels={"app": "web", "tier": "front"}))
SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def document(
    event: KubeEvent,
    *,
    node: Node | None = None,
    said: InstanceMetadata = SAID,
    extra: Mapping[str, str] | None = None,
) -> dict[str, object]:
    return document_of(event, node=node, said=said, extra=extra or {}, host="our-node")


def part(made: dict[str, object], name: str) -> dict[str, str]:
    found = made[name]
    assert isinstance(found, dict)
    return found


def annotations(made: dict[str, object]) -> dict[str, str]:
    found = made["metadata"]
    assert isinstance(found, dict)
    annotated: dict[str, str] = found["annotations"]
    return annotated


def test_an_event_about_a_node() -> None:
    made = document(OF_NODE)
    metadata = part(made, "metadata")
    assert re.fullmatch(f"{NODE}\\.[0-9a-f]{{16}}", metadata["name"])
    del made["metadata"]
    assert made == {
        "apiVersion": "v1",
        "kind": "Event",
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": NODE, "uid": NODE},
        "reason": "PreDrain",
        "message": "done",
        "type": "Normal",
        "source": {"component": "aws-node-termination-handler", "host": "our-node"},
        "reportingComponent": "aws-node-termination-handler",
        "reportingInstance": "our-node",
        "firstTimestamp": "2026-11-22T08:30:00Z",
        "lastTimestamp": "2026-11-22T08:30:00Z",
        "count": 1,
    }
    assert (namespace_of(OF_NODE), metadata["namespace"]) == ("default", "default")


def test_the_node_is_named_by_its_uid_where_that_is_known() -> None:
    node = Node(name=NODE, uid="1234-5678", resource_version="1")
    assert part(document(OF_NODE, node=node), "involvedObject")["uid"] == "1234-5678"


def test_E10_an_event_about_a_pod_is_in_its_namespace_and_carries_its_labels() -> None:
    made = document(OF_POD)
    assert namespace_of(OF_POD) == "shop"
    assert part(made, "involvedObject") == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "shop",
        "name": WEB.ref.name,
        "uid": WEB.ref.uid,
    }
    assert annotations(made) == {"node": NODE, "app": "web", "tier": "front"}


def test_E11_all_ten_in_metadata_mode() -> None:
    assert annotations(document(OF_NODE)) == {
        "account-id": "123456789012",
        "availability-zone": "eu-west-1a",
        "instance-id": "i-1",
        "instance-life-cycle": "spot",
        "instance-type": "m5.large",
        "local-hostname": "ip-10-0-1-17.internal",
        "local-ipv4": "10.0.1.17",
        "public-hostname": "ec2.example",
        "public-ipv4": "192.0.2.1",
        "region": "eu-west-1",
    }


def test_E11_in_queue_mode_the_node_tells_and_what_it_does_not_is_empty() -> None:
    made = annotations(document(OF_NODE, node=MACHINE, said=InstanceMetadata()))
    assert (made["account-id"], made["instance-id"], made["local-ipv4"]) == (
        "",
        "i-0123456789abcdef0",
        "10.0.1.17",
    )
    assert len(annotations(document(OF_NODE, said=InstanceMetadata()))) == 10


def test_E11_extra_annotations_win_and_pods_get_them_too() -> None:
    made = annotations(document(OF_NODE, extra={"region": "mine", "example.com/team": "shop"}))
    assert (made["region"], made["example.com/team"], made["instance-id"]) == ("mine", "shop", "i-1")
    assert annotations(document(OF_POD, extra={"app": "mine"}))["app"] == "mine"


def test_names_are_valid_and_never_the_same() -> None:
    long_name = "a" * 199 + "." + "b" * 53
    events = [
        OF_NODE,
        replace(OF_NODE, reason="Cordon"),
        replace(OF_NODE, message="other"),
        replace(OF_NODE, session_id="s-2"),
        replace(OF_NODE, at=T0 + 0.5),
        replace(OF_NODE, node_name=long_name),
        OF_POD,
        replace(OF_POD, pod=replace(WEB, ref=PodRef("shop", WEB.ref.name, "uid-2"))),
    ]
    names = [part(document(event), "metadata")["name"] for event in events]
    assert len(set(names)) == len(names)
    assert all(SUBDOMAIN.fullmatch(name) and len(name) <= 253 for name in names), names
    assert part(document(OF_NODE), "metadata")["name"] == names[0], "the same event has the same name"


def test_long_messages_are_cut() -> None:
    text = str(document(replace(OF_NODE, message="x" * 5000))["message"])
    assert len(text) == MAX_MESSAGE_BYTES
    assert text.endswith(" ...")


def test_warnings_are_warnings() -> None:
    assert document(replace(OF_NODE, warning=True))["type"] == "Warning"


def test_extra_annotations_are_read() -> None:
    assert extra_annotations("first=annotation,sample.annotation/number=two") == {
        "first": "annotation",
        "sample.annotation/number": "two",
    }
    assert extra_annotations("") == {}


@pytest.mark.parametrize("key", ["a b", "-a", "a/b/c", "/a", "a" * 64, "ä", "a_b/c"])
def test_a_key_that_the_api_server_would_refuse_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"'{key}' cannot be the name of an annotation")):
        extra_annotations(f"fine=1,{key}=2")
