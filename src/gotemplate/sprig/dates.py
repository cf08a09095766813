"""These functions format, shift and read times. As in sprig, a value that is no time counts as now."""

from gotemplate.calls import function
from gotemplate.durations import HOUR, MINUTE, SECOND, Duration, duration_of, rounded
from gotemplate.errors import Problem
from gotemplate.layout_reading import read_time
from gotemplate.literals import integer_of
from gotemplate.run import Run
from gotemplate.times import GoTime
from gotemplate.values import Int64, wrapped

_HTML = "2006-01-02"
_SPANS = (
    ("y", 365 * 24 * HOUR),
    ("mo", 30 * 24 * HOUR),
    ("d", 24 * HOUR),
    ("h", HOUR),
    ("m", MINUTE),
    ("s", SECOND),
)


def now(run: Run) -> GoTime:
    """Return the time of the rendering."""
    return GoTime.at(run.now_at, run.zone("Local"))


def _time_of(run: Run, value: object) -> GoTime:
    """Return a time as it is, a number as the time of these epoch seconds, and now for anything else."""
    if isinstance(value, GoTime):
        return value
    if isinstance(value, int) and type(value) in (int, Int64):
        return GoTime(int(value))
    return now(run)


def date_in_zone(run: Run, layout: str, value: object, zone: str) -> str:
    """Return the time in this layout and zone; an unknown zone is UTC."""
    return _time_of(run, value).at_zone(run.zone(zone)).format(layout)


def date(run: Run, layout: str, value: object) -> str:
    """Return the time in this layout and the caller's own zone."""
    return date_in_zone(run, layout, value, "Local")


def date_modify(change: str, time: GoTime) -> GoTime:
    """Return the time shifted by a duration such as `-1.5h`; a text that is none changes nothing."""
    try:
        return time.plus(duration_of(change))
    except Problem:
        return time


def must_date_modify(change: str, time: GoTime) -> GoTime:
    """Return the time shifted by a duration. Raises Problem for a text that is none."""
    return time.plus(duration_of(change))


def ago(run: Run, value: object) -> str:
    """Return how long ago the time was, to the second."""
    return rounded(now(run).since(_time_of(run, value)), SECOND).go_string()


def duration(value: object) -> str:
    """Return seconds as a duration. They are a text or an int64; any other value counts as 0."""
    seconds = 0
    if isinstance(value, str):
        found = integer_of(value, 10)
        seconds = 0 if found is None else max(min(found, (1 << 63) - 1), -(1 << 63))
    elif type(value) is Int64:
        seconds = int(value)
    return Duration(wrapped(seconds * SECOND)).go_string()


def duration_round(run: Run, value: object) -> str:
    """Return the duration in its largest unit: `2d`, `3mo`."""
    span = abs(_span(run, value))
    for name, unit in _SPANS:
        if span > unit:
            return f"{span // unit}{name}"
    return "0s"


def _span(run: Run, value: object) -> int:
    if isinstance(value, str):
        try:
            return int(duration_of(value))
        except Problem:
            return 0
    if isinstance(value, GoTime):
        return int(now(run).since(value))
    return int(value) if type(value) is Int64 else 0


def to_date(run: Run, layout: str, text: str) -> GoTime:
    """Return the time that a text in this layout means, or the zero time if it is none."""
    try:
        return must_to_date(run, layout, text)
    except Problem:
        return GoTime()


def must_to_date(run: Run, layout: str, text: str) -> GoTime:
    """Return the time that a text in this layout means. Raises Problem."""
    return read_time(layout, text, run.zone("Local"))


_DATE_IN_ZONE = function(date_in_zone, "string any string", run=True)
_DATE_MODIFY = function(date_modify, "string time.Time")
_MUST_DATE_MODIFY = function(must_date_modify, "string time.Time")
FUNCTIONS = {
    "now": function(now, run=True),
    "ago": function(ago, "any", run=True),
    "date": function(date, "string any", run=True),
    "dateInZone": _DATE_IN_ZONE,
    "date_in_zone": _DATE_IN_ZONE,
    "htmlDate": function(lambda run, value: date(run, _HTML, value), "any", run=True),
    "htmlDateInZone": function(
        lambda run, value, zone: date_in_zone(run, _HTML, value, zone), "any string", run=True
    ),
    "dateModify": _DATE_MODIFY,
    "date_modify": _DATE_MODIFY,
    "mustDateModify": _MUST_DATE_MODIFY,
    "must_date_modify": _MUST_DATE_MODIFY,
    "duration": function(duration, "any"),
    "durationRound": function(duration_round, "any", run=True),
    "toDate": function(to_date, "string string", run=True),
    "mustToDate": function(must_to_date, "string string", run=True),
    "unixEpoch": function(lambda time: str(time.seconds), "time.Time"),
}
