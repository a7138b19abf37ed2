import asyncio
from random import Random

import pytest

from engine.simulation.host import EPOCH_MS, Host, Killed
from engine.simulation.loop import Stalled, WorldLoop


def host(loop: WorldLoop, name: str = "w") -> Host:
    return Host(name, loop, Random(1))


def test_time_jumps_to_the_next_timer() -> None:
    loop = WorldLoop()
    loop.run_until_complete(asyncio.sleep(3600))
    assert loop.time() == 3600
    loop.close()


def test_nobody_left_to_run_is_told() -> None:
    loop = WorldLoop()
    with pytest.raises(Stalled):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_a_circle_without_time_is_told() -> None:
    loop = WorldLoop()

    async def spin() -> None:
        while True:  # noqa: ASYNC110 - this is the mistake
            await asyncio.sleep(0)

    task = loop.create_task(spin())
    with pytest.raises(Stalled):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_a_frozen_process_runs_late_and_others_go_on() -> None:
    loop = WorldLoop()
    cold, warm = host(loop, "cold"), host(loop, "warm")
    seen: list[tuple[str, float]] = []

    async def tick(who: Host) -> None:
        for _ in range(3):
            await who.sleep(1)
            seen.append((who.name, loop.time()))

    tasks = [cold.start(tick(cold)), warm.start(tick(warm))]
    cold.freeze(10)
    loop.run_until_complete(asyncio.wait(tasks))
    assert [at for name, at in seen if name == "warm"] == [1, 2, 3]
    assert [at for name, at in seen if name == "cold"] == [10, 11, 12]
    loop.close()


def test_a_killed_process_touches_nothing_any_more() -> None:
    loop = WorldLoop()
    doomed, touched = host(loop), []

    async def work() -> None:
        try:
            await doomed.sleep(5)
        finally:
            await doomed.pace()
            touched.append(1)

    task = doomed.start(work())
    loop.call_later(1, doomed.kill)
    loop.run_until_complete(asyncio.wait([task]))
    assert isinstance(task.exception(), Killed)
    assert touched == []
    loop.close()


def test_a_clock_never_steps_back() -> None:
    loop = WorldLoop()
    one = host(loop)
    one.skew_ms = 5000
    assert one.now_ms() == EPOCH_MS + 5000
    one.skew_ms = 0
    assert one.now_ms() == EPOCH_MS + 5000
    loop.close()
