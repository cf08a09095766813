"""Puts the program together: settings in, running handler out. Only this constructs adapters."""

import asyncio
import gc
import logging
import random
import signal
import time
import uuid
from collections.abc import Collection, Coroutine
from itertools import compress

from nth import __version__
from nth.adapters.imds import Imds
from nth.adapters.kubernetes import connect
from nth.adapters.uptime import booted_at
from nth.core.drain import DrainRules
from nth.core.events import (
    AsgTargetState,
    Event,
    RebalanceRecommendation,
    ScheduledMaintenance,
    SpotInterruption,
)
from nth.core.ledger import MarkRules
from nth.core.pods import PodRules
from nth.core.policy import Policy
from nth.core.session import SessionRules
from nth.engine import Engine
from nth.errors import SettingError
from nth.health import ProbesServer
from nth.metadata_mode import MetadataMode, ModeRules, NoticeTaker, World
from nth.rehearsal import Rehearsal
from nth.reporters.log import LogReporter, configure
from nth.settings import ReadSettings, Settings, as_printed

logger = logging.getLogger("nth.app")


class WallClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


def run(read: ReadSettings) -> int:
    """Run until SIGTERM or SIGINT; the exit code. SettingError: the start is not possible."""
    settings = read.settings
    configure(settings.log_level, json=settings.json_logging, format_version=settings.log_format_version)
    if settings.enable_sqs_termination_draining:
        raise SettingError(
            "--enable-sqs-termination-draining (ENABLE_SQS_TERMINATION_DRAINING) is true, "
            f"but version {__version__} has no queue mode yet; allowed: false"
        )
    for warning in read.warnings:
        logger.warning("%s", warning)
    logger.info("aws-node-termination-handler %s starts", __version__, extra={"fields": as_printed(settings)})
    return run_to_end(_run(settings))


def run_to_end(main: Coroutine[object, object, None]) -> int:
    """The exit code: 0, or 1 after the one line that says what failed. SettingError goes on."""
    try:
        asyncio.run(main)
    except Exception as group:
        error = _first(group)
        if isinstance(error, SettingError):
            raise error from None
        return _failed(error)
    return 0


def _failed(error: Exception) -> int:
    # One line for who reads it at night; Kubernetes starts us again, and we go on from the node.
    logger.error("The handler ends, because it failed itself: %s: %s", type(error).__name__, error)
    logger.debug("Where it failed", exc_info=error)
    return 1


def _first(error: Exception) -> Exception:
    """The first error in a group of groups."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop, number, stop)
    clock = WallClock()
    cluster = connect(
        kubeconfig=settings.kubeconfig,
        service_host=settings.kubernetes_service_host,
        service_port=settings.kubernetes_service_port,
        user_agent=f"aws-node-termination-handler/{__version__}",
        qps=settings.kube_api_qps,
        burst=settings.kube_api_burst,
    )
    metadata = Imds(settings.metadata_url, clock, tries=settings.metadata_tries, jitter=random.random)
    world = World(
        cluster=cluster,
        metadata=metadata,
        clock=clock,
        jitter=random.random,
        booted_at=_booted_at(settings, clock),
    )
    taker: NoticeTaker
    if settings.dry_run:
        taker = Rehearsal(cluster, clock, session_rules(settings), tell=LogReporter())
    else:
        taker = Engine(
            cluster,
            clock,
            session_rules(settings),
            tell=LogReporter(),
            new_session_id=new_session_id,
            cached_lists=settings.use_apiserver_cache,
        )
    mode = MetadataMode(world, mode_rules(settings), taker)
    # What exists by now stays: no collection ever needs to look at it again.
    gc.collect()
    gc.freeze()
    try:
        async with asyncio.TaskGroup() as tasks:
            probes = tasks.create_task(_serve_probes(settings, mode), name="probes")
            await mode.run(stop, ping=settings.enable_probes_server)
            probes.cancel()
    finally:
        await metadata.close()
        await cluster.close()
    logger.info("Stopped")


def _stop(number: int, stop: asyncio.Event) -> None:
    logger.info("%s received, taking no new work", signal.Signals(number).name)
    stop.set()


async def _serve_probes(settings: Settings, mode: MetadataMode) -> None:
    if not settings.enable_probes_server:
        return
    endpoint = settings.probes_server_endpoint
    server = ProbesServer(endpoint=endpoint, alive=mode.is_alive, ready=mode.is_ready)
    try:
        await server.serve(None, settings.probes_server_port)
    except OSError as error:
        raise SettingError(
            f"--probes-server-port (PROBES_SERVER_PORT) is {settings.probes_server_port}, "
            f"but that port cannot be opened ({error.strerror or error}); allowed: a free port"
        ) from error


def new_session_id() -> str:
    """Short enough to read out, long enough not to meet again."""
    return uuid.uuid4().hex[:8]


def session_rules(settings: Settings) -> SessionRules:
    """What the settings say about a session."""
    pod_grace = settings.pod_termination_grace_period
    own_pod = (settings.pod_namespace, settings.pod_name)
    return SessionRules(
        policy=Policy(
            node_grace_seconds=settings.node_termination_grace_period,
            cordon_only=settings.cordon_only,
            drain_on_rebalance=settings.enable_rebalance_draining,
            scheduled_at_start=settings.scheduled_event_drain_at == "start",
        ),
        marks=MarkRules(
            taint_node=settings.taint_node,
            taint_effect=settings.taint_effect,
            exclude_from_load_balancers=settings.exclude_from_load_balancers,
            out_of_service_taint=settings.enable_out_of_service_taint and not settings.cordon_only,
        ),
        drain=DrainRules(
            pods=PodRules(
                ignore_daemon_sets=settings.ignore_daemon_sets,
                delete_local_data=settings.delete_local_data,
                own_pod=own_pod if all(own_pod) else None,
            ),
            pod_grace_seconds=pod_grace if pod_grace >= 0 else None,
            reserve_seconds=settings.deadline_reserve_seconds,
            force=settings.force_policy == "deadline",
        ),
    )


def mode_rules(settings: Settings) -> ModeRules:
    """What the settings say about metadata mode."""
    grace = settings.shutdown_grace_period
    return ModeRules(
        node_name=settings.node_name,
        own_pod=(settings.pod_namespace, settings.pod_name),
        monitors=_monitors(settings),
        poll_interval_seconds=settings.metadata_poll_interval,
        shutdown_grace_seconds=grace if grace >= 0 else None,
    )


def _monitors(settings: Settings) -> Collection[type[Event]]:
    kinds: list[type[Event]] = [
        SpotInterruption,
        ScheduledMaintenance,
        RebalanceRecommendation,
        AsgTargetState,
    ]
    on = (
        settings.enable_spot_interruption_draining,
        settings.enable_scheduled_event_draining,
        settings.enable_rebalance_monitoring or settings.enable_rebalance_draining,
        settings.enable_asg_lifecycle_draining,
    )
    return tuple(compress(kinds, on))


def _booted_at(settings: Settings, clock: WallClock) -> float | None:
    try:
        return booted_at(settings.uptime_from_file, clock.now())
    except (OSError, ValueError) as error:
        logger.warning("Cannot tell when the machine was booted, so no reboot is noticed: %s", error)
        return None
