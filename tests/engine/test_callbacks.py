"""The provider's callbacks by their real door: repeated, contradicting, and earlier than our own notes."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from adapters.kie.callback import CallbackSecrets, address, callback_app
from bot.wiring.app import App
from engine.ports import Accepted, Delivered, Delivery, Rendered, Rendering
from engine.store import Store
from engine.values import Account
from states.job import Job, TaskStatus
from states.vocabulary import Reason, State
from tests.adapters.kie.world import serving
from tests.engine.fakes import USER, VIDEO, Note, World, failed, make_world

SECRET = "our own secret"  # noqa: S105 - of this test


@dataclass
class Door:
    """The address that the provider calls, with the whole way behind it."""

    world: World
    url: str
    http: httpx.AsyncClient

    async def called(self, job: Job, *, task: str = "t1", n: int = 1, state: str = "success") -> None:
        """One callback, as KIE sends them."""
        body = json.dumps(
            {"code": 200 if state == "success" else 501, "data": {"taskId": task, "state": state}}
        )
        answer = await self.http.post(address(self.url, SECRET, job.id, n), content=body)
        assert answer.status_code == 200

    async def five_times(self, job: Job) -> None:
        """The same one, all at once and once more."""
        await asyncio.gather(*(self.called(job) for _ in range(4)))
        await self.called(job)


@pytest.fixture
async def door(store: Store) -> AsyncIterator[Door]:
    world = await make_world(store)
    app = cast("App", SimpleNamespace(engine=world.engine, late=world.late()))
    site = callback_app(
        CallbackSecrets(SECRET), lambda job_id, hint: App.called(app, job_id, hint), world.clock
    )
    async with serving(site) as url, httpx.AsyncClient() as http:
        yield Door(world, url, http)


async def rendering(world: World) -> Job:
    job = await world.launched()
    await world.go(world.worker())
    return await world.job(job.id)


async def test_the_same_callback_five_times_has_one_effect(door: Door) -> None:
    world = door.world
    job = await rendering(world)
    await door.five_times(job)
    assert await world.go(world.worker()) == 1, "one look, though it was called five times"
    done = await world.job(job.id)
    assert (done.state, world.maker.calls.count("poll 1"), world.courier.sent) == (State.DONE, 1, 1)
    edges, told = await world.edges(job.id), await world.outbox()
    await door.five_times(job)
    assert await world.go(world.worker()) == 0
    assert (await world.job(job.id), await world.edges(job.id)) == (done, edges)
    assert await world.engine.account(USER) == Account(90, 0)
    assert (len(told) > 0, await world.outbox()) == (True, []), "nothing is told twice"
    assert (world.maker.calls.count("poll 1"), world.courier.sent) == (1, 1)


async def test_five_callbacks_during_the_look_and_during_the_delivery_change_nothing(door: Door) -> None:
    world = door.world
    job = await rendering(world)

    async def looked(_: object) -> Rendered:
        await door.five_times(job)
        return Rendered(VIDEO, 3.0)

    async def delivered(_delivery: Delivery, _note: Note) -> Delivered:
        await door.five_times(job)
        world.courier.sent += 1
        return Delivered(5, "file-9", "video")

    world.maker.polls.append(looked)
    world.courier.script.append(delivered)
    await world.later(30, world.worker())
    assert await world.later(3600, world.worker()) == 0
    done = await world.job(job.id)
    assert (done.state, done.hints, world.courier.sent) == (State.DONE, (), 1)
    assert (world.maker.created, await world.engine.account(USER)) == (1, Account(90, 0))


async def test_a_callback_that_says_failed_is_only_a_reason_to_look(door: Door) -> None:
    world = door.world
    job = await rendering(world)
    world.maker.polls.append(Rendering(10))
    await door.called(job, state="fail")
    await world.go(world.worker())
    still = await world.job(job.id)
    assert (still.state, still.tasks[0].status) == (State.GENERATING, TaskStatus.OPEN)
    await door.called(job, state="success")
    await world.go(world.worker())
    assert (await world.job(job.id)).state is State.DONE
    assert (world.maker.created, world.courier.sent) == (1, 1)


async def test_failed_then_success_ends_with_one_video_and_one_capture(door: Door) -> None:
    """The provider itself says failed, and takes it back when the next attempt waits already."""
    world = door.world
    job = await rendering(world)
    world.maker.polls.append(failed(Reason.PROVIDER_ERROR, task_dead=True, cost=0.0))
    await door.called(job, state="fail")
    await world.go(world.worker())
    assert (await world.job(job.id)).state is State.RETRY_WAIT
    await door.called(job, state="success")
    for _ in range(3):
        await world.later(60, world.worker())
    done = await world.job(job.id)
    assert (done.state, world.courier.sent, world.maker.created <= 2) == (State.DONE, 1, True)
    assert await world.engine.account(USER) == Account(90, 0)


async def test_success_after_a_failure_that_ended_the_job_moves_no_money(door: Door) -> None:
    world = door.world
    job = await rendering(world)
    world.maker.polls.append(failed(Reason.ADULT_CONTENT, task_dead=True, cost=0.0))
    await door.called(job, state="fail")
    await world.go(world.worker())
    ended = await world.job(job.id)
    assert ended.state is State.REFUNDED
    await world.outbox()
    for _ in range(5):
        await door.called(job, state="success")
    after = await world.job(job.id)
    assert (after.state, world.courier.sent) == (State.REFUNDED, 0)
    assert await world.engine.account(USER) == Account(100, 0)


async def test_a_callback_before_our_note_of_the_task_is_not_lost(door: Door) -> None:
    """It overtakes the answer of the very create call: the look comes at once, not half a minute later."""
    world = door.world
    job = await world.launched()

    async def overtaken(_: Job) -> Accepted:
        await door.called(job)
        return Accepted("t1")

    world.maker.creates.append(overtaken)
    await world.go(world.worker())
    done = await world.job(job.id)
    assert (done.state, world.maker.created, world.courier.sent) == (State.DONE, 1, 1)


async def test_a_callback_adopts_the_task_of_a_worker_that_died_before_its_note(door: Door) -> None:
    world = door.world
    job = await world.launched()

    async def died(_: Job) -> Accepted:
        await door.called(job, task="bought")
        world.clock.advance(16)
        await world.go(world.worker("w2"))
        return Accepted("bought")

    world.maker.creates.append(died)
    first = world.worker()
    taken = await world.take(first)
    assert taken is not None
    await first.executor.carry(taken[0])
    await world.go(world.worker("w2"))
    done = await world.job(job.id)
    assert [(t.task_id, t.status) for t in done.tasks] == [("bought", TaskStatus.SUCCEEDED)]
    assert (done.state, world.maker.created, world.courier.sent) == (State.DONE, 1, 1)
