"""Virtual time: it jumps, it keeps order, it never hangs, and sockets still work."""

import asyncio
import os
import signal
import time

import pytest

from nth.simulation.clock import START_AT, DeadlockError, VirtualClock, run


def test_an_hour_passes_at_once_and_the_clock_shows_it() -> None:
    async def main(clock: VirtualClock) -> tuple[float, float]:
        before = clock.now()
        await asyncio.sleep(3600)
        return before, clock.now()

    began = time.perf_counter()
    assert run(main) == (START_AT, START_AT + 3600)
    assert time.perf_counter() - began < 1


def test_start_at_is_the_first_instant() -> None:
    async def main(clock: VirtualClock) -> float:
        return clock.now()

    assert run(main, start_at=7.5) == 7.5


def test_timers_fire_in_order_at_their_own_instants() -> None:
    async def main(clock: VirtualClock) -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        async def wait(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((name, round(clock.now() - START_AT, 6)))

        await asyncio.gather(wait("b", 2), wait("a", 0.5), wait("c", 90_000))
        return seen

    assert run(main) == [("a", 0.5), ("b", 2.0), ("c", 90_000.0)]


def test_time_outs_are_virtual_too() -> None:
    async def main(clock: VirtualClock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(120):
                await asyncio.Event().wait()
        return clock.now() - START_AT

    assert run(main) == 120


def test_a_deadlock_is_an_error_that_names_who_waits() -> None:
    async def main(clock: VirtualClock) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="waits for nothing")

    with pytest.raises(DeadlockError, match="waits for nothing"):
        run(main)


def test_a_deadlock_is_an_error_at_a_pace_too() -> None:
    async def main(clock: VirtualClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError):
        run(main, speed=1000)


def test_sockets_of_this_process_work_without_time_passing() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async def main(clock: VirtualClock) -> tuple[bytes, float]:
        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\n")
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
        return answer, clock.now() - START_AT

    assert run(main) == (b"hello\n", 0.0)


def test_a_pace_makes_real_time_pass() -> None:
    async def main(clock: VirtualClock) -> float:
        for _ in range(10):
            await asyncio.sleep(1)
        return clock.now() - START_AT

    began = time.monotonic()
    assert run(main, speed=200) == pytest.approx(10)
    assert 0.05 <= time.monotonic() - began < 2


def test_a_signal_is_heard_in_the_middle_of_a_paced_wait() -> None:
    async def main(clock: VirtualClock) -> float:
        heard = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, heard.set)
        loop.call_later(1, os.kill, os.getpid(), signal.SIGUSR1)
        try:
            async with asyncio.timeout(3600):
                await heard.wait()
        finally:
            loop.remove_signal_handler(signal.SIGUSR1)
        return clock.now() - START_AT

    assert 1 <= run(main, speed=50) < 100


def test_what_main_raises_comes_out() -> None:
    async def main(clock: VirtualClock) -> None:
        await asyncio.sleep(5)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main)
