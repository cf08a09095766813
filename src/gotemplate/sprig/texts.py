"""These functions make strings of values, and lists of strings."""

from gotemplate.calls import function
from gotemplate.printing import sprint
from gotemplate.run import Run
from gotemplate.values import GoMap, GoSlice, to_bytes


def string_of(run: Run, value: object) -> str:
    """Return a text as it is, and any other value as %v prints it."""
    return value if isinstance(value, str) else sprint([value], run.budget)


def strings_of(run: Run, value: object) -> list[str]:
    """Return a list's items as strings, without nil; any other value counts as a list of one."""
    if isinstance(value, GoSlice):
        run.budget.spend(len(value.items))
        return [string_of(run, item) for item in value.items if item is not None]
    return [] if value is None else [string_of(run, value)]


def to_strings(run: Run, value: object) -> GoSlice:
    """Return the value as a list of strings; a list of strings is returned itself."""
    if isinstance(value, GoSlice) and value.element == "string":
        return value
    return GoSlice.of_strings(strings_of(run, value))


def join(run: Run, separator: str, value: object) -> str:
    """Return a list as one string."""
    texts = strings_of(run, value)
    run.budget.spend_text(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def sort_alpha(run: Run, value: object) -> GoSlice:
    """Return a list's items as sorted strings. As in sprig, a list of strings is changed itself."""
    if not isinstance(value, GoSlice):
        return GoSlice.of_strings([string_of(run, value)])
    strings = to_strings(run, value)
    strings.items.sort(key=lambda item: to_bytes(str(item)))
    return strings


def split_list(run: Run, separator: str, text: str, limit: int = -1) -> GoSlice:
    """Return the parts between separators, or with an empty separator the characters."""
    if limit == 0:
        return GoSlice(element="string", is_nil=True)
    count = text.count(separator) if separator else len(text)
    run.budget.spend(count // 10)
    if separator:
        parts = text.split(separator, limit - 1 if limit > 0 else -1)
    elif 0 < limit < len(text):
        parts = [*text[: limit - 1], text[limit - 1 :]]
    else:
        parts = list(text)
    return GoSlice.of_strings(parts)


def split(run: Run, separator: str, text: str) -> GoMap:
    """Return the parts as a map with the keys _0, _1 ..."""
    return _numbered(split_list(run, separator, text))


def splitn(run: Run, separator: str, limit: int, text: str) -> GoMap:
    """Return at most `limit` parts as a map with the keys _0, _1 ..."""
    return _numbered(split_list(run, separator, text, limit))


def _numbered(parts: GoSlice) -> GoMap:
    return GoMap({f"_{index}": part for index, part in enumerate(parts.items)}, "string")


FUNCTIONS = {
    "hello": function(lambda: "Hello!"),
    "join": function(join, "string any", run=True),
    "sortAlpha": function(sort_alpha, "any", run=True),
    "split": function(split, "string string", run=True),
    "splitList": function(split_list, "string string", run=True),
    "splitn": function(splitn, "string int string", run=True),
    "toString": function(string_of, "any", run=True),
    "toStrings": function(to_strings, "any", run=True),
}
