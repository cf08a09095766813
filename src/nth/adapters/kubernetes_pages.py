"""Sizes the pages of a list, so that it costs little memory however big its objects are.

A pod may be 1.5 MB, and a namespace may have thousands. Lists of objects of the usual size take one
request, or few: the first page is small, and the size of its objects decides about the next.
"""

from dataclasses import dataclass

FIRST_PAGE = 50
MAX_PAGE = 500
PAGE_BYTES = 3 << 20
"""The most that a page should have, by the size of those before it. An object may have 1.5 MiB."""
SHRINK = 5
"""After a page that was too long to be read, a page is smaller by this factor."""


@dataclass(slots=True)
class PageSize:
    """Chooses the next page's `limit`."""

    limit: int = FIRST_PAGE

    def seen(self, objects: int, size_bytes: int) -> None:
        """Learn that a page had so many objects and so many bytes."""
        if objects and size_bytes:
            self.limit = max(1, min(MAX_PAGE, PAGE_BYTES * objects // size_bytes))

    def shrink(self) -> bool:
        """Ask for less after a page that was too long; False if a page is one object already."""
        if self.limit == 1:
            return False
        self.limit = max(1, self.limit // SHRINK)
        return True
