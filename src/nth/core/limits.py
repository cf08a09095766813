"""Limits of length and time for values that a text from outside puts into our own types.

msgspec checks these when it reads a text into a type that names them; elsewhere they are plain types.
"""

from typing import Annotated

import msgspec

END_OF_DATES = 253_402_300_800.0
"""The first moment (epoch seconds) that Python's dates cannot hold: the year 10000."""

Id = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_.:/-]{1,300}\Z")]
"""The id of an event, an instance, a lifecycle action. The longest of ours have 290 characters."""
IdOrNone = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_.:/-]{0,300}\Z")]
Instant = Annotated[float, msgspec.Meta(ge=0, lt=END_OF_DATES)]
"""Epoch seconds that can be written as a date. JSON cannot hold NaN."""
