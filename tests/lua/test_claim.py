from dataclasses import replace
from typing import Any

from engine.clock import ManualClock
from engine.values import Claim
from states.vocabulary import State
from tests.factories import LEASE_MS, Bench


async def _claim(bench: Bench, worker: str = "w1", *, queued_ok: bool = True, last: bool = False) -> Claim:
    return await bench.store.claim(worker, partition=0, lease_ms=LEASE_MS, queued_ok=queued_ok, last=last)


async def test_nothing_to_do_tells_when_to_look_again(bench: Bench, clock: ManualClock) -> None:
    assert (await _claim(bench)).next_due_ms is None
    job = await bench.queued()
    idle = await _claim(bench, queued_ok=False)
    assert idle == Claim((), next_due_ms=job.deadline_ms, asked_ms=clock.now_ms())


async def test_the_same_claim_id_answers_the_same_job(bench: Bench) -> None:
    await bench.queued(idem="a")
    await bench.queued(idem="b")
    given: dict[str, Any] = {
        "worker": "w1",
        "claim_id": "c1",
        "now": bench.clock.now_ms(),
        "lease_ms": LEASE_MS,
    }
    given |= {"queued_ok": True, "limit": 1, "last": False, "mark_ms": 1000}
    first = await bench.store.dispatcher.call("{1768}", "claim", **given)
    before = await bench.dump()
    assert (await bench.store.dispatcher.call("{1768}", "claim", **given))[3] == first[3]
    assert await bench.dump() == before
    other = await bench.store.dispatcher.call("{1768}", "claim", **{**given, "claim_id": "c2"})
    assert other[3][0] != first[3][0]


async def test_users_take_turns(bench: Bench) -> None:
    await bench.fund(8)
    many = [await bench.queued(7, 1, f"a{n}") for n in range(4)]
    few = [await bench.queued(8, 1, f"b{n}") for n in range(2)]
    assert [await bench.store.place_in_line(job.id) for job in (*many, *few)] == [1, 3, 5, 6, 2, 4]
    order = [(await bench.claim()).id for _ in range(6)]
    assert order == [many[0].id, few[0].id, many[1].id, few[1].id, many[2].id, many[3].id]


async def test_coming_back_early_wins_nothing(bench: Bench) -> None:
    await bench.fund(8)
    patient = [await bench.queued(7, 1, f"a{n}") for n in range(3)]
    order = []
    for n in range(3):
        await bench.queued(8, 1, f"b{n}")
        order.append((await bench.claim()).user_id)
    assert order.count(8) <= 2
    assert patient[0].user_id in order


async def test_a_queued_job_left_by_its_worker_waits_for_a_slot(bench: Bench, clock: ManualClock) -> None:
    job = await bench.queued()
    await bench.claim("w1")
    clock.advance(LEASE_MS / 1000)
    assert (await _claim(bench, "w2", queued_ok=False)).job is None
    assert await bench.store.place_in_line(job.id) == 1
    claim = await _claim(bench, "w2")
    assert claim.job == replace(job, epoch=2)
    assert not claim.lost


async def test_a_queued_job_is_claimed_at_its_deadline_even_without_a_slot(
    bench: Bench, clock: ManualClock
) -> None:
    job = await bench.queued()
    clock.advance(3600)
    claim = await _claim(bench, queued_ok=False)
    assert claim.job == replace(job, epoch=1)
    assert await bench.store.place_in_line(job.id) == 0


async def test_due_jobs_come_before_the_line(bench: Bench, clock: ManualClock) -> None:
    await bench.queued(idem="a")
    job = await bench.moved(await bench.claim(), "queued/start", State.GENERATING)
    await bench.store.park(job, clock.now_ms() + 1000)
    await bench.queued(idem="b")
    clock.advance(1)
    claimed = await bench.claim()
    assert claimed.id == job.id


async def test_a_job_in_hand_is_nobody_elses(bench: Bench, clock: ManualClock) -> None:
    await bench.queued()
    await bench.claim("w1")
    clock.advance(LEASE_MS / 1000 - 0.001)
    assert (await _claim(bench, "w2")).job is None


async def test_what_is_left_rings_for_one_more_worker(bench: Bench) -> None:
    await bench.queued(idem="a")
    await bench.queued(idem="b")
    run = bench.store.connection.command
    await run("DEL", "{1768}:bell", "{1768}:bellq")
    await bench.claim()
    assert await run("EXISTS", "{1768}:bellq") == 1
    assert await run("EXISTS", "{1768}:bell") == 0
    await _claim(bench, last=True)
    assert await run("EXISTS", "{1768}:bellq") == 0
    assert await run("EXISTS", "{1768}:bell") == 1


