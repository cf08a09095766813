"""Writes the pods of a report as plain data, and reads them; texts that they share are written once."""

from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from nth.core.drain.pod_filter import FORCE_ANNOTATION, may_be_forced
from nth.core.facts import Controller, Pod, PodRef
from nth.report.entries import shortened
from nth.report.interruption import ControllerOutcome, PodOutcome, Stage, Successor
from nth.report.milliseconds import after, at, some_after, some_at

MAX_REASON_CHARS = 400
NONE = -1
"""The number that stands for no text."""

T = TypeVar("T")


class KeptForm(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A pod, without its node, which is the report's."""

    ns: str
    name: str
    uid: str
    owner: int = NONE
    why: int = NONE
    grace: int = 30
    priority: str = ""
    local: bool = False
    never: bool = False
    """Its annotation forbids to force it."""


class OutcomeForm(KeptForm, omit_defaults=True, kw_only=True):
    """A pod that had to go, with its outcome; instants in milliseconds."""

    stage: str
    known: int
    refused: int | None = None
    due_at: float | None = None
    asked: int | None = None
    given: int | None = None
    cut: bool = False
    forced: bool = False
    alone: bool = False
    gone: int | None = None
    back: int | None = None
    heir: tuple[str, str, int | None] | None = None
    """Name and node of its successor, and when that became Ready."""


class ControllerForm(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The replacement of a controller's pods."""

    ns: str
    owner: int
    ready: int
    back: int | None = None
    wanted: int | None = None
    why: int = NONE


@dataclass(slots=True)
class PodBook:
    """The tables that pods refer to. `base_at`: instants count from here."""

    base_at: float
    node_name: str
    owners: list[tuple[str, str, str]]
    reasons: list[str]
    _numbers: dict[object, int] = field(default_factory=dict)

    def write(self, outcome: PodOutcome) -> OutcomeForm:
        """Returns the form of a pod that had to go."""
        pod, successor = outcome.pod, outcome.successor
        return OutcomeForm(
            ns=pod.ref.namespace,
            name=pod.ref.name,
            uid=pod.ref.uid,
            owner=self._owner(pod.controller),
            why=self._reason(outcome.reason),
            grace=pod.grace_seconds,
            priority=pod.priority_class,
            local=pod.local_storage,
            never=not may_be_forced(pod),
            stage=outcome.stage.value,
            known=after(outcome.known_at, self.base_at),
            refused=some_after(outcome.refused_at, self.base_at),
            due_at=outcome.force_due_at,
            asked=some_after(outcome.asked_at, self.base_at),
            given=outcome.grace_seconds,
            cut=outcome.cut,
            forced=outcome.forced,
            alone=outcome.by_itself,
            gone=some_after(outcome.gone_at, self.base_at),
            back=some_after(outcome.replaced_at, self.base_at),
            heir=None if successor is None else self._heir(successor),
        )

    def write_kept(self, pod: Pod, reason: str) -> KeptForm:
        """Returns the form of a pod that stays where it is."""
        ref = pod.ref
        owner, why = self._owner(pod.controller), self._reason(reason)
        return KeptForm(ns=ref.namespace, name=ref.name, uid=ref.uid, owner=owner, why=why)

    def write_controller(self, outcome: ControllerOutcome) -> ControllerForm:
        """Returns the form of a controller whose pods had to go."""
        return ControllerForm(
            ns=outcome.namespace,
            owner=self._owner(outcome.controller),
            ready=outcome.ready,
            back=some_after(outcome.replaced_at, self.base_at),
            wanted=outcome.wanted,
            why=self._reason(outcome.reason),
        )

    def _heir(self, successor: Successor) -> tuple[str, str, int | None]:
        pod = successor.pod
        return pod.ref.name, pod.node_name, some_after(successor.ready_at, self.base_at)

    def _owner(self, controller: Controller | None) -> int:
        if controller is None:
            return NONE
        return self._number((controller.kind, controller.name, controller.uid), self.owners)

    def _reason(self, reason: str) -> int:
        if not reason:
            return NONE
        return self._number(shortened(reason, MAX_REASON_CHARS), self.reasons)

    def _number(self, item: T, table: list[T]) -> int:
        """Returns the item's place in the table, to which it is added if need be."""
        if item not in self._numbers:
            self._numbers[item] = len(table)
            table.append(item)
        return self._numbers[item]

    # Reading. A number that is in no table is an IndexError.

    def read(self, form: OutcomeForm) -> PodOutcome:
        """Returns a pod that had to go."""
        return PodOutcome(
            pod=self._pod(form),
            stage=Stage(form.stage),
            known_at=at(form.known, self.base_at),
            refused_at=some_at(form.refused, self.base_at),
            reason=self._reason_of(form.why),
            force_due_at=form.due_at,
            asked_at=some_at(form.asked, self.base_at),
            grace_seconds=form.given,
            cut=form.cut,
            forced=form.forced,
            by_itself=form.alone,
            gone_at=some_at(form.gone, self.base_at),
            successor=self._successor(form),
            replaced_at=some_at(form.back, self.base_at),
        )

    def read_kept(self, form: KeptForm) -> tuple[Pod, str]:
        """Returns a pod that stays where it is, and the reason."""
        return self._pod(form), self._reason_of(form.why)

    def read_controller(self, form: ControllerForm) -> ControllerOutcome:
        """Returns a controller whose pods had to go."""
        kind, name, uid = self.owners[form.owner]
        return ControllerOutcome(
            namespace=form.ns,
            controller=Controller(kind, name, uid),
            replaced_at=some_at(form.back, self.base_at),
            ready=form.ready,
            wanted=form.wanted,
            reason=self._reason_of(form.why),
        )

    def _pod(self, form: KeptForm) -> Pod:
        return Pod(
            ref=PodRef(form.ns, form.name, form.uid),
            node_name=self.node_name,
            grace_seconds=form.grace,
            priority_class=form.priority,
            controller=None if form.owner == NONE else Controller(*self.owners[form.owner]),
            annotations={FORCE_ANNOTATION: "never"} if form.never else {},
            local_storage=form.local,
        )

    def _successor(self, form: OutcomeForm) -> Successor | None:
        if form.heir is None:
            return None
        name, node_name, ready = form.heir
        # Its UID is not kept: it matters little which of the controller's new pods it is.
        pod = Pod(ref=PodRef(form.ns, name, ""), node_name=node_name)
        return Successor(pod, some_at(ready, self.base_at))

    def _reason_of(self, number: int) -> str:
        return "" if number == NONE else self.reasons[number]
