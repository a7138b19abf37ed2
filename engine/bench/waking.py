"""How late the engine wakes: new jobs on an idle worker, retries at random times, and many at once.

Lateness is measured against the job's own due time on the engine's clock, read finer than its milliseconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from random import Random
from typing import Final

from engine.bench.crew import Crew, at_work, config_of, crew, fund
from engine.bench.meter import look, wall_s
from engine.bench.ports import InstantMaker
from engine.bench.processes import spawned
from engine.bench.waiting import until
from engine.collector import settle
from engine.connection import Connection
from engine.executor import Executor
from engine.front import Engine
from engine.ports import Accepted, Clock, Failed, Rendered, Rendering
from engine.randomness import SystemRandomness
from engine.telemetry import Field
from states.graph import build_graph
from states.job import Job, ProviderTask
from states.machine import Judge
from states.strategy import STRATEGY
from states.vocabulary import Failure, Reason, Stage, State, Verdict

SHORT_S: Final = 0.1
SHORT: Final = STRATEGY.changed(Stage.GENERATING, Reason.NETWORK, delays_s=(SHORT_S,))
"""Retry-After decides when a retry is due, not the table's ten seconds."""
LEAD_S: Final = 3.0
"""At least so long after their failure jobs fall due that do so together."""
PATIENCE_S: Final = 120.0


class Unjittered(SystemRandomness):
    """No jitter: a due time is exactly what was asked for."""

    def random(self) -> float:
        """The low end."""
        return 0.0


class FineClock:
    """The engine's clock in fractions of a millisecond, set by watching one of its ticks."""

    def __init__(self, clock: Clock) -> None:
        before = clock.now_ms()
        while (now := clock.now_ms()) == before:
            pass
        self._tick_ms, self._tick_s = now, wall_s()

    def now_ms(self) -> float:
        """Now, ms since the epoch."""
        return self._tick_ms + (wall_s() - self._tick_s) * 1000


@dataclass(frozen=True, slots=True)
class Watched(Executor):
    """An executor that tells what it is given to carry."""

    claimed: Callable[[Job], None]

    async def carry(self, job: Job, *, lost: Reason | None = None) -> None:
        """As the real one."""
        self.claimed(job)
        await Executor.carry(self, job, lost=lost)


def watched(made: Crew, claimed: Callable[[Job], None]) -> None:
    """Let `claimed` know of every job the crew's worker claims."""
    one = made.worker.executor
    made.worker.executor = Watched(
        one.committer, one.maker, one.courier, one.gate, one.clock, one.still_ours, claimed
    )


# --- from submit to start -----------------------------------------------------------------------


@dataclass(slots=True)
class StartMaker(InstantMaker):
    """Notes when the provider is called."""

    called_s: dict[str, float] = field(default_factory=dict)

    async def create(
        self, job: Job, task: ProviderTask, intent: Callable[[], Awaitable[bool]]
    ) -> Accepted | Failed:
        """As the instant one."""
        self.called_s[job.id] = wall_s()
        return await InstantMaker.create(self, job, task, intent)


@dataclass(frozen=True, slots=True)
class Starts:
    """Milliseconds from asking for a submit until it was known, claimed, started, and its create call."""

    acknowledged: list[float]
    claimed: list[float]
    started: list[float]
    create: list[float]


async def start_latency(url: str, times: int, seed: int) -> Starts:
    """Let a process of its own submit now and then to an idle worker in this one."""
    engine = await Engine.connect(url, config_of())
    claimed: dict[str, float] = {}
    started: dict[str, float] = {}
    maker, found = StartMaker(), Starts([], [], [], [])
    await fund(engine, 1, times)
    async with crew(engine, name="idle", slots=64, maker=maker) as made:
        watched(made, lambda job: _note_once(claimed, job.id))
        made.heard(lambda name, fields: _note_start(started, name, fields))
        with spawned(_door, url, times, seed) as door:
            async with at_work(made), asyncio.timeout(PATIENCE_S):
                submits: list[Submit] = await door.heard(PATIENCE_S)
                await until(lambda: made.moves.done == times)
    for job_id, asked_s, known_s in submits:
        found.acknowledged.append((known_s - asked_s) * 1000)
        for times_s, to in (
            (claimed, found.claimed),
            (started, found.started),
            (maker.called_s, found.create),
        ):
            to.append((times_s[job_id] - asked_s) * 1000)
    return found


Submit = tuple[str, float, float]
"""A job's id, when it was asked for and when that was acknowledged (`wall_s`, which all processes share)."""


def _door(url: str, times: int, seed: int, pipe: Pipe) -> None:
    """The body of the submitting process."""
    with suppress(KeyboardInterrupt):
        pipe.send(asyncio.run(_submit_now_and_then(url, times, seed)))