async def test_a_worker_that_leaves_gives_back_what_it_never_heard_of(bench: Bench) -> None:
    await bench.queued()
    job = await bench.moved(await bench.claim("w0"), "queued/start", State.GENERATING)
    await bench.store.park(job, bench.clock.now_ms())
    await _claim(bench, "w1")
    await bench.store.leave("w1")
    assert (await bench.claim("w2")).id == job.id
    await bench.store.leave("w1")
    assert (await _claim(bench, "w3")).job is None


async def test_one_claim_takes_what_is_due_and_then_the_line_up_to_its_limit(
    bench: Bench, clock: ManualClock
) -> None:
    first = await bench.queued(idem="a")
    due = await bench.moved(await bench.claim("w0"), "queued/start", State.GENERATING)
    await bench.store.park(due, clock.now_ms())
    line = [await bench.queued(idem=f"b{n}", cost=1) for n in range(3)]
    claim = await bench.store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=True, limit=3)
    assert [taken.job.id for taken in claim.taken] == [first.id, line[0].id, line[1].id]
    assert [taken.job.epoch for taken in claim.taken] == [2, 1, 1]
    assert [taken.lost for taken in claim.taken] == [False] * 3
    rest = await bench.store.claim("w2", partition=0, lease_ms=LEASE_MS, queued_ok=True, limit=3)
    assert [taken.job.id for taken in rest.taken] == [line[2].id]


async def test_the_same_claim_id_answers_all_jobs_that_are_still_ours(bench: Bench) -> None:
    for n in range(3):
        await bench.queued(idem=f"a{n}", cost=1)
    given: dict[str, Any] = {"worker": "w1", "claim_id": "c1", "now": bench.clock.now_ms(), "limit": 3}
    given |= {"lease_ms": LEASE_MS, "queued_ok": True, "last": False, "mark_ms": 1000}
    first = await bench.store.dispatcher.call("{1768}", "claim", **given)
    before = await bench.dump()
    assert await bench.store.dispatcher.call("{1768}", "claim", **given) == first
    assert await bench.dump() == before
    job = await bench.store.read(first[5][0].decode())
    assert job is not None
    await bench.moved(job, "queued/cancel", State.REFUNDED)
    again = await bench.store.dispatcher.call("{1768}", "claim", **given)
    assert again[2:] == [*first[2:4], *first[6:]]


async def test_a_copy_of_a_claim_that_comes_late_takes_nobody_elses_job(bench: Bench) -> None:
    """Nobody hears its answer: a job it took would wait for the end of a lease."""
    await bench.queued(idem="a", cost=1)
    given: dict[str, Any] = {"worker": "w1", "claim_id": "c1", "now": bench.clock.now_ms(), "limit": 1}
    given |= {"lease_ms": LEASE_MS, "queued_ok": True, "last": False, "mark_ms": 1000}
    first = await bench.store.dispatcher.call("{1768}", "claim", **given)
    job = await bench.store.read(first[3][0].decode())
    assert job is not None
    await bench.moved(job, "queued/cancel", State.REFUNDED)
    other = await bench.queued(idem="b", cost=1)
    run = bench.store.connection.command
    await run("DEL", "{1768}:bell", "{1768}:bellq")
    assert (await bench.store.dispatcher.call("{1768}", "claim", **given))[0] == b"idle"
    assert await run("EXISTS", "{1768}:bell", "{1768}:bellq") == 2  # who does hear it looks again at once
    assert (await bench.claim("w2")).id == other.id


async def test_a_full_claim_wakes_one_more_worker_and_a_short_one_does_not(bench: Bench) -> None:
    await bench.queued(idem="a")
    run = bench.store.connection.command
    await run("DEL", "{1768}:bell", "{1768}:bellq")
    await bench.store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=True, limit=2, last=True)
    assert await run("EXISTS", "{1768}:bell", "{1768}:bellq") == 0


async def test_a_worker_that_leaves_gives_back_all_it_never_heard_of(bench: Bench) -> None:
    jobs = {(await bench.queued(idem=f"a{n}", cost=1)).id for n in range(3)}
    await bench.store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=True, limit=3)
    await bench.store.leave("w1")
    claim = await bench.store.claim("w2", partition=0, lease_ms=LEASE_MS, queued_ok=True, limit=3)
    assert {taken.job.id for taken in claim.taken} == jobs
