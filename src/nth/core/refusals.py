"""How long to wait where the API server refuses again and again: a missing right does not come by itself.

The first refusals may be a moment's (an API server that has just started knows no rules yet), so what is
refused is asked again as usual for a while, and then ever less often.
"""

from dataclasses import dataclass

from nth.errors import Forbidden, Missing, Rejected

LONGEST_SECONDS = 300.0


@dataclass(slots=True)
class Refusals:
    """Refusals in a row, of one thing that is asked for. `often`: so many are taken for a moment's."""

    often: int
    longest_seconds: float = LONGEST_SECONDS
    number: int = 0

    @property
    def lasting(self) -> bool:
        """They go on for too long to be a moment's."""
        return self.number >= self.often

    def heard(self, error: Exception | None) -> None:
        """What came of asking; None = success. A server that does not answer says nothing of this."""
        if error is None:
            self.number = 0
        elif isinstance(error, Forbidden | Missing | Rejected):
            self.number += 1

    def pause_seconds(self, usual_seconds: float) -> float:
        """How long to wait before it is asked for again."""
        doubled = 2.0 ** min(30, max(0, self.number - self.often))
        return max(usual_seconds, min(self.longest_seconds, usual_seconds * doubled))
