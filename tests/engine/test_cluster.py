"""The same store on a real cluster of three masters: every script finds its slot, wherever it moves."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.clock import ManualClock
from engine.config import LimitsConfig
from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.errors import StoreUnavailable
from engine.keys import slot
from engine.limits import Limits, Permit
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.store_export import histories
from engine.values import Account
from states.job import Job
from states.vocabulary import State
from tests.factories import LEASE_MS, make_bench
from tests.fleet import Cluster, Move, Node, ask, running_cluster, until


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster(replicas=False) as made:
        yield made


@pytest.fixture
async def store(cluster: Cluster, clock: ManualClock, randomness: SeededRandomness) -> AsyncIterator[Store]:
    async with Connection(cluster.url) as link:
        await link.masters("FLUSHALL")
    opened = await Store.connect(cluster.url, clock=clock, randomness=randomness, partitions=16)
    yield opened
    await opened.close()


def slot_of(store: Store, user: int) -> int:
    return slot(store.prefix_of_user(user))


def other(cluster: Cluster, number: int) -> Node:
    """A master that does not have this slot."""
    return next(node for node in cluster.nodes if node is not cluster.master_of(number))


async def test_jobs_of_many_users_live_on_all_masters(store: Store, clock: ManualClock) -> None:
    bench = await make_bench(store, clock)
    homes = set()
    for user in range(100, 130):
        await bench.fund(user, 10)
        job = await bench.queued(user, 10, f"tap-{user}")
        home = store.partition_of_user(user)
        homes.add(home)
        claim = await store.claim("w", partition=home, lease_ms=LEASE_MS, queued_ok=True)
        assert claim.job is not None
        assert claim.job.id == job.id
        job = await bench.moved(claim.job, "queued/start", State.GENERATING)
        job = await bench.moved(job, "generating/rendered", State.SENDING)
        await bench.moved(job, "sending/delivered", State.DONE)
        assert await store.account(user) == Account(0, 0)
    assert len(homes) > 8
    assert (await store.counts())["st:done"] == 30


async def test_each_partition_has_its_bell(store: Store, clock: ManualClock) -> None:
    until_ms = clock.now_ms() + 60_000
    for partition in (0, 7, 15):
        waiting = asyncio.create_task(store.wait(partition, until_ms))
        await store.ring(partition)
        assert await waiting


async def test_what_a_bell_listens_for_can_change(store: Store, clock: ManualClock) -> None:
    until_ms = clock.now_ms() + 60_000
    waiting = asyncio.create_task(store.wait(9, until_ms, queued_ok=False))
    await store.ring(9)
    assert await waiting
    now = clock.now_ms()
    waiting = asyncio.create_task(store.wait(9, now + 1, queued_ok=False))
    await asyncio.sleep(0)
    clock.advance(1)
    assert not await waiting
    waiting = asyncio.create_task(store.wait(9, until_ms, queued_ok=True))
    await store.ring(9)
    assert await waiting


async def test_scripts_forgotten_by_one_master_are_loaded_again(store: Store, cluster: Cluster) -> None:
    async with Connection(cluster.url) as link:
        await link.masters("SCRIPT FLUSH")
    for partition in range(16):
        await store.ring(partition)


async def test_nothing_is_done_with_half_of_a_users_keys(
    store: Store, clock: ManualClock, cluster: Cluster
) -> None:
    """While a slot moves key by key, a key on the other side reads as missing: an account as empty."""
    bench = await make_bench(store, clock)
    job = await bench.queued(7, 10, "tap-7")
    claim = await store.claim("w", partition=store.partition_of_user(7), lease_ms=LEASE_MS, queued_ok=True)
    assert claim.job is not None
    home = slot_of(store, 7)
    move = Move(home, cluster.master_of(home), other(cluster, home))
    assert move.carry(3) == 3
    hasty = Dispatcher(store.connection, deadline_s=0.3)
    await hasty.load()
    for verb, given in (("account", {"uid": "7", "rows": 0}), ("ring", {"queue": True})):
        with pytest.raises(StoreUnavailable, match="unknown"):
            await hasty.call(store.prefix_of_user(7), verb, **given)
    asked: list[asyncio.Task[Any]] = [
        asyncio.create_task(store.account(7)),
        asyncio.create_task(bench.moved(claim.job, "queued/start", State.GENERATING)),
        asyncio.create_task(bench.queued(7, 10, "tap-8")),
    ]
    while await asyncio.to_thread(move.carry, 1):
        continue
    move.finish()
    account, moved, second = [await task for task in asked]
    assert isinstance(account, Account)
    assert account.balance + account.held == 100
    assert isinstance(moved, Job)
    assert isinstance(second, Job)
    assert (moved.id, moved.state, second.state) == (job.id, State.GENERATING, State.QUEUED)
    assert await store.account(7) == Account(80, 20)
    assert await hasty.call(store.prefix_of_user(7), "account", uid="7", rows=0) is not None
    await hasty.close()


async def test_a_slot_that_moves_at_once_costs_nothing(
    store: Store, clock: ManualClock, cluster: Cluster
) -> None:
    """Valkey 9 moves a slot with its owner in one step: no script is refused for longer than that."""
    home = slot_of(store, 7)
    source, target = cluster.master_of(home), other(cluster, home)
    order = ("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", home, home, "NODE", target.ask("CLUSTER", "MYID"))
    bench = await make_bench(store, clock)
    if ask(source.port, *order) != "OK":
        pytest.skip("this server moves slots key by key only (Redis before 8.4, Valkey before 9)")
    jobs = [await bench.queued(7, 1, f"tap-{number}") for number in range(30)]
    await asyncio.to_thread(until, lambda: cluster.master_of(home) is target, "the slot has moved")
    jobs += [await bench.queued(7, 1, f"tap-{number}") for number in range(30, 40)]
    assert len({job.id for job in jobs}) == 40
    assert await store.account(7) == Account(60, 40)


async def test_a_bell_is_heard_after_its_slot_has_moved(
    store: Store, clock: ManualClock, cluster: Cluster
) -> None:
    partition = store.partition_of_user(7)
    until_ms = clock.now_ms() + 60_000
    waiting = asyncio.create_task(store.wait(partition, until_ms))
    async with asyncio.timeout(30):
        await asyncio.to_thread(cluster.move, slot_of(store, 7), other(cluster, slot_of(store, 7)))
        assert not await waiting, "its read was ended by the move: look again"
        waiting = asyncio.create_task(store.wait(partition, until_ms))
        await store.ring(partition)
        assert await waiting


async def test_limits_of_a_provider_move_too(store: Store, cluster: Cluster) -> None:
    limits = Limits(store.dispatcher, store.clock, store.randomness, LimitsConfig())
    permit = await limits.start_permit("kie", "main", model="m1", holder="job-1", user_id=7)
    assert isinstance(permit, Permit)
    cluster.move(slot("{p:kie}"), other(cluster, slot("{p:kie}")))
    assert [key.running for key in (await limits.health("kie")).keys] == [1]
    assert await limits.release(permit)


async def test_every_history_is_exported_and_the_books_are_proved(
    store: Store, cluster: Cluster, clock: ManualClock
) -> None:
    bench = await make_bench(store, clock)
    for user in range(100, 120):
        await bench.fund(user, 10)
        await bench.queued(user, 10, f"tap-{user}")
    found = [rows async for rows in histories(store)]
    assert len(found) == 20
    async with await StoreReader.open(cluster.url) as reader:
        report = await check_store(reader)
    assert report.jobs == 20
