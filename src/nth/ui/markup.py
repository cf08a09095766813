"""Text from outside in a page: neither markup nor hidden characters come through."""

from html import escape

from nth.core.visible import visible_line


def plain(text: str) -> str:
    """As the content of an element or of a quoted attribute."""
    return escape(visible_line(text))
