"""A million jobs in a store, quickly: one life is recorded call by call, and sent again for others.

Nothing here knows the store's layout. Ids, claims and operations of the recorded job come from tokens that
begin with one mark; another mark and another user of the same length make another job's calls.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from engine.bench.blast import Call, batched_commands, blast, loaded
from engine.bench.crew import COST, PLENTY, at_work, config_of, crew
from engine.bench.ports import InstantMaker, request_of
from engine.bench.raw import Recorder
from engine.bench.waiting import until_async
from engine.bench.waking import SHORT, RetryMaker
from engine.connection import Connection
from engine.front import Engine
from engine.randomness import TOKEN_LENGTH
from engine.store import Store
from engine.values import EntryKind, NewJob, Submission
from states.graph import build_graph
from states.job import Job, TaskStatus
from states.machine import Judge
from states.vocabulary import State

MARK: Final = "SeedOfLives"
USER: Final = 7_340_917
USERS_MAX: Final = 1_000_000
FAR_S: Final = 3_000.0
"""Rendering and waiting jobs are not due before."""
JUDGE: Final = Judge(build_graph(SHORT))
"""Whoever works on a seeded store judges by this graph."""


class SeedRandomness:
    """Tokens that begin with the mark."""

    def __init__(self) -> None:
        self._count = count()

    def random(self) -> float:
        """No jitter."""
        return 0.0

    def token(self) -> str:
        """The next one, 22 letters."""
        return MARK + f"{next(self._count):0{TOKEN_LENGTH - len(MARK)}d}"


@dataclass(frozen=True, slots=True)
class Seed:
    """The calls of one user's grant, and of one job's life, each as one batch ready to be sent."""

    state: State
    grant: bytes
    life: bytes

    def grants(self, users: range) -> Iterator[bytes]:
        """The first credits of users 0, 1, 2 ..."""
        for number in users:
            yield self.grant.replace(str(USER).encode(), _user(number))

    def lives(self, numbers: range, users: int) -> Iterator[bytes]:
        """Jobs `numbers`, spread over so many users. A number must not come twice in a store."""
        for number in numbers:
            mark = f"{number:0{len(MARK)}d}".encode()
            yield self.life.replace(MARK.encode(), mark).replace(str(USER).encode(), _user(number % users))


def _user(number: int) -> bytes:
    if not 0 <= number < USERS_MAX:
        raise ValueError(f"user {number}: a seeded store has 1 to {USERS_MAX} users")
    return str(1_000_000 + number).encode()


async def record_life(url: str, state: State) -> Seed:
    """Bring one job on an empty server to a state and keep its calls. The server is spoilt afterwards."""
    config = config_of()
    store = await Store.connect(url, partitions=1, randomness=SeedRandomness())
    recorder = Recorder(store.connection)
    await recorder.load()
    store.dispatcher = recorder
    engine = Engine(store, config, JUDGE)
    await engine.open()
    recorder.recording = True
    await engine.grant(USER, COST * PLENTY // 10, MARK, EntryKind.GRANT)
    granted = len(recorder.calls)
    await _live(engine, state)
    shas = await asyncio.to_thread(loaded, url)
    grant, life = recorder.calls[:granted], recorder.calls[granted:]
    return Seed(state, _batches(grant, shas["batch"]), _batches(life, shas["batch"]))


async def _live(engine: Engine, state: State) -> None:
    maker = (
        RetryMaker(wait_s=lambda: FAR_S)
        if state is State.RETRY_WAIT
        else InstantMaker(FAR_S if state is State.GENERATING else 0.0)
    )
    async with crew(engine, name="seeder", slots=1, maker=maker) as made:
        new = NewJob(MARK, USER, COST, request_of(USER), status_message_id=7)
        submitted = await engine.submit(new)
        if submitted.result is not Submission.CREATED or submitted.job is None:
            raise RuntimeError(f"the job to be copied was refused: {submitted.result}")
        if state is State.QUEUED:
            return
        job_id = submitted.job.id

        async def there() -> bool:
            return _there(await engine.store.read(job_id), state)

        async with at_work(made), asyncio.timeout(30):
            await until_async(there)
            await made.worker.stop(grace_s=10)  # what follows a transition belongs to the life too


def _there(job: Job | None, state: State) -> bool:
    if job is None or job.state is not state:
        return False
    return state is not State.GENERATING or any(task.status is TaskStatus.OPEN for task in job.tasks)


async def fill(url: str, seed: Seed, numbers: range, *, users: int, funded: bool) -> None:
    """Put jobs into a store that `JUDGE`'s graph is known to. What they have to tell is thrown away.

    Raises RuntimeError when they did not all get there: a life that was claimed only goes by itself when
    nobody else's job waits in the line.
    """
    if not funded:
        await asyncio.to_thread(blast, url, seed.grants(range(users)))
    before = await _counted(url, seed.state)
    await put(url, seed, numbers, users=users)
    came = await _counted(url, seed.state) - before
    if came != len(numbers):
        raise RuntimeError(f"{came} of {len(numbers)} jobs came to be {seed.state}")
    async with Connection(url) as connection:
        cursor = b"0"
        while True:
            cursor, keys = await connection.keyless("SCAN", cursor, "MATCH", "*:ob:*", "COUNT", 10_000)
            if keys:
                await connection.keyless("UNLINK", *keys)
            if int(cursor) == 0:
                return


async def put(url: str, seed: Seed, numbers: range, *, users: int) -> None:
    """Put jobs of funded users into a store, and what they have to tell into its outbox."""
    await asyncio.to_thread(blast, url, seed.lives(numbers, users))


async def _counted(url: str, state: State) -> int:
    engine = await Engine.connect(url, config_of(), judge=JUDGE)
    try:
        return (await engine.store.counts()).get(f"st:{state}", 0)
    finally:
        await engine.close()


_LEFT_OUT: Final = frozenset(
    ("read", "queue_stats", "opens", "paused", "leave", "beat", "queue_take", "queue_ack")
)
"""Calls that change nothing of a job. (What the relay takes has a token of its store, not of ours.)"""


def _batches(calls: Sequence[Call], sha: str) -> bytes:
    return b"".join(batched_commands((call for call in calls if call[1] not in _LEFT_OUT), sha))
