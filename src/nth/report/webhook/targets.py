"""Reads the file of targets: the receivers of posts, with their phases and headers.

Every fault is a SettingError of one line that names file, target and field, and no value: URLs,
headers and templates may hold secrets.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec

from nth.core.notices.events import EVENT_BY_NAME
from nth.core.notices.kinds import KIND_OF
from nth.errors import SettingError
from nth.report.webhook.announcement import PHASES, phase_of
from nth.report.webhook.target import DEFAULT_HEADERS, USUAL_NAME, BodyTemplate, Target

KINDS = tuple(dict.fromkeys(KIND_OF[name].name for name in EVENT_BY_NAME))
MAX_TRIES = 20
PROXY_SCHEMES = ("http", "https", "tcp", "socks5", "socks5h")
PROXY_ALLOWED = "a URL that begins with http://, https:// or socks5://, or tcp:// with a port, or empty"
FILE_SETTING = "--webhook-targets-file (WEBHOOK_TARGETS_FILE)"

ReadText = Callable[[str], str]
"""Returns the text of the file at this path; OSError or UnicodeDecodeError."""


class _Entry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A target as it stands in the file."""

    name: str
    url: str = ""
    url_file: str = ""
    headers: dict[str, str] | None = None
    proxy: str | None = None
    template: str = ""
    template_file: str = ""
    phases: list[str] | None = None
    kinds: list[str] = []
    node_labels: dict[str, str] = {}
    tries: int | None = None


def read_targets(path: str, usual: Target, read_text: ReadText) -> tuple[Target, ...]:
    """Returns the targets of a YAML or JSON file; a missing field is as in `usual`. SettingError: any fault.

    The headers are not: they may hold a secret that is meant for one receiver.
    """
    where = f"{FILE_SETTING}: {path}"
    entries = _decode(_text(path, where, read_text), where)
    targets = tuple(_target(raw, number, where, usual, read_text) for number, raw in enumerate(entries, 1))
    names = [target.name for target in targets]
    for name in names:
        if names.count(name) > 1 or name == USUAL_NAME:
            raise SettingError(f"{where}, target '{name}': there is another of that name")
    return targets


def _text(path: str, where: str, read_text: ReadText) -> str:
    try:
        return read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingError(f"{where} cannot be read: {reason or type(error).__name__}") from error


def _decode(text: str, where: str) -> list[object]:
    try:
        # First, because YAML forbids tabs where JSON has them.
        return msgspec.json.decode(text, type=list[object])
    except (msgspec.DecodeError, RecursionError):
        return _decode_yaml(text, where)


def _decode_yaml(text: str, where: str) -> list[object]:
    try:
        return msgspec.yaml.decode(text, type=list[object])
    except msgspec.ValidationError as error:
        raise SettingError(f"{where} is no list of targets") from error
    except (msgspec.DecodeError, RecursionError) as error:
        # The library quotes the text, which may hold a secret.
        mark = getattr(error.__context__, "problem_mark", None)
        place = "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"
        raise SettingError(f"{where} is neither YAML nor JSON{place}") from error


def _target(raw: object, number: int, where: str, usual: Target, read_text: ReadText) -> Target:
    named = raw.get("name") if isinstance(raw, dict) else None
    where = f"{where}, target {number if not isinstance(named, str) else repr(named)}"
    try:
        entry = msgspec.convert(raw, _Entry)
    except msgspec.ValidationError as error:
        raise SettingError(f"{where}: {error}") from error
    _check(entry, where)
    url = entry.url or _text(entry.url_file, f"{where}, urlFile", read_text).strip()
    _require(
        _is_url(url),
        f"{where}, {'url' if entry.url else 'urlFile'}",
        "a URL that begins with http:// or https://",
    )
    return replace(
        usual,
        name=entry.name,
        url=url,
        headers=DEFAULT_HEADERS if entry.headers is None else entry.headers,
        proxy=usual.proxy if entry.proxy is None else entry.proxy,
        phases=usual.phases if entry.phases is None else frozenset(map(phase_of, entry.phases)),
        kinds=frozenset(entry.kinds),
        node_labels=entry.node_labels,
        tries=usual.tries if entry.tries is None else entry.tries,
        template=_template(entry, where, usual, read_text),
    )


def _check(entry: _Entry, where: str) -> None:
    rules = (
        (
            "name",
            bool(entry.name) and entry.name.isprintable() and len(entry.name) <= 63,
            "1 to 63 characters",
        ),
        ("url", bool(entry.url) != bool(entry.url_file), "a URL, or urlFile in its place"),
        ("headers", all(_is_header(*pair) for pair in (entry.headers or {}).items()), "printable ASCII"),
        ("proxy", not entry.proxy or _is_url(entry.proxy, PROXY_SCHEMES), PROXY_ALLOWED),
        ("template", not (entry.template and entry.template_file), "only one of template and templateFile"),
        ("phases", set(entry.phases or ()) <= set(PHASES), f"any of {', '.join(PHASES)}"),
        ("kinds", set(entry.kinds) <= set(KINDS), f"any of {', '.join(KINDS)}"),
        ("tries", entry.tries is None or 1 <= entry.tries <= MAX_TRIES, f"1 to {MAX_TRIES}"),
    )
    for name, holds, allowed in rules:
        _require(holds, f"{where}, {name}", allowed)


def _require(holds: bool, where: str, allowed: str) -> None:
    if not holds:
        raise SettingError(f"{where} is wrong; allowed: {allowed}")


def _is_url(text: str, schemes: Collection[str] = ("http", "https")) -> bool:
    try:
        parts = urlsplit(text)
        # A scheme that has no usual port needs one: 0 is none.
        port = parts.port if parts.port is not None or parts.scheme == "tcp" else 1
    except ValueError:
        return False
    usable = parts.scheme in schemes and bool(parts.hostname) and bool(port)
    return usable and text.isprintable() and " " not in text


def _is_header(name: str, value: str) -> bool:
    return bool(name) and (name + value).isascii() and (name + value).isprintable()


def _template(entry: _Entry, where: str, usual: Target, read_text: ReadText) -> BodyTemplate:
    if entry.template_file:
        source = f"{where}, templateFile {entry.template_file}"
        return BodyTemplate(_text(entry.template_file, source, read_text), source)
    return BodyTemplate(entry.template, f"{where}, template") if entry.template else usual.template
