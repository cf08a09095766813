"""Instants as whole milliseconds after another one: short to write, and the same when read again."""


def after(at: float, base_at: float) -> int:
    """Milliseconds from `base_at` to `at`, epoch seconds both."""
    return round((at - base_at) * 1000)


def some_after(at: float | None, base_at: float) -> int | None:
    """The same for what may not have happened."""
    return None if at is None else after(at, base_at)


def at(milliseconds: int, base_at: float) -> float:
    """The instant, epoch seconds, exactly as rounding it to milliseconds gave it."""
    return round(base_at + milliseconds / 1000, 3)


def some_at(milliseconds: int | None, base_at: float) -> float | None:
    """The same for what may not have happened."""
    return None if milliseconds is None else at(milliseconds, base_at)
