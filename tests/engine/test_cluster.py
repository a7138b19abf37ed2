"""The same store on a real cluster of three masters: every script finds its slot."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from engine.clock import ManualClock
from engine.connection import Connection
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.values import Account
from states.vocabulary import State
from tests.factories import LEASE_MS, make_bench
from tests.servers import Server, free_port

RANGES = ((0, 5460), (5461, 10922), (10923, 16383))


def _ask(port: int, *words: str) -> str:
    """One command by the inline protocol; the cluster's own set-up needs no driver."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall((" ".join(words) + "\r\n").encode())
        return link.recv(65536).decode()


def _settled(port: int) -> bool:
    told = _ask(port, "CLUSTER", "INFO")
    return "cluster_state:ok" in told and "cluster_known_nodes:3" in told


@pytest.fixture(scope="module")
def cluster_url() -> Iterator[str]:
    ports = []
    with ExitStack() as stack:
        for _ in RANGES:
            port = free_port()
            bus = free_port()
            node = Server(
                [
                    "--port",
                    str(port),
                    "--bind",
                    "127.0.0.1",
                    "--cluster-enabled",
                    "yes",
                    "--cluster-port",
                    str(bus),
                ]
            )
            stack.callback(node.remove)
            node.start()
            ports.append((port, bus))
        for (port, _), (first, last) in zip(ports, RANGES, strict=True):
            assert "OK" in _ask(port, "CLUSTER", "ADDSLOTSRANGE", str(first), str(last))
        for port, bus in ports[1:]:
            assert "OK" in _ask(ports[0][0], "CLUSTER", "MEET", "127.0.0.1", str(port), str(bus))

        async def settle() -> None:
            async with asyncio.timeout(30):
                for port, _ in ports:
                    while not await asyncio.to_thread(_settled, port):
                        continue

        asyncio.run(settle())
        yield f"redis+cluster://127.0.0.1:{ports[0][0]}"


@pytest.fixture
async def store(cluster_url: str, clock: ManualClock, randomness: SeededRandomness) -> AsyncIterator[Store]:
    opened = await Store.connect(cluster_url, clock=clock, randomness=randomness, partitions=16)
    yield opened
    await opened.close()


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
    until = clock.now_ms() + 60_000
    for partition in (0, 7, 15):
        waiting = asyncio.create_task(store.wait(partition, until))
        await store.ring(partition)
        assert await waiting


async def test_what_a_bell_listens_for_can_change(store: Store, clock: ManualClock) -> None:
    until = clock.now_ms() + 60_000
    waiting = asyncio.create_task(store.wait(9, until, queued_ok=False))
    await store.ring(9)
    assert await waiting
    now = clock.now_ms()
    waiting = asyncio.create_task(store.wait(9, now + 1, queued_ok=False))
    await asyncio.sleep(0)
    clock.advance(1)
    assert not await waiting
    waiting = asyncio.create_task(store.wait(9, until, queued_ok=True))
    await store.ring(9)
    assert await waiting


async def test_scripts_forgotten_by_one_master_are_loaded_again(store: Store, cluster_url: str) -> None:
    async with Connection(cluster_url) as link:
        await link.keyless("SCRIPT", "FLUSH")
    for partition in range(16):
        await store.ring(partition)
