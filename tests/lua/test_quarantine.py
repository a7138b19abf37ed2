"""Jobs that contradict themselves are set aside: no worker gets them until a person has looked."""

from collections.abc import Awaitable, Callable

import pytest

from engine.clock import ManualClock
from engine.codec import decode_outbox
from engine.errors import Refusal
from engine.ports import Alert
from engine.queues import OUTBOX, OrderedQueue
from states.job import Hint, Job
from states.vocabulary import State
from tests.factories import LEASE_MS, Bench

Damage = Callable[[Bench, Job], Awaitable[None]]


async def _idle(bench: Bench) -> bool:
    return (await bench.store.claim("w9", partition=0, lease_ms=LEASE_MS, queued_ok=True)).job is None


async def test_a_queued_job_set_aside_is_in_no_line_and_comes_back_first(bench: Bench) -> None:
    first, second = await bench.queued(idem="a"), await bench.queued(idem="b")
    assert await bench.store.quarantine(first.id, "looked odd") is None
    assert await bench.store.place_in_line(first.id) == 0
    assert [(q.job_id, q.why) for q in await bench.store.quarantined()] == [(first.id, "looked odd")]
    assert (await bench.claim()).id == second.id
    assert await bench.store.unquarantine(first.id) is None
    assert await bench.store.quarantined() == []
    assert (await bench.claim()).id == first.id


async def test_its_worker_is_fenced_and_its_money_stays_held(bench: Bench, clock: ManualClock) -> None:
    job = await bench.sending()
    assert await bench.store.quarantine(job.id, "x") is None
    assert await bench.move(job, "sending/delivered", State.DONE) is Refusal.FENCED
    assert await bench.store.beat("w1", [(job.id, job.epoch)], lease_ms=LEASE_MS) == [job.id]
    assert await bench.store.hint(job.id, Hint("returned")) is None
    clock.advance(1000)
    assert await _idle(bench)
    assert (await bench.store.account(7)).held == 10
    assert await bench.store.unquarantine(job.id) is None
    again = await bench.claim()
    assert (again.id, again.state) == (job.id, State.SENDING)
    await bench.moved(again, "sending/delivered", State.DONE)
    assert await bench.books() == 0


async def test_a_worker_may_set_aside_only_what_it_holds(bench: Bench) -> None:
    job = await bench.sending()
    before = await bench.dump()
    assert await bench.store.quarantine(job.id, "x", epoch=job.epoch - 1) is Refusal.FENCED
    assert await bench.dump() == before
    assert await bench.store.quarantine(job.id, "x", epoch=job.epoch) is None


async def test_even_the_front_door_cannot_move_it(bench: Bench) -> None:
    job = await bench.queued()
    await bench.store.quarantine(job.id, "x")
    seen = await bench.store.read(job.id)
    assert seen is not None
    assert await bench.move(seen, "queued/cancel", State.REFUNDED, unclaim=True) is Refusal.ILLEGAL


async def test_setting_aside_repeats_harmlessly_and_knows_its_limits(bench: Bench) -> None:
    job = await bench.queued()
    await bench.store.quarantine(job.id, "first")
    before = await bench.dump()
    assert await bench.store.quarantine(job.id, "second") is None
    assert await bench.dump() == before
    await bench.store.unquarantine(job.id)
    before = await bench.dump()
    assert await bench.store.unquarantine(job.id) is None
    assert await bench.dump() == before
    await bench.moved(await bench.claim(), "queued/cancel", State.REFUNDED)
    assert await bench.store.quarantine(job.id, "x") is Refusal.STALE
    assert await bench.store.quarantine("0-nobody", "x") is Refusal.GONE
    assert await bench.store.unquarantine("0-nobody") is Refusal.GONE
    assert await bench.store.quarantine("no id", "x") is Refusal.GONE


async def _cut_history(bench: Bench, job: Job) -> None:
    await bench.store.connection.command("RPOP", f"{{1768}}:h:{job.id}")


async def _free_money(bench: Bench, job: Job) -> None:
    await bench.store.connection.command("HSET", f"{{1768}}:j:{job.id}", "hold", "released")


async def _drop_document(bench: Bench, job: Job) -> None:
    await bench.store.connection.command("DEL", f"{{1768}}:d:{job.id}")


async def _lose_guard(bench: Bench, job: Job) -> None:
    await bench.store.connection.command("HDEL", f"{{1768}}:j:{job.id}", "uid")


@pytest.mark.parametrize("due", [False, True])
@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_cut_history, "history"),
        (_free_money, "money"),
        (_drop_document, "document"),
        (_lose_guard, "guards"),
    ],
)
async def test_a_claim_sets_a_damaged_job_aside_and_tells_the_operator(
    bench: Bench, clock: ManualClock, damage: Damage, why: str, due: bool
) -> None:
    if due:
        job = await bench.sending()
        clock.advance(60)
    else:
        job = await bench.queued()
    sound = await bench.queued(idem="sound")
    await damage(bench, job)
    assert (await bench.claim("w2")).id == sound.id
    assert await _idle(bench)
    assert [(q.job_id, q.why) for q in await bench.store.quarantined()] == [(job.id, why)]
    store = bench.store
    queue = OrderedQueue(OUTBOX, store.dispatcher, store.connection, clock, store.randomness, partitions=1)
    alerts = [decode_outbox(entry.body) for entry in await queue.take()]
    assert [(a.fingerprint, a.job_id) for a in alerts if isinstance(a, Alert)] == [
        (f"quarantine:{why}", job.id)
    ]


async def test_an_ended_or_vanished_job_never_reaches_a_worker(bench: Bench, clock: ManualClock) -> None:
    run = bench.store.connection.command
    await bench.queued()
    done = await bench.moved(await bench.claim(), "queued/cancel", State.REFUNDED)
    await run("ZADD", "{1768}:t", clock.now_ms() - 1, done.id, clock.now_ms() - 2, "0-vanished")
    await run("RPUSH", "{1768}:q:7", done.id, "0-vanished")
    await run("ZADD", "{1768}:rdy", 0, "7")
    assert await _idle(bench)
    assert await run("EXISTS", "{1768}:j:0-vanished", "{1768}:t", "{1768}:rdy") == 0
