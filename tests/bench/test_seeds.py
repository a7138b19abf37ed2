"""Copied lives are real ones: the check finds nothing wrong with a store full of them."""

import asyncio

import pytest

from bot.wiring.bench.servers import fresh_server
from engine.bench.cost import bench, compare
from engine.bench.crew import config_of
from engine.bench.seeds import JUDGE, Seed, fill, record_life
from engine.bench.size import (
    Crowd,
    Step,
    bytes_per_job,
    check_speed,
    crowded,
    open_store,
    size_curve,
    small_store,
    worker_rss,
)
from engine.front import Engine
from states.vocabulary import State

LIVES = {
    "queued": State.QUEUED,
    "rendering": State.GENERATING,
    "waiting": State.RETRY_WAIT,
    "done": State.DONE,
}


def seed_of(state: State) -> Seed:
    with fresh_server("no") as url:
        return asyncio.run(record_life(url, state))


@pytest.mark.parametrize("state", LIVES.values())
def test_a_store_of_copies_is_sound(server: str, state: State) -> None:
    seed = seed_of(state)

    async def filled() -> None:
        await open_store(server)
        await fill(server, seed, range(30), users=7, funded=False)
        await fill(server, seed, range(30, 40), users=7, funded=True)
        engine = await Engine.connect(server, config_of(), judge=JUDGE)
        counts = await engine.store.counts()
        assert counts[f"st:{state}"] == 40
        await engine.close()

    asyncio.run(filled())
    jobs, _, findings = asyncio.run(check_speed(server))
    assert (jobs, findings) == (40, 0)


def test_a_job_costs_memory(server: str) -> None:
    seed = seed_of(State.QUEUED)
    assert asyncio.run(bytes_per_job(server, seed, 50, 5)) > 300


def test_a_line_is_as_long_after_a_measurement_as_before(server: str, other_server: str) -> None:
    seed = seed_of(State.QUEUED)

    async def measured() -> None:
        async with small_store(other_server, seed, 2, 10) as small:
            await open_store(server)
            await fill(server, seed, range(40), users=2, funded=False)
            async with bench(server, seed, 2, 40) as here:
                cost = await compare(here, small, 40)
                assert len(here.samples) == len(small.samples) == 4
                assert min(cost.here.claim_us, cost.here.commit_us, cost.claim_ratio, cost.commit_ratio) > 0
                for one, queued in ((here, 40), (small, 10)):
                    counts = await one.made.engine.store.counts()
                    assert (counts["st:queued"], counts["st:generating"]) == (queued, 40)

    asyncio.run(measured())


def test_what_was_measured_is_not_due_again_when_its_lease_has_run_out(server: str) -> None:
    seed = seed_of(State.QUEUED)

    async def soonest_s() -> float:
        await open_store(server)
        await fill(server, seed, range(6), users=2, funded=False)
        async with bench(server, seed, 2, 6) as here:
            await here.sample(6)
            store = here.made.engine.store
            claim = await store.claim("next", partition=0, lease_ms=1_000, queued_ok=False)
            assert claim.job is None
            assert claim.next_due_ms is not None
            return (claim.next_due_ms - store.clock.now_ms()) / 1000

    assert asyncio.run(soonest_s()) > 60


def test_an_empty_line_is_no_measurement(server: str) -> None:
    seed = seed_of(State.QUEUED)

    async def measured() -> None:
        await open_store(server)
        async with bench(server, seed, 2, 6) as here:
            with pytest.raises(RuntimeError, match="line is empty"):
                await here.sample(1)

    asyncio.run(measured())


def test_the_curve_grows_step_by_step(server: str, other_server: str) -> None:
    seed = seed_of(State.QUEUED)

    async def curve() -> list[Step]:
        async with small_store(other_server, seed, 4, 20) as small:
            return [step async for step in size_curve(server, small, [20, 1_000], 4, 5)]

    steps = asyncio.run(curve())
    assert [step.queued for step in steps] == [20, 1_000]
    assert steps[0].memory < steps[1].memory


def test_a_crowd_stands_beside_the_line(server: str, other_server: str) -> None:
    seeds = {name: seed_of(state) for name, state in LIVES.items() if name != "done"}

    async def measured() -> Step:
        async with small_store(other_server, seeds["queued"], 4, 20) as small:
            return await crowded(server, small, seeds, Crowd(5, 6), 20, 5)

    step = asyncio.run(measured())
    assert (step.queued, step.rendering, step.waiting) == (20, 5, 6)


def test_lives_that_would_claim_others_jobs_are_refused(server: str) -> None:
    line, rendering = seed_of(State.QUEUED), seed_of(State.GENERATING)

    async def filled() -> None:
        await open_store(server)
        await fill(server, line, range(3), users=1, funded=False)
        with pytest.raises(RuntimeError, match="of 2 jobs came to be generating"):
            await fill(server, rendering, range(3, 5), users=1, funded=True)

    asyncio.run(filled())


def test_a_worker_is_weighed_in_a_process_of_its_own(server: str) -> None:
    asyncio.run(open_store(server))
    assert asyncio.run(worker_rss(server, 3)) > 10_000_000
