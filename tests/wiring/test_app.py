"""The wiring: what each setting becomes, and how a start or a defect ends."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nth.core.drain.drain import DrainRules
from nth.core.drain.pod_filter import PodRules
from nth.core.node.event_ledger import MarkRules
from nth.core.node.session import SessionRules
from nth.core.notices.events import (
    AsgTargetState,
    Event,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.policy import Level, Policy
from nth.errors import SettingError
from nth.metadata_mode.mode import ModeRules
from nth.reporters.log import configure
from nth.settings import Settings, read_settings
from nth.wiring.app import run, run_to_end
from nth.wiring.rules import mode_rules, new_session_id, served_at, session_rules

NODE = "--node-name=one"


def settings(*flags: str) -> Settings:
    return read_settings([NODE, *flags], {}).settings


def test_the_defaults_are_the_originals_where_it_has_them() -> None:
    assert session_rules(settings()) == SessionRules(
        policy=Policy(node_grace_seconds=120, cordon_only=False, levels={}, scheduled_at_start=False),
        marks=MarkRules(
            taint_node=False,
            taint_effect="NoSchedule",
            exclude_from_load_balancers=False,
            out_of_service_taint=False,
        ),
        drain=DrainRules(
            pods=PodRules(ignore_daemon_sets=True, delete_local_data=True, own_pod=None),
            pod_grace_seconds=None,
            reserve_seconds=5,
            force=True,
        ),
        watch_node=True,
    )


RULES = {
    "--node-termination-grace-period=60": SessionRules(policy=Policy(node_grace_seconds=60)),
    "--cordon-only": SessionRules(policy=Policy(cordon_only=True)),
    "--enable-rebalance-draining": SessionRules(policy=Policy(levels={RebalanceRecommendation: Level.DRAIN})),
    "--scheduled-event-drain-at=start": SessionRules(policy=Policy(scheduled_at_start=True)),
    "--taint-node": SessionRules(marks=MarkRules(taint_node=True)),
    "--taint-effect=NoExecute": SessionRules(marks=MarkRules(taint_effect="NoExecute")),
    "--exclude-from-load-balancers": SessionRules(marks=MarkRules(exclude_from_load_balancers=True)),
    "--enable-out-of-service-taint": SessionRules(marks=MarkRules(out_of_service_taint=True)),
    "--cordon-only --enable-out-of-service-taint": SessionRules(policy=Policy(cordon_only=True)),
    "--ignore-daemon-sets=false": SessionRules(drain=DrainRules(pods=PodRules(ignore_daemon_sets=False))),
    "--delete-local-data=false": SessionRules(drain=DrainRules(pods=PodRules(delete_local_data=False))),
    "--pod-name=a --pod-namespace=b": SessionRules(drain=DrainRules(pods=PodRules(own_pod=("b", "a")))),
    "--pod-name=a": SessionRules(),
    "--pod-namespace=b": SessionRules(),
    "--pod-termination-grace-period=7": SessionRules(drain=DrainRules(pod_grace_seconds=7)),
    "--pod-termination-grace-period=0": SessionRules(drain=DrainRules(pod_grace_seconds=0)),
    "--grace-period=9": SessionRules(drain=DrainRules(pod_grace_seconds=9)),
    "--deadline-reserve-seconds=0": SessionRules(drain=DrainRules(reserve_seconds=0)),
    "--force-policy=never": SessionRules(drain=DrainRules(force=False)),
}


@pytest.mark.parametrize("flags", RULES)
def test_each_setting_of_a_session(flags: str) -> None:
    assert session_rules(settings(*flags.split())) == replace(RULES[flags], watch_node=True)


ALL: tuple[type[Event], ...] = (
    SpotInterruption,
    ScheduledMaintenance,
    RebalanceRecommendation,
    AsgTargetState,
)


@pytest.mark.parametrize(
    ("flags", "monitors"),
    [
        ("", ALL[:2]),
        ("--enable-rebalance-monitoring", ALL[:3]),
        ("--enable-rebalance-draining", ALL[:3]),
        ("--enable-asg-lifecycle-draining", (*ALL[:2], AsgTargetState)),
        ("--enable-spot-interruption-draining=false", (ScheduledMaintenance,)),
        ("--enable-scheduled-event-draining=false", (SpotInterruption,)),
        ("--enable-rebalance-monitoring --enable-asg-lifecycle-draining", ALL),
    ],
)
def test_S1_which_notices_are_watched_for(flags: str, monitors: tuple[type[Event], ...]) -> None:
    assert mode_rules(settings(*flags.split())).monitors == monitors


@pytest.mark.parametrize(("grace", "seconds"), [("-1", None), ("0", 0), ("90", 90)])
def test_each_setting_of_the_mode(grace: str, seconds: float | None) -> None:
    flags = (
        "--pod-name=a",
        "--pod-namespace=b",
        "--metadata-poll-interval=0.5",
        f"--shutdown-grace-period={grace}",
    )
    assert mode_rules(settings(*flags)) == ModeRules(
        node_name="one",
        own_pod=("b", "a"),
        monitors=ALL[:2],
        poll_interval_seconds=0.5,
        shutdown_grace_seconds=seconds,
    )


PROBES = "--enable-probes-server"
METRICS = "--enable-prometheus-server"
ONE_PORT = (PROBES, METRICS, "--probes-server-port=9092")


@pytest.mark.parametrize(
    ("flags", "places"),
    [
        ((), []),
        ((METRICS,), [("prometheus_server", "", 9092)]),
        ((PROBES, METRICS), [("probes_server", "", 8080), ("prometheus_server", "", 9092)]),
        (ONE_PORT, [("probes_server", "", 9092)]),
        ((*ONE_PORT, "--probes-server-address=127.0.0.1"), [("prometheus_server", "", 9092)]),
        ((*ONE_PORT, "--prometheus-server-address=::1"), [("probes_server", "", 9092)]),
        (
            (*ONE_PORT, "--probes-server-address=127.0.0.1", "--prometheus-server-address=::1"),
            [("probes_server", "127.0.0.1", 9092), ("prometheus_server", "::1", 9092)],
        ),
    ],
)
def test_M8_a_port_that_probes_and_metrics_share_is_opened_once(
    flags: tuple[str, ...], places: list[tuple[str, str, int]]
) -> None:
    assert served_at(read_settings([NODE, *flags], {}).settings) == places


def test_session_ids_are_short_and_differ() -> None:
    ids = {new_session_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(each) for each in ids} == {8}


# A start, and its end


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Gives what the process has written; the log is as before afterwards."""

    def written() -> str:
        found = capsys.readouterr()
        return found.out + found.err

    root, ours = logging.getLogger(), logging.getLogger("nth")
    before = root.handlers[:], root.level, ours.level
    root.handlers = []
    yield written
    root.handlers = before[0]
    root.setLevel(before[1])  # Not by the attribute: loggers remember what is enabled.
    ours.setLevel(before[2])


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    """One that leads nowhere."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n"
    )
    return str(path)


def start(*flags: str) -> int:
    return run(read_settings([NODE, *flags], {}))


def nowhere(kubeconfig: str) -> tuple[str, ...]:
    return f"--kubeconfig={kubeconfig}", "--metadata-url=http://127.0.0.1:9", "--metadata-tries=1"


@pytest.mark.usefixtures("output")
def test_P8_needs_W36_a_queue_url_without_region_ends_the_start_with_one_line(kubeconfig: str) -> None:
    """A queue's name is no hint: it may contain another region."""
    flags = ("--enable-sqs-termination-draining", "--queue-url=https://sqs.example/q-eu-west-1")
    with pytest.raises(
        SettingError, match=r"^--aws-region \(AWS_REGION\) is '', .*QUEUE_URL.*allowed:"
    ) as caught:
        start(*flags, f"--kubeconfig={kubeconfig}")
    assert "\n" not in str(caught.value)


