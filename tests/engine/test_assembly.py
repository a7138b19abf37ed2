"""The parts put together: each hears of what the others do."""

import asyncio

import pytest

from engine.assembly import _Lost
from engine.late import LATE
from engine.queues import OUTBOX
from engine.store import Store
from states.vocabulary import NoticeKind, Reason, State
from tests.engine.fakes import World, failed, make_world


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def test_worker_relay_and_late_watch_work_together(world: World) -> None:
    """A job is given up, its user is told, and the video that comes after all is offered."""
    job = await world.launched()
    worker, relay, late = world.worker(), world.relay(), world.late()
    assert (relay.outbox.name, late.queue.name) == (OUTBOX, LATE)
    running = [asyncio.create_task(part.run()) for part in (worker, relay)]
    await world.seen.until("job.moved", 2)
    await world.seen.until("notice.told", 1)
    world.maker.polls += [failed(Reason.PROVIDER_ERROR)] * 5
    for count in range(5):
        world.clock.set((await world.job(job.id)).retry_at_ms or world.clock.now_ms() + 30_000)
        await world.seen.until("job.moved", 3 + 2 * count)
    assert (await world.job(job.id)).state is State.REFUNDED
    await world.seen.until("notice.told", 3)
    await worker.stop(grace_s=5)
    async with asyncio.timeout(5):
        while (await late.queue.depth()).entries == 0:
            pass
    await late.tick()
    await world.seen.until("notice.told", 4)
    for part in running:
        part.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await relay.outbox.close()
    assert [each.kind for each in world.notifier.told] == [
        NoticeKind.STATUS,
        NoticeKind.SYSTEM_ERROR,
        NoticeKind.BELL,
        NoticeKind.LATE_VIDEO,
    ]


async def test_a_lease_that_is_lost_reaches_its_worker(world: World) -> None:
    job = await world.launched()
    worker, creating = world.worker(), asyncio.Event()

    async def endless(_: object) -> None:
        creating.set()
        await asyncio.Event().wait()

    world.maker.creates.append(endless)
    await worker.tick(0)
    async with asyncio.timeout(5):
        await creating.wait()
        world.clock.advance(16)
        await world.go(world.worker("w2"))
        await worker.leases.tick()
        await asyncio.gather(*worker._tasks, return_exceptions=True)
    assert worker._running == {}
    assert [event["job"] for event in world.seen.named("lease.lost")] == [job.id]


def test_a_lease_lost_before_there_is_a_worker_is_nobodys() -> None:
    _Lost()("0-j")
