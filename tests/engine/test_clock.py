import asyncio

import pytest

from engine.clock import ManualClock, ScaledClock, SystemClock
from engine.connection import Connection
from engine.randomness import SeededRandomness, SystemRandomness


async def test_the_system_clock_follows_the_server(connection: Connection) -> None:
    clock = SystemClock()
    await clock.measure(connection.server_ms)
    before = await connection.server_ms()
    assert before - 50 <= clock.now_ms() <= await connection.server_ms() + 50


async def test_the_system_clock_never_steps_back() -> None:
    clock = SystemClock()
    ahead = clock.now_ms()

    async def an_hour_ago() -> int:
        return ahead - 3_600_000

    await clock.measure(an_hour_ago)
    assert clock.now_ms() == ahead
    await clock.sleep(0)


async def test_a_scaled_clock_runs_faster_than_its_base() -> None:
    base = ManualClock(1000)
    clock = ScaledClock(base, 60)
    sleeping = asyncio.ensure_future(clock.sleep(120))
    await asyncio.sleep(0)
    base.advance(1.9)
    await asyncio.sleep(0)
    assert not sleeping.done()
    base.advance(0.1)
    await sleeping
    assert clock.now_ms() == 1000 + 120_000
    with pytest.raises(ValueError, match="above zero"):
        ScaledClock(base, 0)


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_manual_sleepers_wake_in_order_when_told() -> None:
    clock = ManualClock(0)
    woken: list[int] = []

    async def sleeper(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (3, 1, 2, 0):
            group.create_task(sleeper(seconds))
        gone = group.create_task(clock.sleep(0.5))
        await _turns()
        gone.cancel()
        await _turns()
        assert clock.next_ms() == 1000
        clock.advance(2)
        await _turns()
        assert woken == [0, 1, 2]
        assert clock.next_ms() == 3000
        clock.advance(1)
    assert woken == [0, 1, 2, 3]
    assert clock.next_ms() is None


def test_seeded_randomness_repeats_and_system_randomness_does_not() -> None:
    one, two = SeededRandomness(5), SeededRandomness(5)
    assert [one.token(), one.random()] == [two.token(), two.random()]
    system = SystemRandomness()
    assert system.token() != system.token()
    assert len(system.token()) == len(one.token()) == 22
    assert 0 <= system.random() < 1
