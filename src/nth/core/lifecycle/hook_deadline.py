"""Computes how long one lifecycle hook waits, as far as that is known.

AWS counts from when the instance began to wait or the last heartbeat, and in all from the begin:
https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
"""

from nth.core.lifecycle.hook_messages import LONGEST
from nth.core.notices.aws_facts import HookTimeouts


class HookTime:
    """The times of one hook. `began_at`: our begin; `noticed_at`: the instance's, by the event's time.

    `deadline_at` is the deadline that an earlier process learned, or None.
    """

    def __init__(self, began_at: float, *, noticed_at: float, deadline_at: float | None) -> None:
        self._began_at = began_at
        # A time that lies ahead comes from another clock.
        self._since_at = min(noticed_at, began_at)
        self._recorded_at = deadline_at
        self._heartbeat_at: float | None = None
        self._timeouts: HookTimeouts | None = None
        self._plausible = False

    @property
    def timeouts(self) -> HookTimeouts | None:
        """The hook's timeouts; None: not known."""
        return self._timeouts

    @property
    def deadline_at(self) -> float | None:
        """The time when the hook times out; None if that is not known."""
        if self._timeouts is None or not (self._plausible or self._heartbeat_at is not None):
            return None
        return min(self.extended_at + self._timeouts.heartbeat_seconds, self.ends_at)

    @property
    def extended_at(self) -> float:
        """The time from which the hook's timeout counts, as far as is known."""
        if self._heartbeat_at is not None:
            return self._heartbeat_at
        if self._timeouts is None or not self._plausible:
            return self._began_at
        return self._counts_from(self._timeouts)

    @property
    def ends_at(self) -> float:
        """The time when it is over, whatever heartbeats say: at the latest, if that is not known."""
        since_at = self._since_at if self._plausible else self._began_at
        return since_at + (self._timeouts or LONGEST).global_seconds

    @property
    def surely_over_at(self) -> float:
        """The time when it is over if no heartbeat follows: at the latest, if that is not known."""
        return min(self.extended_at + (self._timeouts or LONGEST).heartbeat_seconds, self.ends_at)

    def learn(self, timeouts: HookTimeouts) -> float:
        """Take AWS's timeouts; returns for how many seconds the hook is over already, 0 if it is not.

        Where it is over by the event's own time, that may be wrong, or another program sent heartbeats.
        """
        self._timeouts = timeouts
        over_at = min(
            self._counts_from(timeouts) + timeouts.heartbeat_seconds,
            self._since_at + timeouts.global_seconds,
        )
        self._plausible = over_at > self._began_at
        return 0.0 if self._plausible else self._began_at - over_at

    def heard(self, heartbeat_at: float) -> None:
        """Take the time of a heartbeat that AWS has accepted."""
        self._heartbeat_at = heartbeat_at

    def _counts_from(self, timeouts: HookTimeouts) -> float:
        """Returns the begin, or the last heartbeat of an earlier process."""
        if self._recorded_at is None:
            return self._since_at
        last_at = min(self._recorded_at - timeouts.heartbeat_seconds, self._began_at)
        return max(self._since_at, last_at)
