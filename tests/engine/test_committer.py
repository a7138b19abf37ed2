"""Commits through a store that goes away, stops in the middle of one, and moves that cannot be."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TypeVar

import pytest

from engine.clock import ManualClock
from engine.committer import Committer
from engine.dispatch import Dispatcher
from engine.errors import Refusal
from engine.outbound import LATE_WATCH
from engine.ports import Accepted, Alert
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.unbroken import asked_to_stop
from engine.values import Account
from engine.worker import Worker
from states.facts import Happening
from states.job import Hint, Job, ProviderTask, TaskStatus
from states.machine import IllegalTriggerError, Judge
from states.vocabulary import AlertKind, NoticeKind, Reason, State, Trigger
from tests.engine.fakes import USER, World, failed, make_world
from tests.proxy import lossy_proxy

T = TypeVar("T")


class Link:
    """Whether the store's answers get through."""

    away = False

    def __call__(self) -> bool:
        return self.away


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
async def shaky(
    redis_url: str, clock: ManualClock, randomness: SeededRandomness, link: Link
) -> AsyncIterator[World]:
    """A world whose store gives up quickly when no answer comes."""
    async with lossy_proxy(redis_url, link) as proxy:
        store = await Store.connect(proxy.url, clock=clock, randomness=randomness, partitions=1)
        store.dispatcher = Dispatcher(store.connection, deadline_s=0.2)
        await store.dispatcher.load()
        yield await make_world(store)
        link.away = False
        await store.close()


async def held(world: World, worker: Worker) -> Job:
    """A job claimed by the worker, still in line."""
    await world.launched()
    taken = await world.take(worker)
    assert taken is not None
    return taken[0]


def committer(worker: Worker) -> Committer:
    return worker.executor.committer


async def generating(world: World, worker: Worker) -> Job:
    started = await committer(worker).fire(await held(world, worker), Trigger.START, Happening())
    assert started is not None
    return started


async def outlasts(world: World, asking: "asyncio.Task[T]") -> T:
    """Its answer, with time passing until it comes: on a busy machine a call may give up once more."""
    async with asyncio.timeout(60):
        while not asking.done():
            world.clock.advance(1)
            await asyncio.wait({asking}, timeout=0.05)
    return asking.result()


# --- a store that goes away -----------------------------------------------------------------------


async def test_a_commit_insists_and_is_applied_once(shaky: World, link: Link) -> None:
    worker = shaky.worker()
    job = await generating(shaky, worker)
    link.away = True
    verdict = failed(Reason.IMAGE_TOO_DARK).verdict
    ending = asyncio.create_task(committer(worker).fire(job, Trigger.ERROR, Happening(verdict=verdict)))
    await shaky.seen.until("store.lost", 1)
    shaky.clock.advance(1)
    await shaky.seen.until("store.lost", 2)
    link.away = False
    ended = await outlasts(shaky, ending)
    assert ended is not None
    assert ended.state is State.REFUNDED
    assert await shaky.engine.account(USER) == Account(100, 0)
    assert [row["seq"] for row in await shaky.engine.history(job.id)] == [0, 1, 2]
    kinds = [each.kind for each in await shaky.outbox()]
    assert kinds.count(NoticeKind.USER_ERROR) == 1


@pytest.mark.parametrize("what", ["park", "note", "hand_back"])
async def test_checkpoints_insist_too(shaky: World, link: Link, what: str) -> None:
    worker = shaky.worker()
    job = await generating(shaky, worker)
    link.away = True

    async def ask() -> None:
        match what:
            case "park":
                await committer(worker).park(job, shaky.clock.now_ms() + 60_000)
            case "note":
                await committer(worker).note(replace(job, send_attempts=3))
            case _:
                await committer(worker).hand_back(job)

    asking = asyncio.create_task(ask())
    await shaky.seen.until("store.lost")
    link.away = False
    await outlasts(shaky, asking)
    now = await shaky.job(job.id)
    assert (now.seq, now.send_attempts) == (job.seq, 3 if what == "note" else 0)


async def test_a_worker_that_stops_does_not_wait_for_a_store_that_is_away(shaky: World, link: Link) -> None:
    await shaky.launched()

    async def cut(_: Job) -> Accepted:
        link.away = True
        return Accepted("t1")

    shaky.maker.creates.append(cut)
    worker = shaky.worker()
    await worker.tick(0)
    await shaky.seen.until("store.lost")
    async with asyncio.timeout(5):
        await worker.stop(grace_s=0)
    link.away = False
    assert shaky.seen.named("worker.stopped")


async def test_evidence_of_a_denial_is_not_worth_waiting_for(shaky: World, link: Link) -> None:
    worker = shaky.worker()
    job = await held(shaky, worker)
    link.away = True
    denying = asyncio.create_task(committer(worker).fire(job, Trigger.RENDERED, Happening()))
    await shaky.seen.until("store.lost", 2)  # the aside, then the alert
    while shaky.clock.next_ms() is None:  # noqa: ASYNC110 - the manual clock has no event for its sleepers
        await asyncio.sleep(0)  # it has told, but does not sleep yet
    link.away = False
    shaky.clock.advance(1)
    await denying
    assert [aside.job_id for aside in await shaky.store.quarantined()] == [job.id]


# --- stopped in the middle ------------------------------------------------------------------------