def test_a_probes_port_that_is_taken_ends_the_start_with_one_line(
    output: Callable[[], str], kubeconfig: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        flags = ("--enable-probes-server", f"--probes-server-port={port}")
        with pytest.raises(SettingError) as caught:
            start(*flags, *nowhere(kubeconfig))
    assert str(caught.value).startswith(
        f"--probes-server-port (PROBES_SERVER_PORT) is {port}, but that port cannot be opened ("
    )
    assert "\n" not in str(caught.value)
    assert "Traceback" not in output()


@pytest.mark.parametrize("name", ["probes", "prometheus"])
def test_safe_10_an_address_that_is_not_ours_ends_the_start_with_one_line(
    output: Callable[[], str], kubeconfig: str, name: str
) -> None:
    # https://www.rfc-editor.org/rfc/rfc5737: nobody has this one.
    flags = (f"--enable-{name}-server", f"--{name}-server-address=192.0.2.1")
    with pytest.raises(SettingError) as caught:
        start(*flags, *nowhere(kubeconfig))
    variable = f"{name.upper()}_SERVER_ADDRESS"
    assert f"cannot be opened on the 192.0.2.1 of --{name}-server-address ({variable}) (" in str(caught.value)
    assert str(caught.value).endswith("allowed: a free port and an address of this machine")
    assert "\n" not in str(caught.value)


async def _broken(error: Exception) -> None:
    async with asyncio.TaskGroup() as outer:
        outer.create_task(_inner(error))
        await asyncio.Event().wait()


async def _inner(error: Exception) -> None:
    async with asyncio.TaskGroup() as inner:
        inner.create_task(_raise(error))


async def _raise(error: Exception) -> None:
    raise error


def test_a_task_that_fails_ends_the_process_with_code_1_and_one_line(output: Callable[[], str]) -> None:
    configure("INFO", json=False)
    assert run_to_end(_broken(RuntimeError("a defect"))) == 1
    (line,) = output().splitlines()
    assert line.endswith(" ERR The handler ends, because it failed itself: RuntimeError: a defect")


def test_where_it_failed_is_told_when_debugging(output: Callable[[], str]) -> None:
    configure("DEBUG", json=False)
    assert run_to_end(_broken(RuntimeError("a defect"))) == 1
    assert "in _raise" in output()


def test_a_setting_that_only_a_task_finds_wrong_is_still_a_setting(output: Callable[[], str]) -> None:
    with pytest.raises(SettingError, match="words"):
        run_to_end(_broken(SettingError("words")))
    assert output() == ""


def test_a_good_end_is_0() -> None:
    assert run_to_end(asyncio.sleep(0)) == 0
