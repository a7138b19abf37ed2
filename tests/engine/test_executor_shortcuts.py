"""Writes that a carried job is spared, and what must still be known of it afterwards."""

import pytest

from engine.ports import Delivered, Delivery
from engine.store import Store
from states.job import Job
from states.vocabulary import State
from tests.engine.fakes import Note, World, make_world


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def rendering(world: World) -> Job:
    """A job whose first task is being rendered; its first poll is due."""
    job = await world.launched()
    await world.go(world.worker())
    world.clock.advance(30)
    return await world.job(job.id)


async def test_the_commit_that_brings_the_video_begins_its_delivery_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write less; whoever finds the job afterwards looks before it sends."""
    job = await rendering(world)
    notes: list[object] = []
    stored: list[Job] = []
    monkeypatch.setattr(world.store, "note", notes.append)

    async def look(_: Delivery, note: Note) -> Delivered:
        del note
        stored.append(await world.job(job.id))
        return Delivered(5, "f-1", "video")

    world.courier.script.append(look)
    await world.go(world.worker())
    assert [(found.state, found.send_attempts) for found in stored] == [(State.SENDING, 1)]
    assert [delivery.verify_first for delivery in world.courier.deliveries] == [False]
    assert (await world.job(job.id)).state is State.DONE
    assert notes == []


async def test_a_task_that_is_worth_a_look_at_once_stays_with_its_worker(world: World) -> None:
    world.maker.first_s = 0.0
    job = await world.launched()
    assert await world.go(world.worker()) == 1
    done = await world.job(job.id)
    assert (done.state, done.epoch) == (State.DONE, 1)
