"""The container image: built for real, and run as the chart runs it, against the control plane."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nth import __version__
from testbed.bed import RealBed
from testbed.build import BuildError
from testbed.container import Container
from testbed.image import LABELS, ROOT, ensure_image, native_architecture
from testbed.oci import Image
from testbed.rights import QUEUE_HANDLER
from tests.contract.bed import Workload
from tests.core.queue_samples import GROUP
from tests.e2e.contained import contained
from tests.e2e.fleet import HAVEN, NOBODY, fleet_of
from tests.e2e.stage import DRAINED, QUICK, staged
from tests.servers.aws import AwsServer

# From nothing, the first test builds the image.
pytestmark = pytest.mark.timeout(900)

PYTHON = ("/usr/bin/python3.11", "-IBc")
BILL = "usr/share/sbom/aws-node-termination-handler.cdx.json"
NOT_IN_THE_IMAGE = {"pdm-backend"}
"""It only builds our own package."""
MOST_BYTES = 100_000_000
MOST_COMPRESSED_BYTES = 40_000_000
START_SECONDS = 3.0
ROLE_TOKEN = "/run/secrets/eks.amazonaws.com/serviceaccount"


def built(architecture: str) -> Image:
    try:
        return ensure_image(architecture)
    except BuildError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def image() -> Image:
    """For this machine."""
    return built(native_architecture())


@pytest.fixture
def container(image: Image, tmp_path: Path) -> Iterator[Container]:
    """Without a cluster."""
    container = Container(image=image, folder=tmp_path / "container")
    yield container
    container.remove()


def said_by(container: Container, program: str) -> str:
    """What a Python program says that runs in the container."""
    command = container.command([program], entrypoint=PYTHON)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_P1_metadata_mode_in_the_image_drains_a_node(image: Image, bed: RealBed, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with staged(bed, tmp_path) as stage:
            stage.handler = contained(
                image,
                bed.plane,
                stage.handler.folder,
                node_name=stage.doomed,
                metadata_url=stage.metadata_server.url,
            )
            await stage.set_up(Workload(name="web", replicas=2, stops_after_seconds=QUICK))
            await stage.listen()
            stage.say_spot(time.time() + 120)
            await stage.wait_drained()
            await stage.wait_moved("web", 2)
            assert (await stage.node()).unschedulable
            assert len(stage.handler.said(DRAINED)) == 1
            assert await stage.handler.stop() == 0

    asyncio.run(scenario())


def test_P1_P9_queue_mode_in_the_image_drains_a_node_with_a_role_of_its_service_account(
    image: Image, bed: RealBed, aws_server: AwsServer, tmp_path: Path
) -> None:
    role = {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/nth"}
    role |= {"AWS_WEB_IDENTITY_TOKEN_FILE": f"{ROLE_TOKEN}/token", "AWS_ENDPOINT_URL_STS": aws_server.url}
    (tmp_path / "role").mkdir()
    (tmp_path / "role" / "token").write_text("a-token-of-the-service-account")

    async def scenario() -> None:
        async with fleet_of(bed, aws_server, tmp_path) as fleet:
            (replica,) = fleet.replicas.values()
            settings = {name: text for name, text in replica.handler.env.items() if "ACCESS_KEY" not in name}
            replica.handler = contained(
                image,
                bed.plane,
                replica.handler.folder,
                node_name=HAVEN,
                metadata_url=NOBODY,
                account=QUEUE_HANDLER,
                env=settings | role,
                mounts={ROLE_TOKEN: tmp_path / "role"},
            )
            try:
                await fleet.set_up(group=GROUP)
                fleet.put_hook()
                await fleet.listen()
                fleet.aws.begin_termination(fleet.instance_id, queue_url=fleet.queue_url)
                await fleet.assert_evicted()
                await fleet.assert_queue_empty(deleted=1)
                fleet.assert_hooks_completed(["CONTINUE"])
                assert await fleet.handler.stop() == 0
                fleet.assert_no_tracebacks()
            finally:
                replica.handler.kill()
        assert aws_server.calls("AssumeRoleWithWebIdentity")

    asyncio.run(scenario())


def test_P17_it_runs_as_user_1000_without_rights(container: Container) -> None:
    status = said_by(container, "print(open('/proc/self/status').read())")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert container.image.user == "1000:1000"
    assert fields["Uid"].split() == fields["Gid"].split() == ["1000"] * 4
    assert {fields[name].strip("0") for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")} == {""}
    assert fields["NoNewPrivs"] == "1"


def test_P17_it_can_write_nowhere(container: Container) -> None:
    program = """
import os
for folder, _, _ in os.walk("/", topdown=True):
    if not folder.startswith(("/proc", "/dev")) and os.access(folder, os.W_OK):
        print(folder)
