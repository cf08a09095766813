"""An asyncio event loop in virtual time: when nothing is ready, it jumps to the next timer.

A two-minute drain takes milliseconds and always the same ones. Sockets still work, but time does
not wait for them: an outside peer takes no virtual time at all. Threads are not
waited for either. It must not be used for anything that waits for the real world.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

T = TypeVar("T")

START_AT = 1_795_336_200.0
"""2026-11-22T08:30:00Z: where virtual time begins unless told otherwise."""


class DeadlockError(RuntimeError):
    """Nothing is ready, no timer is set, and the work is not done: it never would be."""


class VirtualClock:
    """The clock of a virtual loop, as `ports.Clock`. It works while that loop exists."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start_at: float) -> None:
        self._loop = loop
        self._start_at = start_at

    def now(self) -> float:
        """Returns seconds since the epoch, UTC, in virtual time."""
        return self._start_at + self._loop.time()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` is virtual: seconds since the loop was made.

    `speed` None: as fast as the machine can. 2.5: two and a half virtual seconds a real one.
    """

    def __init__(self, speed: float | None = None) -> None:
        self._jumping = _JumpingSelector() if speed is None else _PacedSelector(speed)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.elapsed_seconds


class _JumpingSelector(selectors.BaseSelector):
    """Lets a timer's time pass at once in place of waiting for it."""

    def __init__(self) -> None:
        self.elapsed_seconds = 0.0
        self._inner = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._inner.select(0)
        if not ready:
            self._pass(timeout)
        return ready

    def _pass(self, timeout: float | None) -> None:
        if timeout is None:
            waiting = ", ".join(sorted(task.get_name() for task in asyncio.all_tasks()))
            raise DeadlockError(f"no timer is set and nothing is ready; waiting for ever: {waiting}")
        self.elapsed_seconds += max(0.0, timeout)

    def register(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def get_map(self) -> Mapping["FileDescriptorLike", selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()


class _PacedSelector(_JumpingSelector):
    """Lets virtual time pass at a multiple of real time; signals and keys are heard meanwhile."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed
        self._started = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return self._wait_for_outside()
        due = self.elapsed_seconds + max(0.0, timeout)
        ready = self._inner.select(max(0.0, due / self._speed - self._real_seconds()))
        # Never past the next timer: a loop that was held up is late, and then catches up.
        passed = min(due, self._real_seconds() * self._speed) if ready else due
        self.elapsed_seconds = max(self.elapsed_seconds, passed)
        return ready

    def _wait_for_outside(self) -> list[tuple[selectors.SelectorKey, int]]:
        # The loop's own wake-up socket is always registered; a key or a listener comes on top.
        if len(self._inner.get_map()) > 1:
            return self._inner.select(None)
        return super().select(None)

    def _real_seconds(self) -> float:
        return time.monotonic() - self._started


def run(
    main: Callable[[VirtualClock], Coroutine[object, object, T]],
    *,
    start_at: float = START_AT,
    speed: float | None = None,
) -> T:
    """Run `main(clock)` on a new virtual loop to its end, and return what it returns.

    `start_at` is the instant (epoch seconds) that the clock shows first; `speed` as in
    `VirtualLoop`. DeadlockError: nothing can ever happen again, but `main` is not done.
    """
    # In Python's developer mode, asyncio's debugging would make this twenty times slower.
    with asyncio.Runner(debug=False, loop_factory=lambda: VirtualLoop(speed)) as runner:
        return runner.run(main(VirtualClock(runner.get_loop(), start_at)))
