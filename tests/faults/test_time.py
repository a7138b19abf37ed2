"""Clocks that are wrong, clocks that jump, and calls that are cut off while they run."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.clock import SystemClock
from engine.connection import Connection
from engine.errors import Refusal
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.values import Submission
from states.job import Hint, Job
from states.vocabulary import State
from tests.audit import money_of
from tests.factories import LEASE_MS, Bench, make_bench
from tests.faults.figures import Figure
from tests.faults.lives import USER as BUYER
from tests.faults.lives import HastyClock, Life
from tests.faults.points import Fate, Points

HOUR_MS = 3_600_000


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_worker_whose_own_clock_is_an_hour_off_goes_by_the_servers(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    real = time.time
    monkeypatch.setattr("engine.clock.time.time", lambda: real() + hours * 3600)
    clock = SystemClock()
    await clock.measure(connection.server_ms)
    before = await connection.server_ms()
    now_ms = clock.now_ms()
    after = await connection.server_ms()
    trip_ms = after - before + 50  # the measure's error is half of its own trip
    assert before - trip_ms <= now_ms <= after + trip_ms


async def test_a_server_clock_that_jumps_never_turns_ours_back() -> None:
    clock, server_ms = SystemClock(), [0]

    async def measured() -> int:
        return server_ms[0]

    seen = [clock.now_ms()]
    for jump in (HOUR_MS, -HOUR_MS, HOUR_MS, 0, -2 * HOUR_MS, 3 * HOUR_MS):
        server_ms[0] = seen[0] + jump
        await clock.measure(measured)
        seen += [clock.now_ms() for _ in range(3)]
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] >= 3 * HOUR_MS, "and it follows when the server is ahead"


class Skewed(HastyClock):
    """A clock that is wrong by so much, whatever the others say."""

    def __init__(self, real: HastyClock, skew_ms: int) -> None:
        super().__init__()
        self.real, self.skew_ms = real, skew_ms

    def now_ms(self) -> int:
        """The wrong time."""
        return self.real.now_ms() + self.skew_ms

    def advance(self, seconds: float) -> None:
        """Time passes for all."""
        self.real.advance(seconds)


class SkewedLife(Life):
    """A life whose struck process has a wrong clock."""

    skew_ms = 0

    def process(self, points: Points, name: str) -> Any:
        """The victim's clock is wrong."""
        right = self.clock
        if name == "victim":
            self.clock = Skewed(right, self.skew_ms)
        try:
            return super().process(points, name)
        finally:
            self.clock = right


@pytest.fixture
async def reader(redis_url: str) -> AsyncIterator[StoreReader]:
    await (await Store.connect(redis_url, clock=HastyClock(), partitions=1)).close()
    async with await StoreReader.open(redis_url) as opened:
        yield opened


@pytest.mark.leaks_keys  # the store is flushed between lives
@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_worker_that_lives_in_another_hour_harms_nobody(
    store: Store, reader: StoreReader, hours: int, figure: Figure
) -> None:
    """Should the measure fail altogether: it dies anywhere, a right one takes over; the books stay whole."""
    ends: dict[str, int] = {}
    for at in range(6, 40, 3):
        life = SkewedLife(store.connection, store.dispatcher._shas, SeededRandomness(at))
        life.skew_ms = hours * HOUR_MS
        await life.begin()
        points = Points(Fate.DIES, at)
        await life.struck(points)
        job = await life.job()
        assert job is not None
        ends[job.state] = ends.get(job.state, 0) + 1
        assert len(life.chat.films) == (job.state is State.DONE), points.names[-1]
        rows = list(reversed(await life.eye.statement(BUYER, 50)))
        assert money_of(rows, job.id) == ["hold", "capture" if job.state is State.DONE else "release"]
        assert [row["seq"] for row in await life.eye.history(job.id)] == list(range(job.seq + 1))
        assert (await check_store(reader)).findings == ()
        assert life.provider.creates <= 2
    figure(f"a clock {hours:+d} h: lives", sum(ends.values()))
    figure(f"a clock {hours:+d} h: that were refunded instead of delivered", ends.get("refunded", 0))


# --- cancelled calls ----------------------------------------------------------------------------

Ask = Callable[[Bench, Job], Coroutine[Any, Any, object]]


async def _submit(bench: Bench, job: Job) -> object:
    del job
    return (await bench.submit(idem="another")).result in (Submission.CREATED, Submission.EXISTS)


async def _claim(bench: Bench, job: Job) -> object:
    del job
    return (await bench.store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=False)).job


ASKS: dict[str, Ask] = {
    "submit": _submit,
    "claim": _claim,
    "commit": lambda bench, job: bench.move(job, "queued/start", State.GENERATING),
    "note": lambda bench, job: bench.store.note(job),
    "park": lambda bench, job: bench.store.park(job, bench.clock.now_ms() + 5000),
    "hint": lambda bench, job: bench.store.hint(job.id, Hint("callback", 1, "t")),
    "beat": lambda bench, job: bench.store.beat("w1", [(job.id, job.epoch)], lease_ms=LEASE_MS),
    "read": lambda bench, job: bench.store.read(job.id),
}
TURNS = 14
"""More turns of the loop than any of these calls takes."""


@pytest.mark.leaks_keys  # the store is flushed between calls
@pytest.mark.parametrize("name", ASKS)
async def test_a_call_cancelled_at_any_turn_is_applied_once(
    store: Store, clock: HastyClock, name: str, figure: Figure
) -> None:
    """It goes on or never began; asked again by its id it gives the same answer, on an unspoilt line."""
    cancelled = 0
    for turns in range(TURNS):
        await store.connection.command("FLUSHALL")
        await store._open()
        bench = await make_bench(store, clock)
        await bench.queued()
        job = await bench.claim()
        asking = asyncio.create_task(_anything(ASKS[name], bench, job))
        for _ in range(turns):
            await asyncio.sleep(0)
        cancelled += asking.cancel()
        await asyncio.wait({asking})
        again = await ASKS[name](bench, job)
        assert not isinstance(again, Refusal) or name == "park", f"cancelled after {turns} turns"
        assert await bench.store.connection.command("ECHO", "mine") == b"mine", "every answer is its own"
        assert await bench.books() == 0
        rows = await bench.store.history(job.id)
        assert [row["seq"] for row in rows] == list(range(len(rows)))
        assert len(rows) == 1 + (name == "commit")
        assert len(await bench.store.jobs_of(7, 9)) == 1 + (name == "submit")
    assert cancelled > 1
    figure("calls cancelled at some turn", cancelled)


async def _anything(ask: Ask, bench: Bench, job: Job) -> object:
    return await ask(bench, job)