"""
    assert said_by(container, program) == ""
    assert (
        said_by(container, "try: open('/tmp/a', 'w')\nexcept OSError as error: print(error.errno)") == "30\n"
    )


def test_P17_there_is_no_shell_and_no_package_manager(image: Image) -> None:
    executable = {
        str(path.relative_to(image.root))
        for path in image.root.rglob("*")
        if path.is_file() and path.stat().st_mode & 0o111 and not {".so", ".py"} & set(path.suffixes)
    }
    assert executable == {"node-termination-handler", "usr/bin/python3.11"}
    assert not [path for path in image.root.rglob("pip*") if path.is_dir()]
    assert not [path for path in image.root.rglob("*") if path.is_file() and path.stat().st_mode & 0o6002]


def test_every_module_of_ours_and_of_pythons_own_extensions_can_be_imported(container: Container) -> None:
    program = """
import gotemplate, importlib, os, pkgutil, nth
# The image is built without the extra `tracing`.
left_out = {"nth.__main__", "nth.adapters.otlp"}
packages = ((nth.__path__, "nth."), (gotemplate.__path__, "gotemplate."))
found = [module.name for package in packages for module in pkgutil.walk_packages(*package)]
ours = [name for name in found if name not in left_out]
built_in = [name.split(".")[0] for name in os.listdir("/usr/lib/python3.11/lib-dynload")]
for name in ours + built_in:
    importlib.import_module(name)
import ssl, sys
print(len(ours) > 250, len(built_in) > 10, len(ssl.create_default_context().get_ca_certs()) > 100)
print(sys.flags.utf8_mode, sys.flags.dont_write_bytecode)
"""
    assert said_by(container, program) == "True True True\n1 1\n"


def test_the_demo_runs_in_the_image(container: Container) -> None:
    done = subprocess.run(
        container.command(["demo", "--plain", "--speed", "max"]), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "no pod was lost" in done.stdout


def test_a_wrong_setting_ends_it_with_one_line(container: Container) -> None:
    done = subprocess.run(
        container.command(["--log-level=loud"]), capture_output=True, text=True, check=False
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "LOG_LEVEL" in done.stderr


def test_its_labels_say_what_it_is(image: Image) -> None:
    prefix = "org.opencontainers.image."
    labels = {
        name.removeprefix(prefix): text for name, text in image.labels.items() if name.startswith(prefix)
    }
    assert labels == {
        "title": "aws-node-termination-handler",
        "description": "Moves the pods off an EC2 instance before it is taken away.",
        "licenses": "Apache-2.0",
        "version": __version__,
        "revision": LABELS["REVISION"],
        "source": LABELS["SOURCE"],
        "created": LABELS["CREATED"],
    }


def locked() -> dict[str, str]:
    """The versions in run.lock."""
    text = (ROOT / "requirements/run.lock").read_text()
    found = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    assert len(found) > 20
    return {name: version for name, version in found.items() if name not in NOT_IN_THE_IMAGE}


def parts(image: Image, kind: str) -> dict[str, str]:
    """Versions in the bill of materials, by name."""
    bill = json.loads((image.root / BILL).read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "aws-node-termination-handler"
    assert bill["metadata"]["component"]["version"] == __version__
    return {c["name"]: c["version"] for c in bill["components"] if c["purl"].startswith(f"pkg:{kind}/")}


def test_the_bill_of_materials_lists_what_is_there(image: Image) -> None:
    assert parts(image, "pypi") == locked()
    folders = image.root.glob("usr/local/lib/python3.11/dist-packages/*.dist-info")
    assert len(list(folders)) == len(locked()) + 1
    debian = {}
    for path in (image.root / "var/lib/dpkg/status.d").iterdir():
        fields = dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line)
        debian[fields["Package"]] = fields["Version"]
    assert parts(image, "deb") == debian
    assert {"libc6", "libssl3", "python3.11-minimal"} <= set(debian)
    assert (image.root / "etc/os-release").read_text().count("VERSION_CODENAME=bookworm") == 1


def test_it_is_small(image: Image) -> None:
    size = sum(path.lstat().st_size for path in image.root.rglob("*") if not path.is_dir())
    assert 20_000_000 < size < MOST_BYTES
    assert image.compressed_bytes < MOST_COMPRESSED_BYTES


def test_it_starts_quickly(image: Image, bed: RealBed, tmp_path: Path) -> None:
    async def seconds_to_start(name: str) -> float:
        folder = tmp_path / name
        folder.mkdir()
        handler = contained(image, bed.plane, folder, node_name="none", metadata_url=NOBODY)
        began = time.monotonic()
        handler.start()
        try:
            await handler.wait_said("starts")
            return time.monotonic() - began
        finally:
            handler.kill()

    async def scenario() -> None:
        # The others are for a machine that is busy with something else.
        assert min([await seconds_to_start(name) for name in "abc"]) < START_SECONDS

    asyncio.run(scenario())


def test_P17_there_is_one_for_arm64_with_the_same_parts(image: Image) -> None:
    # The build itself has looked at every program and library: all are of that architecture.
    other = built("arm64")
    assert other.architecture == "arm64"
    # ELF's e_machine 183 is AArch64: https://www.man7.org/linux/man-pages/man5/elf.5.html
    assert (other.root / "usr/bin/python3.11").read_bytes()[18:20] == (183).to_bytes(2, "little")
    assert parts(other, "pypi") == parts(image, "pypi")
    assert parts(other, "deb") == parts(image, "deb")
