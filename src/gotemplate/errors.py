"""These are the errors of templates. Every module of the package needs them, and they need none."""

MAX_MESSAGE = 300
"""A longer reason is cut to this many characters."""


class TemplateError(Exception):
    """A template cannot be parsed or rendered; the message is one line with the place and the reason.

    `template: webhook:3:14: function "env" is not supported: it would read the handler's environment`
    """


class Problem(Exception):
    """Something is wrong with a template; the parser or evaluator adds the place and raises TemplateError."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position
        """It counts characters from the beginning of the template. None means the place that is evaluated."""


class LimitReached(Problem):
    """A template exceeds a limit or needs what is not supported; no function may ignore this."""


def located(name: str, text: str, position: int, message: str) -> TemplateError:
    """Return the error for this place; lines and columns (in characters) count from 1.

    A template can put anything into a message, so the message is cut, and surrogates are replaced.
    """
    before = text[:position]
    line = before.count("\n") + 1
    column = position - (before.rfind("\n") + 1) + 1
    what = " ".join(message.split())[:MAX_MESSAGE].encode("utf-8", "replace").decode()
    return TemplateError(f"template: {name}:{line}:{column}: {what}")
