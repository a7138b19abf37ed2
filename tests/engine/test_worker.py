"""The worker's loop: claims, carries, stops gracefully, survives a lost store, never acts late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.clock import ManualClock
from engine.config import EngineConfig, LimitsConfig
from engine.errors import ScriptFailed, StoreUnavailable
from engine.ports import Accepted, Delivered, Delivery, Rendering
from engine.store import Store
from engine.values import Account, Claim
from engine.worker import IDLE_MS, Worker
from states.job import Job, TaskStatus
from states.vocabulary import Reason, State
from tests.engine.fakes import USER, Note, World, failed, make_world


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


@asynccontextmanager
async def at_work(worker: Worker) -> AsyncIterator["asyncio.Task[None]"]:
    """A worker that runs, and is stopped at the end."""
    running = asyncio.create_task(worker.run())
    try:
        yield running
    finally:
        await worker.stop(grace_s=0)
        await asyncio.gather(running, return_exceptions=True)


class Door:
    """Holds an adapter in the middle of its work."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, *_: object) -> Accepted:
        self.reached.set()
        await self.opened.wait()
        return Accepted("t1")

    async def arrive(self) -> None:
        async with asyncio.timeout(60):
            await self.reached.wait()


async def settled(worker: Worker) -> None:
    """What the worker carries has been carried."""
    async with asyncio.timeout(60):
        await asyncio.gather(*worker._tasks, return_exceptions=True)


# --- work -----------------------------------------------------------------------------------------


async def test_a_job_is_carried_from_the_line_to_its_end(world: World) -> None:
    job = await world.launched()
    async with at_work(world.worker()):
        await world.seen.until("job.moved", 2)
        world.clock.advance(30)
        await world.seen.until("job.moved", 4)
    assert (await world.job(job.id)).state is State.DONE


async def test_a_job_that_comes_while_it_idles_is_taken_at_once(world: World) -> None:
    async with at_work(world.worker()):
        await world.seen.until("worker.started")
        job = await world.launched()
        await world.seen.until("job.moved", 2)
    assert (await world.job(job.id)).tasks[0].status is TaskStatus.OPEN


