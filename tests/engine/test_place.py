"""The place in line over several partitions: of all lines together, not only of one's own."""

from collections.abc import AsyncIterator

import pytest

from engine.clock import ManualClock
from engine.keys import partition_of_user
from engine.randomness import SeededRandomness
from engine.store import Store
from states.job import Job
from tests.factories import EDGES, GRAPH, Bench

PARTITIONS = 4


@pytest.fixture
async def bench(redis_url: str, clock: ManualClock, randomness: SeededRandomness) -> AsyncIterator[Bench]:
    store = await Store.connect(redis_url, clock=clock, randomness=randomness, partitions=PARTITIONS)
    await store.register_graph(GRAPH, EDGES)
    yield Bench(store, clock)
    await store.close()


async def lined_up(bench: Bench, partition: int, jobs: int) -> list[Job]:
    """So many jobs in a partition's line, each of another user."""
    users = (user for user in range(1, 10_000) if partition_of_user(user, PARTITIONS) == partition)
    found = []
    for user in [next(users) for _ in range(jobs)]:
        await bench.fund(user)
        found.append(await bench.queued(user, idem=f"tap-{user}"))
    return found


async def places(bench: Bench, jobs: list[Job]) -> list[int]:
    """From the front to the back: users of one start take their turns by name."""
    return sorted([await bench.store.place_in_line(job.id) for job in jobs])


async def test_alone_in_its_partition_is_exact(bench: Bench) -> None:
    assert await places(bench, await lined_up(bench, 0, 3)) == [1, 2, 3]


async def test_the_other_lines_count(bench: Bench) -> None:
    mine = await lined_up(bench, 0, 3)
    for partition in (1, 2, 3):
        await lined_up(bench, partition, 10)
    # before the third: two of its own, two of each other line, and one of the three that stand level
    assert await places(bench, mine) == [1 + 1, 2 + 3 + 1, 3 + 6 + 1]


async def test_a_short_line_elsewhere_counts_no_more_than_it_holds(bench: Bench) -> None:
    mine = await lined_up(bench, 2, 5)
    await lined_up(bench, 0, 1)
    assert (await places(bench, mine))[-1] == 6
    assert await bench.store.place_in_line("0-nobody") == 0
