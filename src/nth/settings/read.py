"""Turns the command line and the environment into `Settings`: flag over variable over default.

Pure: both are arguments, nothing is read or written elsewhere. The first fault ends it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from nth.errors import SettingError
from nth.settings.arguments import texts_of_flags
from nth.settings.checks import advice, check, why_unused
from nth.settings.rows import Row, Value
from nth.settings.shown import shown
from nth.settings.table import BY_NAME, TABLE, Settings
from nth.settings.words import KUBE_API_BURST, KUBE_API_QPS, NO_LIMIT_SECONDS

_HEARTBEAT_UNTIL_SECONDS = 172800
"""The longest that a lifecycle hook may last:
https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html"""

_settings: Final[Callable[..., Settings]] = Settings


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """Valid settings, and warnings for the user: each one line, none with a secret."""

    settings: Settings
    warnings: tuple[str, ...]


def read_settings(argv: Sequence[str], environ: Mapping[str, str]) -> ReadSettings:
    """Returns the settings of a command line (without the program's name) and an environment.

    An empty variable counts as not set, and so does a wrong value of a feature that is off. SettingError for
    the first fault: of the command line's form, then of single values in the order of the table, then of
    values that do not go together.
    """
    flags = texts_of_flags(argv)
    texts = {
        row.name: text
        for row in TABLE
        if (text := flags.get(row.name, environ.get(row.variable) or None)) is not None
    }
    values, wrong = _values(texts)
    warnings = [
        _stripped(BY_NAME[name]) for name, text in texts.items() if text != _stripped_text(name, text)
    ]
    warnings += _replace_deprecated(values)
    given = _settings(**values)
    warnings += [_unused(BY_NAME[name], fault, given) for name, fault in wrong.items()]
    check(given)
    return ReadSettings(_derived(given), (*warnings, *advice(given)))


def wants_json(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Returns whether the log is to be JSON, as far as that can be seen while other settings are wrong."""
    row = BY_NAME["json_logging"]
    text = environ.get(row.variable, "")
    for word in argv:
        flag, equals, value = word.partition("=")
        if flag.removeprefix("-").removeprefix("-") == row.flag.removeprefix("--") and flag.startswith("-"):
            text = value if equals else "true"
    try:
        return row.kind.parse(text) is True
    except ValueError:
        return False


def _values(texts: Mapping[str, str]) -> tuple[dict[str, Value], dict[str, str]]:
    """Returns the values, and of the others what is wrong with them; both by name."""
    values: dict[str, Value] = {}
    wrong: dict[str, str] = {}
    for name, text in texts.items():
        row = BY_NAME[name]
        try:
            values[name] = row.kind.parse(_stripped_text(name, text))
        except ValueError:
            wrong[name] = f"{row} is {shown(row, text)}; allowed: {row.kind.allowed}"
    return values, wrong


def _stripped_text(name: str, text: str) -> str:
    return text.strip() if BY_NAME[name].kind.strips else text


def _stripped(row: Row) -> str:
    return f"{row} begins or ends with white space, which is ignored; in a Secret, `echo` leaves a line feed"


def _unused(row: Row, fault: str, given: Settings) -> str:
    """Returns a warning for a wrong value without effect. SettingError: it would have one."""
    why = why_unused(row, given)
    if not why:
        raise SettingError(fault)
    return f"{fault}. It is ignored, because {why}"


def _replace_deprecated(values: dict[str, Value]) -> list[str]:
    """Give each deprecated setting's value to its successor, which wins if it has its own."""
    warnings = []
    for old in TABLE:
        if not old.successor or old.name not in values:
            continue
        new = BY_NAME[old.successor]
        ignored = " and ignored, because both are given" if new.name in values else ""
        warnings.append(f"{old} is deprecated{ignored}; use {new}")
        values.setdefault(new.name, values[old.name])
    return warnings


def _derived(given: Settings) -> Settings:
    beats = given.heartbeat_auto or given.heartbeat_interval != -1
    beats_for_ever = beats and given.heartbeat_until == -1
    return replace(
        given,
        node_termination_grace_period=given.node_termination_grace_period or NO_LIMIT_SECONDS,
        kube_api_qps=given.kube_api_qps or KUBE_API_QPS,
        kube_api_burst=given.kube_api_burst or KUBE_API_BURST,
        log_format_version=min(max(given.log_format_version, 1), 2),
        heartbeat_until=_HEARTBEAT_UNTIL_SECONDS if beats_for_ever else given.heartbeat_until,
    )
