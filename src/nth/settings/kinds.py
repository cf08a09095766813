"""Kinds of settings: which texts each may have, and the values that they stand for.

A kind's `parse` raises ValueError and nothing else; it gives no reason, because `allowed` says it.
No kind knows which setting it serves, and none shows the text that it was given.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import SplitResult, urlsplit

T = TypeVar("T")
Word = TypeVar("Word", bound=str)

# The spellings of Go's strconv.ParseBool: manifests written for the original may hold any of them.
_BOOLS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
# Eighteen digits always fit into the 64 bits that the original had.
_INT = re.compile(r"[+-]?[0-9]{1,18}")
_FLOAT = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """Turns a text into a value.

    `word` stands for the value in `--flag=<word>`; `allowed` ends the sentence "it must be ...",
    and is empty where every text is fine. A `switch` is true when its flag stands alone. `schema` holds
    the rules that JSON schema can check of the value in a document (https://json-schema.org). `strips`: white
    space around the text is no part of it, such as the line feed of a Secret made by `echo`.
    """

    word: str
    allowed: str
    parse: Callable[[str], T]
    switch: bool = False
    strips: bool = False
    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "string"})


def _bool(text: str) -> bool:
    if text not in _BOOLS:
        raise ValueError
    return _BOOLS[text]


def _bare(text: str) -> bool:
    return text.isprintable() and " " not in text


def _place(text: str, *schemes: str) -> SplitResult:
    """Returns the parts of a URL that has a host and one of these schemes."""
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname or parts.port == 0 or not _bare(text):
        raise ValueError
    return parts


def _url(text: str) -> str:
    _place(text, "http", "https")
    return text


def _proxy(text: str) -> str:
    parts = _place(text, *PROXY_SCHEMES)
    # Go's client has no usual port for tcp://, and would ask for port 0.
    if parts.scheme == "tcp" and parts.port is None:
        raise ValueError
    return text


def _urls(text: str) -> str:
    for each in text.split(",") if text else ():
        _url(each.strip())
    return text


def _port(text: str) -> str:
    if text and not 1 <= int(_matching(_INT, text)) <= 65535:
        raise ValueError
    return text


def _address(text: str) -> str:
    ipaddress.ip_address(text)
    return text


def _path_of_url(text: str) -> str:
    if not text.startswith("/") or not _bare(text) or "?" in text or "#" in text:
        raise ValueError
    return text


def _headers(text: str) -> str:
    try:
        headers = json.loads(text)
    except RecursionError as error:
        raise ValueError from error
    if not isinstance(headers, dict) or not all(_is_header(*pair) for pair in headers.items()):
        raise ValueError
    return text


def _is_header(name: str, value: object) -> bool:
    # A value that cannot be sent must fail now, not when the node goes away.
    return bool(name) and isinstance(value, str) and (name + value).isascii() and (name + value).isprintable()


def _pairs(text: str) -> str:
    for pair in text.split(",") if text else ():
        key, equals, value = pair.partition("=")
        if not key or not equals or "=" in value:
            raise ValueError
    return text


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError
    return text


def optional(kind: Kind[str]) -> Kind[str]:
    """Returns the kind that also allows an empty text."""
    schema = dict(kind.schema)
    if "pattern" in schema:
        schema["pattern"] = f"^$|{schema['pattern']}"
    return Kind(
        kind.word,
        f"{kind.allowed}, or empty",
        lambda text: kind.parse(text) if text else "",
        strips=kind.strips,
        schema=schema,
    )


def choice(*words: Word) -> Kind[Word]:
    """Returns the kind of one of these words, in any case; the value is the word as given here."""
    by_folded = {word.casefold(): word for word in words}

    def parse(text: str) -> Word:
        if text.casefold() not in by_folded:
            raise ValueError
        return by_folded[text.casefold()]

    # Documents for the original have its upper-case words in other cases, too.
    shouted = [word for word in words if word.isupper()]
    schema = {"enum": [*words, *map(str.lower, shouted), *map(str.capitalize, shouted)]}
    return Kind("word", f"{', '.join(words[:-1])} or {words[-1]}", parse, schema=schema)


def several(*words: str) -> Kind[str]:
    """Returns the kind of any of these words, with commas between them, or none."""

    def parse(text: str) -> str:
        chosen = [word.strip() for word in text.split(",")] if text else []
        if not set(chosen) <= set(words):
            raise ValueError
        return ",".join(chosen)

    each = "|".join(words)
    return Kind(
        "words",
        f"any of {', '.join(words)}, with commas between them",
        parse,
        schema={"type": "string", "pattern": f"^(({each})( *, *({each}))*)?$"},
    )


def integer(low: int, high: int | None = None, *, word: str = "n", off: int | None = None) -> Kind[int]:
    """Returns the kind of a whole decimal number from `low` to `high`, both included, or exactly `off`."""

    def parse(text: str) -> int:
        number = int(_matching(_INT, text))
        if number != off and not low <= number <= (_MOST if high is None else high):
            raise ValueError
        return number

    span = f"{low} or more" if high is None else f"{low} to {high}"
    bounds: dict[str, object] = {"minimum": low} if high is None else {"minimum": low, "maximum": high}
    schema = {**_NUMBER, **(bounds if off is None else {"anyOf": [{"const": off}, bounds]})}
    return Kind(
        word,
        f"a whole number, {span}" + ("" if off is None else f", or {off} for off"),
        parse,
        schema=schema,
    )


def signed(meaning: str, *, word: str = "n") -> Kind[int]:
    """Returns the kind of any whole number, where all that are too small mean the same: `meaning` says it."""

    def parse(text: str) -> int:
        number = int(_matching(_INT, text))
        if number > _MOST:
            raise ValueError
        return number

    return Kind(word, f"a whole number; {meaning}", parse, schema=_NUMBER)


def decimal(low: float, high: float, *, word: str = "n") -> Kind[float]:
    """Returns the kind of a decimal number from `low` to `high`, both included."""

    def parse(text: str) -> float:
        number = float(_matching(_FLOAT, text))
        if not low <= number <= high:
            raise ValueError
        return number

    schema: dict[str, object] = {"type": "number", "minimum": low, "maximum": high}
    return Kind(word, f"a number, {low:g} to {high:g}", parse, schema=schema)


_MOST = 2**31 - 1
# In a document a number may stand in quotes.
_NUMBER: Mapping[str, object] = {"type": ["integer", "string"], "pattern": "^[+-]?[0-9]{1,18}$"}
_WEB = {"type": "string", "pattern": "^https?://"}

BOOL = Kind("bool", "true or false", _bool, switch=True, schema={"type": "boolean"})
TEXT = Kind("text", "", str)
PATH = Kind("path", "", str)
URL = Kind("url", "a URL that begins with http:// or https://", _url, strips=True, schema=_WEB)
# The original's client takes any other scheme than https and socks5 for plain HTTP, and its help shows tcp://:
# https://pkg.go.dev/net/http#Transport.
PROXY_SCHEMES = ("http", "https", "tcp", "socks5", "socks5h")
PROXY = Kind(
    "url",
    "a URL that begins with http://, https:// or socks5://, or tcp:// with a port for the same as http://",
    _proxy,
    strips=True,
    schema={"type": "string", "pattern": f"^({'|'.join(PROXY_SCHEMES)})://"},
)
URLS = Kind(
    "urls",
    "a URL that begins with http:// or https://, or several with commas between them",
    _urls,
    strips=True,
    schema={"type": "string", "pattern": "^$|^https?://"},
)
PORT = integer(1, 65535, word="port")
PORT_TEXT = Kind(
    "port",
    "a whole number, 1 to 65535, or empty",
    _port,
    schema={"type": ["string", "integer"], "pattern": "^[0-9]{0,5}$"},
)
ADDRESS = Kind(
    "address",
    "an IPv4 or IPv6 address",
    _address,
    schema={"type": "string", "pattern": "^[0-9a-fA-F.:]+(%[^/ ]+)?$"},
)
URL_PATH = Kind(
    "path",
    "a path that begins with /, without ? or #",
    _path_of_url,
    schema={"type": "string", "pattern": "^/[^?#]*$"},
)
HEADERS = Kind(
    "json",
    "a JSON object of header names and their values, all of them printable ASCII strings",
    _headers,
    strips=True,
)
PAIRS = Kind("pairs", "key=value, or several with commas between them", _pairs)
