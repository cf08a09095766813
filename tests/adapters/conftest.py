"""The tests' AWS, started once."""

from collections.abc import Iterator

import pytest

from tests.adapters.aws_client import Session, connected
from tests.servers.aws import AwsServer, running


@pytest.fixture(scope="session")
def aws_process() -> Iterator[AwsServer]:
    with running() as server:
        yield server


@pytest.fixture
def aws_server(aws_process: AwsServer) -> AwsServer:
    """With nothing in it."""
    aws_process.reset()
    return aws_process


@pytest.fixture(scope="session")
def aws_session(aws_process: AwsServer) -> Iterator[Session]:
    with connected(aws_process) as session:
        yield session
