"""Failures count by stage: what rendering used up is not missing when the video is sent."""

import pytest

from engine.store import Store
from states.vocabulary import Reason, Stage
from tests.engine.fakes import World, failed, make_world


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def test_stages_have_their_own_budget(world: World) -> None:
    """A send failure after a render failure starts counting afresh."""
    job = await world.launched()
    worker = world.worker()
    await world.go(worker)
    world.maker.polls.append(failed(Reason.NETWORK))
    await world.later(30, worker)
    world.courier.script.append(failed(Reason.NETWORK, Stage.SENDING))
    await world.later(20, worker)
    assert dict((await world.job(job.id)).counts) == {"generating.transient": 1, "sending.transient": 1}
