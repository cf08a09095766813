"""Puts queue mode together. Imported in that mode only, because it brings the AWS client along."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from nth.adapters.aws import AwsClient, connect
from nth.adapters.kubernetes import KubernetesCluster
from nth.adapters.kubernetes_leases import KubernetesLeases
from nth.core.lifecycle.hook_messages import LONGEST, HookRules
from nth.core.notices.queue_urls import account_of, region_of
from nth.core.queue.dispatch_view import DispatchRules
from nth.core.queue.drain_slots import SlotRules
from nth.core.queue.node_owner import OwnerRules
from nth.core.reports import Told
from nth.engine.dry_run import DryRun
from nth.engine.engine import Engine
from nth.errors import SettingError
from nth.ports import Clock, Cluster, LifecycleHooks, Queue
from nth.queue_mode.dry_run import Alone, DryHooks, DryQueue
from nth.queue_mode.mode import QueueMode
from nth.queue_mode.pod_informer import PodInformer
from nth.queue_mode.replicas import ReplicaWatch
from nth.queue_mode.world import FleetRules, FleetWorld, Replicas, Sessions
from nth.settings import Settings
from nth.settings.table import BY_NAME
from nth.wiring.reporters import Reporters
from nth.wiring.rules import evicts, identity, new_session_id, policy, session_rules

logger = logging.getLogger("nth.queue_app")


def queue_urls(settings: Settings) -> tuple[str, ...]:
    """Returns the URLs of the queues, each once."""
    urls = (url.strip() for url in settings.queue_url.split(","))
    return tuple(dict.fromkeys(url for url in urls if url))


def region(settings: Settings) -> str:
    """Returns the region of all AWS services. SettingError: it is not known, or the queues' differ."""
    regions = {region_of(url) for url in queue_urls(settings)}
    if settings.aws_region:
        if regions - {"", settings.aws_region}:
            logger.warning(
                "%s is '%s', but the host in %s names another region: AWS will refuse requests",
                BY_NAME["aws_region"],
                settings.aws_region,
                BY_NAME["queue_url"],
            )
        return settings.aws_region
    if len(regions) == 1 and (found := regions.pop()):
        return found
    said = "names no region" if not regions - {""} else "names several regions"
    raise SettingError(
        f"{BY_NAME['aws_region']} is '', and the host in {BY_NAME['queue_url']} {said}; "
        "allowed: the region of the queue, for example eu-west-1"
    )


@asynccontextmanager
async def queue_mode(
    settings: Settings,
    cluster: KubernetesCluster,
    clock: Clock,
    reporters: Reporters,
) -> AsyncIterator[QueueMode]:
    """Yield queue mode with its real adapters. SettingError: the start is not possible."""
    urls = queue_urls(settings)
    async with connect(region=region(settings), queue_urls=urls, endpoint_url=settings.aws_endpoint) as aws:
        await aws.check_credentials()
        queues: list[Queue] = [aws.queue(url) for url in urls]
        hooks: LifecycleHooks = aws.hooks
        if settings.dry_run:
            queues, hooks = [DryQueue(queue) for queue in queues], DryHooks(hooks)
        # Where no pod is asked to go, none is followed: the chart gives no right to watch pods then.
        shared = PodInformer(cluster) if evicts(settings) else None
        pods: Cluster = shared or cluster
        world = FleetWorld(
            cluster=pods,
            queues=queues,
            instances=aws.instances,
            hooks=hooks,
            clock=clock,
            jitter=random.random,
        )
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(shared.run(), name="pods")] if shared else []
            mode = QueueMode(
                world,
                fleet_rules(settings, account_of(urls[0])),
                new_sessions=partial(_sessions, settings, pods, clock, reporters.tell),
                new_replicas=partial(_replicas, settings, cluster, clock),
                tell=reporters.tell,
            )
            if reporters.metrics is not None:
                beside.append(_measure(settings, reporters, mode, (cluster, aws, clock), tasks))
            yield mode
            for task in beside:
                task.cancel()


def _measure(
    settings: Settings,
    reporters: Reporters,
    mode: QueueMode,
    world: tuple[KubernetesCluster, AwsClient, Clock],
    tasks: asyncio.TaskGroup,
) -> asyncio.Task[None]:
    """Connect the metrics with all counts; returns the task that asks EC2."""
    from nth.queue_mode.managed_tag import TaggedInstances
    from nth.wiring.metrics_app import node_instances, queue_pulls

    cluster, aws, clock = world
    nodes = partial(node_instances, mode)
    tagged = TaggedInstances(aws.instances, clock, settings.managed_tag, of_nodes=nodes)
    assert reporters.metrics is not None
    reporters.metrics.pulls = queue_pulls(mode, cluster, aws, tagged, reporters)
    return tasks.create_task(tagged.run(), name="tagged instances")


def _sessions(
    settings: Settings, cluster: Cluster, clock: Clock, tell: Callable[[Told], None], mode: QueueMode
) -> Sessions:
    rules = session_rules(settings)
    if settings.dry_run:
        return DryRun(cluster, clock, rules, tell=tell)
    return Engine(
        cluster,
        clock,
        rules,
        tell=tell,
        new_session_id=new_session_id,
        cached_lists=settings.use_apiserver_cache,
        dues=mode.heed,
        slot_rules=SlotRules(workers=settings.workers, per_group=settings.workers_per_group),
        group_of=mode.group_of,
        gathering=lambda: mode.gathering,
        learned=mode.nodes.learn,
        is_alive=lambda name: mode.replicas.is_alive(name),
    )


def _replicas(settings: Settings, cluster: KubernetesCluster, clock: Clock, mode: QueueMode) -> Replicas:
    name = identity(settings)
    if not name:
        return Alone()
    leases = KubernetesLeases(cluster.server, settings.pod_namespace)
    return ReplicaWatch(leases, clock, name, on_death=mode.replica_died)


def fleet_rules(settings: Settings, account: str) -> FleetRules:
    """Returns the settings about queue mode; `account` is the queue's."""
    grace = settings.shutdown_grace_period
    key, equals, value = settings.managed_tag.partition("=")
    return FleetRules(
        identity=identity(settings),
        node_name=settings.node_name,
        own_pod=(settings.pod_namespace, settings.pod_name),
        takes_over=not settings.dry_run,
        evicts=evicts(settings),
        visibility_seconds=settings.sqs_msg_visibility_timeout_sec,
        messages=DispatchRules(
            owner=OwnerRules(
                tag_key=key if settings.check_tag_before_draining else "",
                tag_value=value if equals else None,
                account=account,
            ),
            policy=policy(settings),
            delete_if_not_found=settings.delete_sqs_msg_if_node_not_found,
            delete_not_for_us=settings.not_for_us_messages == "delete",
            delete_unreadable=settings.unreadable_messages == "delete",
        ),
        hooks=HookRules(
            result=settings.lifecycle_action_result,
            completion_delay_seconds=max(0, settings.complete_lifecycle_action_delay_seconds),
            heartbeat_interval_seconds=_or_none(settings.heartbeat_interval),
            heartbeat_until_seconds=_or_none(settings.heartbeat_until) or LONGEST.global_seconds,
            heartbeat_auto=settings.heartbeat_auto,
        ),
        group_label=settings.group_label,
        shutdown_grace_seconds=grace if grace >= 0 else None,
    )


def _or_none(seconds: int) -> float | None:
    return float(seconds) if seconds > 0 else None
