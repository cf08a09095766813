"""Errors that are kept for a while, and raised for every caller meanwhile."""

import copy
from typing import TypeVar

from nth.errors import NthError

E = TypeVar("E", bound=NthError)


def anew(error: E) -> E:
    """Returns the same error without its traceback.

    An error that is raised again and again would add to its traceback each time, and keep everything that is
    named there from being freed.
    """
    return copy.copy(error)
