"""The command `nth restore`: from arguments to exit code."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from textwrap import fill

import click

from nth import USER_AGENT
from nth.adapters.clock import WallClock
from nth.adapters.kubernetes import KubernetesCluster, connect
from nth.core.visible import visible_line
from nth.errors import ClusterError, SettingError
from nth.report.words import counted
from nth.restore.restorer import Outcome, Restored, Restorer, Way
from nth.ui.command_line import FILE, WIDTH, Tool
from nth.ui.terminal import complain, say

QPS, BURST = 50.0, 100

_HELP = """\
Takes back what the handler changed on nodes, or the original handler: the
cordon, taints, labels, and the handler's record. Nothing else is touched. A
cordon is taken off only if the API server shows that a handler set it.

  {nth} restore --all --dry-run           what would be taken back
  {nth} restore ip-10-0-1-17.ec2.internal
  {nth} restore --all                     after the handler was uninstalled

A node whose interruption still stands by the handler's record is skipped: its
machine is about to go, and a handler that runs would mark the node again. A
node whose record cannot be read is skipped, too. --force restores both.

The cluster is found as kubectl finds it. It takes the rights to get, list and
patch nodes.

Exit codes: 0 all is as wanted, 1 a node was skipped or could not be restored,
2 a flag or the kubeconfig cannot be used."""


@click.command("restore", cls=Tool, help=_HELP, short_help="Takes back what the handler changed on nodes.")
@click.argument("nodes", metavar="[NODE]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="all nodes of the cluster")
@click.option("--dry-run", is_flag=True, help="say what would be done, and change nothing")
@click.option("--force", is_flag=True, help="restore nodes whose interruption stands, too")
@click.option(
    "--kubeconfig", metavar="FILE", type=FILE, default="", help="default: KUBECONFIG, ~/.kube/config"
)
@click.option("--context", metavar="NAME", default="", help="default: the kubeconfig's current context")
def restore(
    nodes: tuple[str, ...], every: bool, dry_run: bool, force: bool, kubeconfig: str, context: str
) -> int:
    """Restore nodes."""
    if every == bool(nodes):
        given = "--all and nodes" if every else "no node"
        raise SettingError(f"restore: {given}; allowed: names of nodes, or --all")
    cluster = _connect(kubeconfig_of(kubeconfig, os.environ, Path.home()), context)
    return asyncio.run(_restore(cluster, nodes, Way(dry_run=dry_run, force=force)))


def kubeconfig_of(given: str, environ: Mapping[str, str], home: Path) -> str:
    """Returns the kubeconfig that kubectl would use; empty: there is none, so the pod's account is meant.

    https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
    """
    default = home / ".kube" / "config"
    return given or environ.get("KUBECONFIG", "") or (str(default) if default.is_file() else "")


def _connect(kubeconfig: str, context: str) -> KubernetesCluster:
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    if not kubeconfig and (context or not host):
        raise SettingError("restore: no kubeconfig; allowed: --kubeconfig, KUBECONFIG, or ~/.kube/config")
    return connect(
        kubeconfig=kubeconfig,
        context=context,
        service_host=host,
        service_port=os.environ.get("KUBERNETES_SERVICE_PORT", ""),
        user_agent=f"{USER_AGENT} restore",
        qps=QPS,
        burst=BURST,
    )


async def _restore(cluster: KubernetesCluster, nodes: tuple[str, ...], way: Way) -> int:
    restorer = Restorer(cluster, WallClock(), way)
    try:
        return await told(restorer.nodes(nodes) if nodes else restorer.all_nodes(), quiet=not nodes)
    except ClusterError as error:
        complain(f"restore: the nodes cannot be listed: {error}")
        return 1
    finally:
        await cluster.close()


async def told(results: AsyncIterator[Restored], *, quiet: bool) -> int:
    """Write a line for each node, and return the exit code.

    `quiet`: nodes without a mark of ours are only counted, in a last line with all counts.
    """
    counts: Counter[Outcome] = Counter()
    async for one in results:
        counts[one.outcome] += 1
        if one.outcome is not Outcome.UNTOUCHED or not quiet:
            say(_lines(f"{one.node_name}: {one.text}"))
    if quiet:
        words = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
        say(f"{counted(counts.total(), 'node')}{': ' if words else ''}{words}\n")
    return 1 if counts[Outcome.SKIPPED] or counts[Outcome.FAILED] else 0


def _lines(text: str) -> str:
    """Returns the text for a terminal; names stay whole, to be copied."""
    shown = visible_line(text)
    return fill(shown, WIDTH, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False) + "\n"
