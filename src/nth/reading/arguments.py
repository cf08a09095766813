"""The command lines of `nth report` and `nth explain`."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from nth.errors import SettingError
from nth.reading.files import STDIN

_REPORT = """\
Shows what became of each interruption in the handler's log. No cluster is asked: the log says all.

  kubectl logs -n kube-system -l k8s-app=aws-node-termination-handler --tail=-1 | nth report
  nth report handler.log.gz --node ip-10-0-1-17.ec2.internal --html report.html
  nth report handler.log --markdown --session 1f0c2a9b

The log may be text or JSON, packed with gzip, of several handlers, and mixed with other lines.
Where the handler was killed before it could say how it ended, the report is of what it knew in the
phase before, and says that it is incomplete. A log of an older version is said to be one.

Exit codes: 0 shown, 1 there is no interruption in the log, 2 a flag or the file cannot be used."""

_EXPLAIN = """\
Says why a pod was moved, from the handler's log: what AWS said, when, who asked the pod to go,
politely or forced and why, how long it took, and when its controller had its pods back.

  nth explain shop/billing-7c6d9f4b8d-x2x9k handler.log
  nth explain billing handler.log      whose name begins so: one is explained, several are listed
  nth explain ip-10-0-1-17.ec2.internal handler.log.gz
  kubectl logs -n kube-system -l k8s-app=aws-node-termination-handler --tail=-1 | nth explain web

Exit codes: 0 answered, 1 nothing of that name in the log, 2 a flag or the file cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """The options of `nth report`. Empty texts are not given."""

    file: str
    html: str
    session: str
    node: str
    markdown: bool
    help: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """The options of `nth explain`."""

    name: str
    file: str
    help: bool


class _Parser(ArgumentParser):
    """Reports errors as the other commands do."""

    def error(self, message: str) -> NoReturn:
        raise SettingError(f"{self.prog.partition(' ')[2]}: {message}; --help shows what is allowed")


def read_report_options(argv: Sequence[str]) -> ReportOptions:
    """Returns the options. SettingError: a flag cannot be used."""
    given = _report_parser().parse_args(argv)
    if given.html and given.markdown:
        raise SettingError("report: --html and --markdown; allowed: one of them")
    return ReportOptions(**vars(given))


def read_explain_options(argv: Sequence[str]) -> ExplainOptions:
    """Returns the options. SettingError: a flag cannot be used, or no name is given."""
    given = _explain_parser().parse_args(argv)
    if not given.help and not given.name:
        raise SettingError("explain: no name; allowed: a pod, a node or a session")
    return ExplainOptions(**vars(given))


def report_help() -> str:
    """Returns the text of `nth report --help`."""
    return _report_parser().format_help()


def explain_help() -> str:
    """Returns the text of `nth explain --help`."""
    return _explain_parser().format_help()


def _parser(command: str, usage: str, description: str) -> _Parser:
    parser = _Parser(
        prog=f"nth {command}",
        description=description,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
        usage=usage,
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this and exit")
    return parser


def _report_parser() -> _Parser:
    parser = _parser("report", "nth report [FILE | -] [flags]", _REPORT)
    add = parser.add_argument
    add("file", metavar="FILE", nargs="?", default=STDIN, help="the log; - or none is standard input")
    add(
        "--html",
        metavar="OUT.html",
        default="",
        help="a page that stands alone; of several, one each: OUT-2.html",
    )
    add("--markdown", action="store_true", help="for a chat message or an issue")
    add("--session", metavar="ID", default="", help="only this session")
    add("--node", metavar="NAME", default="", help="only this node")
    return parser


def _explain_parser() -> _Parser:
    parser = _parser("explain", "nth explain POD | NODE [FILE | -]", _EXPLAIN)
    add = parser.add_argument
    name_help = "a pod (namespace/name, its name, or how that begins), a node, or a session"
    add("name", metavar="POD | NODE", nargs="?", default="", help=name_help)
    add("file", metavar="FILE", nargs="?", default=STDIN, help="the log; - or none is standard input")
    return parser
