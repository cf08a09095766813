"""These functions escape texts: `html`, `js`, `urlquery`. https://pkg.go.dev/text/template#hdr-Functions"""

from gotemplate.calls import function
from gotemplate.printing import sprint
from gotemplate.quoting import REPLACEMENT, is_bare_byte
from gotemplate.run import Run
from gotemplate.values import to_bytes

_HTML = {"\0": REPLACEMENT, '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def html(run: Run, *values: object) -> str:
    """Return the arguments as text for HTML."""
    return "".join(_HTML.get(letter, letter) for letter in _joined(run, values))


def js(run: Run, *values: object) -> str:
    """Return the arguments as text within a JavaScript string."""
    return "".join(_js(letter) for letter in _joined(run, values))


def urlquery(run: Run, *values: object) -> str:
    """Return the arguments as text within a URL's query."""
    data = to_bytes(_joined(run, values))
    return "".join(
        chr(byte) if byte in _UNRESERVED else "+" if byte == 0x20 else f"%{byte:02X}" for byte in data
    )


def _joined(run: Run, values: tuple[object, ...]) -> str:
    shown = ["<no value>" if value is None else value for value in values]
    return sprint(list(shown), run.budget)


def _js(letter: str) -> str:
    if letter in _JS:
        return _JS[letter]
    if letter < " ":
        return f"\\u00{ord(letter):02X}"
    if letter < "\x80" or is_bare_byte(letter) or letter.isprintable():
        return letter
    return f"\\u{ord(letter):04X}"


FUNCTIONS = {
    "html": function(html, "...any", run=True),
    "js": function(js, "...any", run=True),
    "urlquery": function(urlquery, "...any", run=True),
}
