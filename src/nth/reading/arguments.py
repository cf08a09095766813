"""The command lines of `nth report` and `nth explain`."""

import time

import click

from nth.errors import SettingError
from nth.reading import commands
from nth.reading.commands import ExplainOptions, ReportOptions
from nth.reading.files import STDIN
from nth.reading.selection import Selection, instant_of
from nth.ui.command_line import FILE, Tool, check_output

FILES_SHOWN = "[FILE | -]..."
_REPORT = """\
Shows what became of each interruption in the handler's log. No cluster is
asked: the log says all.

  kubectl logs -n kube-system -l k8s-app=aws-node-termination-handler \\
    --tail=-1 | {nth} report
  {nth} report handler.log.gz --node ip-10-0-1-17 --html report.html
  {nth} report handler.log --since 2h --markdown

Of several interruptions it shows a table, the worst first, and then those that
went badly.

FILE is a log; - or none is standard input. It may be text or JSON, packed with
gzip, of several handlers, mixed with other lines, or what Loki, Grafana or
CloudWatch export (JSON, CSV). If a handler was killed before it could say how
an interruption ended, the report is of what it knew in the phase before, and
says that it is incomplete.

Exit codes: 0 shown, 1 there is no interruption in the log, 2 a flag or the
file cannot be used."""

_EXPLAIN = """\
Says why a pod was moved, from the handler's log: what AWS said, when, who
asked the pod to go, politely or forced and why, how long it took, and when its
controller had its pods back.

  {nth} explain shop/billing-7c6d9f4b8d-x2x9k handler.log
  {nth} explain billing handler.log      a beginning: one pod, or a list
  {nth} explain ip-10-0-1-17.ec2.internal handler.log.gz
  kubectl logs -n kube-system -l k8s-app=aws-node-termination-handler \\
    --tail=-1 | {nth} explain web

NAME is a pod (namespace/name, its name, or how that begins), a node, or a
session, as a report prints it. FILE is a log; - or none is standard input.

Exit codes: 0 answered, 1 nothing of that name in the log, 2 a flag or the file
cannot be used."""


def _since(_ctx: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return instant_of(text, time.time())
    except ValueError as error:
        raise SettingError(f"report: --since is {text!r}; {error}") from None


@click.command("report", cls=Tool, help=_REPORT, short_help="Shows what became of each interruption.")
@click.argument("files", metavar=FILES_SHOWN, type=FILE, nargs=-1)
@click.option(
    "--html",
    metavar="OUT.html",
    type=FILE,
    default="",
    help="a page; of several an index, and a page for each in the folder OUT-pages",
)
@click.option("--markdown", is_flag=True, help="for a chat message or an issue")
@click.option("--json", is_flag=True, help="for programs")
@click.option("--all", "every", is_flag=True, help="of several, also those that went well")
@click.option("--session", metavar="ID", default="", help="only this session")
@click.option("--node", metavar="NAME", default="", help="only this node")
@click.option(
    "--since",
    "since_at",
    metavar="TIME",
    callback=_since,
    help="only what was not over then: 30m, 2h or 2026-11-22T08:30:00Z",
)
def report(
    files: tuple[str, ...],
    html: str,
    markdown: bool,
    json: bool,
    every: bool,
    session: str,
    node: str,
    since_at: float | None,
) -> int:
    """Show the interruptions in a log."""
    forms = [name for name, given in (("--html", html), ("--markdown", markdown), ("--json", json)) if given]
    if len(forms) > 1:
        raise SettingError(f"report: {' and '.join(forms)}; allowed: one of them")
    check_output("report: --html", html, files)
    options = ReportOptions(
        files=files or (STDIN,),
        selection=Selection(session=session, node=node, since_at=since_at),
        html=html,
        markdown=markdown,
        json=json,
        every=every,
    )
    return commands.report(options)


@click.command("explain", cls=Tool, help=_EXPLAIN, short_help="Says why a pod was moved.")
@click.argument("name", metavar="NAME")
@click.argument("files", metavar=FILES_SHOWN, type=FILE, nargs=-1)
def explain(name: str, files: tuple[str, ...]) -> int:
    """Answer for one name."""
    return commands.explain(ExplainOptions(name=name, files=files or (STDIN,)))
