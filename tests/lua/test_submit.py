import asyncio
from dataclasses import replace

import pytest

from engine.errors import ScriptFailed
from engine.values import Account, Submission, Submitted
from states.job import Video
from states.vocabulary import Hold
from tests.factories import Bench, make_job, make_new


async def test_it_holds_the_credits_and_takes_its_place(bench: Bench) -> None:
    submitted = await bench.submit(cost=30)
    assert submitted.result is Submission.CREATED
    assert submitted.balance == 70
    assert submitted.job is not None
    assert submitted.job.hold is Hold.HELD
    assert await bench.store.read(submitted.job.id) == submitted.job
    assert await bench.store.account(7) == Account(70, 30)
    assert await bench.store.jobs_of(7) == [submitted.job]
    assert await bench.store.live_jobs() == [submitted.job]
    assert [(e.kind, e.delta, e.balance) for e in await bench.store.statement(7)] == [("hold", -30, 70)]


async def test_a_free_job_holds_nothing(bench: Bench) -> None:
    submitted = await bench.submit(user_id=8, cost=0)
    assert submitted.job is not None
    assert submitted.job.hold is Hold.NONE
    assert await bench.store.statement(8) == []


async def test_many_taps_at_once_make_one_job(bench: Bench) -> None:
    answers = await asyncio.gather(*(bench.submit() for _ in range(20)))
    assert sum(a.result is Submission.CREATED for a in answers) == 1
    assert len({a.job.id for a in answers if a.job}) == 1
    assert await bench.store.account(7) == Account(90, 10)


async def test_refusals_change_nothing(bench: Bench) -> None:
    await bench.submit(idem="one")
    before = await bench.dump()
    assert await bench.submit(cost=91, idem="dear") == Submitted(Submission.INSUFFICIENT, 90)
    assert await bench.submit(idem="second", max_live=1) == Submitted(Submission.BUSY, 90)
    assert (await bench.submit(idem="one")).result is Submission.EXISTS
    assert await bench.dump() == before


async def test_a_pause_stops_launches_but_not_redelivery(bench: Bench) -> None:
    await bench.store.connection.command("HSET", "{1768}:ctl", "paused", "no provider credits")
    before = await bench.dump()
    assert (await bench.submit()).result is Submission.PAUSED
    assert await bench.dump() == before
    new = replace(make_new(cost=0), source_job="0-old", video=Video("https://v.example/1.mp4", 1))
    again = await bench.store.submit(new, make_job(bench.store, new), {"seq": 0}, max_live=0)
    assert again.result is Submission.CREATED


async def test_an_unknown_graph_is_a_bug_not_a_stuck_job(bench: Bench) -> None:
    new = make_new()
    before = await bench.dump()
    with pytest.raises(ScriptFailed, match="not registered"):
        await bench.store.submit(new, make_job(bench.store, new, graph="other"), {"seq": 0}, max_live=3)
    assert await bench.dump() == before
