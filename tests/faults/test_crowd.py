"""Many at once: one key pressed by everybody, a noisy neighbour, a closed provider, a poison job."""

import asyncio
from fnmatch import fnmatchcase

import pytest

from engine.clock import ManualClock
from engine.config import EngineConfig
from engine.connection import Connection
from engine.front import Engine
from engine.keys import PERMANENT
from engine.ports import Rendering
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.values import Account, EntryKind, NewJob, Submission
from engine.worker import Worker
from states.job import Request
from states.vocabulary import Reason, State
from tests.audit import findings
from tests.engine.fakes import World, failed, make_world
from tests.factories import LEASE_MS, make_bench
from tests.faults.figures import Figure

TAPS = 100
CROWD = 10_000


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


def wish(user: int, idem: str) -> NewJob:
    """A launch of a user."""
    request = Request(chat_id=user, photo="photo-1", template="own", prompt="spin", model="m1")
    return NewJob(idem, user, 1, request, status_message_id=5)


async def test_one_key_from_everywhere_is_one_job_and_one_hold(
    redis_url: str, clock: ManualClock, figure: Figure
) -> None:
    engines = [await Engine.connect(redis_url, EngineConfig(), clock=clock) for _ in range(4)]
    try:
        await engines[0].grant(7, TAPS, "gift", EntryKind.GRANT)
        taps = [engines[n % 4].submit(wish(7, "tap")) for n in range(TAPS)]
        answers = await asyncio.gather(*taps)
        assert sum(answer.result is Submission.CREATED for answer in answers) == 1
        assert {answer.job.id for answer in answers if answer.job is not None} == {
            (await engines[0].jobs_of(7))[0].id
        }
        assert await engines[0].account(7) == Account(TAPS - 1, 1)
        holds = sum(row.kind is EntryKind.HOLD for row in await engines[0].statement(7, 50))
        assert holds == 1
        figure(f"holds for {TAPS} taps on one button from 4 processes", holds)
    finally:
        for engine in engines:
            await engine.close()
    assert await findings(redis_url) == ()


CROWDS = [
    pytest.param(300, id="hundreds"),
    pytest.param(CROWD, id="ten thousand", marks=pytest.mark.faults),
]


@pytest.mark.parametrize("crowd", CROWDS)
async def test_a_noisy_neighbour_delays_nobody(
    store: Store, clock: ManualClock, crowd: int, figure: Figure
) -> None:
    """However many jobs one user has in line, another one's is the next or the one after it."""
    bench = await make_bench(store, clock)
    await bench.fund(8, 100)
    for start in range(0, crowd, 500):
        taps = range(start, min(start + 500, crowd))
        await asyncio.gather(*(bench.submit(7, 0, f"tap-{n}", max_live=crowd) for n in taps))
    workers = 3
    for n in range(workers):
        await bench.claim(f"busy-{n}")
    quiet = await bench.queued(8, 1, "theirs")
    before = 0
    while (await bench.claim(f"w{before}")).id != quiet.id:
        before += 1
    assert before <= 1
    figure(f"most jobs of a neighbour with {crowd} in line that began before ours", before)


async def test_a_429_stops_every_worker_and_only_at_that_provider(world: World, figure: Figure) -> None:
    """Retry-After: 7 s. Nobody creates before; deliveries and looks at tasks go on."""
    running = await world.launched("running", user=11)
    workers = [world.worker(f"w{n}") for n in range(4)]
    world.maker.polls.append(Rendering(1.0))
    await world.go(workers[0])
    world.maker.creates.append(failed(Reason.RATE_LIMITED, retry_after_s=7))
    for n, worker in enumerate(workers):
        await world.launched(f"tap-{n}", user=20 + n)
        await world.go(worker)
    early = world.maker.created - 2
    for _ in range(69):
        world.clock.advance(0.1)
        for worker in workers:
            await world.go(worker)
        early = max(early, world.maker.created - 2)
    assert early == 0
    figure("creates within Retry-After: 7 s, 4 workers", early)
    await world.later(31, workers[1])
    await world.later(5, workers[1])
    assert (await world.job(running.id)).state is State.DONE
    await world.later(300, workers[2])
    assert world.maker.created > 2, "afterwards the provider is asked again"


# --- poison -------------------------------------------------------------------------------------


class Poison(BaseException):
    """What kills the process that handles the job."""


