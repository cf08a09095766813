"""What goes wrong with a template."""

MAX_MESSAGE = 300
"""Characters of what is wrong."""


class TemplateError(Exception):
    """A template cannot be parsed or rendered: one line that says where and what.

    `template: webhook:3:14: function "env" is not supported: it would read the handler's environment`
    """


class Problem(Exception):
    """Something is wrong here; the parser or evaluator knows where, and makes a TemplateError of it."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position
        """Characters from the template's beginning; None = where the evaluation is."""


class LimitReached(Problem):
    """The template does more than it may, or what is not supported; no function may swallow this."""


def located(name: str, text: str, position: int, message: str) -> TemplateError:
    """The error of one place. Lines count from 1, and so do columns, in characters. A template can put
    anything into a message, so it is cut, and made a text that can be written.
    """
    before = text[:position]
    line = before.count("\n") + 1
    column = position - (before.rfind("\n") + 1) + 1
    what = " ".join(message.split())[:MAX_MESSAGE].encode("utf-8", "replace").decode()
    return TemplateError(f"template: {name}:{line}:{column}: {what}")
