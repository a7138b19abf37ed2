"""The server dies, sleeps or forgets its scripts: nothing acknowledged is lost, work goes on."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from engine.clock import ManualClock
from engine.connection import Connection
from engine.errors import StoreUnavailable
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.values import Account
from states.job import Job
from states.vocabulary import State
from tests.factories import Bench, make_bench
from tests.servers import Server


@pytest.fixture
def server() -> Iterator[Server]:
    durable = Server(["--appendonly", "yes", "--appendfsync", "always"])
    durable.start()
    yield durable
    durable.remove()


@pytest.fixture
async def bench(server: Server, clock: ManualClock, randomness: SeededRandomness) -> AsyncIterator[Bench]:
    store = await Store.connect(server.url, clock=clock, randomness=randomness, partitions=1)
    yield await make_bench(store, clock)
    await store.close()


async def _contents(server: Server) -> dict[bytes, bytes]:
    async with Connection(server.url) as link:
        return {key: await link.command("DUMP", key) for key in await link.command("KEYS", "*")}


async def _books(server: Server) -> int:
    async with Connection(server.url) as link:
        accounts = [
            await link.command("HMGET", key, "bal", "held") for key in await link.command("KEYS", "*:a:*")
        ]
    return sum(int(value or 0) for account in accounts for value in account)


async def test_a_killed_server_comes_back_with_everything_it_acknowledged(
    bench: Bench, server: Server
) -> None:
    job = await bench.sending()
    before = await _contents(server)
    server.kill()
    server.start()
    assert await _contents(server) == before
    done = await bench.moved(job, "sending/delivered", State.DONE)
    assert await bench.store.read(done.id) == done
    assert await bench.store.account(7) == Account(90, 0)


async def test_a_call_waits_for_a_server_that_is_away(bench: Bench, server: Server) -> None:
    job = await bench.sending()
    server.kill()
    moving = asyncio.create_task(bench.move(job, "sending/delivered", State.DONE))
    await asyncio.sleep(0)
    server.start()
    assert isinstance(await moving, Job)
    assert await _books(server) == 0


async def test_killed_in_the_middle_every_job_is_whole(bench: Bench, server: Server) -> None:
    await bench.fund(7, 1000)

    async def live(n: int) -> None:
        await bench.submit(cost=1, idem=f"tap-{n}", max_live=1000)
        job = await bench.claim(f"w{n}")
        job = await bench.moved(job, "queued/start", State.GENERATING)
        job = await bench.moved(job, "generating/rendered", State.SENDING)
        await bench.moved(job, "sending/delivered", State.DONE)

    lives = asyncio.gather(*(live(n) for n in range(60)))
    for _ in range(3):
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert await _books(server) == 0
    await lives
    assert await bench.store.account(7) == Account(1100 - 60, 0)
    assert (await bench.store.counts())["st:done"] == 60


async def test_a_server_that_holds_its_breath_is_waited_for(bench: Bench) -> None:
    await bench.store.connection.command("CLIENT", "PAUSE", 300, "ALL")
    job = await bench.queued()
    assert (await bench.claim()).id == job.id


async def test_a_store_that_cannot_be_reached_says_so(clock: ManualClock) -> None:
    with pytest.raises(StoreUnavailable, match="the server did not answer"):
        await Store.connect("redis://127.0.0.1:1", clock=clock)
