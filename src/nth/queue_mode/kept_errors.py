"""Errors that are kept for a while, and raised for everybody who asks meanwhile."""

import copy
from typing import TypeVar

from nth.errors import NthError

E = TypeVar("E", bound=NthError)


def anew(error: E) -> E:
    """The same error without the story of where it was raised.

    One that is raised again and again would add to its traceback each time, and keep from being freed all
    that is named there.
    """
    return copy.copy(error)
