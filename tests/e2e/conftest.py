"""Fixtures of the tests against a real control plane (`make e2e`).

One control plane serves the session: a new one, or the one in the folder that NTH_TESTBED names.
What it needs is built before the first test; where it cannot be, the run ends in one line, code 2.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.audit import AuditLog
from testbed.bed import RealBed
from testbed.build import assets_folder
from testbed.control_plane import ControlPlane, running
from testbed.metadata_mock import MetadataMock
from tests.building import build_for, mark_all
from tests.e2e.handler import Handler
from tests.servers import aws
from tests.servers.aws import AwsServer

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_all(items, HERE, "e2e")


def pytest_collection_finish(session: pytest.Session) -> None:
    build_for(session, "e2e")


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    if folder := os.environ.get("NTH_TESTBED"):
        plane = ControlPlane.find(Path(folder))
        if plane is None:
            pytest.exit(
                f"NTH_TESTBED={folder}: no test bed runs there; 'make bed-up' starts one", returncode=2
            )
        with (plane.folder / "in-use").open("w") as lock:
            # Two sessions in one cluster would find each other's nodes: the second waits.
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield plane
        return
    with running(assets_folder(), tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane


@pytest.fixture
def bed(control_plane: ControlPlane) -> Iterator[RealBed]:
    """An empty cluster, and no trace of it afterwards."""
    bed = RealBed(control_plane)
    yield bed
    control_plane.start_missing()
    bed.clear()


@pytest.fixture(scope="session")
def aws_server() -> Iterator[AwsServer]:
    """The tests' AWS, started once; whoever uses it begins with `reset`."""
    with aws.running() as server:
        yield server


@pytest.fixture
def audit_log(control_plane: ControlPlane) -> AuditLog:
    """What the API server is asked during this test."""
    return AuditLog(control_plane.audit_log)


@pytest.fixture
def metadata_mock(tmp_path: Path) -> Iterator[MetadataMock]:
    """A metadata service that is silent until the test says what it tells."""
    folder = tmp_path / "metadata-mock"
    folder.mkdir()
    mock = MetadataMock(assets_folder() / "ec2-metadata-mock", folder)
    yield mock
    mock.stop()


@pytest.fixture
def handler(control_plane: ControlPlane, metadata_mock: MetadataMock, tmp_path: Path) -> Iterator[Handler]:
    """The handler of the node `doomed`, with its least rights; a test starts it."""
    handler = Handler(
        node_name="doomed",
        kubeconfig=control_plane.handler_kubeconfig(),
        metadata_url=metadata_mock.url,
        folder=tmp_path,
    )
    yield handler
    handler.kill()
