"""What the tests of the settings share: how they read, and texts to read."""

from collections.abc import Mapping, Sequence

import pytest

from nth.errors import SettingError
from nth.settings import ReadSettings, Settings, read_settings
from nth.settings.rows import AWS, QUEUE, Row

METADATA_MODE = {"NODE_NAME": "node-1"}
QUEUE_MODE = {
    "ENABLE_SQS_TERMINATION_DRAINING": "true",
    "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/nth",
    "POD_NAME": "nth-0",
    "NAMESPACE": "kube-system",
}
TEXTS = (
    *("true", "false", "2", "1", "61", "62", "DEBUG", "ERROR", "NoExecute", "PreferNoSchedule"),
    *("delete", "leave", "CONTINUE", "ABANDON", "drain", "cordon", "received", "received, drained"),
    *("start", "notice", "never", "deadline", "http://one.example", "http://two.example", "/one", "/two"),
    *('{"One":"1"}', '{"Two":"2"}', "one=1", "two=2", "127.0.0.1", "fd00::1"),
)
"""For every kind of setting at least two that it takes."""


def read(environ: Mapping[str, str], *argv: str) -> ReadSettings:
    """In metadata mode, unless the environment says otherwise."""
    return read_settings(argv, METADATA_MODE | dict(environ))


def settings_of(*argv: str) -> Settings:
    return read({}, *argv).settings


def refusal(argv: Sequence[str] = (), environ: Mapping[str, str] = METADATA_MODE) -> str:
    """The message of the SettingError."""
    with pytest.raises(SettingError) as raised:
        read_settings(argv, environ)
    return str(raised.value)


def environ_for(row: Row) -> dict[str, str]:
    """An environment in which this setting may have any value of its kind."""
    if row.group not in (QUEUE, AWS) and row.name != "enable_sqs_termination_draining":
        return METADATA_MODE
    beats = {"HEARTBEAT_INTERVAL": "30"} if row.name == "heartbeat_until" else {}
    return METADATA_MODE | QUEUE_MODE | beats


def environ_where_it_counts(row: Row) -> dict[str, str]:
    """An environment in which a wrong value of this setting would have an effect."""
    return environ_for(row) | next(
        (turned_on for names, turned_on in _TURNED_ON.items() if row.name.startswith(names)), {}
    )


_TURNED_ON = {
    ("webhook_",): {"WEBHOOK_URL": "http://one.example"},
    ("kubernetes_events_",): {"EMIT_KUBERNETES_EVENTS": "true"},
    ("prometheus_server_",): {"ENABLE_PROMETHEUS_SERVER": "true"},
    ("probes_server_",): {"ENABLE_PROBES_SERVER": "true"},
    ("taint_effect",): {"TAINT_NODE": "true"},
}


def values_of(row: Row) -> list[str]:
    """The texts that this setting takes."""
    return [text for text in TEXTS if _takes(row, text)]


def _takes(row: Row, text: str) -> bool:
    try:
        row.kind.parse(text)
    except ValueError:
        return False
    return True
