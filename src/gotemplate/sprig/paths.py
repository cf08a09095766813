"""These functions take paths with slashes apart. https://pkg.go.dev/path"""

from gotemplate.calls import function


def clean(path: str) -> str:
    """Return the shortest path that means the same."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif parts and parts[-1] != "..":
            parts.pop()
        elif not rooted:
            parts.append(part)
    return "/" * rooted + "/".join(parts) or "."


def base(path: str) -> str:
    """Return the last element."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def dir_(path: str) -> str:
    """Return all but the last element."""
    return clean(path.rpartition("/")[0] + "/" if "/" in path else "")


def ext(path: str) -> str:
    """Return the last element from its last point on, or an empty text."""
    name = path.rpartition("/")[2]
    point = name.rfind(".")
    return name[point:] if point >= 0 else ""


_PLAIN = {
    "base": function(base, "string"),
    "clean": function(clean, "string"),
    "dir": function(dir_, "string"),
    "ext": function(ext, "string"),
    "isAbs": function(lambda path: path.startswith("/"), "string"),
}
FUNCTIONS = {**_PLAIN, **{f"os{name[0].upper()}{name[1:]}": made for name, made in _PLAIN.items()}}
