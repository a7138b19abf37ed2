"""Twenty taps, the same update twice, many workers, a worker that overslept: one job, one hold."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.sandbox.faults import Server
from bot.taps import Verb
from bot.wiring.app import Role
from bot.wiring.nursery import Nursery
from bot.wiring.sandbox import PERSON
from bot.wiring.waiting import until
from engine.values import EntryKind
from states.vocabulary import State
from tests.faults.figures import Figure
from tests.faults.test_kill9 import hangs
from tests.faults.town import SOON_S, Town, town


async def holds(world: Town) -> int:
    """How often credits were put aside."""
    rows = await world.world.app.engine.statement(PERSON, 100)
    return sum(row.kind is EntryKind.HOLD for row in rows)


# --- the user's side ----------------------------------------------------------------------------


@pytest.mark.faults
async def test_twenty_taps_at_once_are_one_job_and_one_hold(nursery: Nursery) -> None:
    async with town(nursery, role=Role.BOTH) as world:
        button = world.customer.button(Verb.LAUNCH)
        assert button is not None
        taps = [await world.customer.person.tap(*button) for _ in range(20)]
        job = await world.ends()
        assert await until(lambda: all(tap.answer is not None for tap in taps), SOON_S), (
            "every tap is answered"
        )
        assert len(await world.world.app.engine.jobs_of(PERSON, 50)) == 1
        assert (await holds(world), world.world.kie.state.creates) == (1, 1)
        await world.is_whole(job)


@pytest.mark.faults
async def test_the_same_update_twice_is_one_job(nursery: Nursery) -> None:
    async with town(nursery, role=Role.BOTH) as world:
        button = world.customer.button(Verb.LAUNCH)
        assert button is not None
        await world.customer.person.tap(*button)
        update = dict(world.world.telegram.world.updates.pending[-1])
        assert update["callback_query"]["data"] == button.data
        engine, raw = world.world.app.engine, json.dumps(update).encode()
        taken = [await engine.put_update(update["update_id"], PERSON, raw) for _ in range(3)]
        assert sum(taken) <= 1, "the poller may have taken it before us; nobody takes it again"
        job = await world.ends()
        assert not await engine.put_update(update["update_id"], PERSON, raw), "nor after the job has ended"
        assert (await holds(world), world.world.kie.state.creates) == (1, 1)
        await world.is_whole(job)


# --- the workers' side --------------------------------------------------------------------------


@asynccontextmanager
async def crew(world: Town, count: int) -> AsyncIterator[None]:
    """So many workers in this process, all listening before the job comes."""
    workers = [world.world.app.hire(f"crew-{n}") for n in range(count)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for worker in workers:
            await worker.stop(grace_s=1)
        await asyncio.gather(*running)


@pytest.mark.faults
@pytest.mark.parametrize("count", [2, 8])
async def test_many_workers_buy_one_task_for_one_job(count: int, nursery: Nursery) -> None:
    async with town(nursery) as world, crew(world, count):
        await world.launch()
        job = await world.ends()
        assert (await holds(world), world.world.kie.state.creates) == (1, 1)
        await world.is_whole(job)


SLEEPS = {
    "while it buys": ("createTask", Server.KIE),
    "while it looks": ("recordInfo", Server.KIE),
    "while it sends": ("editMessageMedia", Server.TELEGRAM),
}


QUICK = "while it buys"
MOMENTS = [pytest.param(name, marks=[] if name == QUICK else pytest.mark.faults) for name in SLEEPS]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_worker_that_slept_through_its_lease_is_fenced(
    moment: str, nursery: Nursery, figure: Figure
) -> None:
    """SIGSTOP inside a call; another worker finishes; SIGCONT: the sleeper's write is refused by name."""
    method, server = SLEEPS[moment]
    async with town(nursery) as world:
        sleeper = await world.hire()
        world.world.faults.add(hangs(server, method, done=True, seconds=0.5))
        await world.launch()
        await world.inside(method)
        sleeper.send(signal.SIGSTOP)
        await world.hire()
        job = await world.ends()
        history = await world.world.app.engine.history(job.id)
        sleeper.send(signal.SIGCONT)
        assert await until(lambda: sleeper.says("refusal=fenced"), SOON_S), sleeper.lines[-5:]
        await sleeper.end(signal.SIGTERM)
        assert sleeper.says("worker.stopped"), "it is well, it has only lost the job"
        after = await world.job()
        assert after is not None
        assert (after.state, after.seq, after.epoch) == (State.DONE, job.seq, job.epoch)
        assert await world.world.app.engine.history(job.id) == history, "it has written nothing"
        assert world.world.kie.state.creates == 1
        await world.is_whole(after)
        figure("SIGSTOP of a worker process: thaws that were fenced by name", 1)
