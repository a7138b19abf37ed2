"""Answers that never arrive: each operation is applied once, and its caller is told so."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from engine.clock import ManualClock
from engine.dispatch import Dispatcher
from engine.errors import Refusal, StoreUnavailable
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.values import Account, Submission
from states.job import Job
from states.vocabulary import State
from tests.factories import Bench, make_bench
from tests.proxy import LossyProxy, lossy_proxy


class Losses:
    """Whether an answer is lost: a chance, or the next few."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)
        self.chance = 0.0
        self.next = 0

    def __call__(self) -> bool:
        if self.next > 0:
            self.next -= 1
            return True
        return self._source.random() < self.chance


@pytest.fixture
def losses(randomness: SeededRandomness) -> Losses:
    return Losses(randomness.seed)


@pytest.fixture
async def proxy(redis_url: str, losses: Losses) -> AsyncIterator[LossyProxy]:
    async with lossy_proxy(redis_url, losses) as between:
        yield between


@pytest.fixture
async def bench(proxy: LossyProxy, clock: ManualClock, randomness: SeededRandomness) -> AsyncIterator[Bench]:
    store = await Store.connect(proxy.url, clock=clock, randomness=randomness, partitions=1)
    yield await make_bench(store, clock)
    await store.close()


async def test_every_step_is_applied_once_though_its_answer_is_lost(bench: Bench, losses: Losses) -> None:
    losses.next = 1
    submitted = await bench.submit()
    assert submitted.result is Submission.CREATED
    assert await bench.store.account(7) == Account(90, 10)
    losses.next = 1
    job = await bench.claim()
    assert job.epoch == 1
    losses.next = 1
    job = await bench.moved(job, "queued/start", State.GENERATING)
    losses.next = 1
    assert await bench.store.note(job) == job
    losses.next = 2
    job = await bench.moved(job, "generating/refund", State.REFUNDED)
    assert await bench.store.account(7) == Account(100, 0)
    assert [row["seq"] for row in await bench.store.history(job.id)] == [0, 1, 2]


async def test_a_hundred_lives_through_a_bad_link(bench: Bench, losses: Losses, proxy: LossyProxy) -> None:
    losses.chance = 0.3

    async def live(n: int) -> None:
        await bench.submit(cost=1, idem=f"tap-{n}", max_live=100)
        job = await bench.claim(f"w{n}")
        job = await bench.moved(job, "queued/start", State.GENERATING)
        job = await bench.moved(job, "generating/rendered", State.SENDING)
        await bench.moved(job, "sending/delivered", State.DONE)

    for start in range(0, 100, 10):
        await asyncio.gather(*(live(n) for n in range(start, start + 10)))
    losses.chance = 0.0
    assert proxy.lost > 0
    assert await bench.store.account(7) == Account(0, 0)
    assert (await bench.store.counts())["st:done"] == 100
    assert await bench.books() == 0


async def test_a_dead_link_ends_in_one_clear_sentence(bench: Bench, losses: Losses) -> None:
    calls = Dispatcher(bench.store.connection, deadline_s=0.2)
    losses.chance = 1.0
    with pytest.raises(StoreUnavailable, match=r"did not answer within 0.2 s; the outcome is unknown"):
        await calls.call("{1768}", "ring", queue=False)
    losses.chance = 0.0


async def test_a_cancelled_call_goes_on_and_can_be_asked_again(bench: Bench) -> None:
    await bench.queued()
    job = await bench.claim()
    moving = asyncio.create_task(bench.move(job, "queued/start", State.GENERATING))
    await asyncio.sleep(0)
    moving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await moving
    again = await bench.move(job, "queued/start", State.GENERATING)
    assert isinstance(again, Job)
    assert again.seq == 1
    assert len(await bench.store.history(job.id)) == 2


async def test_a_cancelled_claim_is_asked_again_by_its_id(bench: Bench) -> None:
    await bench.queued()
    claiming = asyncio.create_task(bench.claim("w1"))
    await asyncio.sleep(0)
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    job = await bench.claim("w1")
    assert job.epoch == 1


async def test_a_resend_after_somebody_else_went_on_is_still_recognised(bench: Bench) -> None:
    await bench.queued()
    mine = await bench.claim("w1")
    moved = await bench.moved(mine, "queued/start", State.GENERATING, keep=False)
    theirs = await bench.claim("w2")
    await bench.moved(theirs, "generating/rendered", State.SENDING)
    assert await bench.move(mine, "queued/start", State.GENERATING) == moved
    assert await bench.move(mine, "queued/cancel", State.REFUNDED) is Refusal.FENCED
