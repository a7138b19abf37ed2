"""A job finishes on the graph it was launched with; what nobody here can read waits for somebody who can."""

import pytest

from engine.committer import FOREIGN_MS
from engine.config import EngineConfig
from engine.front import Engine
from engine.ports import Alert
from engine.store import Store
from engine.values import Cancellation
from states.graph import GRAPH, build_graph
from states.machine import Judge
from states.strategy import STRATEGY
from states.vocabulary import Reason, Stage, State
from tests.engine.fakes import USER, World, failed, make_world

OLDER = build_graph(STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, retries=1))


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def launched_yesterday(world: World) -> str:
    today = world.engine
    older = Engine(world.store, EngineConfig(), Judge(OLDER))
    await older.open()
    world.engine = older
    job = await world.launched()
    world.engine = today
    assert job.graph == OLDER.digest != GRAPH.digest
    return job.id


async def test_an_old_job_is_judged_by_its_own_table(world: World) -> None:
    job_id = await launched_yesterday(world)
    worker = world.worker()
    world.maker.creates += [failed(Reason.UNAVAILABLE), failed(Reason.UNAVAILABLE)]
    await world.go(worker)
    assert (await world.job(job_id)).state is State.RETRY_WAIT
    await world.later(60, worker)
    ended = await world.job(job_id)
    assert ended.state is State.REFUNDED, "one retry in its own graph, five in today's"
    records = await world.engine.history(job_id)
    assert {record["graph"] for record in records} == {OLDER.digest}


async def test_an_old_job_can_be_cancelled(world: World) -> None:
    job_id = await launched_yesterday(world)
    assert await world.engine.cancel(job_id, USER) is Cancellation.CANCELLED


async def test_a_job_of_a_graph_nobody_can_read_waits_and_is_told(world: World) -> None:
    job_id = await launched_yesterday(world)
    await world.store.connection.command("HSET", f"{world.store.prefix(0)}:g:{OLDER.digest}", "@", "{}")
    worker = world.worker()
    await world.go(worker)
    assert (await world.job(job_id)).state is State.QUEUED
    (alert,) = [each for each in await world.outbox() if isinstance(each, Alert)]
    assert alert.fingerprint == f"foreign:{OLDER.digest}"
    assert await world.later(FOREIGN_MS // 1000 - 1, worker) == 0
    assert await world.later(1, worker) == 1
    assert await world.engine.cancel(job_id, USER) is Cancellation.TOO_LATE


async def test_a_graph_that_is_not_what_its_digest_says_is_not_believed(world: World) -> None:
    job_id = await launched_yesterday(world)
    key = f"{world.store.prefix(0)}:g:{OLDER.digest}"
    await world.store.connection.command("HSET", key, "@", GRAPH.canonical_json())
    assert not await world.engine.judges.know(await world.job(job_id))