async def _submit_now_and_then(url: str, times: int, seed: int) -> list[Submit]:
    pauses, submits = Random(seed), []  # noqa: S311 - a seed, not a secret
    engine = await Engine.connect(url, config_of())
    async with crew(engine, name="door", slots=1) as door:
        settle()
        for n in range(times):
            await asyncio.sleep(0.02 + 0.03 * pauses.random())
            asked_s = wall_s()
            job = (await door.submit(n, 1)).job
            assert job is not None  # noqa: S101 - `submit` has raised otherwise
            submits.append((job.id, asked_s, wall_s()))
    return submits


def _note_start(started: dict[str, float], name: str, fields: dict[str, Field]) -> None:
    if name == "job.moved" and fields["source"] == State.QUEUED:
        _note_once(started, str(fields["job"]))


def _note_once(times_s: dict[str, float], job_id: str) -> None:
    times_s.setdefault(job_id, wall_s())


# --- retries ------------------------------------------------------------------------------------


@dataclass(slots=True)
class RetryMaker(InstantMaker):
    """Fails each job's first poll; `wait_s` says with which Retry-After."""

    wait_s: Callable[[], float] = lambda: 1.0
    failed: set[str] = field(default_factory=set)

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """A network error once, then the video."""
        if job.id in self.failed:
            return await InstantMaker.poll(self, job, task)
        self.failed.add(job.id)
        return retry_in(self.wait_s())


class TogetherMaker(RetryMaker):
    """Holds every job's first poll until all are there, then lets them fall due at one and the same time."""

    def __init__(self, clock: Clock, jobs: int) -> None:
        super().__init__()
        self._clock, self._jobs = clock, jobs
        self._all = asyncio.Event()
        self._at_ms = 0.0

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """Wait for the others. Raises RuntimeError when the machine is too slow to store all in time."""
        if job.id in self.failed:
            return await InstantMaker.poll(self, job, task)
        self.failed.add(job.id)
        if len(self.failed) == self._jobs:
            self._at_ms = self._clock.now_ms() + (LEAD_S + self._jobs / 100) * 1000
            self._all.set()
        await self._all.wait()
        return retry_in((self._at_ms - self._clock.now_ms()) / 1000)


def retry_in(wait_s: float) -> Failed:
    """A network error with that Retry-After."""
    if wait_s <= SHORT_S:
        raise RuntimeError(
            "this machine is too slow just now: the due time came before the waits were stored"
        )
    cls = SHORT.row(Stage.GENERATING, Reason.NETWORK).cls
    return Failed(Failure("kie", "poll"), Verdict(cls, Reason.NETWORK, "bench.retry", wait_s))


@dataclass(frozen=True, slots=True)
class Lateness:
    """Milliseconds past the due time at which retries were claimed, and stored as resumed."""

    claimed: list[float]
    resumed: list[float]

    @property
    def early(self) -> int:
        """How many came before their time."""
        return sum(ms < 0 for ms in self.claimed)


async def retry_lateness(url: str, jobs: int, seed: int, *, together: bool = False) -> Lateness:
    """Let `jobs` retries fall due: at random 0.3-4 s after their failure, or all `together`."""
    engine = await Engine.connect(url, config_of(), judge=Judge(build_graph(SHORT)), randomness=Unjittered())
    fine, dice = FineClock(engine.store.clock), Random(seed)  # noqa: S311 - a seed, not a secret
    maker = RetryMaker(wait_s=lambda: 0.3 + 3.7 * dice.random())
    if together:
        maker = TogetherMaker(engine.store.clock, jobs)
    due: dict[str, int] = {}
    found = Lateness([], [])

    def claimed(job: Job) -> None:
        if job.state is State.RETRY_WAIT:
            due[job.id] = job.retry_at_ms
            found.claimed.append(fine.now_ms() - job.retry_at_ms)

    def moved(name: str, fields: dict[str, Field]) -> None:
        if name == "job.moved" and fields["source"] == State.RETRY_WAIT:
            found.resumed.append(fine.now_ms() - due[str(fields["job"])])

    await fund(engine, jobs, 1)
    async with crew(engine, name="retries", slots=max(1024, jobs), maker=maker) as made:
        watched(made, claimed)
        made.heard(moved)
        async with at_work(made), asyncio.timeout(PATIENCE_S):
            for first in range(0, jobs, 50):
                await asyncio.gather(*(made.submit(n, 1 + n) for n in range(first, min(first + 50, jobs))))
            await until(lambda: made.moves.done == jobs)
    return found


# --- idle ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idle:
    """Commands a minute of a process with nothing to do, and its CPU in ms a minute."""

    commands_per_minute: float
    by_command: dict[str, float]


async def idle_commands(url: str, seconds: float) -> Idle:
    """Let a worker with its relay do nothing for a while."""
    engine = await Engine.connect(url, config_of())
    async with crew(engine, name="idle", slots=64) as made, at_work(made), Connection(url) as connection:
        await asyncio.sleep(1.0)  # what is done once at the start is over
        before = await look(connection)
        await asyncio.sleep(seconds)
        after = (await look(connection)).since(before)
    minutes = seconds / 60
    outside = {name: n / minutes for name, n in after.calls.items() if n and after.is_sent(name)}
    return Idle(sum(outside.values()), outside)