async def test_it_looks_now_and_then_though_no_bell_rings(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    until: list[int] = []

    async def wait(_: int, until_ms: int) -> bool:
        until.append(until_ms)
        return False

    monkeypatch.setattr(world.store, "wait", wait)
    await world.worker().tick(0)
    assert until == [world.clock.now_ms() + IDLE_MS]


async def test_many_workers_carry_each_job_once(store: Store, clock: ManualClock) -> None:
    world = await make_world(store, EngineConfig(limits=LimitsConfig(creates=1000)))
    jobs = [await world.launched(f"tap-{n}", user=100 + n) for n in range(30)]
    workers = [world.worker(f"w{n}", slots=4) for n in range(8)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    await world.seen.until("job.moved", 60)
    clock.advance(30)
    await world.seen.until("job.moved", 120)
    for worker in workers:
        await worker.stop(grace_s=5)
    await asyncio.gather(*running)
    assert {(await world.job(job.id)).state for job in jobs} == {State.DONE}
    assert (world.maker.created, world.courier.sent) == (30, 30)
    assert await world.running() == 0


@pytest.mark.parametrize("slots", [1, 2])
async def test_slots_are_all_free_again(world: World, slots: int) -> None:
    """On every way out: carried, crashed, nothing to do."""
    world.maker.creates.append(failed(Reason.NETWORK))
    worker = world.worker(slots=slots)
    await world.launched("one")
    await worker.tick(0)
    await settled(worker)
    await world.launched("two")
    await worker.tick(0)
    await settled(worker)
    assert worker._free._value == slots


async def test_a_claim_that_raises_frees_its_slot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ScriptFailed("a bug")

    monkeypatch.setattr(world.store, "claim", broken)
    worker = world.worker(slots=1)
    for _ in range(3):
        with pytest.raises(ScriptFailed):
            await worker.tick(0)
    assert worker._free._value == 1


async def test_a_carry_that_crashes_frees_its_slot_and_ends_by_the_table(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await world.launched()
    worker = world.worker()

    async def bug(*_: object, **__: object) -> None:
        raise ValueError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(worker.gate.limits.__class__, "start_permit", bug)
        await worker.tick(0)
        await settled(worker)
    await asyncio.sleep(0)
    assert worker._free._value == 64
    assert not worker.leases.still_ours(await world.job(job.id))
    world.clock.advance(16)
    await world.go(world.worker("w2"))
    assert (await world.job(job.id)).counts == {"generating.system": 1}


async def test_a_full_worker_claims_nothing(world: World) -> None:
    door = Door()
    world.maker.creates.append(door)
    await world.launched("one")
    second = await world.launched("two")
    worker = world.worker(slots=1)
    async with at_work(worker):
        await door.arrive()
        assert (await world.job(second.id)).state is State.QUEUED
        door.opened.set()
        await world.seen.until("job.moved", 4)


# --- a stop ---------------------------------------------------------------------------------------


async def test_a_stop_in_the_middle_of_a_create_hands_the_job_back_and_buys_nothing_twice(
    world: World,
) -> None:
    door = Door()
    world.maker.creates.append(door)
    job = await world.launched()
    worker = world.worker()
    async with at_work(worker):
        await door.arrive()
    second = world.worker("w2")
    assert await world.go(second) >= 1  # at once, without waiting for the lease
    waiting = await world.job(job.id)
    assert (waiting.state, waiting.last_reason) == (State.RETRY_WAIT, Reason.CREATE_UNKNOWN)
    assert world.maker.created == 1
    assert (await world.engine.history(job.id))[-1]["in"]["rule"] == "engine.create_unanswered"
    world.clock.set(waiting.retry_at_ms)
    await world.go(second)
    assert world.maker.created == 2


async def test_a_stop_before_the_intent_leaves_no_doubt(world: World) -> None:
    door = Door()

    async def upload(_: object) -> None:
        await door()

    world.maker.before_intent.append(upload)
    job = await world.launched()
    async with at_work(world.worker()):
        await door.arrive()
    await world.go(world.worker("w2"))
    assert (await world.job(job.id)).tasks[0].status is TaskStatus.OPEN
    assert world.maker.created == 1


@pytest.mark.parametrize("verb", ["note", "commit", "start_permit", "park"])
async def test_a_stop_in_the_middle_of_a_store_call_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """The call is finished, nothing is done outside afterwards, the job goes back at once."""
    job = await world.launched()
    worker = world.worker()
    stopping: list[asyncio.Task[None]] = []
    where = worker.gate.limits.__class__ if verb == "start_permit" else world.store.__class__
    real = getattr(where, verb)
    calls: list[str] = []

    async def interrupted(*args: object, **named: object) -> object:
        if not stopping:
            calls.extend(world.maker.calls)
            stopping.append(asyncio.create_task(worker.stop(grace_s=0)))
            for _ in range(10):
                await asyncio.sleep(0)
        return await real(*args, **named)

    monkeypatch.setattr(where, verb, interrupted)
    if verb == "park":
        monkeypatch.setattr(worker.gate.__class__, "enter", _later)
    running = asyncio.create_task(worker.run())
    await world.seen.until("worker.stopped")
    await running
    monkeypatch.undo()
    assert world.maker.calls == calls
    assert world.maker.created == 0
    history = await world.engine.history(job.id)
    assert not [row for row in history if row.get("in", {}).get("reason") == Reason.WORKER_LOST]
    assert await world.go(world.worker("w2")) >= 1


async def _later(*_: object) -> int:
    return 0


async def test_a_stop_while_the_courier_writes_is_verified_by_the_next(world: World) -> None:
    job = await world.launched()
    await world.go(world.worker("w0"))
    world.clock.advance(30)
    worker = world.worker()
    stopping: list[asyncio.Task[None]] = []
    real = world.store.note

    async def sent(_: Delivery, note: Note) -> Delivered:
        async def interrupted(*args: object, **named: object) -> object:
            stopping.append(asyncio.create_task(worker.stop(grace_s=0)))
            for _ in range(5):
                await asyncio.sleep(0)
            world.store.note = real  # type: ignore[method-assign]  # the real one again
            return await real(*args, **named)  # type: ignore[arg-type]  # passed through

        world.store.note = interrupted  # type: ignore[method-assign, assignment]  # for one call
        await note({"file_id": "f-1"})
        raise AssertionError("a stopped courier went on")

    world.courier.script.append(sent)
    running = asyncio.create_task(worker.run())
    await world.seen.until("worker.stopped")
    await running
    await world.go(world.worker("w2"))
    assert [d.verify_first for d in world.courier.deliveries] == [False, True]
    assert (await world.job(job.id)).state is State.DONE


async def test_a_job_claimed_while_it_stops_goes_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await world.launched()
    worker = world.worker()
    stopping: list[asyncio.Task[None]] = []
    real = world.store.claim

    async def interrupted(*args: object, **named: object) -> Claim:
        stopping.append(asyncio.create_task(worker.stop(grace_s=0)))
        for _ in range(5):
            await asyncio.sleep(0)
        return await real(*args, **named)  # type: ignore[arg-type]  # passed through

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "claim", interrupted)
        running = asyncio.create_task(worker.run())
        await world.seen.until("worker.stopped")
        await running
    assert (await world.job(job.id)).epoch == 1
    assert worker._free._value == 64
    assert await world.go(world.worker("w2")) == 1


async def test_a_running_job_may_finish_within_the_grace(world: World) -> None:
    door = Door()
    world.maker.creates.append(door)
    job = await world.launched()
    worker = world.worker()
    running = asyncio.create_task(worker.run())
    await door.arrive()
    stopping = asyncio.create_task(worker.stop(grace_s=10))
    beats = world.store.beat
    beaten = asyncio.Event()

    async def beat(*args: object, **named: object) -> list[str]:
        answer = await beats(*args, **named)  # type: ignore[arg-type]  # passed through
        beaten.set()
        return answer

    world.store.beat = beat  # type: ignore[method-assign]  # to hear of it
    for _ in range(4):  # longer than a lease: it is beaten until the end
        await asyncio.sleep(0)
        beaten.clear()
        world.clock.advance(5)
        async with asyncio.timeout(60):
            await beaten.wait()
    door.opened.set()
    await stopping
    await running
    assert (await world.job(job.id)).tasks[0].task_id == "t1"


async def test_a_run_that_is_cancelled_hands_nothing_back(world: World) -> None:
    door = Door()
    world.maker.creates.append(door)
    job = await world.launched()
    worker = world.worker()
    running = asyncio.create_task(worker.run())
    await door.arrive()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await world.go(world.worker("w2")) == 0
    door.opened.set()
    await settled(worker)
    assert (await world.job(job.id)).tasks[0].task_id == "t1"


async def test_a_run_that_is_cancelled_ends_though_the_store_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door()

    async def away(*_: object, **__: object) -> Claim:
        await door()
        raise StoreUnavailable("away")

    monkeypatch.setattr(Store, "claim", away)
    running = asyncio.create_task(world.worker().run())
    await door.arrive()
    running.cancel()
    await asyncio.sleep(0)
    door.opened.set()
    ended, _ = await asyncio.wait({running}, timeout=60)
    assert ended, "the cancellation was lost with the call"


async def test_a_stop_while_the_store_is_away_gives_up_what_it_was_writing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await world.launched()
    worker = world.worker()
    stopping: list[asyncio.Task[None]] = []

    async def away(*_args: object, **_named: object) -> None:
        if not stopping:
            stopping.append(asyncio.create_task(worker.stop(grace_s=0)))
        for _ in range(10):
            await asyncio.sleep(0)
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "commit", away)
        await worker.tick(0)
        await settled(worker)
    await world.seen.until("worker.stopped")
    assert (await world.job(job.id)).state is State.QUEUED
    assert await world.go(world.worker("w2")) == 1


async def test_a_job_that_ended_as_it_was_stopped_is_not_handed_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await world.launched()
    world.maker.creates.append(failed(Reason.IMAGE_TOO_DARK))
    worker = world.worker()
    stopping: list[asyncio.Task[None]] = []
    real = world.store.commit

    async def interrupted(before: Job, after: Job, **named: Any) -> object:
        if after.state is State.REFUNDED:
            stopping.append(asyncio.create_task(worker.stop(grace_s=0)))
            for _ in range(10):
                await asyncio.sleep(0)
        return await real(before, after, **named)

    monkeypatch.setattr(world.store, "commit", interrupted)
    await worker.tick(0)
    await settled(worker)
    await world.seen.until("worker.stopped")
    assert (await world.job(job.id)).state is State.REFUNDED
    assert world.seen.named("job.returned") == []
    assert world.seen.named("job.refused") == []


# --- lost leases ----------------------------------------------------------------------------------


async def test_a_lost_lease_ends_the_work_on_it(world: World) -> None:
    door = Door()
    world.maker.creates.append(door)
    job = await world.launched()
    worker = world.worker()
    await worker.tick(0)
    await door.arrive()
    world.clock.advance(16)
    await world.go(world.worker("w2"))
    theirs = await world.job(job.id)
    await worker.leases.tick()
    await settled(worker)
    assert worker._running == {}
    assert await world.job(job.id) == theirs
    worker.abandon("nobody")


async def test_a_loop_that_was_stuck_acts_no_more(world: World) -> None:
    """The clock jumps past the lease while the upload works: no intent, no create, every write refused."""
    job = await world.launched()

    async def stuck(_: object) -> None:
        world.clock.advance(60)

    world.maker.before_intent.append(stuck)
    worker = world.worker()
    await worker.tick(0)
    await settled(worker)
    assert world.maker.created == 0
    assert (await world.job(job.id)).tasks == ()
    assert await world.go(world.worker("w2")) == 1
    assert world.maker.created == 1


async def test_a_loop_that_was_stuck_between_two_calls_makes_no_second_one(world: World) -> None:
    job = await world.launched()
    await world.go(world.worker("w0"))
    world.clock.advance(30)

    async def stuck(_: object) -> Rendering:
        world.clock.advance(60)
        await world.go(world.worker("w2"))
        return Rendering(10)

    world.maker.polls += [stuck, failed(Reason.RENDER_TIMEOUT, task_dead=True)]
    worker = world.worker()
    await worker.tick(0)
    await settled(worker)
    history = await world.engine.history(job.id)
    assert next(row["in"]["reason"] for row in history if row["event"] == "error") == Reason.WORKER_LOST
    assert world.seen.named("job.refused")[-1]["trigger"] == "park"


async def test_a_stuck_look_at_the_first_task_is_not_followed_by_a_second(world: World) -> None:
    job = await world.launched()
    await world.go(world.worker("w0"))
    world.maker.polls.append(failed(Reason.RENDER_TIMEOUT, task_dead=True))
    await world.later(30, world.worker("w0"))
    await world.later(12, world.worker("w0"))
    world.clock.advance(30)

    async def stuck(_: object) -> Rendering:
        world.clock.advance(20)
        return Rendering(10)

    world.maker.polls.append(stuck)
    worker = world.worker()
    await worker.tick(0)
    await settled(worker)
    assert world.maker.calls[-1] == "poll 1"
    assert len((await world.job(job.id)).tasks) == 2


async def test_a_stuck_permit_is_not_followed_by_a_create(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.launched()
    worker = world.worker()
    enter = worker.gate.__class__.enter

    async def stuck(*args: object) -> object:
        world.clock.advance(20)
        return await enter(*args)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(worker.gate.__class__, "enter", stuck)
    await worker.tick(0)
    await settled(worker)
    assert world.maker.calls == []


@pytest.mark.parametrize("when", ["before", "within"])
async def test_a_stuck_delivery_sends_nothing(world: World, when: str) -> None:
    job = await world.launched()
    await world.go(world.worker("w0"))
    world.clock.advance(30)
    patched = pytest.MonkeyPatch()

    def stick(verb: str) -> None:
        real = getattr(world.store, verb)

        async def stuck(*args: object, **named: object) -> object:
            answer = await real(*args, **named)
            world.clock.advance(20)
            return answer

        patched.setattr(world.store, verb, stuck)

    async def learn(_: Delivery, note: Note) -> Delivered:
        stick("note")
        await note({"file_id": "f-1"})
        raise AssertionError("a courier that lost its job went on")

    if when == "before":
        stick("commit")  # which begins the delivery, too
    else:
        world.courier.script.append(learn)
    worker = world.worker()
    await worker.tick(0)
    await settled(worker)
    patched.undo()
    assert (len(world.courier.deliveries), world.courier.sent) == (0 if when == "before" else 1, 0)
    await world.go(world.worker("w2"))
    assert world.courier.deliveries[-1].verify_first
    assert (await world.job(job.id)).state is State.DONE


async def test_an_own_lost_job_that_comes_back_ends_the_old_work(world: World) -> None:
    """After a cut the same worker may claim what it still works on: the old work must not go on beside it."""
    door = Door()
    world.maker.creates.append(door)
    job = await world.launched()
    worker = world.worker()
    await worker.tick(0)
    await door.arrive()
    (old,) = worker._tasks
    world.clock.advance(16)
    await worker.tick(0)
    await settled(worker)
    assert old.cancelled()
    assert (await world.job(job.id)).last_reason in (Reason.WORKER_LOST, Reason.CREATE_UNKNOWN)
    assert world.maker.created == 1


# --- a store that goes away -----------------------------------------------------------------------


async def test_the_loop_survives_a_store_that_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real, left = world.store.claim, 3

    async def away(*args: object, **named: object) -> Claim:
        nonlocal left
        left -= 1
        if left >= 0:
            raise StoreUnavailable("away")
        return await real(*args, **named)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(world.store, "claim", away)
    job = await world.launched()
    async with at_work(world.worker()):
        for count in (1, 2, 3):
            await world.seen.until("store.lost", count)
            world.clock.advance(1)
        await world.seen.until("job.moved", 2)
    assert (await world.job(job.id)).tasks[0].status is TaskStatus.OPEN


async def test_links_that_are_cut_while_it_idles_do_not_stop_it(world: World) -> None:
    async with at_work(world.worker()):
        await world.seen.until("worker.started")
        await world.store.connection.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        job = await world.launched()
        for _ in range(2):
            world.clock.advance(IDLE_MS / 1000)  # a bell may have been lost with its link
            await asyncio.sleep(0)
        await world.seen.until("job.moved", 2)
    assert (await world.job(job.id)).tasks[0].status is TaskStatus.OPEN


async def test_a_lease_that_ran_out_while_we_were_cut_off_blames_the_store(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [await world.launched(f"tap-{n}", user=20 + n) for n in range(2)]
    for job in jobs:
        taken = await world.take(dead := world.worker("dead"))
        assert taken is not None
        await dead.executor._step(taken[0])
        del job
    worker = world.worker()
    world.clock.advance(16)

    async def away(*_: object, **__: object) -> Claim:
        worker._stopping.set()
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "claim", away)
        loop = asyncio.create_task(worker._loop(0))
        await world.seen.until("store.lost")
        world.clock.advance(1)
        await loop
    await worker.tick(0)  # takes both at once
    await settled(worker)
    assert {(await world.engine.history(job.id))[2]["in"]["reason"] for job in jobs} == {Reason.STORAGE_LOST}


async def test_a_dead_workers_job_goes_on_by_the_table(world: World) -> None:
    job = await world.launched()
    dead = world.worker("dead")
    taken = await world.take(dead)
    assert taken is not None
    await dead.executor._step(taken[0])
    worker = world.worker()
    world.clock.advance(16)
    await worker.tick(0)
    await settled(worker)
    row = (await world.engine.history(job.id))[2]
    assert (row["in"]["reason"], row["to"]) == (Reason.WORKER_LOST, State.RETRY_WAIT)
    await world.go(worker)
    assert (await world.job(job.id)).tasks[0].status is TaskStatus.OPEN


async def test_a_poison_job_ends_and_gives_the_credits_back(world: World) -> None:
    job = await world.launched()
    for _ in range(12):
        taken = await world.take(world.worker("dead"))
        if taken is None:
            world.clock.advance(70)
            continue
        worker = world.worker("dead")
        if taken[1] is None:
            await worker.executor._step(taken[0])  # it dies after its first step
        else:
            await worker.executor.carry(taken[0], lost=taken[1])
        world.clock.advance(16)
    ended = await world.job(job.id)
    assert ended.state is State.REFUNDED
    assert await world.engine.account(USER) == Account(100, 0)


# --- bugs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["claim", "beat"])
async def test_a_crashed_loop_ends_the_run_with_its_error(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    await world.launched()
    door = Door()
    world.maker.creates.append(door)

    async def broken(*_: object, **__: object) -> None:
        raise ScriptFailed("a bug")

    monkeypatch.setattr(world.store, verb, broken)
    worker = world.worker()
    running = asyncio.create_task(worker.run())
    if verb == "beat":
        await door.arrive()
        world.clock.advance(5)
    with pytest.raises(ScriptFailed):
        await asyncio.wait_for(running, 10)
    await worker.stop(grace_s=0)
    assert worker._free._value == 64


async def test_beats_that_crash_during_the_stop_surface_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.launched()
    door = Door()
    world.maker.creates.append(door)
    worker = world.worker()
    running = asyncio.create_task(worker.run())
    await door.arrive()

    async def broken(*_: object, **__: object) -> None:
        raise ScriptFailed("a bug")

    monkeypatch.setattr(world.store, "beat", broken)
    stopping = asyncio.create_task(worker.stop(grace_s=10))
    await asyncio.sleep(0)
    world.clock.advance(5)
    with pytest.raises(ScriptFailed):
        await asyncio.wait_for(running, 10)
    door.opened.set()
    await stopping
