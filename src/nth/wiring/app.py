"""Puts the program together: settings in, running handler out. Only `*app` modules build adapters."""

import asyncio
import gc
import logging
import random
import signal
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Protocol

from nth import USER_AGENT, __version__
from nth.adapters.clock import WallClock, booted_at
from nth.adapters.imds import Imds
from nth.adapters.kubernetes import KubernetesCluster, connect
from nth.engine.engine import Engine
from nth.errors import SettingError
from nth.health import Page, PageServer, probe_pages
from nth.metadata_mode.mode import MetadataMode, NoticeTaker, World
from nth.ports import Clock
from nth.reporters.log import configure, toggle_debug
from nth.settings import ReadSettings, Settings, as_printed
from nth.settings.table import BY_NAME
from nth.wiring.reporters import Reporters, Surroundings
from nth.wiring.rules import mode_rules, new_session_id, request_rate, served_at, session_rules

if TYPE_CHECKING:
    from nth.reporters.metrics import Metrics

logger = logging.getLogger("nth.app")


def run(read: ReadSettings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. SettingError: the start is not possible."""
    settings = read.settings
    configure(settings.log_level, json=settings.json_logging, format_version=settings.log_format_version)
    for warning in read.warnings:
        logger.warning("%s", warning)
    logger.info("aws-node-termination-handler %s starts", __version__, extra={"fields": as_printed(settings)})
    return run_to_end(_run(settings))


def run_to_end(main: Coroutine[object, object, None]) -> int:
    """Returns the exit code: 0, or 1 after the one line that says what failed. SettingError goes on."""
    try:
        asyncio.run(main)
    except Exception as group:
        error = _first(group)
        if isinstance(error, SettingError):
            raise error from None
        return _failed(error)
    return 0


def _failed(error: Exception) -> int:
    # One line for a reader at night; Kubernetes starts us again, and we go on from the node.
    logger.error("The handler ends, because it failed itself: %s: %s", type(error).__name__, error)
    logger.debug("Where it failed", exc_info=error)
    return 1


def _first(error: Exception) -> Exception:
    """Returns the first error in a group of groups."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop, number, stop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, toggle_debug)
    clock = WallClock()
    qps, burst = request_rate(settings)
    cluster = connect(
        kubeconfig=settings.kubeconfig,
        service_host=settings.kubernetes_service_host,
        service_port=settings.kubernetes_service_port,
        user_agent=USER_AGENT,
        qps=qps,
        burst=burst,
    )
    try:
        reporters = Reporters(settings, clock, cluster)
        if settings.enable_sqs_termination_draining:
            await _run_queue_mode(settings, cluster, clock, reporters, stop)
        else:
            await _run_metadata_mode(settings, cluster, clock, reporters, stop)
    finally:
        await cluster.close()
    logger.info("Stopped")


async def _run_metadata_mode(
    settings: Settings, cluster: KubernetesCluster, clock: Clock, reporters: Reporters, stop: asyncio.Event
) -> None:
    metadata = Imds(settings.metadata_url, clock, tries=settings.metadata_tries, jitter=random.random)
    world = World(
        cluster=cluster,
        metadata=metadata,
        clock=clock,
        jitter=random.random,
        booted_at=_booted_at(settings, clock),
    )
    tell = reporters.tell
    taker: NoticeTaker
    if settings.dry_run:
        # Here, because no other node needs the prediction.
        from nth.engine.dry_run import DryRun

        taker = DryRun(cluster, clock, session_rules(settings), tell=tell)
    else:
        taker = Engine(
            cluster,
            clock,
            session_rules(settings),
            tell=tell,
            new_session_id=new_session_id,
            cached_lists=settings.use_apiserver_cache,
        )
    mode = MetadataMode(world, mode_rules(settings), taker, tell=tell)
    if reporters.metrics is not None:
        from nth.wiring.metrics_app import metadata_pulls

        reporters.metrics.pulls = metadata_pulls(mode, cluster, reporters)
    try:
        ping = settings.enable_probes_server
        await _run_with_servers(settings, mode, mode.run(stop, ping=ping), reporters, stop)
    finally:
        await metadata.close()


async def _run_queue_mode(
    settings: Settings, cluster: KubernetesCluster, clock: Clock, reporters: Reporters, stop: asyncio.Event
) -> None:
    # Here, because it brings the AWS client along: 15 MiB that a DaemonSet pod need not have.
    from nth.wiring.queue_app import queue_mode

    async with queue_mode(settings, cluster, clock, reporters) as mode:
        await _run_with_servers(settings, mode, mode.run(stop), reporters, stop)


class _Mode(Surroundings, Protocol):
    def is_alive(self) -> list[str]: ...

    def is_ready(self) -> list[str]: ...


async def _run_with_servers(
    settings: Settings,
    mode: _Mode,
    running: Coroutine[object, object, None],
    reporters: Reporters,
    stop: asyncio.Event,
) -> None:
    reporters.surroundings = mode
    server = PageServer(_pages(settings, mode, reporters.metrics))
    # Everything that exists by now stays: no collection ever needs to look at it again.
    gc.collect()
    gc.freeze()
    async with asyncio.TaskGroup() as tasks:
        serving = [tasks.create_task(_serve(server, *each)) for each in served_at(settings)]
        async with reporters.running(stop):
            await running
        for task in serving:
            task.cancel()


def _stop(number: int, stop: asyncio.Event) -> None:
    logger.info("%s received, taking no new work", signal.Signals(number).name)
    stop.set()


def _pages(settings: Settings, mode: _Mode, metrics: "Metrics | None") -> dict[str, Page]:
    """Returns the pages, which are all on each port, as the original has it."""
    pages = probe_pages(endpoint=settings.probes_server_endpoint, alive=mode.is_alive, ready=mode.is_ready)
    if metrics is None:
        return pages
    from nth.wiring.metrics_app import pages as metrics_pages

    return pages | metrics_pages(metrics)


async def _serve(server: PageServer, name: str, address: str, port: int) -> None:
    try:
        await server.serve(address or None, port)
    except OSError as error:
        where = f" on the {address} of {BY_NAME[f'{name}_address']}" if address else ""
        raise SettingError(
            f"{BY_NAME[f'{name}_port']} is {port}, "
            f"but that port cannot be opened{where} ({error.strerror or error}); allowed: a free port"
            + (" and an address of this machine" if address else "")
        ) from error


def _booted_at(settings: Settings, clock: Clock) -> float | None:
    try:
        return booted_at(settings.uptime_from_file, clock.now())
    except (OSError, ValueError) as error:
        logger.warning("Cannot tell when the machine was booted, so no reboot is noticed: %s", error)
        return None
