"""These functions trim, cut, pad and quote strings. Widths and positions count bytes, as in Go."""

from gotemplate.calls import function
from gotemplate.errors import Problem
from gotemplate.printing import sprint
from gotemplate.quoting import quoted
from gotemplate.run import Run
from gotemplate.sprig.texts import string_of
from gotemplate.values import from_bytes, to_bytes

SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
"""Go's unicode.IsSpace is true for these."""


def repeat(run: Run, count: int, text: str) -> str:
    """Return the text `count` times. Raises Problem for a negative count."""
    if count < 0:
        raise Problem("negative Repeat count")
    run.budget.spend_text(count * len(text))
    return text * count


def trunc(size: int, text: str) -> str:
    """Return the first bytes, or with a negative size the last."""
    data = to_bytes(text)
    if size < 0:
        return from_bytes(data[size:]) if len(data) + size > 0 else text
    return from_bytes(data[:size])


def substr(start: int, end: int, text: str) -> str:
    """Return the bytes from `start` to before `end`; negative numbers mean the beginning and the end."""
    data = to_bytes(text)
    if start < 0:
        start = 0
    elif end < 0 or end > len(data):
        end = len(data)
    if not 0 <= start <= end <= len(data):
        raise Problem(f"slice bounds out of range [{start}:{end}]")
    return from_bytes(data[start:end])


def abbrev(width: int, text: str) -> str:
    """Return the text cut at a width, with three points."""
    return text if width < 4 else _abbreviated(text, 0, width)


def abbrevboth(left: int, right: int, text: str) -> str:
    """Return the text cut at both ends."""
    if right < 4 or (left > 0 and right < 7):
        return text
    return _abbreviated(text, left, right)


def _abbreviated(text: str, offset: int, width: int) -> str:
    data = to_bytes(text)
    room = width - 3
    if len(data) <= width:
        return text
    offset = min(offset, len(data))
    if len(data) - offset < room:
        offset = len(data) - room
    if offset <= 4:
        return from_bytes(data[:room] + b"...")
    if width < 7:
        return ""
    if offset + room < len(data):
        return "..." + _abbreviated(from_bytes(data[offset:]), 0, room)
    return from_bytes(b"..." + data[-room:])


def indent(run: Run, spaces: int, text: str) -> str:
    """Return the text with each line indented by so many spaces. Raises Problem."""
    if spaces < 0:
        raise Problem("negative Repeat count")
    run.budget.spend_text(len(text) + spaces * (1 + text.count("\n")))
    pad = " " * spaces
    return pad + text.replace("\n", "\n" + pad)


def nindent(run: Run, spaces: int, text: str) -> str:
    """Return the text on a new line and indented. Raises Problem."""
    return "\n" + indent(run, spaces, text)


def replace(run: Run, old: str, new: str, text: str) -> str:
    """Return the text with `new` in place of `old` everywhere."""
    count = text.count(old) if old else len(text) + 1
    run.budget.spend_text(len(text) + count * len(new))
    return text.replace(old, new)


def quote(run: Run, *values: object) -> str:
    """Return each value in double quotes, with Go's escapes; nil is left out."""
    return " ".join(quoted(string_of(run, value)) for value in values if value is not None)


def squote(run: Run, *values: object) -> str:
    """Return each value in single quotes; nil is left out."""
    return " ".join(f"'{sprint([value], run.budget)}'" for value in values if value is not None)


def cat(run: Run, *values: object) -> str:
    """Return the values with spaces between; nil is left out."""
    return " ".join(sprint([value], run.budget) for value in values if value is not None)


def nospace(text: str) -> str:
    """Return the text without white space. As in sprig, its bytes are read as Latin-1 if there is any."""
    letters = to_bytes(text).decode("latin-1")
    kept = "".join(letter for letter in letters if letter not in SPACES)
    return text if len(kept) == len(letters) else kept


def initials(text: str) -> str:
    """Return the first byte of each word."""
    out = []
    after_space = True
    for letter in to_bytes(text).decode("latin-1"):
        is_space = letter in SPACES
        if after_space and not is_space:
            out.append(letter)
        after_space = is_space
    return "".join(out)


def wrap(run: Run, width: int, text: str) -> str:
    """Return lines of at most this width; longer words stay whole."""
    return _wrapped(run, text, width, "\n", cut_words=False)


def wrap_with(run: Run, width: int, separator: str, text: str) -> str:
    """Return lines of at most this width, with a separator between them; longer words are cut."""
    return _wrapped(run, text, width, separator or "\n", cut_words=True)


def _wrapped(run: Run, text: str, width: int, separator: str, *, cut_words: bool) -> str:
    data = to_bytes(text)
    width = max(width, 1)
    lines = []
    at = 0
    while len(data) - at > width:
        run.budget.spend(1 + len(separator) // 100)
        if data[at : at + 1] == b" ":
            at += 1
            continue
        space = data.rfind(b" ", at, at + width + 1)
        skipped = 1
        if space < 0 and cut_words:
            space, skipped = at + width, 0
        elif space < 0:
            space = data.find(b" ", at + width)
        if space < 0:
            lines.append(data[at:])
            return from_bytes(to_bytes(separator).join(lines))
        lines.append(data[at:space])
        at = space + skipped
    lines.append(data[at:])
    run.budget.spend_text(len(data) + len(lines) * len(separator))
    return from_bytes(to_bytes(separator).join(lines))


def _trim(cutset: str, text: str) -> str:
    return text.strip(cutset) if cutset else text


FUNCTIONS = {
    "abbrev": function(abbrev, "int string"),
    "abbrevboth": function(abbrevboth, "int int string"),
    "cat": function(cat, "...any", run=True),
    "contains": function(lambda part, text: part in text, "string string"),
    "hasPrefix": function(lambda part, text: text.startswith(part), "string string"),
    "hasSuffix": function(lambda part, text: text.endswith(part), "string string"),
    "indent": function(indent, "int string", run=True),
    "initials": function(initials, "string"),
    "nindent": function(nindent, "int string", run=True),
    "nospace": function(nospace, "string"),
    "plural": function(lambda one, many, count: one if count == 1 else many, "string string int"),
    "quote": function(quote, "...any", run=True),
    "repeat": function(repeat, "int string", run=True),
    "replace": function(replace, "string string string", run=True),
    "squote": function(squote, "...any", run=True),
    "substr": function(substr, "int int string"),
    "trim": function(lambda text: text.strip(SPACES), "string"),
    "trimAll": function(_trim, "string string"),
    "trimall": function(_trim, "string string"),
    "trimPrefix": function(lambda part, text: text.removeprefix(part), "string string"),
    "trimSuffix": function(lambda part, text: text.removesuffix(part), "string string"),
    "trunc": function(trunc, "int string"),
    "wrap": function(wrap, "int string", run=True),
    "wrapWith": function(wrap_with, "int string string", run=True),
}