async def test_a_commit_is_finished_though_its_task_is_cancelled(world: World) -> None:
    worker = world.worker()
    job = await held(world, worker)
    seen: list[bool] = []

    async def fire() -> Job | None:
        started = await committer(worker).fire(job, Trigger.START, Happening())
        seen.append(asked_to_stop())
        return started

    firing = asyncio.create_task(fire())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    firing.cancel()
    started = await firing
    assert started is not None
    assert (started.state, seen) == (State.GENERATING, [True])


# --- moves that cannot be -------------------------------------------------------------------------


async def alerts(world: World) -> list[Alert]:
    return [each for each in await world.outbox() if isinstance(each, Alert)]


async def test_a_denied_move_is_told_to_the_operator_and_rests(world: World) -> None:
    worker = world.worker()
    job = await held(world, worker)
    assert await committer(worker).fire(job, Trigger.RENDERED, Happening()) is None
    (alert,) = await alerts(world)
    assert (alert.kind, alert.fingerprint) == (AlertKind.GAVE_UP, "denied:queued:rendered:illegal")
    assert job.id == alert.job_id
    assert await world.go(worker) == 0
    assert await world.later(36_000, worker) == 0
    assert await world.engine.account(USER) == Account(90, 10)
    assert await world.store.unquarantine(job.id) is None
    assert await world.go(worker) == 1


async def test_a_job_past_its_deadline_rests_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its deadline would wake it at once, again and again."""
    job = await world.launched()

    def edge(*_: object) -> object:
        raise IllegalTriggerError

    worker = world.worker()
    monkeypatch.setattr(Judge, "edge", edge)
    assert await world.later(3600, worker) == 1
    assert await world.later(3600, worker) == 0
    assert (await world.job(job.id)).state is State.QUEUED
    assert [alert.fingerprint for alert in await alerts(world)] == ["denied:queued:expire:illegal"]


async def test_what_the_store_calls_illegal_rests_and_is_told(world: World) -> None:
    """A job of a graph version that has no such edge."""
    worker = world.worker()
    job = await held(world, worker)
    await world.store.connection.command("DEL", f"{world.store.prefix(0)}:g:{job.graph}")
    await worker.executor.carry(job)
    (alert,) = await alerts(world)
    assert alert.fingerprint == "denied:queued:start:illegal for the store"
    assert (await world.job(job.id)).state is State.QUEUED
    assert await world.later(3600, worker) == 0
    (aside,) = await world.store.quarantined()
    assert (aside.job_id, aside.why) == (job.id, "start: illegal for the store")


async def test_hints_do_not_wake_a_job_that_rests(world: World) -> None:
    worker = world.worker()
    job = await generating(world, worker)
    await world.engine.hint(job.id, Hint("callback", 1, "bought-1"))
    hinted = replace(job, hints=(Hint("callback", 1, "bought-1"),))
    await world.store.connection.command("DEL", f"{world.store.prefix(0)}:g:{job.graph}")
    what = Happening(task_n=1, task_id="bought-1")
    await committer(worker).fire(hinted, Trigger.ACCEPTED, what)
    assert "bought-1" in (await alerts(world))[0].text
    assert await world.later(60, worker) == 0


# --- a task bought under a lost lease -------------------------------------------------------------


async def test_a_job_that_is_gone_takes_no_task(world: World) -> None:
    worker = world.worker()
    job = await generating(world, worker)
    gone = replace(job, id="0-gone")
    assert await committer(worker).fire(gone, Trigger.ACCEPTED, Happening(task_n=1, task_id="t")) is None
    assert world.seen.named("job.refused")[0]["refusal"] is Refusal.GONE


async def ended_unanswered(world: World) -> Job:
    """A refunded job with a create whose answer never came."""
    worker = world.worker()
    job = await generating(world, worker)
    task = ProviderTask(1, "m1", "main", TaskStatus.INTENT, world.clock.now_ms())
    noted = await committer(worker).note(replace(job, tasks=(task,)))
    assert noted is not None
    world.clock.advance(3600)
    await committer(worker).fire(noted, Trigger.EXPIRE, Happening())
    return noted


async def test_a_task_bought_for_an_ended_job_is_looked_after(world: World) -> None:
    job = await ended_unanswered(world)
    await world.outbox()
    late_worker = world.worker("w9")
    what = Happening(task_n=1, task_id="bought-late")
    assert await committer(late_worker).fire(job, Trigger.ACCEPTED, what) is None
    ended = await world.job(job.id)
    assert (ended.state, ended.tasks[0].task_id) == (State.REFUNDED, "bought-late")
    assert [(alert.kind, alert.job_id) for alert in await alerts(world)] == [(LATE_WATCH, job.id)]


async def test_a_refused_park_is_only_told(world: World) -> None:
    worker = world.worker()
    job = await held(world, worker)
    await committer(worker).park(replace(job, epoch=9), world.clock.now_ms())
    assert world.seen.named("job.refused")[0]["trigger"] == "park"


async def test_an_unknown_store_error_is_not_insisted_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = world.worker()
    job = await held(world, worker)
    asked: list[int] = []

    async def park(*_: object, **__: object) -> None:
        asked.append(1)
        raise ValueError("a bug")

    monkeypatch.setattr(world.store, "park", park)
    with pytest.raises(ValueError, match="a bug"):
        await committer(worker).park(job, world.clock.now_ms())
    assert asked == [1]
