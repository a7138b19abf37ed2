import asyncio
from dataclasses import replace

import pytest

from engine.clock import ManualClock
from engine.errors import Refusal, ScriptFailed
from engine.ports import Alert, Notice
from engine.values import Account
from states.job import Hint, Job
from states.vocabulary import Hold, NoticeKind, State
from tests.factories import LEASE_MS, Bench


async def _generating(bench: Bench, cost: int = 10) -> Job:
    await bench.queued(cost=cost)
    return await bench.moved(await bench.claim(), "queued/start", State.GENERATING)


async def test_a_repeated_commit_is_answered_from_its_record(bench: Bench) -> None:
    job = await bench.sending()
    first = await bench.moved(job, "sending/delivered", State.DONE)
    before = await bench.dump()
    assert await bench.move(job, "sending/delivered", State.DONE) == first
    after = await bench.dump()
    asides = [key for key in after if ":ha:" in key]
    assert len(asides) == 1
    assert {key: value for key, value in after.items() if key not in asides} == before
    assert await bench.store.account(7) == Account(90, 0)


async def test_an_old_commit_is_recognised_after_others_came_after_it(bench: Bench) -> None:
    job = await _generating(bench)
    rendered = await bench.moved(job, "generating/rendered", State.SENDING)
    await bench.moved(rendered, "sending/delivered", State.DONE)
    assert await bench.move(job, "generating/rendered", State.SENDING) == rendered


@pytest.mark.parametrize("field", ["bal", "held", "live"])
async def test_an_end_over_a_damaged_account_changes_nothing(bench: Bench, field: str) -> None:
    job = await bench.sending()
    link, account = bench.store.connection, f"{bench.store.prefix(0)}:a:7"
    was = await link.command("HGET", account, field)
    await link.command("HSET", account, field, "many")
    before = await bench.dump()
    with pytest.raises(ScriptFailed, match=f"the account of 7 is damaged: {field}"):
        await bench.move(job, "sending/delivered", State.DONE)
    assert await bench.dump() == before
    await link.command("HSET", account, field, was)
    await bench.moved(job, "sending/delivered", State.DONE)


@pytest.mark.parametrize(
    ("change", "edge", "target", "refusal"),
    [
        ({"epoch": 0}, "generating/rendered", State.SENDING, Refusal.FENCED),
        ({"epoch": 9}, "generating/rendered", State.SENDING, Refusal.FENCED),
        ({"seq": 0}, "generating/rendered", State.SENDING, Refusal.STALE),
        ({"seq": 5}, "generating/rendered", State.SENDING, Refusal.STALE),
        ({"id": "0-nobody"}, "generating/rendered", State.SENDING, Refusal.GONE),
        ({"id": "f-elsewhere"}, "generating/rendered", State.SENDING, Refusal.GONE),
        ({"id": "not a job id"}, "generating/rendered", State.SENDING, Refusal.GONE),
        ({}, "generating/teleport", State.SENDING, Refusal.ILLEGAL),
        ({}, "generating/rendered", State.DONE, Refusal.ILLEGAL),
        ({}, "sending/delivered", State.DONE, Refusal.ILLEGAL),
        ({}, "generating/fail", State.FAILED, Refusal.ILLEGAL),
        ({"hold": Hold.RELEASED}, "generating/refund", State.REFUNDED, Refusal.ILLEGAL),
        ({"hold": Hold.NONE}, "generating/refund", State.REFUNDED, Refusal.ILLEGAL),
    ],
)
async def test_a_refused_commit_changes_nothing(
    bench: Bench, change: dict[str, object], edge: str, target: State, refusal: Refusal
) -> None:
    job = await _generating(bench)
    before = await bench.dump()
    assert await bench.move(replace(job, **change), edge, target) is refusal  # type: ignore[arg-type]
    assert await bench.dump() == before


async def test_money_that_moves_without_an_end_is_illegal(bench: Bench) -> None:
    job = await _generating(bench)
    before = await bench.dump()
    captured = replace(job, state=State.SENDING, hold=Hold.CAPTURED)
    answer = await bench.store.commit(
        job, captured, edge_id="generating/rendered", op="x", record={}, due_ms=None
    )
    assert answer is Refusal.ILLEGAL
    assert await bench.dump() == before


async def test_a_parked_job_is_not_its_old_workers(bench: Bench) -> None:
    job = await _generating(bench)
    await bench.store.park(job, bench.clock.now_ms() + 1000)
    before = await bench.dump()
    assert await bench.move(job, "generating/rendered", State.SENDING) is Refusal.FENCED
    assert await bench.store.note(replace(job, send_attempts=1)) is Refusal.FENCED
    assert await bench.dump() == before


