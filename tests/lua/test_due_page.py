from dataclasses import replace

from engine.values import DueJob
from states.vocabulary import State
from tests.factories import LEASE_MS, Bench


async def _all(bench: Bench, limit: int) -> list[DueJob]:
    found: list[DueJob] = []
    while page := await bench.store.due_page(0, found[-1] if found else None, limit):
        found += page
    return found


async def test_pages_of_any_size_make_the_same_list(bench: Bench) -> None:
    await bench.fund(7, 1000)
    jobs = [await bench.queued(idem=f"tap-{n}", cost=1) for n in range(25)]  # all due at one moment
    whole = await _all(bench, 100)
    assert sorted(row.id for row in whole) == sorted(job.id for job in jobs)
    for limit in (1, 4, 25):
        assert await _all(bench, limit) == whole


async def test_a_line_says_who_works_until_when(bench: Bench) -> None:
    job = await bench.queued()
    assert await bench.store.due_page(0) == [
        DueJob(job.id, job.deadline_ms, "queued", 7, "", job.deadline_ms, "", "")
    ]
    await bench.moved(await bench.claim("w9"), "queued/start", State.GENERATING)
    lease_end = bench.clock.now_ms() + LEASE_MS
    assert await bench.store.due_page(0) == [
        DueJob(job.id, lease_end, "generating", 7, "w9", job.deadline_ms, "", "")
    ]


async def test_a_line_says_why_the_last_step_failed(bench: Bench) -> None:
    await bench.queued()
    job = await bench.moved(await bench.claim(), "queued/start", State.GENERATING)
    failed = replace(job, last_reason="rate_limited")
    await bench.moved(failed, "generating/error", State.RETRY_WAIT, keep=False)
    (row,) = await bench.store.due_page(0)
    assert (row.state, row.reason) == ("retry_wait", "rate_limited")


async def test_when_the_last_line_moved_none_is_left_out(bench: Bench) -> None:
    await bench.fund(7, 1000)
    for n in range(6):
        await bench.queued(idem=f"tap-{n}", cost=1)
    whole = await _all(bench, 100)
    first = await bench.store.due_page(0, None, 3)
    await bench.store.connection.command("ZADD", f"{bench.store.prefix(0)}:t", 1, first[-1].id)
    rest = await bench.store.due_page(0, first[-1], 100)
    assert {row.id for row in whole} == {row.id for row in (*first, *rest)}
