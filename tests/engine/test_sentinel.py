"""A store that sentinels name: a failover is followed by commands and by bells."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from engine.clock import ManualClock
from engine.connection import Connection
from engine.doctor import examine
from engine.durability import Durability
from engine.errors import StoreMismatch, StoreUnavailable
from engine.fitness import Level
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.values import Account
from tests.factories import Bench, make_bench
from tests.fleet import HOST, SERVICE, Watched, ask, running_sentinels, until

SURE = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with running_sentinels(*SURE, sentinels=1) as made:
        yield made


@asynccontextmanager
async def store_on(
    watched: Watched, clock: ManualClock, randomness: SeededRandomness, mode: Durability
) -> AsyncIterator[Store]:
    opened = await Store.connect(
        watched.url, clock=clock, randomness=randomness, partitions=2, durability=mode
    )
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def doomed() -> Iterator[Watched]:
    """Of its own: it is some ten seconds without a replica after a failover."""
    with running_sentinels(*SURE, sentinels=1) as made:
        yield made


async def test_a_failover_loses_nothing_and_bells_go_on(
    doomed: Watched, clock: ManualClock, randomness: SeededRandomness
) -> None:
    watched = doomed
    async with store_on(watched, clock, randomness, Durability.STRICT) as strict:
        bench = await make_bench(strict, clock)
        job = await bench.queued(7, 10)
    before, until_ms = watched.master(), clock.now_ms() + 60_000
    # until the sentinels have made a replica of the old master there is none that could confirm
    async with store_on(watched, clock, randomness, Durability.SAFE) as store, asyncio.timeout(30):
        waiting = asyncio.create_task(store.wait(0, until_ms))
        order = ("SENTINEL", "FAILOVER", SERVICE)  # refused until it has heard of the replica's health
        await asyncio.to_thread(until, lambda: ask(watched.sentinels[0].port, *order) == "OK", "the order")
        await asyncio.to_thread(until, lambda: watched.master() is not before, "another master")
        await store.ring(0)
        while not await waiting:  # its read was ended by the old master
            waiting = asyncio.create_task(store.wait(0, until_ms))
        assert await store.account(7) == Account(90, 10)
        bench = Bench(store, clock)
        assert (await bench.queued(7, 10, "tap-2")).id != job.id
        assert await store.account(7) == Account(80, 20)


async def test_the_doctor_looks_through_sentinels(watched: Watched) -> None:
    found = await examine(watched.url, mode=Durability.STRICT)
    assert [f.what for f in found if f.level is Level.ERROR] == []
    assert any("only 1 sentinel" in f.what for f in found)
    assert any("on a replica too" in f.what for f in found)


async def test_an_address_that_does_not_fit_is_one_sentence(watched: Watched) -> None:
    place = f"{HOST}:{watched.sentinels[0].port}"
    with pytest.raises(StoreUnavailable, match="by the service name in REDIS_URL"):
        await Store.connect(f"redis+sentinel://{place}/another")
    with pytest.raises(StoreMismatch, match="are no sentinels"):
        await Store.connect(f"redis+sentinel://{HOST}:{watched.nodes[0].port}/{SERVICE}")
    with pytest.raises(StoreMismatch, match="is no node of a cluster"):
        await Store.connect(f"redis+cluster://{HOST}:{watched.nodes[0].port}")
    (finding,) = await examine(f"redis://{place}")
    assert "redis+sentinel://" in finding.mend


async def test_sentinels_with_a_password(watched: Watched) -> None:
    guard = watched.sentinels[0]
    guard.ask(
        "ACL", "SETUSER", "reel", "reset", "on", ">word", "+ping", "+sentinel|masters", "+sentinel|master"
    )
    guard.ask("ACL", "SETUSER", "default", "-@all", "+acl")
    try:
        with pytest.raises(StoreMismatch, match="set sentinel_username and sentinel_password"):
            await Store.connect(f"{watched.url}?sentinel_username=reel&sentinel_password=wrong")
        url = f"{watched.url}?sentinel_username=reel&sentinel_password=word"
        async with Connection(url) as link:
            assert await link.command("PING")
            assert await link.sentinels() == 1
    finally:
        guard.ask("ACL", "SETUSER", "default", "+@all")
