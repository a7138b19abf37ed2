"""What a real engine wrote into a real store, replayed: workers, denials, repeated commits and all."""

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.codec import encode
from engine.ports import Rendering
from engine.replay.redact import leaks
from engine.replay.replayer import Replayer
from engine.replay.values import Verdict
from engine.store import Store
from engine.store_export import canonical_graph, histories
from states.graph import GRAPH
from states.strategy import STRATEGY
from states.vocabulary import Stage
from tests.engine.fakes import World, failed, make_world

SCHEMA = json.loads((Path(__file__).parents[3] / "diagrams/schema/record-1.json").read_text())
GENERATING = [row.reason for row in STRATEGY.rows if row.stage is Stage.GENERATING]
SENDING = [row.reason for row in STRATEGY.rows if row.stage is Stage.SENDING]


def _script(world: World, rng: random.Random) -> None:
    """Now and then a failure of any kind, the rest succeeds."""
    if rng.random() < 0.35:
        world.maker.creates.append(failed(rng.choice(GENERATING), retry_after_s=rng.choice((None, 40.0))))
    if rng.random() < 0.3:
        dead = rng.random() < 0.5
        world.maker.polls.append(
            rng.choice((Rendering(20.0), failed(rng.choice(GENERATING), task_dead=dead)))
        )
    if rng.random() < 0.3:
        world.courier.script.append(failed(rng.choice(SENDING), Stage.SENDING))


@pytest.mark.parametrize("seed", range(3))
async def test_every_job_of_an_engine_replays_the_same(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    world = await make_world(store)
    worker = world.worker()
    for number in range(12):
        _script(world, rng)
        job = await world.launched(f"tap-{number}", user=100 + number, cost=rng.choice((0, 10)))
        if rng.random() < 0.3:
            await world.engine.cancel(job.id, job.user_id)
    for turn in range(80):
        _script(world, rng)
        await world.later(rng.choice((1, 20, 300)), worker)
        live = await world.engine.live_jobs()
        if not live:
            break
        if turn % 7 == 0:
            await world.engine.cancel(live[0].id, live[0].user_id)
    else:
        await world.later(STRATEGY.video_life_s, worker)
    rows = [row async for own in histories(store) for row in own]
    report = _replayed(rows)
    assert [f.sentence() for f in report.findings] == []
    assert report.jobs == {Verdict.SAME: 12}
    for row in rows:
        jsonschema.validate(row, SCHEMA)
        assert leaks(row) == []


async def test_the_store_keeps_the_whole_graph(store: Store) -> None:
    await make_world(store)
    assert await canonical_graph(store, GRAPH.digest) == GRAPH.canonical_json()
    assert await canonical_graph(store, "nobodys") == ""


def _replayed(rows: list[dict[str, Any]]) -> Any:
    replayer = Replayer()
    replayer.feed(encode(row) for row in rows)
    return replayer.finish()
