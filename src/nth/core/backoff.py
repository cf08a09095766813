"""How long to wait before something that failed is tried again.

Two rules are not here. What a server asks for itself (Retry-After) counts where its answer is read. A lost
watch is begun anew by a table of pauses: it usually succeeds at once, and the steps are no doublings.
"""

from dataclasses import dataclass

from nth.errors import Denied, Forbidden, Missing, Rejected

LONGEST_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """The first pause, then twice that, up to the longest."""

    first_seconds: float
    longest_seconds: float

    def pause_seconds(self, failures: int) -> float:
        """Return the pause after so many failures in a row, from 1."""
        return min(self.longest_seconds, self.first_seconds * 2.0 ** min(30, max(0, failures - 1)))


@dataclass(slots=True)
class Refusals:
    """The API server's refusals in a row, of one thing that is asked for.

    The first `often` may be a moment's (an API server that has just started knows no rules yet), so it is
    asked as usual for a while. Then it is asked ever less often: a missing right does not come by itself.
    """

    often: int
    longest_seconds: float = LONGEST_SECONDS
    number: int = 0

    @property
    def lasting(self) -> bool:
        """True if there are too many to be a moment's."""
        return self.number >= self.often

    def heard(self, error: Exception | None) -> None:
        """Count an answer; None = success. A server that does not answer says nothing about a right."""
        if error is None:
            self.number = 0
        elif isinstance(error, Denied | Forbidden | Missing | Rejected):
            self.number += 1

    def pause_seconds(self, usual_seconds: float) -> float:
        """Returns the pause before the next request."""
        backoff = Backoff(usual_seconds, self.longest_seconds)
        return max(usual_seconds, backoff.pause_seconds(self.number - self.often + 1))
