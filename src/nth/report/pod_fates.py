"""Finds what became of each pod, and counts both words for all of them, for every view.

Pure. A controller says how many Ready pods it has elsewhere, and not which pod each of them replaces, so the
pods that left first count as moved first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nth.report.interruption import (
    Became,
    ControllerOutcome,
    HowLeft,
    InterruptionReport,
    PodOutcome,
    Stage,
)


def with_fates(
    pods: Sequence[PodOutcome], controllers: Iterable[ControllerOutcome], *, over: bool
) -> tuple[PodOutcome, ...]:
    """Returns the pods, each with what became of it. `over`: nothing more is expected of the interruption."""
    fates: dict[str, Became] = {}
    groups: dict[str, list[PodOutcome]] = {}
    outcomes = {one.controller.uid: one for one in controllers}
    for pod in pods:
        known = _of_itself(pod)
        if known is None and pod.pod.controller is not None:
            groups.setdefault(pod.pod.controller.uid, []).append(pod)
        else:
            fates[pod.pod.ref.uid] = known or Became.UNKNOWN
    here_by_owner = Counter(filter(None, map(_owner_missed_here, pods)))
    for uid, gone in groups.items():
        here = here_by_owner[uid]
        gone.sort(key=lambda pod: (not _seen_elsewhere(pod), pod.gone_at or 0.0))
        words = _of_controller(outcomes.get(uid), len(gone), here, over=over)
        for pod, word in zip(gone, words, strict=True):
            fates[pod.pod.ref.uid] = Became.MOVED if _seen_elsewhere(pod) else word
    return tuple(replace(pod, became=fates[pod.pod.ref.uid]) for pod in pods)


def _of_itself(pod: PodOutcome) -> Became | None:
    """Returns what became of it, where that does not depend on its controller; None if it does."""
    if pod.stage is Stage.LOST:
        return Became.LOST
    if pod.stage is not Stage.GONE:
        return Became.UNKNOWN
    if pod.came_back:
        return Became.CAME_BACK
    if pod.pod.controller is None or (pod.finished and pod.replaced_at is None):
        return Became.ENDED
    # A controller's pods are counted by those that are Ready: one that was not has no place in that count.
    return None if pod.was_ready else Became.UNKNOWN


def _seen_elsewhere(pod: PodOutcome) -> bool:
    return pod.successor is not None and pod.successor.ready_at is not None


def _owner_missed_here(pod: PodOutcome) -> str:
    """Returns the UID of the controller of a Ready pod that has not left: it is missed elsewhere, too."""
    owner = pod.pod.controller
    return owner.uid if owner is not None and pod.was_ready and pod.left is HowLeft.NOT else ""


def _of_controller(one: ControllerOutcome | None, gone: int, here: int, *, over: bool) -> list[Became]:
    """Returns what became of so many pods that left, in their order."""
    if one is None:
        return [Became.UNKNOWN if over else Became.NOT_REPLACED] * gone
    if one.replaced_at is not None:
        return [Became.MOVED] * gone
    before = one.ready + gone + here if one.before is None else one.before
    short = min(gone, max(0, before - one.ready - here))
    missed = 0 if one.released and not one.failed else short
    if one.wanted is not None and not one.failed:
        missed = min(missed, max(0, one.wanted - one.ready))
    return [
        *[Became.MOVED] * (gone - short),
        *[Became.ENDED] * (short - missed),
        *[_of_missed(one)] * missed,
    ]


def _of_missed(one: ControllerOutcome) -> Became:
    if one.failed:
        return Became.LOST
    if not one.final:
        return Became.NOT_REPLACED
    # A new pod that is Pending was wanted. Where nothing was seen, its controller may want no more pods.
    return Became.UNKNOWN if one.wanted is None and not one.reason else Became.LOST


@dataclass(frozen=True, slots=True)
class Counts:
    """The pods of an interruption by both words; a word of no pod is missing."""

    left: Mapping[HowLeft, int]
    became: Mapping[Became, int]
    """Of those that left or are lost."""

    @property
    def gone(self) -> int:
        """Returns how many have left the node."""
        return sum(count for how, count in self.left.items() if how is not HowLeft.NOT)


def counts(report: InterruptionReport) -> Counts:
    """Returns the counts, with those that had no room in it, and those that a setting kept on the machine."""
    left = Counter(pod.left for pod in report.pods)
    became = Counter(pod.became for pod in report.pods if is_decided(pod))
    left[HowLeft.POLITELY] += report.pods_left_out
    became[Became.MOVED] += report.pods_left_out
    kept = len(report.in_the_way)
    left[HowLeft.NOT] += kept
    became[Became.LOST] += kept if report.is_over else 0
    return Counts(
        {how: left[how] for how in HowLeft if left[how]},
        {word: became[word] for word in Became if became[word]},
    )


def is_decided(pod: PodOutcome) -> bool:
    """Returns whether it has left or is lost: only then has anything become of it."""
    return pod.left is not HowLeft.NOT or pod.became is Became.LOST


def is_settled(pod: PodOutcome, *, late: bool) -> bool:
    """Returns whether what became of it is to be counted before the interruption ends.

    A replacement may still crash. But once pods or others are `late`, the handler may go with its machine.
    """
    if pod.became is Became.MOVED:
        return late and pod.replaced_at is not None
    return pod.stage is Stage.LOST or (pod.became is Became.ENDED and pod.pod.controller is None)
