"""Puts the metrics together. Imported only when they are on, because the library takes 2 MiB."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from nth import __version__
from nth.adapters.kubernetes import KubernetesCluster
from nth.adapters.metrics_registry import CONTENT_TYPE, MetricsRegistry
from nth.core.queue.node_table import instance_id_of
from nth.health import Page, metrics_page
from nth.metadata_mode.mode import MetadataMode
from nth.ports import Clock
from nth.report.metrics.figures import HookFigures, TaggedFigures
from nth.reporters.metrics import Metrics, Pulls
from nth.settings import Settings

if TYPE_CHECKING:
    # Queue mode is imported where it is used only.
    from nth.adapters.aws import AwsClient
    from nth.queue_mode.managed_tag import TaggedInstances
    from nth.queue_mode.mode import QueueMode


class Outlets(Protocol):
    """The counts of sent reports (`reporters.Reporters`)."""

    def posts(self) -> Mapping[tuple[str, str], int]: ...

    def kubernetes_events(self) -> Mapping[str, int]: ...


def new_metrics(settings: Settings, clock: Clock) -> Metrics:
    """Returns the listener; others' counts are added with `pulls`."""
    mode = "queue" if settings.enable_sqs_termination_draining else "metadata"
    per_node = settings.enable_per_node_metrics
    return Metrics(clock, MetricsRegistry().text, mode=mode, version=__version__, per_node=per_node)


def pages(metrics: Metrics) -> dict[str, Page]:
    """Returns the page that Prometheus asks for."""
    return metrics_page(metrics.exposition, CONTENT_TYPE)


def metadata_pulls(mode: MetadataMode, cluster: KubernetesCluster, outlets: Outlets) -> Pulls:
    """Returns the counts that metadata mode keeps by itself."""
    return Pulls(
        webhook_posts=outlets.posts,
        kubernetes_events=outlets.kubernetes_events,
        sessions=mode.phases,
        monitors=mode.monitors,
        kubernetes_requests=lambda: cluster.server.requests_seen,
        kubernetes_seconds=lambda: cluster.server.seconds_seen,
    )


def queue_pulls(
    mode: "QueueMode",
    cluster: KubernetesCluster,
    aws: "AwsClient",
    tagged: "TaggedInstances",
    outlets: Outlets,
) -> Pulls:
    """Returns the counts that queue mode keeps by itself."""
    return Pulls(
        webhook_posts=outlets.posts,
        kubernetes_events=outlets.kubernetes_events,
        sessions=lambda: mode.sessions.phases,
        queues=lambda: [source.statistics() for source in mode.sources.values()],
        items=lambda: mode.dispatch.counts,
        lookups=lambda: mode.directory.statistics,
        hooks=lambda: HookFigures(ended=mode.hooks.ended, waiting=mode.hooks.waiting, stuck=mode.hooks.stuck),
        tagged=lambda: _tagged(tagged),
        kubernetes_requests=lambda: cluster.server.requests_seen,
        kubernetes_seconds=lambda: cluster.server.seconds_seen,
        aws_requests=lambda: aws.requests_seen,
    )


def node_instances(mode: "QueueMode") -> set[str]:
    """Returns the ids of the EC2 instances of the cluster's nodes."""
    return {instance_id for node in mode.nodes.all() if (instance_id := instance_id_of(node))}


def _tagged(tagged: "TaggedInstances") -> TaggedFigures | None:
    counts = tagged.counts()
    return None if counts is None else TaggedFigures(*counts)
