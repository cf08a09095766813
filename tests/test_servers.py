"""Where the program serves its probes and metrics: on each address, or on the one that it is told."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

TIMEOUT_SECONDS = 20.0
OURS = ("127.0.0.1", "127.0.0.2", "::1")
"""Addresses of the loopback: those of 127.0.0.0/8 are all this machine's."""


@contextlib.contextmanager
def serving(folder: Path, *flags: str) -> Iterator[None]:
    """A handler that neither the metadata service nor the API server answers."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n"
    )
    nowhere = (f"--kubeconfig={kubeconfig}", "--metadata-url=http://127.0.0.1:9", "--node-name=a")
    command = [sys.executable, "-m", "nth", *nowhere, *flags]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env={"PATH": os.environ["PATH"]}, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def answering(port: int) -> set[str]:
    """The addresses at which somebody answers on that port."""
    return {address for address in OURS if _answers(address, port)}


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1.0):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.mark.parametrize("name", ["probes", "prometheus"])
@pytest.mark.parametrize(
    ("address", "expected"),
    [("", set(OURS)), ("127.0.0.2", {"127.0.0.2"}), ("::1", {"::1"})],
    ids=["all", "IPv4", "IPv6"],
)
def test_safe_10_a_server_listens_where_it_is_told(
    tmp_path: Path, name: str, address: str, expected: set[str]
) -> None:
    port = free_port()
    flags = (f"--enable-{name}-server", f"--{name}-server-port={port}", f"--{name}-server-address={address}")
    with serving(tmp_path, *flags):
        end = time.monotonic() + TIMEOUT_SECONDS
        while not answering(port):
            assert time.monotonic() < end, (tmp_path / "log").read_text()
            time.sleep(0.05)
        assert answering(port) == expected
