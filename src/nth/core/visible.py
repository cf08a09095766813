"""Makes text from outside fit to be shown: in a terminal, a log, a page, a chat.

Characters that command a terminal, reorder a line or cannot be seen (control and format characters, line
ends of any kind, halves of surrogate pairs) become escapes as JSON has them, `\\u001b`. All code that
writes passes its text through here, so that each of them may trust nothing.
https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
"""

import re
from collections.abc import Mapping

import msgspec

_CONTROL = "\x00-\x1f\x7f-\x9f"
_SURROGATES = "\ud800-\udfff"
_FORMAT = (
    "\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
"""Letters by name, but nothing to see."""
HIDDEN = f"{_CONTROL}{_SURROGATES}{_FORMAT}{_BLANK}"
"""All hidden characters, for a regular expression's character class."""
_HIDDEN = re.compile(f"[{HIDDEN}]")
_HIDDEN_IN_LINES = re.compile(f"(?![\n\t])[{HIDDEN}]")
_LINE_ENDS = re.compile(r"[\r\n\t\v\f]+")
_PIECES = re.compile(f"([{_SURROGATES}])")
_MAX_DEPTH = 50
_MAX_INTEGER = 2**63


def visible(text: str) -> str:
    """Returns the text on one line, with an escape for each hidden character."""
    return _HIDDEN.sub(_escape, text)


def visible_lines(text: str) -> str:
    """Returns a text of several lines with escapes; its line feeds and tabs stay."""
    return _HIDDEN_IN_LINES.sub(_escape, text)


def visible_line(text: str) -> str:
    """Returns the text on one line, with spaces for its line ends: a description may have several."""
    return visible(_LINE_ENDS.sub(" ", text.strip("\r\n")))


def within_bytes(text: str, most: int) -> str:
    """Returns at most so many bytes of UTF-8; dots stand for the rest."""
    written = text.encode(errors="replace")
    return text if len(written) <= most else written[: most - 4].decode(errors="ignore") + " ..."


def quoted(text: str) -> str:
    """Returns a JSON string without a hidden character; decoding it gives the same text."""
    pieces = (
        _escape_code(ord(piece)) if place % 2 else msgspec.json.encode(piece)[1:-1].decode()
        for place, piece in enumerate(_PIECES.split(text))
    )
    return f'"{visible("".join(pieces))}"'


def json_text(value: object) -> str:
    """Returns JSON on one line without a hidden character; a value that JSON does not know becomes text."""
    try:
        written = msgspec.json.encode(value, enc_hook=str)
    except (ValueError, TypeError, OverflowError, RecursionError):
        written = msgspec.json.encode(_encodable(value, 0))
    return visible(written.decode())


def _encodable(value: object, depth: int) -> object:
    """Returns the same value, made of types and texts that can be written."""
    match value:
        case str():
            return msgspec.Raw(quoted(value).encode())
        case None | bool() | float():
            return value
        case int() if abs(value) < _MAX_INTEGER:
            return value
        case Mapping() if depth < _MAX_DEPTH:
            return {visible(str(key)): _encodable(item, depth + 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _MAX_DEPTH:
            return [_encodable(item, depth + 1) for item in value]
        case list() | tuple() | set() | frozenset() | Mapping():
            return "(nested too deep)"
        case _:
            return msgspec.Raw(quoted(str(value)).encode())


def _escape(match: "re.Match[str]") -> str:
    return _escape_code(ord(match[0]))


def _escape_code(code: int) -> str:
    """Returns `\\u001b`; a code beyond U+FFFF is two of them, because JSON has no longer one."""
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