async def test_ends_settle_the_credits(bench: Bench) -> None:
    refunded = await bench.moved(await _generating(bench), "generating/refund", State.REFUNDED)
    assert refunded.hold is Hold.RELEASED
    assert await bench.store.account(7) == Account(100, 0)
    assert [(e.id, e.kind, e.delta) for e in await bench.store.statement(7)] == [
        (f"{refunded.id}:2", "release", 10),
        (f"{refunded.id}:0", "hold", -10),
    ]
    assert await bench.books() == 0


async def test_a_free_job_fails_without_money(bench: Bench) -> None:
    job = await _generating(bench, cost=0)
    failed = await bench.moved(job, "generating/fail", State.FAILED)
    assert failed.hold is Hold.NONE
    assert await bench.store.statement(7) == []


async def test_an_ended_job_leaves_every_index_and_expires(bench: Bench) -> None:
    await bench.moved(await bench.sending(), "sending/delivered", State.DONE)
    run = bench.store.connection.command
    assert await run("EXISTS", "{1768}:t", "{1768}:rdy", "{1768}:q:7") == 0
    for key in await run("KEYS", "*:[jdph]:*"):
        assert await run("PTTL", key) > 0


async def test_the_lease_is_kept_or_given_up_until_the_due_time(bench: Bench, clock: ManualClock) -> None:
    job = await _generating(bench)
    kept = await bench.moved(job, "generating/accepted", State.GENERATING)
    lease_end = await bench.store.connection.command("ZSCORE", "{1768}:t", job.id)
    assert float(lease_end) == clock.now_ms() + LEASE_MS
    due = clock.now_ms() + 700
    await bench.moved(kept, "generating/error", State.RETRY_WAIT, keep=False, due_ms=due)
    claim = await bench.store.claim("w2", partition=0, lease_ms=LEASE_MS, queued_ok=True)
    assert (claim.job, claim.next_due_ms) == (None, due)
    clock.advance(0.7)
    claim = await bench.store.claim("w2", partition=0, lease_ms=LEASE_MS, queued_ok=True)
    assert claim.job is not None
    assert not claim.lost


async def test_hints_seen_are_used_up_and_new_ones_make_it_due(bench: Bench, clock: ManualClock) -> None:
    job = await _generating(bench)
    old, new = Hint("callback", 1, "t1"), Hint("returned")
    await bench.store.park(job, clock.now_ms() + 60_000)
    await bench.store.hint(job.id, old)
    job = await bench.claim()
    assert job.hints == (old,)
    assert await bench.store.hint(job.id, new) is None
    await bench.moved(job, "generating/error", State.RETRY_WAIT, keep=False, due_ms=clock.now_ms() + 60_000)
    assert (await bench.claim()).hints == (new,)


async def test_notices_and_alerts_are_written_once(bench: Bench) -> None:
    job = await _generating(bench)
    notice = Notice(f"{job.id}:2:0", NoticeKind.STATUS, job.id, 7, 7, "ru", 5, {"stage": "sending"})
    alert = Alert("gave_up:x", "gave_up", "text", job.id)
    for _ in range(2):
        await bench.moved(job, "generating/rendered", State.SENDING, notices=[notice], alerts=[alert])
    lanes = await bench.store.connection.command("ZRANGE", "{1768}:ob:lanes", 0, -1)
    assert sorted(lanes) == [b"7", b"@admin"]
    assert await bench.store.connection.command("HGET", "{1768}:ob:q", "n") == b"2"


async def test_two_workers_cannot_both_win(bench: Bench) -> None:
    job = await _generating(bench)
    answers = await asyncio.gather(
        bench.move(job, "generating/rendered", State.SENDING),
        bench.move(job, "generating/refund", State.REFUNDED),
    )
    assert sum(isinstance(answer, Job) for answer in answers) == 1
    assert [a for a in answers if isinstance(a, Refusal)] == [Refusal.STALE]


async def test_a_clock_that_steps_back_breaks_nothing(bench: Bench, clock: ManualClock) -> None:
    job = await _generating(bench)
    clock.advance(-3600)
    job = await bench.moved(job, "generating/rendered", State.SENDING)
    await bench.moved(job, "sending/delivered", State.DONE)
    ids = [entry[0] for entry in await bench.store.connection.command("XRANGE", "{1768}:ev", "-", "+")]
    assert len(ids) == 4
