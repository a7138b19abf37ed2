"""The ordered queue from Python: partitions, bells, renewals, lost answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from engine.clock import ManualClock
from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.errors import StoreUnavailable
from engine.queue_values import Put, Returned
from engine.queues import ADMIN_LANE, INBOX, OUTBOX, OrderedQueue
from engine.randomness import SeededRandomness
from engine.scripts import Value

LEASE_MS = 3000


class Losing:
    """A caller that loses the answers of chosen verbs after the server has acted."""

    def __init__(self, inner: Dispatcher) -> None:
        self._inner = inner
        self.lose: set[str] = set()
        self.asked: list[str] = []

    async def call(self, prefix: str, verb: str, /, **given: Value) -> Any:
        self.asked.append(verb)
        answer = await self._inner.call(prefix, verb, **given)
        if verb in self.lose:
            raise StoreUnavailable("lost")
        return answer


async def turns(test: Callable[[], bool]) -> None:
    """Let the loop turn until the predicate holds."""
    async with asyncio.timeout(5):
        while not test():  # noqa: ASYNC110 - nobody could set an event for it
            await asyncio.sleep(0)


@pytest.fixture
def calls(dispatcher: Dispatcher) -> Losing:
    return Losing(dispatcher)


@pytest.fixture
async def make(
    calls: Losing, connection: Connection, clock: ManualClock, randomness: SeededRandomness
) -> AsyncIterator[Any]:
    made: list[OrderedQueue] = []

    def factory(name: str = OUTBOX, partitions: int = 4) -> OrderedQueue:
        queue = OrderedQueue(
            name, calls, connection, clock, randomness, partitions=partitions, lease_ms=LEASE_MS
        )
        made.append(queue)
        return queue

    yield factory
    for queue in made:
        await queue.close()


async def test_chats_are_spread_and_all_are_read(make: Any) -> None:
    queue = make()
    for chat in range(40):
        assert await queue.put(str(chat), f"n{chat}", b"x") is Put.NEW
    assert len({queue.partition_of(str(chat)) for chat in range(40)}) == 4
    taken = await queue.take(100)
    assert {entry.lane for entry in taken} == {str(chat) for chat in range(40)}
    for entry in taken:
        assert await queue.ack(entry) is Returned.OK
    assert (await queue.depth()).entries == 0


async def test_the_limit_is_of_all_partitions(make: Any) -> None:
    queue = make()
    for chat in range(40):
        await queue.put(str(chat), f"n{chat}", b"x")
    sizes = [len(await queue.take(15)) for _ in range(3)]
    assert sizes == [15, 15, 10]


async def test_the_operator_has_a_lane_in_partition_0(make: Any) -> None:
    queue = make()
    assert queue.partition_of(ADMIN_LANE) == 0
    await queue.put(ADMIN_LANE, "a", b"!")
    assert [entry.partition for entry in await queue.take()] == [0]


async def test_outbox_and_inbox_do_not_meet(make: Any) -> None:
    outbox, inbox = make(OUTBOX), make(INBOX)
    await outbox.put("1", "x", b"out")
    assert await inbox.take() == []
    assert await inbox.put("1", "x", b"in") is Put.NEW
    assert [entry.body for entry in await inbox.take()] == [b"in"]


async def test_a_put_wakes_a_waiting_reader(make: Any) -> None:
    reader, writer = make(), make()
    assert await reader.take() == []
    waiting = asyncio.create_task(reader.wait(1000))
    await writer.put("5", "a", b"x")
    await asyncio.wait_for(waiting, 5)
    assert [entry.id for entry in await reader.take()] == ["a"]


async def test_a_delayed_lane_wakes_by_the_local_timer(make: Any, clock: ManualClock) -> None:
    queue = make(partitions=1)
    await queue.put("5", "a", b"x")
    (entry,) = await queue.take()
    await queue.nack(entry, after_ms=20_000)
    assert await queue.take() == []
    await queue.wait(1000)  # answers the bell of the nack
    assert await queue.take() == []
    waiting = asyncio.create_task(queue.wait(1000))
    await turns(lambda: clock.next_ms() is not None)
    assert clock.next_ms() == clock.now_ms() + 20_000
    clock.advance(20)
    await asyncio.wait_for(waiting, 5)
    assert [entry.attempts for entry in await queue.take()] == [2]


async def test_held_entries_are_renewed_by_taking(make: Any, clock: ManualClock) -> None:
    mine, other = make(partitions=1), make(partitions=1)
    await mine.put("5", "a", b"x")
    (entry,) = await mine.take()
    for _ in range(5):
        clock.advance(LEASE_MS / 1000 - 0.5)
        await mine.take(0)
        assert await other.take() == []
    assert await mine.ack(entry) is Returned.OK


async def test_a_reader_that_died_is_succeeded(make: Any, clock: ManualClock) -> None:
    dead, other = make(partitions=1), make(partitions=1)
    await dead.put("5", "a", b"x")
    (lost,) = await dead.take()
    clock.advance(LEASE_MS / 1000)
    (again,) = await other.take()
    assert (again.id, again.attempts) == ("a", 2)
    assert await dead.nack(lost, after_ms=0) is Returned.FENCED
    assert await other.ack(again) is Returned.OK
    assert await dead.ack(lost) is Returned.GONE


async def test_what_a_lost_answer_took_is_handed_out_next_time(make: Any, calls: Losing) -> None:
    queue = make(partitions=1)
    await queue.put("5", "a", b"x")
    calls.lose = {"queue_take"}
    with pytest.raises(StoreUnavailable):
        await queue.take()
    calls.lose = set()
    assert [(entry.id, entry.attempts) for entry in await queue.take()] == [("a", 1)]


async def test_a_full_reader_waits_for_its_own_hands(make: Any) -> None:
    queue = make(partitions=1)
    await queue.put("5", "a", b"x")
    await queue.put("6", "b", b"x")
    (entry,) = await queue.take(1)
    assert await queue.take(0) == []
    waiting = asyncio.create_task(queue.wait(1000))
    await asyncio.sleep(0)
    assert not waiting.done()
    await queue.ack(entry)
    await asyncio.wait_for(waiting, 5)
    assert [entry.id for entry in await queue.take(1)] == ["b"]


async def test_the_time_limit_of_a_wait_holds(make: Any, clock: ManualClock) -> None:
    queue = make()
    await queue.take()
    waiting = asyncio.create_task(queue.wait(5))
    await turns(lambda: clock.next_ms() is not None)
    clock.advance(5)
    await asyncio.wait_for(waiting, 5)


async def test_a_broken_link_wakes_the_waiter_and_heals(make: Any, connection: Connection) -> None:
    queue = make(partitions=1)
    await queue.take()
    waiting = asyncio.create_task(queue.wait(1000))
    await turns(lambda: queue._slot(0) in connection.blocking.places)
    await connection.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await asyncio.wait_for(waiting, 5)
    await queue.put("5", "a", b"x")
    assert [entry.id for entry in await queue.take()] == ["a"]


async def test_a_flood_wait_of_one_chat_is_its_own(make: Any, clock: ManualClock) -> None:
    queue = make()
    for chat in range(12):
        await queue.put(str(chat), f"n{chat}", b"x")
    for _ in range(2):
        (entry,) = [entry for entry in await queue.take(12) if entry.lane == "3"]
        assert await queue.nack(entry, after_ms=10_000, flood=True) is Returned.OK
        assert (await queue.depth()).closed_until_ms == 0
        clock.advance(10)


async def test_flood_waits_of_two_chats_are_the_whole_bots(make: Any, clock: ManualClock) -> None:
    queue = make()
    for chat in range(12):
        await queue.put(str(chat), f"n{chat}", b"x")
    first, second = await queue.take(2)
    await queue.nack(first, after_ms=5_000, flood=True)
    await queue.nack(second, after_ms=30_000, flood=True)
    assert await queue.take(100) == []
    assert (await queue.depth()).closed_until_ms == clock.now_ms() + 30_000
    clock.advance(30)
    assert len(await queue.take(100)) == 12


async def test_what_is_done_with_in_one_turn_goes_as_one_call(make: Any, calls: Losing) -> None:
    queue = make(partitions=1)
    for chat in range(5):
        await queue.put(str(chat), f"n{chat}", b"x")
    first, *others = await queue.take(10)
    assert await queue.ack(first) is Returned.OK
    calls.asked.clear()
    answers = await asyncio.gather(*(queue.ack(entry) for entry in (first, *others)))
    assert answers == [Returned.GONE] + [Returned.OK] * 4
    assert calls.asked == ["queue_ack"]
    assert await queue.take(10) == []


async def test_a_lost_acknowledgement_is_lost_for_all_that_went_with_it(make: Any, calls: Losing) -> None:
    queue = make(partitions=1)
    await queue.put("7", "a", b"x")
    await queue.put("8", "b", b"x")
    taken = await queue.take(10)
    calls.lose = {"queue_ack"}
    answers = await asyncio.gather(*map(queue.ack, taken), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 2
    calls.lose = set()
    assert [await queue.ack(entry) for entry in taken] == [Returned.GONE] * 2
