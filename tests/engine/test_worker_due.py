"""Many jobs that fall due at one and the same time: all are claimed before any is worked on."""

import pytest

from engine.errors import StoreUnavailable
from engine.store import Store
from engine.values import Claim, Taken
from engine.worker import Worker
from states.vocabulary import Reason
from tests.engine.fakes import USER, World, failed, make_world
from tests.engine.test_worker import settled


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def in_retry(world: World, jobs: int) -> None:
    """So many jobs wait for one and the same time, which has come."""
    world.maker.creates += [failed(Reason.NETWORK)] * jobs
    for n in range(jobs):
        await world.launched(f"retry-{n}", user=USER + n)
    worker = world.worker("before")
    await worker.tick(0)
    await settled(worker)
    world.clock.advance(60)


def watched(world: World, monkeypatch: pytest.MonkeyPatch, *, broken_after: int = 99) -> list[int | str]:
    """What happens in order: how many jobs each claim took, and the beginning of each job's work."""
    seen: list[int | str] = []
    claim, begin = world.store.claim, Worker._carry

    async def claimed(*args: object, **named: object) -> Claim:
        if len(seen) >= broken_after:
            raise StoreUnavailable("away")
        answer = await claim(*args, **named)  # type: ignore[arg-type]  # passed through
        seen.append(len(answer.taken))
        return answer

    def began(worker: Worker, taken: Taken, asked_ms: int) -> None:
        seen.append("begun")
        begin(worker, taken, asked_ms)

    monkeypatch.setattr(world.store, "claim", claimed)
    monkeypatch.setattr(Worker, "_carry", began)
    monkeypatch.setattr("engine.worker.CLAIM_MAX", 2)
    return seen


@pytest.mark.parametrize(
    ("slots", "order"),
    [(64, [2, 2, 1, *["begun"] * 5]), (3, [2, 1, *["begun"] * 3])],
    ids=["all", "as many as have slots"],
)
async def test_what_falls_due_at_once_is_claimed_before_any_of_it_is_begun(
    world: World, monkeypatch: pytest.MonkeyPatch, slots: int, order: list[int | str]
) -> None:
    """Else the last of a thousand retries waits for the work of all before it."""
    await in_retry(world, 5)
    worker = world.worker(slots=slots)
    seen = watched(world, monkeypatch)
    await worker.tick(0)
    assert seen == order
    await settled(worker)
    assert worker._free._value == slots


async def test_what_was_claimed_is_begun_though_the_store_goes_away_before_the_next_claim(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await in_retry(world, 5)
    worker = world.worker()
    seen = watched(world, monkeypatch, broken_after=1)
    with pytest.raises(StoreUnavailable):
        await worker.tick(0)
    assert seen == [2, "begun", "begun"]
    await settled(worker)
    assert worker._free._value == 64
