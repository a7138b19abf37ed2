"""A job moved to another graph version: judged by it from then on, and its log tells so to every reader."""

from dataclasses import replace
from typing import Any

import pytest

from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.codec import decode, encode
from engine.migration import Migration, known_graph, migrate
from engine.replay.graphs import Shelf
from engine.replay.replayer import Replayer
from engine.replay.values import Kind, Report, Verdict
from engine.rows import lines_of
from engine.store import Store
from states.graph import GRAPH, Graph, build_graph
from states.strategy import STRATEGY
from states.vocabulary import Reason, Stage, State
from tests.engine.fakes import World, failed, make_world
from tests.engine.test_judges import OLDER, launched_yesterday

SHELF = Shelf([OLDER])


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def waiting(world: World) -> str:
    """Yesterday's job in retry_wait after its first failure: its own graph allows one retry."""
    job_id = await launched_yesterday(world)
    world.maker.creates += [failed(Reason.UNAVAILABLE), failed(Reason.UNAVAILABLE)]
    await world.go(world.worker())
    assert (await world.job(job_id)).state is State.RETRY_WAIT
    return job_id


async def lines(world: World, job_id: str) -> list[bytes]:
    key = f"{world.store.prefix(0)}:h:{job_id}"
    return lines_of(job_id, await world.store.connection.command("LRANGE", key, 0, -1))


def replayed(rows: list[bytes]) -> Report:
    replayer = Replayer(SHELF)
    replayer.feed(rows)
    return replayer.finish()


async def checked(redis_url: str) -> set[str]:
    async with await StoreReader.open(redis_url) as reader:
        return {finding.rule for finding in (await check_store(reader)).findings}


async def test_it_is_judged_by_the_other_graph_from_then_on(world: World) -> None:
    job_id = await waiting(world)
    told = await migrate(world.engine, job_id, GRAPH)
    assert (told.outcome, told.state, told.edge) == (
        Migration.MOVED,
        "retry_wait",
        "generating/error/unavailable",
    )
    await world.later(60, world.worker())
    job = await world.job(job_id)
    assert (job.state, job.graph) == (State.RETRY_WAIT, GRAPH.digest), "today's graph retries five times"


async def test_its_log_replays_the_same_and_the_checker_is_content(world: World, redis_url: str) -> None:
    job_id = await waiting(world)
    await migrate(world.engine, job_id, GRAPH)
    await world.later(60, world.worker())
    rows = await lines(world, job_id)
    assert [decode(row)["disp"] for row in rows].count("migrated") == 1
    report = replayed(rows)
    assert report.findings == []
    assert report.jobs[Verdict.SAME] == 1
    assert not {rule for rule in await checked(redis_url) if rule.startswith(("I", "K"))}


async def test_a_move_that_nobody_logged_is_found(world: World, redis_url: str) -> None:
    job_id = await waiting(world)
    key = f"{world.store.prefix(0)}:j:{job_id}"
    await migrate(world.engine, job_id, GRAPH)
    await world.store.connection.command("HSET", key, "gv", OLDER.digest)
    assert "I5.version" in await checked(redis_url)
    await world.store.connection.command("HSET", key, "gv", GRAPH.digest)
    assert "I5.version" not in await checked(redis_url)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"to": "sending"}, Kind.STATE),
        ({"edge": "generating/error/nothing_like_it"}, Kind.EDGE),
        ({"seq": 9}, Kind.GAP),
        ({"graph": "0000000000000000"}, Kind.GRAPH),
    ],
)
async def test_a_forged_move_is_told_by_the_replay(world: World, change: dict[str, Any], kind: Kind) -> None:
    job_id = await waiting(world)
    await migrate(world.engine, job_id, GRAPH)
    *rows, last = await lines(world, job_id)
    report = replayed([*rows, encode({**decode(last), **change})])
    assert [finding.kind for finding in report.findings] == [kind]


async def test_a_dry_run_changes_nothing(world: World) -> None:
    job_id = await waiting(world)
    before = await lines(world, job_id)
    assert (await migrate(world.engine, job_id, GRAPH, dry=True)).outcome is Migration.MOVED
    assert await lines(world, job_id) == before
    assert (await world.job(job_id)).graph == OLDER.digest


async def test_who_cannot_move_is_told_why(world: World) -> None:
    job_id = await waiting(world)
    assert (await migrate(world.engine, "0-nobody", GRAPH)).outcome is Migration.GONE
    assert (await migrate(world.engine, job_id, OLDER)).outcome is Migration.ALREADY
    assert (await migrate(world.engine, job_id, _without("generating/error/unavailable"))).outcome is (
        Migration.NO_EDGE
    )
    await world.store.quarantine(job_id, "looked odd")
    assert (await migrate(world.engine, job_id, GRAPH)).outcome is Migration.ASIDE
    await world.store.unquarantine(job_id)
    await world.store.claim("w9", partition=0, lease_ms=15_000, queued_ok=True)
    assert (await migrate(world.engine, job_id, GRAPH)).outcome is Migration.BUSY


async def test_an_ended_job_stays_what_it_was(world: World) -> None:
    job_id = await launched_yesterday(world)
    assert await world.engine.cancel(job_id, (await world.job(job_id)).user_id) is not None
    assert (await migrate(world.engine, job_id, GRAPH)).outcome is Migration.OVER


async def test_the_lost_answer_of_a_move_is_answered_from_its_record(world: World) -> None:
    job_id = await waiting(world)
    snapshot = await world.job(job_id)
    await migrate(world.engine, job_id, GRAPH)
    world.engine.job = _once(snapshot, world.engine.job)  # type: ignore[method-assign]
    assert (await migrate(world.engine, job_id, GRAPH)).outcome is Migration.MOVED
    assert [decode(row)["disp"] for row in await lines(world, job_id)].count("migrated") == 1


async def test_only_graphs_that_can_be_read_are_known(world: World) -> None:
    await waiting(world)
    assert await known_graph(world.engine, OLDER.digest) == OLDER
    assert await known_graph(world.engine, GRAPH.digest) == GRAPH
    assert await known_graph(world.engine, "0000000000000000") is None


def _without(edge_id: str) -> Graph:
    return replace(
        build_graph(STRATEGY.changed(Stage.GENERATING, Reason.NETWORK, retries=1)),
        edges=tuple(edge for edge in GRAPH.edges if edge.id != edge_id),
    )


def _once(first: Any, then: Any) -> Any:
    answers = [first]

    async def answered(job_id: str) -> Any:
        return answers.pop() if answers else await then(job_id)

    return answered