async def test_a_poison_job_ends_refunded_and_others_go_on(world: World, figure: Figure) -> None:
    """Each worker that takes it dies. It stops by itself, its credits return, its neighbours are served."""

    async def dies(*_: object) -> None:
        raise Poison

    poison = await world.launched("poison", user=11)
    deaths = 0
    neighbours = []
    for n in range(40):
        if (await world.job(poison.id)).state is State.REFUNDED:
            break
        neighbours.append(await world.launched(f"tap-{n}", user=100 + n))
        worker = world.worker(f"w{n}")
        deaths += await _until_it_dies(world, worker, poison.id, dies)
        world.clock.advance(70)
    assert (await world.job(poison.id)).state is State.REFUNDED
    assert await world.engine.account(11) == Account(100, 0)
    worker = world.worker("last")
    for _ in range(6):
        await world.later(60, worker)
    ends = {(await world.job(job.id)).state for job in neighbours}
    assert ends == {State.DONE}
    assert 1 < deaths <= 6
    figure("deaths of workers by one poison job", deaths)
    figure("neighbours of a poison job that were served", len(neighbours))


async def _until_it_dies(world: World, worker: Worker, poison: str, dies: object) -> bool:
    """Carry what there is; the process dies with the first step of the poison job."""
    for _ in range(50):
        taken = await world.take(worker)
        if taken is None:
            return False
        world.maker.before_intent = [dies] if taken[0].id == poison else []
        try:
            await worker.executor.carry(taken[0], lost=taken[1])
        except Poison:
            return True
        finally:
            world.maker.before_intent = []
        worker.leases.drop(taken[0].id)
    raise AssertionError("there is always more")


# --- time and space -----------------------------------------------------------------------------


async def test_two_hundred_retries_wake_in_time_and_never_early(
    store: Store, clock: ManualClock, randomness: SeededRandomness, figure: Figure
) -> None:
    """By the store's own time: nothing is given out before it is due, everything at the first look after."""
    bench = await make_bench(store, clock)
    due: dict[str, int] = {}
    for n in range(200):
        await bench.queued(7, 0, f"tap-{n}")
        job = await bench.moved(await bench.claim(), "queued/start", State.GENERATING)
        due[job.id] = clock.now_ms() + 300 + round(randomness.random() * 3700)
        await bench.moved(job, "generating/error", State.RETRY_WAIT, keep=False, due_ms=due[job.id])
    early = late = 0
    while due:
        claim = await store.claim("w1", partition=0, lease_ms=LEASE_MS, queued_ok=True)
        if claim.job is None:
            assert claim.next_due_ms is not None
            assert claim.next_due_ms == min(due.values()), "it says when to look again, to the ms"
            clock.set(claim.next_due_ms)
            continue
        early += due[claim.job.id] > clock.now_ms()
        late += due.pop(claim.job.id) < clock.now_ms()
        await bench.moved(claim.job, "retry_wait/resume", State.GENERATING)
    assert (early, late) == (0, 0)
    figure("of 200 retries, woken early or late by the store's time", early + late)


SIZES = [pytest.param(40, id="tens"), pytest.param(2000, id="thousands", marks=pytest.mark.faults)]


@pytest.mark.parametrize("jobs", SIZES)
async def test_when_all_lifetimes_are_over_nothing_of_a_job_is_left(
    world: World, connection: Connection, jobs: int, figure: Figure
) -> None:
    """Twice as many jobs leave not one key more: what stays belongs to users, not to jobs."""
    worker = world.worker()
    for user in range(100, 110):
        await world.engine.grant(user, jobs, "gift", EntryKind.GRANT)
    left: list[int] = []
    for half in range(2):
        for n in range(half * jobs // 2, (half + 1) * jobs // 2):
            if n % 5 == 0:
                world.maker.creates.append(failed(Reason.IMAGE_TOO_DARK))
            await world.engine.submit(wish(100 + n % 10, f"tap-{n}"))
            await world.go(worker)
            await world.later(40, worker)
        await world.outbox()
        assert await world.engine.live_jobs() == []
        left.append(await _outlive(connection))
    assert left[0] == left[1]
    figure(f"keys left by {jobs} jobs when all lifetimes are over", left[1] - left[0])


async def _outlive(connection: Connection) -> int:
    """Let every lifetime end; how many keys stay. Each is on the list of what may."""
    for key in await connection.command("KEYS", "*"):
        if await connection.command("PTTL", key) >= 0:
            await connection.command("DEL", key)
    keys = [key.decode() for key in await connection.command("KEYS", "*")]
    names = [key.partition("}:")[2] for key in keys]
    assert [name for name in names if not any(fnmatchcase(name, pattern) for pattern in PERMANENT)] == []
    for empty in ("t", "qz", "rdy"):
        assert empty not in names, "indexes of live jobs"
    return len(keys)
