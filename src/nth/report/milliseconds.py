"""Counts instants in whole milliseconds after another one: short to write, and the same when read again."""


def after(at: float, base_at: float) -> int:
    """Returns the milliseconds from `base_at` to `at`, epoch seconds both."""
    return round((at - base_at) * 1000)


def some_after(at: float | None, base_at: float) -> int | None:
    """Returns the same for an instant that may be None."""
    return None if at is None else after(at, base_at)


def at(milliseconds: int, base_at: float) -> float:
    """Returns the instant, epoch seconds, exactly as rounding it to milliseconds gave it."""
    return round(base_at + milliseconds / 1000, 3)


def some_at(milliseconds: int | None, base_at: float) -> float | None:
    """Returns the same for a number that may be None."""
    return None if milliseconds is None else at(milliseconds, base_at)
