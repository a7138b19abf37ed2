import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from engine.clock import ManualClock
from engine.connection import Connection
from engine.randomness import SeededRandomness
from engine.script_files import read_sources
from engine.store import Store
from engine.worker import IDLE_MS
from states.vocabulary import State
from tests.factories import LEASE_MS, make_bench


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await holds():
            continue


async def _listening(store: Store, count: int = 1) -> None:
    """Until that many blocking reads have reached the server."""

    async def holds() -> bool:
        return int((await store.connection.info("clients"))["blocked_clients"]) >= count

    await _until(holds)


async def test_a_ring_wakes_a_waiting_loop(store: Store, clock: ManualClock) -> None:
    waiting = asyncio.create_task(store.wait(0, clock.now_ms() + 60_000))
    await _listening(store)
    await store.ring(0)
    assert await waiting


async def test_the_local_timer_ends_the_wait_to_the_moment(store: Store, clock: ManualClock) -> None:
    waiting = asyncio.create_task(store.wait(0, clock.now_ms() + 3000))
    await _listening(store)
    clock.advance(3)
    assert not await waiting
    # the read is still outstanding and serves the next wait
    waiting = asyncio.create_task(store.wait(0, clock.now_ms() + 60_000))
    await store.ring(0)
    assert await waiting


async def test_a_bell_nobody_waits_for_is_put_back(store: Store, clock: ManualClock) -> None:
    waiting = asyncio.create_task(store.wait(0, clock.now_ms() + 1))
    await _listening(store)
    clock.advance(1)
    assert not await waiting
    await store.ring(0, queue=True)

    async def is_back() -> bool:
        return bool(await store.connection.command("EXISTS", "{1768}:bell"))

    await _until(is_back)
    assert await store.wait(0, clock.now_ms() + 60_000)


async def test_a_loop_without_a_slot_does_not_hear_the_line(store: Store, clock: ManualClock) -> None:
    bench = await make_bench(store, clock)
    await store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=False)
    until = clock.now_ms() + 3_600_000
    waiting = asyncio.create_task(store.wait(0, until + 60_000))
    await _listening(store)
    await store.connection.command("ZADD", "{1768}:bellq", 0, "r")
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    # with a slot again it listens for the line as well, at once
    assert await store.wait(0, until, queued_ok=True)
    assert bench.clock is clock


async def test_what_it_listens_for_may_change_at_any_moment(store: Store, clock: ManualClock) -> None:
    async with asyncio.timeout(4):  # far less than an outstanding read would take to end by itself
        for turn in range(20):
            now = clock.now_ms()
            waiting = asyncio.create_task(store.wait(0, now + 1, queued_ok=turn % 2 == 0))
            for _ in range(turn):
                await asyncio.sleep(0)
            clock.advance(1)
            await waiting


async def test_a_broken_read_ends_the_wait(store: Store, clock: ManualClock) -> None:
    waiting = asyncio.create_task(store.wait(0, clock.now_ms() + 60_000))
    await _listening(store)
    await store.connection.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert not await waiting
    await store.ring(0)
    assert await store.wait(0, clock.now_ms() + 60_000)


async def test_one_ring_wakes_one_of_many(
    redis_url: str, clock: ManualClock, randomness: SeededRandomness
) -> None:
    stores = [await Store.connect(redis_url, clock=clock, randomness=randomness) for _ in range(4)]
    waits = [asyncio.create_task(store.wait(0, clock.now_ms() + 60_000)) for store in stores]
    await _listening(stores[0], 4)
    await stores[0].ring(0, queue=False)
    done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    for wait in rest:
        wait.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    for store in stores:
        await store.close()


async def test_a_retry_wakes_within_milliseconds_on_real_time(redis_url: str) -> None:
    store = await Store.connect(redis_url)
    bench = await make_bench(store, store.clock)  # type: ignore[arg-type]  # only now_ms is used
    await bench.queued()
    job = await bench.moved(await bench.claim(), "queued/start", State.GENERATING)
    due = store.clock.now_ms() + 150
    await bench.moved(job, "generating/error", State.RETRY_WAIT, keep=False, due_ms=due)
    claim = await store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=True)
    spurious = 0
    while claim.job is None:
        assert claim.next_due_ms == due
        await store.wait(0, due)
        spurious += 1
        claim = await store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=True)
    late_ms = store.clock.now_ms() - due
    await store.close()
    assert spurious <= 2
    assert 0 <= late_ms < 50  # a loaded machine; the bench measures the real figure


async def test_a_half_open_link_cannot_hang_a_read(connection: Connection) -> None:
    begin = time.monotonic()
    assert await connection.pop_bell("t", ["{1768}:bell"], 0.05) is None
    assert time.monotonic() - begin < 5
    assert await connection.read_stream("s", "{1768}:ev", "$", 0.05) == []
    await connection.unblock("nobody")


def test_a_timer_that_rings_nobody_is_seen_in_time_all_the_same() -> None:
    far_ms = re.search(r"TIMER_FAR_MS = (\d+)", read_sources()["lib/timer.lua"])
    assert far_ms is not None
    assert int(far_ms[1]) > IDLE_MS
