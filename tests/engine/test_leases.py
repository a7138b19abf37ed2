"""Leases as a worker sees them: beaten in time, doubted early, and lost only by those who held them."""

import asyncio

import pytest

from engine.errors import StoreUnavailable
from engine.leases import Leases
from engine.store import Store
from states.job import Job
from tests.engine.fakes import World, make_world

LEASE_MS = 15_000


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


def leases_of(world: World, lost: list[str]) -> Leases:
    return Leases(world.store, "w1", world.clock, world.telemetry, LEASE_MS, lost.append)


async def held(world: World, leases: Leases) -> Job:
    await world.launched()
    claim = await world.store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=True)
    assert claim.job is not None
    leases.hold(claim.job, claim.asked_ms)
    return claim.job


async def test_a_beaten_lease_lives_on(world: World) -> None:
    lost: list[str] = []
    leases = leases_of(world, lost)
    job = await held(world, leases)
    for _ in range(3):
        world.clock.advance(10)
        await leases.tick()
    assert leases.still_ours(job)
    assert await world.go(world.worker("w2")) == 0
    assert lost == []


async def test_an_unbeaten_lease_is_doubted_when_it_ends(world: World) -> None:
    leases = leases_of(world, [])
    job = await held(world, leases)
    world.clock.advance(14.999)
    assert leases.still_ours(job)
    world.clock.advance(0.001)
    assert not leases.still_ours(job)


async def test_a_lease_somebody_else_has_is_lost(world: World) -> None:
    lost: list[str] = []
    leases = leases_of(world, lost)
    job = await held(world, leases)
    world.clock.advance(16)
    assert await world.take(world.worker("w2")) is not None
    await leases.tick()
    assert lost == [job.id]
    assert not leases.still_ours(job)
    await leases.tick()
    assert len(world.seen.named("lease.lost")) == 1


@pytest.mark.parametrize("again", [False, True])
async def test_a_beat_that_comes_late_says_nothing_of_a_newer_claim(
    world: World, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """The job was parked, and perhaps claimed again, while the beat was on its way."""
    lost: list[str] = []
    leases = leases_of(world, lost)
    job = await held(world, leases)
    beat = world.store.beat
    fresh: list[Job] = []

    async def slow(*args: object, **named: object) -> list[str]:
        await world.store.park(job, world.clock.now_ms())
        leases.drop(job.id)
        if again:
            claim = await world.store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=True)
            assert claim.job is not None
            fresh.append(claim.job)
            leases.hold(claim.job, claim.asked_ms)
        return await beat(*args, **named)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(world.store, "beat", slow)
    await leases.tick()
    assert lost == []
    assert world.seen.named("lease.lost") == []
    assert all(leases.still_ours(job) for job in fresh)


async def test_a_store_that_is_away_costs_a_beat_not_a_job(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    leases = leases_of(world, lost)
    job = await held(world, leases)

    async def away(*_: object, **__: object) -> list[str]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(world.store, "beat", away)
    await leases.tick()
    assert (lost, leases.still_ours(job)) == ([], True)


async def test_it_beats_three_times_a_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    leases = leases_of(world, [])
    await held(world, leases)
    beat, beaten = world.store.beat, asyncio.Semaphore(0)

    async def heard(*args: object, **named: object) -> list[str]:
        answer = await beat(*args, **named)  # type: ignore[arg-type]  # passed through
        beaten.release()
        return answer

    monkeypatch.setattr(world.store, "beat", heard)
    running = asyncio.create_task(leases.run())
    for _ in range(6):
        for _ in range(3):
            await asyncio.sleep(0)  # it sets its next timer
        world.clock.advance(5)
        async with asyncio.timeout(5):
            await beaten.acquire()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await world.go(world.worker("w2")) == 0


async def test_nothing_held_nothing_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.store, "beat", None)
    await leases_of(world, []).tick()
