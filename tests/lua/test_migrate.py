"""The verb that moves a waiting job to another graph version: refused whole, or done once and logged."""

from dataclasses import replace

import pytest

from engine.codec import decode
from states.job import Hint, Job
from states.migration import migration_record
from states.vocabulary import State
from tests.factories import EDGES, GRAPH, Bench

NEXT = "g-next"


@pytest.fixture
async def bench(bench: Bench) -> Bench:
    """With a next version that lacks one edge."""
    await bench.store.register_graph(NEXT, [edge for edge in EDGES if edge[0] != "generating/error"])
    return bench


async def migrated(bench: Bench, job: Job, edge: str = "submit", target: str = NEXT) -> str:
    record = migration_record(job, target, edge, now_ms=bench.clock.now_ms(), actor="operator")
    return await bench.store.migrate(job, target, record)


async def test_a_waiting_job_changes_its_graph_and_nothing_else(bench: Bench) -> None:
    job, books = await bench.queued(), await bench.books()
    before = await bench.store.read(job.id)
    assert before is not None
    assert await migrated(bench, job) == "ok"
    after = await bench.store.read(job.id)
    assert after is not None
    assert (after.graph, after.seq, after.epoch) == (NEXT, before.seq + 1, before.epoch)
    assert (after.state, after.cost, after.hold) == (before.state, before.cost, before.hold)
    assert await bench.books() == books
    assert (await bench.claim()).id == job.id, "it is still in its line"
    _, moved = await bench.store.history(job.id)
    assert (moved["graph"], moved["why"]) == (NEXT, GRAPH)
    assert moved["disp"] == "migrated"


async def test_the_same_operation_is_done_once(bench: Bench) -> None:
    job = await bench.queued()
    assert await migrated(bench, job) == "ok"
    rows = await bench.dump()
    assert await migrated(bench, job) == "replayed"
    assert await bench.dump() == rows


@pytest.mark.parametrize(
    ("edge", "target"),
    [("no/such/edge", NEXT), ("queued/start", NEXT), ("submit", "g-unknown")],
)
async def test_what_the_other_graph_has_no_story_for_is_refused(bench: Bench, edge: str, target: str) -> None:
    job = await bench.queued()
    rows = await bench.dump()
    assert await migrated(bench, job, edge, target) == "illegal"
    assert await bench.dump() == rows


async def test_a_job_that_came_by_an_edge_the_other_graph_lacks_stays(bench: Bench) -> None:
    await bench.queued()
    going = await bench.moved(await bench.claim(), "queued/start", State.GENERATING)
    waiting = await bench.moved(going, "generating/error", State.RETRY_WAIT, keep=False)
    assert await migrated(bench, waiting, "generating/error") == "illegal"
    assert (await bench.store.read(waiting.id)) == waiting


async def test_a_held_an_overtaken_and_an_ended_job_are_refused(bench: Bench) -> None:
    job = await bench.queued()
    held = await bench.claim()
    assert await migrated(bench, job) == "fenced"
    assert await migrated(bench, held) == "busy"
    going = await bench.moved(held, "queued/start", State.GENERATING)
    assert await migrated(bench, held) == "stale"
    sending = await bench.moved(going, "generating/rendered", State.SENDING)
    done = await bench.moved(sending, "sending/delivered", State.DONE)
    assert await migrated(bench, done, "sending/delivered") == "stale"
    assert await migrated(bench, replace(job, id="0-nobody")) == "gone"


async def test_a_hint_still_wakes_it(bench: Bench) -> None:
    job = await bench.queued()
    assert await migrated(bench, job) == "ok"
    assert await bench.store.hint(job.id, Hint("returned")) is None
    claimed = await bench.claim(queued_ok=False)
    assert claimed.id == job.id


async def test_the_record_carries_its_operation(bench: Bench) -> None:
    job = await bench.queued()
    await migrated(bench, job)
    raw = await bench.store.connection.command("LINDEX", f"{bench.store.prefix(0)}:h:{job.id}", -1)
    assert decode(raw)["op"] == f"migrate:1:{NEXT}"
