"""What is read of the instance at the start."""

import asyncio

import pytest

from nth.core.notices.imds import InstanceMetadata
from nth.errors import Silent
from nth.metadata_mode.instance import read_instance_metadata
from nth.simulation.clock import VirtualClock, run
from tests.metadata_mode.fake_service import Answer, FakeService

# As amazon-ec2-metadata-mock answers.
DOCUMENTS: dict[str, bytes] = {
    "/latest/meta-data/instance-id": b"i-1234567890abcdef0",
    "/latest/meta-data/instance-life-cycle": b"on-demand",
    "/latest/meta-data/instance-type": b"m4.xlarge",
    "/latest/meta-data/public-hostname": b"ec2-192-0-2-54.compute-1.amazonaws.com",
    "/latest/meta-data/public-ipv4": b"192.0.2.54",
    "/latest/meta-data/local-hostname": b"ip-172-16-34-43.ec2.internal",
    "/latest/meta-data/local-ipv4": b"172.16.34.43\n",
    "/latest/meta-data/placement/availability-zone": b"us-east-1a",
    "/latest/dynamic/instance-identity/document": b'{"accountId": "515336597381", "region": "us-east-1"}',
}

ALL = InstanceMetadata(
    account_id="515336597381",
    instance_id="i-1234567890abcdef0",
    instance_life_cycle="on-demand",
    instance_type="m4.xlarge",
    public_hostname="ec2-192-0-2-54.compute-1.amazonaws.com",
    public_ipv4="192.0.2.54",
    local_hostname="ip-172-16-34-43.ec2.internal",
    local_ipv4="172.16.34.43",
    availability_zone="us-east-1a",
    region="us-east-1",
)


def read(answers: dict[str, Answer], *, seconds: float = 0.0) -> tuple[InstanceMetadata, float]:
    """The metadata, and how many seconds it took."""

    async def main(clock: VirtualClock) -> tuple[InstanceMetadata, float]:
        service = FakeService(clock, takes_seconds=lambda at: seconds)
        for path, answer in answers.items():
            service.scripts[path] = lambda at, answer=answer: answer  # type: ignore[misc]
        metadata = await read_instance_metadata(service)
        return metadata, asyncio.get_running_loop().time()

    return run(main)


def test_S11_all_fields(caplog: pytest.LogCaptureFixture) -> None:
    assert read({**DOCUMENTS}) == (ALL, 0.0)
    assert caplog.messages == []


def test_S11_what_is_not_there_is_empty_and_no_problem(caplog: pytest.LogCaptureFixture) -> None:
    assert read({})[0] == InstanceMetadata()
    assert caplog.messages == []


def test_S11_without_an_identity_document_the_zone_names_the_region() -> None:
    answers = {path: body for path, body in DOCUMENTS.items() if "identity" not in path}
    metadata, _ = read({**answers})
    assert (metadata.account_id, metadata.region) == ("", "us-east-1")


def test_S11_what_fails_is_empty_and_named_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    answers: dict[str, Answer] = {
        **DOCUMENTS,
        "/latest/meta-data/instance-type": Silent("it answered 500"),
        "/latest/dynamic/instance-identity/document": b"<html>",
    }
    metadata, _ = read(answers)
    assert (metadata.instance_id, metadata.instance_type) == ("i-1234567890abcdef0", "")
    assert (metadata.availability_zone, metadata.account_id, metadata.region) == (
        "us-east-1a",
        "",
        "us-east-1",
    )
    (record,) = caplog.records
    assert record.__dict__["fields"] == {
        "error": "instance_type: it answered 500; "
        "account_id and region: expected an instance identity document, got '<html>'"
    }


def test_S11_a_slow_service_delays_the_start_by_5_s_at_most(caplog: pytest.LogCaptureFixture) -> None:
    metadata, seconds = read({**DOCUMENTS}, seconds=1.5)
    assert seconds == 5.0
    assert (metadata.instance_id, metadata.instance_type, metadata.public_hostname) == (
        "i-1234567890abcdef0",
        "m4.xlarge",
        "",
    )
    assert caplog.records[0].__dict__["fields"] == {"error": "the rest: not read within 5 s"}
