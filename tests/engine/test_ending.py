"""Loops end though a driver swallows the first cancellation, as redis-py and wait_for have done."""

import asyncio
from functools import partial
from typing import Any

import pytest

from engine.connection import Connection
from engine.ending import ended
from engine.errors import StoreUnavailable
from engine.store import Store


class Deaf:
    """A line that takes the first cancellations for a broken link; the last one is heard."""

    def __init__(self, swallows: int) -> None:
        self.left = swallows
        self.asked = asyncio.Event()

    async def ask(self, *_: object) -> Any:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not self.left:
                raise
            self.left -= 1
            raise StoreUnavailable("lost") from None


async def stubborn(line: Deaf) -> None:
    while True:
        try:
            await line.ask()
        except StoreUnavailable:
            continue


@pytest.mark.parametrize("swallows", [0, 1, 3])
async def test_a_loop_is_ended_however_often_the_line_swallows_it(swallows: int) -> None:
    line = Deaf(swallows)
    task = asyncio.create_task(stubborn(line))
    await line.asked.wait()
    async with asyncio.timeout(60):  # against a hang
        await ended(task, again_s=0.01)
    assert (task.cancelled(), line.left) == (True, 0)


async def test_ends_of_all_kinds_are_taken() -> None:
    async def fails() -> None:
        raise RuntimeError("a bug")

    over, broken = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(fails())
    await asyncio.wait({over, broken})
    await ended(over, broken)
    await ended()


async def test_a_store_closes_though_its_clock_was_just_measured(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Deaf(1)
    monkeypatch.setattr("engine.store_base.REMEASURE_S", 0.0)
    monkeypatch.setattr("engine.store_base.ended", partial(ended, again_s=0.01))
    store = await Store.connect(redis_url, partitions=1)
    monkeypatch.setattr(Connection, "server_ms", line.ask)
    await line.asked.wait()
    async with asyncio.timeout(60):  # against a hang
        await store.close()
    assert line.left == 0
