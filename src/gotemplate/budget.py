"""How much a template may do: steps, characters, nesting. What goes beyond is an error, never a hang."""

from gotemplate.errors import LimitReached

MAX_STEPS = 100_000
"""About half a second of work at most; the default template takes 100 steps, a list of 100 pods some 1000."""
MAX_CHARACTERS = 1 << 18
"""Of the output, and of every text on the way: more than any chat takes."""
MAX_TEMPLATE_CHARACTERS = 1 << 17
MAX_NESTING = 50
"""Of blocks and parentheses in the text, of templates that call templates, and of data within data."""
CHARACTERS_A_STEP = 10
"""What a function reads or makes: the slowest go through a text letter by letter."""


class Budget:
    """What one rendering has left."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Count steps before they are done. Raises LimitReached when there are none left."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitReached(f"the template does too much: more than {MAX_STEPS} steps")

    def spend_text(self, characters: int) -> None:
        """Count a text before it is made or read."""
        check_length(characters)
        self.spend(1 + characters // CHARACTERS_A_STEP)


def check_length(characters: int) -> None:
    """Raises LimitReached when a text gets longer than MAX_CHARACTERS."""
    if characters > MAX_CHARACTERS:
        raise LimitReached(f"the text gets too long: more than {MAX_CHARACTERS} characters")


def check_nesting(depth: int) -> None:
    """Raises LimitReached when data is nested deeper than MAX_NESTING; `depth` counts from 0."""
    if depth > MAX_NESTING:
        raise LimitReached(f"the data is nested too deeply: more than {MAX_NESTING} levels")
