"""A kubelet: starts and stops the pods of one machine, each in its own time.

It learns of changes through `sync` and answers by writing to the store, later, by timers of the
event loop. `die` is the power cut.

A pod that has stopped is first shown in its final phase, and only then its object is deleted, as
kubelets do it since 1.27 (kubernetes/pkg/kubelet/status/status_manager.go, `canBeDeleted`).
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from zlib import crc32

from nth.core.facts import PodRef
from nth.errors import Missing
from nth.ports import Clock
from nth.simulation.deletion import remove_pod
from nth.simulation.objects import PodObject
from nth.simulation.store import Store

REMOVAL_SECONDS = 0.1
"""The time from the final phase until the kubelet deletes the object."""


@dataclass(slots=True)
class _Sandbox:
    """A pod's processes on the machine."""

    timer: asyncio.TimerHandle | None = None
    stops_at: float | None = None
    killed: bool = False
    """True when the grace is over before it has stopped by itself."""
    stopped: bool = False


class Kubelet:
    """The agent of one node."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._sandboxes: dict[PodRef, _Sandbox] = {}

    def sync(self, pods: Iterable[PodObject]) -> None:
        """Take in all pods that are bound to this node now."""
        present = {pod.ref: pod for pod in pods}
        for ref in [ref for ref in self._sandboxes if ref not in present]:
            self._cancel(self._sandboxes.pop(ref))
        for ref, pod in present.items():
            sandbox = self._sandboxes.get(ref)
            if sandbox is None:
                sandbox = self._sandboxes[ref] = _Sandbox()
                self._after(pod.template.ready_seconds, ref, self._ready)
            if pod.fact.deleting_until_at is not None and not sandbox.stopped:
                self._stop(pod, sandbox)

    def die(self) -> tuple[PodRef, ...]:
        """Stop for good, as in a power cut; returns the pods that had not stopped."""
        for sandbox in self._sandboxes.values():
            self._cancel(sandbox)
        unstopped = tuple(ref for ref, sandbox in self._sandboxes.items() if not sandbox.stopped)
        self._sandboxes.clear()
        return unstopped

    def _after(self, seconds: float, ref: PodRef, act: Callable[[PodObject], None]) -> None:
        sandbox = self._sandboxes[ref]
        self._cancel(sandbox)
        if isfinite(seconds):
            loop = asyncio.get_running_loop()
            sandbox.timer = loop.call_later(seconds, partial(self._act, ref, act))

    def _act(self, ref: PodRef, act: Callable[[PodObject], None]) -> None:
        # Between the deletion of an object and the next sync a timer may still fire.
        try:
            pod = self._store.pod(ref)
        except Missing:
            return
        act(pod)

    def _cancel(self, sandbox: _Sandbox) -> None:
        if sandbox.timer is not None:
            sandbox.timer.cancel()

    def _ready(self, pod: PodObject) -> None:
        fact = replace(pod.fact, phase="Running", ready=True, unready_since_at=None)
        ready = self._store.change_pod(pod, fact)
        if pod.template.finishes_seconds is not None:
            self._after(pod.template.finishes_seconds, ready.ref, self._finished)

    def _finished(self, pod: PodObject) -> None:
        self._end(pod)

    def _stop(self, pod: PodObject, sandbox: _Sandbox) -> None:
        """Send SIGTERM; a grace that is shortened meanwhile counts from now on."""
        now = self._clock.now()
        wanted_at = now + pod_stop_seconds(pod) if sandbox.stops_at is None else sandbox.stops_at
        stops_at = min(wanted_at, now + (pod.fact.deletion_grace_seconds or 0))
        sandbox.killed |= stops_at < wanted_at
        if stops_at != sandbox.stops_at:
            sandbox.stops_at = stops_at
            self._after(stops_at - now, pod.ref, self._stopped)

    def _stopped(self, pod: PodObject) -> None:
        if pod.fact.mirror:
            # The API has no final phase of a static pod: the kubelet shows it anew.
            self._sandboxes[pod.ref].stopped = True
            self._remove(pod)
        else:
            self._end(pod)
            self._after(REMOVAL_SECONDS, pod.ref, self._remove)

    def _end(self, pod: PodObject) -> None:
        """Set the final phase: Succeeded if its containers ran and exited with 0, else Failed."""
        sandbox = self._sandboxes[pod.ref]
        sandbox.stopped = True
        well = pod.fact.phase == "Running" and not sandbox.killed and pod.template.exit_code == 0
        since_at = float(int(self._clock.now()))
        phase = "Succeeded" if well else "Failed"
        fact = replace(pod.fact, phase=phase, ready=False, unready_since_at=since_at)
        self._store.change_pod(pod, fact)

    def _remove(self, pod: PodObject) -> None:
        remove_pod(self._store, pod, self._clock.now())


def pod_stop_seconds(pod: PodObject) -> float:
    """Returns how long this pod needs to stop: always the same, between its template's two."""
    low, high = pod.template.stop_seconds
    return low + (high - low) * crc32(pod.ref.uid.encode()) / 0xFFFFFFFF
