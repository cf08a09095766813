"""Turns settings into the rules of sessions and modes. Nothing is built or started here."""

import uuid
from collections.abc import Collection

from nth.core.drain.drain import DrainRules
from nth.core.drain.pod_filter import PodRules
from nth.core.node.event_ledger import MarkRules
from nth.core.node.session import SessionRules
from nth.core.notices.events import EVENT_BY_NAME, Event, RebalanceRecommendation
from nth.core.notices.imds import DOCUMENTS
from nth.core.notices.kinds import KINDS, EventKind
from nth.core.policy import Level, Policy
from nth.metadata_mode.mode import ModeRules
from nth.settings import Settings

NO_LIMIT = 1_000_000
"""More requests than any process of ours can send."""


def session_rules(settings: Settings) -> SessionRules:
    """Returns the settings about a session."""
    fleet = settings.enable_sqs_termination_draining
    pod_grace = settings.pod_termination_grace_period
    own_pod = (settings.pod_namespace, settings.pod_name)
    return SessionRules(
        policy=policy(settings),
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
        identity=identity(settings),
        needs_drain_slot=fleet,
        watch_node=not fleet,
    )


def identity(settings: Settings) -> str:
    """Returns our name among the replicas of a Deployment; empty = there are no others."""
    fleet = settings.enable_sqs_termination_draining and settings.use_leases and not settings.dry_run
    return settings.pod_name if fleet and settings.pod_namespace else ""


def request_rate(settings: Settings) -> tuple[int, int]:
    """Returns the requests to the API server per second, and at once."""
    limited = settings.kube_api_qps > 0
    return (settings.kube_api_qps, settings.kube_api_burst) if limited else (NO_LIMIT, NO_LIMIT)


def evicts(settings: Settings) -> bool:
    """Returns whether any pod is ever asked to go; if not, no pod is followed either."""
    return not (settings.dry_run or settings.cordon_only)


def policy(settings: Settings) -> Policy:
    """Returns the settings about events."""
    expires_after = settings.rebalance_uncordon_after
    return Policy(
        node_grace_seconds=settings.node_termination_grace_period,
        levels=_levels(settings),
        cordon_only=settings.cordon_only,
        scheduled_at_start=settings.scheduled_event_drain_at == "start",
        rebalance_expires_after_seconds=expires_after if expires_after > 0 else None,
    )


def _levels(settings: Settings) -> dict[type[Event], Level]:
    actions = {EVENT_BY_NAME[kind.event]: _action(settings, kind) for kind in KINDS}
    levels = {event: Level[action.upper()] for event, action in actions.items() if action != "default"}
    # The original always drains for a rebalance recommendation that comes by queue.
    if settings.enable_rebalance_draining or settings.enable_sqs_termination_draining:
        levels.setdefault(RebalanceRecommendation, Level.DRAIN)
    return levels


def _action(settings: Settings, kind: EventKind) -> str:
    action: str = getattr(settings, kind.action_setting)
    return action


def mode_rules(settings: Settings) -> ModeRules:
    """Returns the settings about metadata mode."""
    grace = settings.shutdown_grace_period
    return ModeRules(
        node_name=settings.node_name,
        own_pod=(settings.pod_namespace, settings.pod_name),
        monitors=_monitors(settings),
        poll_interval_seconds=settings.metadata_poll_interval,
        shutdown_grace_seconds=grace if grace >= 0 else None,
    )


def _monitors(settings: Settings) -> Collection[type[Event]]:
    watched = (EVENT_BY_NAME[kind.event] for kind in KINDS if _is_watched(settings, kind))
    return tuple(event for event in watched if event in DOCUMENTS)


def _is_watched(settings: Settings, kind: EventKind) -> bool:
    """Returns whether to watch for it: an action that is set for it wants notices."""
    action = _action(settings, kind)
    if action == "default":
        return any(getattr(settings, switch) for switch in kind.switches)
    return action != "ignore"


def served_at(settings: Settings) -> list[tuple[str, str, int]]:
    """Returns each address and port to serve at, after the beginning of its settings' names.

    All pages are served at each, as in the original, so a port that both servers have is opened once.
    """
    s = settings
    places: dict[tuple[str, int], str] = {}
    if s.enable_probes_server:
        places[s.probes_server_address, s.probes_server_port] = "probes_server"
    if s.enable_prometheus_server:
        places.setdefault((s.prometheus_server_address, s.prometheus_server_port), "prometheus_server")
    everywhere = {port for address, port in places if not address}
    return [
        (name, address, port)
        for (address, port), name in places.items()
        if not address or port not in everywhere
    ]


def new_session_id() -> str:
    """Returns a new id, short enough to read out, long enough not to meet again."""
    return uuid.uuid4().hex[:8]
