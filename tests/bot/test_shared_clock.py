import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.wiring.shared_clock import Pulse, SharedClock, Timekeeper
from bot.wiring.waiting import until
from engine.clock import ManualClock
from tests.servers import Server

LONG_S = 60.0


@pytest.fixture
def base() -> ManualClock:
    return ManualClock(1000)


@pytest.fixture
def keeper(tmp_path: Path, base: ManualClock) -> Timekeeper:
    return Timekeeper(tmp_path / "clock", 40, base)


def passes(keeper: Timekeeper, base: ManualClock, seconds: float = 0.02) -> int:
    """How much later it is after another look, ms."""
    before = keeper.now_ms()
    base.advance(seconds)
    keeper.look()
    return keeper.now_ms() - before


def test_it_runs_faster_than_its_base_but_never_far_at_once(keeper: Timekeeper, base: ManualClock) -> None:
    assert keeper.now_ms() == 1000
    assert passes(keeper, base) == 800
    assert passes(keeper, base, 3600) == 1000, "a stall of its own process is not a leap of time"
    with keeper.halted():
        assert passes(keeper, base) == 0
    assert passes(keeper, base) == 800


def test_no_clock_stands_or_runs_back(tmp_path: Path) -> None:
    for factor in (0, -1):
        with pytest.raises(ValueError, match="above zero"):
            Timekeeper(tmp_path / "clock", factor)


async def test_it_waits_for_every_process_but_the_excused(keeper: Timekeeper, base: ManualClock) -> None:
    seat, word = keeper.seat()
    assert passes(keeper, base) == 800, "nobody sits there yet"
    async with SharedClock.of_word(word) as other:
        assert other.factor == 40
        assert await until(lambda: keeper._words[seat] != 0, LONG_S)
    assert other.now_ms() == keeper.now_ms()
    assert passes(keeper, base) == 800, "it has seen the last beat"
    assert passes(keeper, base) == 0, "it has not turned since"
    keeper.excuse(seat)
    assert passes(keeper, base) > 0
    keeper.expect(seat)
    assert passes(keeper, base) == 0


async def test_its_sleepers_wake_on_shared_time(keeper: Timekeeper, base: ManualClock) -> None:
    _, word = keeper.seat()
    async with SharedClock.of_word(word) as other:
        here, there = (asyncio.create_task(clock.sleep(2)) for clock in (keeper, other))
        began = keeper.now_ms()
        while not there.done():
            passes(keeper, base)
            await asyncio.sleep(0)
        await here
        assert keeper.now_ms() - began >= 2000


def test_a_theatre_has_only_so_many_seats(keeper: Timekeeper) -> None:
    words = [keeper.seat()[1] for _ in range(61)]
    assert len(set(words)) == 61
    with pytest.raises(RuntimeError, match="no seat left"):
        keeper.seat()


CHILD = """
import asyncio, sys
from bot.wiring.shared_clock import SharedClock

async def main():
    async with SharedClock.of_word(sys.argv[1]) as clock:
        await clock.sleep(1e9)

asyncio.run(main())
"""


async def test_a_frozen_process_holds_the_time_of_the_others(tmp_path: Path) -> None:
    async with Timekeeper(tmp_path / "clock", 40) as keeper:
        seat, word = keeper.seat()
        child = subprocess.Popen([sys.executable, "-c", CHILD, word])  # noqa: S603, ASYNC220 - our own words
        try:
            assert await until(lambda: keeper._words[seat] != 0, LONG_S)
            child.send_signal(signal.SIGSTOP)
            assert await until(keeper._waits, LONG_S)
            held_ms = keeper.now_ms()
            for _ in range(20):
                keeper.look()
            assert keeper.now_ms() == held_ms
            child.send_signal(signal.SIGCONT)
            assert await until(lambda: keeper.now_ms() > held_ms + 4000, LONG_S)
            child.kill()
            keeper.excuse(seat)
            late_ms = keeper.now_ms()
            assert await until(lambda: keeper.now_ms() > late_ms + 4000, LONG_S)
        finally:
            child.kill()
            child.wait()


def hangs_on(pulse: Pulse) -> bool:
    return pulse._link is not None


async def test_a_pulse_waits_for_a_server_and_not_for_a_dead_one() -> None:
    server = Server()
    pulse = Pulse(str(server.socket))
    await pulse.answered()  # not there yet
    server.start()
    try:
        await pulse.answered()
        assert hangs_on(pulse)
        server.kill()
        await pulse.answered()
        await pulse.answered()
        assert not hangs_on(pulse)
        server.start()
        await pulse.answered()
        assert hangs_on(pulse)
    finally:
        await pulse.close()
        server.remove()


async def test_a_clock_that_ends_hangs_up(tmp_path: Path) -> None:
    server = Server()
    server.start()
    try:
        pulse = Pulse(str(server.socket))
        async with Timekeeper(tmp_path / "clock", 40) as keeper:
            keeper.heeded.append(pulse)
            assert await until(lambda: hangs_on(pulse), LONG_S)
        assert not hangs_on(pulse)
    finally:
        server.remove()
