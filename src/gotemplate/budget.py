"""The limits of a template: steps, characters and nesting. A template that exceeds one ends with an error."""

from gotemplate.errors import LimitReached

MAX_STEPS = 100_000
"""This many steps take about half a second. A short template takes 100, a list of 100 items about 1000."""
MAX_CHARACTERS = 1 << 18
"""This limit holds for the output and for every text that a function makes or reads."""
MAX_TEMPLATE_CHARACTERS = 1 << 17
MAX_NESTING = 50
"""This limit holds for blocks and parentheses, calls of templates in templates, and data within data."""
CHARACTERS_A_STEP = 10
"""A text of this length costs one step: the slowest functions go through a text letter by letter."""


class Budget:
    """A budget counts the steps that one rendering has left."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Count steps before they are done. Raises LimitReached when too few are left."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitReached(f"the template does too much: more than {MAX_STEPS} steps")

    def spend_text(self, characters: int) -> None:
        """Count the steps of a text before it is made or read. Raises LimitReached."""
        check_length(characters)
        self.spend(1 + characters // CHARACTERS_A_STEP)


def check_length(characters: int) -> None:
    """Raise LimitReached if a text is longer than MAX_CHARACTERS."""
    if characters > MAX_CHARACTERS:
        raise LimitReached(f"the text gets too long: more than {MAX_CHARACTERS} characters")


def check_nesting(depth: int) -> None:
    """Raise LimitReached if data is nested deeper than MAX_NESTING; `depth` counts from 0."""
    if depth > MAX_NESTING:
        raise LimitReached(f"the data is nested too deeply: more than {MAX_NESTING} levels")
