"""How many objects to ask for at a time, so that a list costs little memory however big its objects are.

A pod may be 1.5 MB, and a namespace may have thousands. Lists of objects of the usual size take one
request, or few: the first page is small, and what it shows of their size decides about the next.
"""

from dataclasses import dataclass

FIRST_PAGE = 50
MAX_PAGE = 500
PAGE_BYTES = 3 << 20
"""What a page should have at most, by the size of those before it. An object may have 1.5 MiB."""
SHRINK = 5
"""By how much less is asked for after a page that was too long to be read."""


@dataclass(slots=True)
class PageSize:
    """The next page's `limit`."""

    limit: int = FIRST_PAGE

    def seen(self, objects: int, size_bytes: int) -> None:
        """A page had so many objects and so many bytes."""
        if objects and size_bytes:
            self.limit = max(1, min(MAX_PAGE, PAGE_BYTES * objects // size_bytes))

    def shrink(self) -> bool:
        """A page was too long. False: one object alone is."""
        if self.limit == 1:
            return False
        self.limit = max(1, self.limit // SHRINK)
        return True
