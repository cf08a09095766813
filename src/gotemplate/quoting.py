"""This module quotes texts and characters as Go's strconv does. https://pkg.go.dev/strconv#Quote"""

from gotemplate.values import to_bytes

_ESCAPES = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 92: "\\\\"}
REPLACEMENT = "\ufffd"
MAX_RUNE = 0x10FFFF


def quoted(text: str, *, ascii_only: bool = False) -> str:
    """Return the text in double quotes, as Go would write it."""
    return '"' + "".join(_escaped(letter, '"', ascii_only) for letter in text) + '"'


def quoted_rune(code: int, *, ascii_only: bool = False) -> str:
    """Return a character in single quotes."""
    return "'" + _escaped(rune(code), "'", ascii_only) + "'"


def rune(code: int) -> str:
    """Return the character of a code, or U+FFFD if there is none."""
    if not 0 <= code <= MAX_RUNE or 0xD800 <= code < 0xE000:
        return REPLACEMENT
    return chr(code)


def can_backquote(text: str) -> bool:
    """Return whether a raw string can hold the text."""
    return not any(
        letter in "`\x7f\ufeff" or (letter < " " and letter != "\t") or is_bare_byte(letter)
        for letter in text
    )


def is_bare_byte(letter: str) -> bool:
    """Return whether the letter stands for a byte that is no UTF-8."""
    return "\udc80" <= letter <= "\udcff"


def _escaped(letter: str, quote: str, ascii_only: bool) -> str:
    code = ord(letter)
    if is_bare_byte(letter):
        return f"\\x{to_bytes(letter)[0]:02x}"
    if letter == quote:
        return "\\" + letter
    if code in _ESCAPES:
        return _ESCAPES[code]
    # As Go's strconv.IsPrint.
    if letter.isprintable() and (code < 128 or not ascii_only):
        return letter
    if code < 32 or code == 127:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
