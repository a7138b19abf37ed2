"""One real server for each test process, flushed for each test; no key may outlive its owner."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.wiring.leaving import leave_in_order
from engine.clock import ManualClock
from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.randomness import SeededRandomness
from engine.store import Store
from tests.harvest import FOLDER, gather
from tests.leaks import leaked_keys
from tests.servers import running_server


def pytest_configure() -> None:
    """Tests that are ended take their servers with them."""
    leave_in_order()


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The server of this test process (one each under xdist)."""
    with running_server() as url:
        yield url


@pytest.fixture
def redis_url(server_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty server; afterwards every key must have a TTL or be on the permanent list."""

    async def flush() -> None:
        async with Connection(server_url) as link:
            await link.command("FLUSHALL")

    async def leaks() -> list[str]:
        async with Connection(server_url) as link:
            return await leaked_keys(link)

    async def harvest() -> None:
        async with Connection(server_url) as link:
            await gather(link, request.node.nodeid)

    asyncio.run(flush())
    yield server_url
    if FOLDER in os.environ:
        asyncio.run(harvest())
    if request.node.get_closest_marker("leaks_keys") is None:
        leaked = asyncio.run(leaks())
        assert leaked == [], f"keys without TTL that are not on the permanent list: {leaked}"


@pytest.fixture
def clock() -> ManualClock:
    """Time that moves only when told."""
    return ManualClock()


@pytest.fixture
def randomness(request: pytest.FixtureRequest) -> SeededRandomness:
    """Seeded by pytest-randomly's seed, which every run prints."""
    seed = int(request.config.getoption("randomly_seed", 0) or 0)
    return SeededRandomness(seed)


@pytest.fixture
async def connection(redis_url: str) -> AsyncIterator[Connection]:
    """A connection to the empty server."""
    async with Connection(redis_url) as link:
        yield link


@pytest.fixture
async def dispatcher(connection: Connection) -> AsyncIterator[Dispatcher]:
    """Verbs by name on the empty server."""
    calls = Dispatcher(connection)
    await calls.load()
    yield calls
    await calls.close()


@pytest.fixture
async def store(redis_url: str, clock: ManualClock, randomness: SeededRandomness) -> AsyncIterator[Store]:
    """A store of one partition on a manual clock."""
    opened = await Store.connect(redis_url, clock=clock, randomness=randomness, partitions=1)
    yield opened
    await opened.close()
