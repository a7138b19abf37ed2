from dataclasses import replace

import pytest

from engine.clock import ManualClock
from engine.errors import Refusal
from engine.store import Store
from engine.values import Account, Submission
from states.job import Hint
from states.vocabulary import Hold, State
from tests.factories import LEASE_MS, Bench, make_bench


@pytest.fixture
async def bench(store: Store, clock: ManualClock) -> Bench:
    return await make_bench(store, clock)


async def test_a_job_goes_from_the_button_to_done(bench: Bench, store: Store) -> None:
    job = await bench.queued()
    assert await store.account(7) == Account(90, 10)
    assert await store.place_in_line(job.id) == 1
    claimed = await bench.claim()
    assert claimed == replace(job, epoch=1)
    job = await bench.moved(claimed, "queued/start", State.GENERATING)
    job = await bench.moved(job, "generating/rendered", State.SENDING)
    job = await bench.moved(job, "sending/delivered", State.DONE)
    assert await store.read(job.id) == job
    assert job.hold is Hold.CAPTURED
    assert await store.account(7) == Account(90, 0)
    assert [row["seq"] for row in await store.history(job.id)] == [0, 1, 2, 3]
    assert [entry.kind for entry in await store.statement(7)] == ["capture", "hold"]
    assert await bench.books() == 0
    assert await store.live_jobs() == []
    assert (await store.counts())["st:done"] == 1


async def test_a_cancel_fences_the_worker_that_holds_the_job(bench: Bench, store: Store) -> None:
    await bench.queued()
    held = await bench.claim()
    cancelled = await bench.moved(held, "queued/cancel", State.REFUNDED, unclaim=True)
    assert cancelled.epoch == 2
    assert await store.account(7) == Account(100, 0)
    assert await bench.move(held, "queued/start", State.GENERATING) is Refusal.FENCED


async def test_one_button_makes_one_job(bench: Bench) -> None:
    first = await bench.submit()
    again = await bench.submit()
    assert first.job is not None
    assert again.result is Submission.EXISTS
    assert again.job is not None
    assert again.job.id == first.job.id
    assert again.balance == 90


async def test_an_expired_lease_is_told(bench: Bench, store: Store, clock: ManualClock) -> None:
    await bench.queued()
    job = await bench.moved(await bench.claim("w1"), "queued/start", State.GENERATING)
    clock.advance(LEASE_MS / 1000)
    claim = await store.claim("w2", partition=0, lease_ms=LEASE_MS, queued_ok=True)
    assert claim.lost
    assert claim.job == replace(job, epoch=2)
    assert await bench.move(job, "generating/rendered", State.SENDING) is Refusal.FENCED


async def test_a_hint_makes_a_parked_job_due(bench: Bench, store: Store, clock: ManualClock) -> None:
    await bench.queued()
    job = await bench.moved(await bench.claim(), "queued/start", State.GENERATING)
    hint = Hint("callback", 1, "task-9")
    assert await store.park(job, clock.now_ms() + 60_000) is None
    assert await store.hint(job.id, hint) is None
    claimed = await bench.claim()
    assert claimed.hints == (hint,)


async def test_waiting_ends_with_a_ring_or_with_the_time(
    bench: Bench, store: Store, clock: ManualClock
) -> None:
    waiting = store.wait(0, clock.now_ms() + 60_000)
    await bench.queued()
    assert await waiting
    job = await bench.claim()
    assert job.state is State.QUEUED
