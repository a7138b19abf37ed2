import pytest

from engine.clock import ManualClock, SystemClock
from engine.errors import StoreMismatch
from engine.keys import partition_of_job, partition_of_user
from engine.store import Store
from tests.factories import LEASE_MS, make_bench


async def test_the_number_of_partitions_is_fixed_at_creation(redis_url: str, clock: ManualClock) -> None:
    first = await Store.connect(redis_url, clock=clock, partitions=16)
    await first.close()
    found = await Store.connect(redis_url, clock=clock)
    assert found.partitions == 16
    await found.close()
    with pytest.raises(StoreMismatch, match="created with 16 partitions, not 4"):
        await Store.connect(redis_url, clock=clock, partitions=4)


@pytest.mark.parametrize("wanted", [0, 17, -1])
async def test_an_impossible_number_is_refused(redis_url: str, wanted: int) -> None:
    with pytest.raises(StoreMismatch, match="a store has 1 to 16"):
        await Store.connect(redis_url, partitions=wanted)


@pytest.mark.parametrize("schema", [1, 99])
async def test_a_store_of_another_schema_is_refused(store: Store, redis_url: str, schema: int) -> None:
    await store.connection.command("HSET", "{1768}:ctl", "schema", schema)
    with pytest.raises(StoreMismatch, match=f"schema {schema}"):
        await Store.connect(redis_url)


async def test_without_a_clock_it_follows_the_servers(redis_url: str) -> None:
    store = await Store.connect(redis_url)
    assert isinstance(store.clock, SystemClock)
    assert abs(store.clock.now_ms() - await store.connection.server_ms()) < 1000
    await store.close()


async def test_users_live_in_their_partition_with_everything_of_theirs(
    redis_url: str, clock: ManualClock
) -> None:
    store = await Store.connect(redis_url, clock=clock, partitions=16)
    bench = await make_bench(store, clock)
    for user in range(40):
        job = await bench.queued(user, 0, f"tap-{user}")
        home = partition_of_user(user, 16)
        assert partition_of_job(job.id) == home
        claim = await store.claim("w", partition=home, lease_ms=LEASE_MS, queued_ok=True)
        assert claim.job is not None
        assert claim.job.id == job.id
    assert len(await store.live_jobs()) == 40
    assert await store.beat("w", [(job.id, 1) for job in await store.live_jobs()], lease_ms=LEASE_MS) == []
    assert (await store.counts())["st:queued"] == 40
    await store.close()
