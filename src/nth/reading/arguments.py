"""The command lines of `nth report` and `nth explain`."""

import click

from nth.errors import SettingError
from nth.reading import commands
from nth.reading.commands import ExplainOptions, ReportOptions
from nth.reading.files import STDIN
from nth.ui.command_line import FILE, Tool

_REPORT = """\
Shows what became of each interruption in the handler's log. No cluster is
asked: the log says all.

  kubectl logs -n kube-system -l k8s-app=aws-node-termination-handler \\
    --tail=-1 | {nth} report
  {nth} report handler.log.gz --node ip-10-0-1-17 --html report.html
  {nth} report handler.log --markdown --session 1f0c2a9b

FILE is the log; - or none is standard input. It may be text or JSON, packed
with gzip, of several handlers, and mixed with other lines. If a handler was
killed before it could say how an interruption ended, the report is of what it
knew in the phase before, and says that it is incomplete.

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
session. FILE is the log; - or none is standard input.

Exit codes: 0 answered, 1 nothing of that name in the log, 2 a flag or the file
cannot be used."""


@click.command("report", cls=Tool, help=_REPORT, short_help="Shows what became of each interruption.")
@click.argument("file", metavar="[FILE | -]", type=FILE, default=STDIN)
@click.option(
    "--html",
    metavar="OUT.html",
    type=FILE,
    default="",
    help="a page that stands alone; of several, one each: OUT-2.html",
)
@click.option("--markdown", is_flag=True, help="for a chat message or an issue")
@click.option("--session", metavar="ID", default="", help="only this session")
@click.option("--node", metavar="NAME", default="", help="only this node")
def report(file: str, html: str, markdown: bool, session: str, node: str) -> int:
    """Show the interruptions in a log."""
    if html and markdown:
        raise SettingError("report: --html and --markdown; allowed: one of them")
    return commands.report(ReportOptions(file=file, html=html, markdown=markdown, session=session, node=node))


@click.command("explain", cls=Tool, help=_EXPLAIN, short_help="Says why a pod was moved.")
@click.argument("name", metavar="NAME")
@click.argument("file", metavar="[FILE | -]", type=FILE, default=STDIN)
def explain(name: str, file: str) -> int:
    """Answer for one name."""
    return commands.explain(ExplainOptions(name=name, file=file))
