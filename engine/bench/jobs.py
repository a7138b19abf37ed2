"""Whole jobs a second: submit → generating → accepted → sending → done, by worker processes of their own.

Every process submits its part and carries whatever it claims; the number of jobs in flight is bounded.
The clock stops when every job is done and the last notice has left the outbox.
"""

import asyncio
import multiprocessing
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection as Pipe

from engine.bench.crew import Crew, at_work, config_of, crew, fund
from engine.bench.footprint import Footprint, footprint
from engine.bench.meter import Server, cpu_s, look, wall_s
from engine.bench.processes import PATIENCE_S, spawned
from engine.bench.waiting import until, until_async
from engine.collector import settle
from engine.connection import Connection
from engine.front import Engine


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `concurrency`: jobs in flight and worker slots of each process."""

    url: str
    jobs: int = 5_000
    users: int = 1_000
    concurrency: int = 256
    processes: int = 1
    partitions: int = 1
    drain: bool = False
    """Submit everything first, and time only the rest (what job queues call jobs a second)."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process has done."""

    began_s: float
    ended_s: float
    cpu_s: float
    edges: int
    done: int
    told: int
    other: dict[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """One run as measured; per job where the name says so."""

    jobs: int
    took_s: float
    edges: int
    told: int
    worker_cpu_s: float
    server: Server
    left: Footprint
    submit_s: float
    other: dict[str, int]

    def figures(self) -> dict[str, float]:
        """The figures that are compared, by name and unit."""
        jobs, server = self.jobs, self.server
        return {
            "jobs_per_s": jobs / self.took_s,
            "transitions_per_s": self.edges / self.took_s,
            "cpu_us_per_job": (self.worker_cpu_s + server.cpu_s) * 1e6 / jobs,
            "worker_cpu_us_per_job": self.worker_cpu_s * 1e6 / jobs,
            "server_cpu_us_per_job": server.cpu_s * 1e6 / jobs,
            "server_cpu_us_per_transition": server.cpu_s * 1e6 / max(1, self.edges),
            "script_us_per_transition": server.script_us / max(1, self.edges),
            "commands_us_per_transition": server.inner_us / max(1, self.edges),
            "server_busy": server.cpu_s / self.took_s,
            "commands_per_job": server.commands / jobs,
            "calls_per_job": server.sent / jobs,
            "reads_per_job": server.reads / jobs,
            "bytes_left_per_job": server.memory / jobs,
            "aof_bytes_per_job": server.aof / jobs,
        }


class Tally:
    """Jobs submitted and done, counted by all processes together."""

    def __init__(self, jobs: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.jobs = jobs
        self._submitted = context.Value("q", 0)
        self._done = context.Value("q", 0)

    def next(self) -> int | None:
        """The number of the next job to submit, None when all are."""
        with self._submitted.get_lock():
            n: int = self._submitted.value
            if n >= self.jobs:
                return None
            self._submitted.value = n + 1
        return n

    def one_done(self) -> None:
        """One more has ended."""
        with self._done.get_lock():
            self._done.value += 1

    @property
    def over(self) -> bool:
        """Whether every job has ended."""
        return bool(self._done.value >= self.jobs)


async def run_jobs(plan: Plan) -> Result:
    """Measure one run on an empty server. Raises RuntimeError when a process fails."""
    tally = Tally(plan.jobs)
    engine = await Engine.connect(plan.url, config_of(plan.partitions))
    try:
        await fund(engine, plan.users, -(-plan.jobs // plan.users))
        async with Connection(plan.url) as connection:
            start = await look(connection)
            submit_s = await _submit_all(plan, tally) if plan.drain else 0.0
            before, parts = await _run_processes(plan, tally, connection)
            after = await look(connection)
            server = after.since(before)
            if plan.drain:  # what a job leaves behind includes its submit
                server = _with_sizes(server, after.since(start))
            left = await footprint(connection, plan.jobs)
    finally:
        await engine.close()
    return Result(
        jobs=plan.jobs,
        took_s=max(part.ended_s for part in parts) - min(part.began_s for part in parts),
        edges=sum(part.edges for part in parts),
        told=sum(part.told for part in parts),
        worker_cpu_s=sum(part.cpu_s for part in parts),
        server=server,
        left=left,
        submit_s=submit_s,
        other=_sum([part.other for part in parts]),
    )


def _with_sizes(server: Server, whole: Server) -> Server:
    return Server(server.cpu_s, whole.memory, whole.aof, server.reads, server.calls, server.usec)


def _sum(counts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts:
        for name, n in each.items():
            total[name] = total.get(name, 0) + n
    return total


async def _submit_all(plan: Plan, tally: Tally) -> float:
    """Put all jobs in line; how long that took, s."""
    engine = await Engine.connect(plan.url, config_of(plan.partitions))
    async with crew(engine, name="submitter", slots=1) as made:
        began_s = wall_s()
        await asyncio.gather(*(_submit(made, tally, plan.users, None) for _ in range(plan.concurrency)))
        return wall_s() - began_s


async def _submit(made: Crew, tally: Tally, users: int, room: asyncio.Semaphore | None) -> None:
    while True:
        if room is not None:
            await room.acquire()
        n = tally.next()
        if n is None:
            return
        await made.submit(n, 1 + n % users)


# --- processes ----------------------------------------------------------------------------------


async def _run_processes(plan: Plan, tally: Tally, connection: Connection) -> tuple[Server, list[Part]]:
    """Start all, let them go together; the server's counters at that moment, and what each has done."""
    with ExitStack() as all_of_them:
        children = [
            all_of_them.enter_context(spawned(_process, plan, tally, number))
            for number in range(plan.processes)
        ]
        for child in children:
            await child.heard()
        before = await look(connection)
        for child in children:
            child.pipe.send("go")
        return before, [Part(**(await child.heard())) for child in children]


def _process(plan: Plan, tally: Tally, number: int, pipe: Pipe) -> None:
    """The body of a measured process."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_work(plan, tally, number, pipe))


async def _work(plan: Plan, tally: Tally, number: int, pipe: Pipe) -> None:
    room = asyncio.Semaphore(plan.concurrency)

    def ended() -> None:
        tally.one_done()
        room.release()

    engine = await Engine.connect(plan.url, config_of(plan.partitions))
    async with crew(engine, name=f"w{number}", slots=plan.concurrency, ended=ended) as made:
        settle()
        pipe.send("ready")
        await asyncio.to_thread(pipe.recv)
        began_s, used_s = wall_s(), cpu_s()
        async with at_work(made), asyncio.timeout(PATIENCE_S):
            submitters = [
                asyncio.create_task(_submit(made, tally, plan.users, room)) for _ in range(plan.concurrency)
            ]
            await until(lambda: tally.over)
            await until_async(made.told_all)
            ended_s, used_s = wall_s(), cpu_s() - used_s
            for task in submitters:
                task.cancel()
            await asyncio.gather(*submitters, return_exceptions=True)
        moves = made.moves
        part = Part(began_s, ended_s, used_s, moves.edges, moves.done, made.notifier.told, dict(moves.other))
        pipe.send(asdict(part))
