"""Computes how long a pod has: grace periods and latest moments for one deadline."""

from dataclasses import dataclass

from nth.core.facts import Pod


@dataclass(frozen=True, slots=True)
class GraceTimes:
    """The times of a drain's pods."""

    deadline_at: float | None
    """The earliest moment at which the machine may stop; None = not for sure."""
    reserve_seconds: float
    """The seconds that are kept free before the deadline."""
    pod_grace_seconds: int | None
    """Every pod's grace; None = each pod's own terminationGracePeriodSeconds."""

    @property
    def limit_at(self) -> float | None:
        """The moment when the last pod should be gone."""
        return None if self.deadline_at is None else self.deadline_at - self.reserve_seconds

    def wanted_seconds(self, pod: Pod) -> int:
        """Returns the grace that the pod should have, if the time allows."""
        return pod.grace_seconds if self.pod_grace_seconds is None else self.pod_grace_seconds

    def latest_at(self, pod: Pod) -> float | None:
        """Returns the last moment from which the pod still gets the grace it should have."""
        return None if self.limit_at is None else self.limit_at - self.wanted_seconds(pod)

    def grace_seconds(self, pod: Pod, now: float) -> int:
        """Returns the grace that the pod gets if it is asked now: never longer than the time left."""
        wanted, left = self.wanted_seconds(pod), self.left_seconds(now)
        return wanted if left is None else min(wanted, left)

    def left_seconds(self, now: float) -> int | None:
        """Returns the whole seconds until the limit; None without a deadline.

        Never 0: a grace of 0 removes the object at once, while its containers still run.
        """
        return None if self.limit_at is None else max(1, int(self.limit_at - now))
