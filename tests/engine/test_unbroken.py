"""Work that is finished whoever cancels, in the task that does it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from engine.unbroken import asked_to_stop, unbroken


class World:
    """A future that is answered from outside, and what a piece of work saw."""

    def __init__(self) -> None:
        self.future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.seen: list[object] = []

    async def work(self) -> str:
        await asyncio.sleep(0)
        answer = await self.future
        await asyncio.sleep(0)
        return answer

    async def caller(self, work: Coroutine[Any, Any, str]) -> str:
        try:
            answer = await unbroken(work)
        except BaseException as error:
            self.seen.append(error)
            raise
        self.seen.append(asked_to_stop())
        return answer


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_it_ends_though_it_is_cancelled_at_any_turn(at: int, times: int) -> None:
    world = World()
    task = asyncio.create_task(world.caller(world.work()))
    await turns(1)  # a task that has not begun ends at once, and its work with it
    for turn in range(8):
        if turn == at:
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
        if turn == 4:
            world.future.set_result("answer")
        await asyncio.sleep(0)
    assert await task == "answer"
    assert world.seen == [True] if at < 5 else world.seen in ([True], [False])


async def test_uncancelled_it_is_the_work_itself() -> None:
    world = World()
    task = asyncio.create_task(world.caller(world.work()))
    await turns()
    world.future.set_result("answer")
    assert (await task, world.seen) == ("answer", [False])


async def test_what_the_work_raises_is_raised() -> None:
    world = World()
    task = asyncio.create_task(world.caller(world.work()))
    await turns()
    task.cancel()
    await turns()
    world.future.set_exception(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await task


async def test_a_cancelled_answer_ends_it() -> None:
    world = World()
    task = asyncio.create_task(world.caller(world.work()))
    await turns()
    world.future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_next_wait_after_it_can_be_cancelled() -> None:
    world = World()

    async def both() -> None:
        await unbroken(world.work())
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(both())
    await turns()
    world.future.set_result("answer")
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_two_works_may_wait_for_one_answer() -> None:
    world = World()
    tasks = [asyncio.create_task(world.caller(world.work())) for _ in range(2)]
    await turns()
    tasks[0].cancel()
    await turns()
    world.future.set_result("answer")
    assert await asyncio.gather(*tasks) == ["answer", "answer"]
    assert sorted(map(str, world.seen)) == ["False", "True"]


async def test_outside_a_task_nobody_asks_to_stop() -> None:
    answers: list[bool] = []
    asyncio.get_running_loop().call_soon(lambda: answers.append(asked_to_stop()))
    await asyncio.sleep(0)
    assert answers == [False]
