import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from engine.simulation.fate import Fate
from engine.simulation.host import EPOCH_MS, Host, Killed
from engine.simulation.loop import Stalled, WorldLoop


@pytest.fixture
def loop() -> Iterator[WorldLoop]:
    made = WorldLoop()
    yield made
    made.close()


def host(loop: WorldLoop, name: str = "w") -> Host:
    return Host(name, loop, Random(1))


def test_time_jumps_to_the_next_timer(loop: WorldLoop) -> None:
    loop.run_until_complete(asyncio.sleep(3600))
    assert loop.time() == 3600


def test_nobody_left_to_run_is_told(loop: WorldLoop) -> None:
    with pytest.raises(Stalled):
        loop.run_until_complete(loop.create_future())


def test_a_circle_without_time_is_told(loop: WorldLoop) -> None:

    async def spin() -> None:
        while True:  # noqa: ASYNC110 - this is the mistake
            await asyncio.sleep(0)

    task = loop.create_task(spin())
    with pytest.raises(Stalled):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)


def test_a_frozen_process_runs_late_and_others_go_on(loop: WorldLoop) -> None:
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
    assert [at for name, at in seen if name == "cold"] == [11, 12, 13]


def test_a_killed_process_touches_nothing_any_more(loop: WorldLoop) -> None:
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


def test_a_clock_never_steps_back(loop: WorldLoop) -> None:
    one = host(loop)
    one.skew_ms = 5000
    assert one.now_ms() == EPOCH_MS + 5000
    one.skew_ms = 0
    assert one.now_ms() == EPOCH_MS + 5000


def test_a_process_that_froze_itself_thaws(loop: WorldLoop) -> None:
    one = host(loop)

    async def tick() -> float:
        one.freeze(10)
        await one.sleep(1)
        return loop.time()

    assert loop.run_until_complete(one.start(tick())) == 10


def test_fate_may_strike_at_a_call_and_the_process_is_gone(loop: WorldLoop) -> None:
    struck: list[tuple[str, str]] = []

    def strike(who: Host, kind: str, _: float) -> None:
        struck.append((who.name, kind))
        who.kill()

    fate = Fate(1, focus=("process", "killed"))
    one = Host("w", loop, Random(1), fate, strike)

    async def work() -> None:
        for n in range(50):
            one.risk(f"call {n}")

    with pytest.raises(Killed):
        loop.run_until_complete(one.start(work()))
    assert struck == [("w", "killed")]
    assert list(fate.fired.values()) == ["process.killed"]
