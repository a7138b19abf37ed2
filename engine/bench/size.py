"""What size costs: claim and commit with ever more jobs in the store, memory by kind, worker, check."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Final

from engine.bench.cost import Bench, Cost, bench, compare
from engine.bench.crew import at_work, config_of, crew, fund
from engine.bench.meter import look, rss_bytes, wall_s
from engine.bench.seeds import JUDGE, Seed, fill
from engine.bench.waiting import until
from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.connection import Connection
from engine.front import Engine

PATIENCE_S: Final = 300.0
SMALL: Final = 1_000
"""Jobs in the line of the store that others are told against."""


@dataclass(frozen=True, slots=True)
class Step:
    """What calls cost with so many jobs in the store, how long it was filled, and where its memory stands."""

    queued: int
    rendering: int
    waiting: int
    cost: Cost
    fill_s: float
    memory: int


async def open_store(url: str) -> None:
    """Make an empty server a store without a file: a million jobs on a disk measure the disk."""
    async with Connection(url) as connection:
        await connection.keyless("CONFIG SET", "appendonly", "no")
    await (await Engine.connect(url, config_of(), judge=JUDGE)).close()


@dataclass(frozen=True, slots=True)
class Crowd:
    """Jobs that are in the store before the line grows."""

    rendering: int
    waiting: int


@asynccontextmanager
async def small_store(url: str, seed: Seed, users: int, jobs: int = SMALL) -> AsyncIterator[Bench]:
    """The store that others are told against, on an empty server of its own."""
    await open_store(url)
    await fill(url, seed, range(jobs), users=users, funded=False)
    async with bench(url, seed, users, jobs) as made:
        yield made


async def size_curve(
    url: str, small: Bench, levels: Sequence[int], users: int, calls: int
) -> AsyncIterator[Step]:
    """Measure at each length of the line."""
    await open_store(url)
    number = 0
    for level in levels:
        began_s = wall_s()
        await fill(url, small.seed, range(number, level), users=users, funded=number > 0)
        number = level
        yield await _step(url, small, level, Crowd(0, 0), calls, wall_s() - began_s)


async def crowded(
    url: str, small: Bench, seeds: Mapping[str, Seed], crowd: Crowd, queued: int, calls: int
) -> Step:
    """Measure with others rendering and waiting beside the line."""
    await open_store(url)
    began_s, users = wall_s(), small.users
    await fill(url, seeds["rendering"], range(crowd.rendering), users=users, funded=False)
    number = crowd.rendering + crowd.waiting
    await fill(url, seeds["waiting"], range(crowd.rendering, number), users=users, funded=True)
    await fill(url, seeds["queued"], range(number, number + queued), users=users, funded=True)
    return await _step(url, small, queued, crowd, calls, wall_s() - began_s)


async def _step(url: str, small: Bench, queued: int, crowd: Crowd, calls: int, fill_s: float) -> Step:
    async with bench(url, small.seed, small.users, queued) as here:
        cost = await compare(here, small, calls)
        memory = (await look(here.connection)).memory
    return Step(queued, crowd.rendering, crowd.waiting, cost, fill_s, memory)


async def bytes_per_job(url: str, seed: Seed, jobs: int, users: int) -> float:
    """Memory that jobs of one kind take in an empty store, their users' accounts left out."""
    await open_store(url)
    async with Connection(url) as connection:
        await fill(url, seed, range(0), users=users, funded=False)
        before = await look(connection)
        await fill(url, seed, range(jobs), users=users, funded=True)
        return (await look(connection)).since(before).memory / jobs


async def check_speed(url: str) -> tuple[int, float, int]:
    """Jobs proved by `reelstate check`, seconds, findings."""
    async with await StoreReader.open(url) as reader:
        began_s = wall_s()
        report = await check_store(reader)
        return report.jobs, wall_s() - began_s, len(report.findings)


# --- the worker's memory ------------------------------------------------------------------------


async def worker_rss(url: str, jobs: int) -> int:
    """Resident bytes of a fresh worker process after it carried some jobs of a store as it is."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_worker, args=(url, jobs, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not await asyncio.to_thread(ours.poll, PATIENCE_S):
            raise RuntimeError("the worker whose memory is measured said nothing")
        try:
            return int(ours.recv())
        except EOFError:
            raise RuntimeError("the worker whose memory is measured ended: its error is above") from None
    finally:
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def _worker(url: str, jobs: int, pipe: Pipe) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(_carry(url, jobs, pipe))


async def _carry(url: str, jobs: int, pipe: Pipe) -> None:
    engine = await Engine.connect(url, config_of(), judge=JUDGE)
    await fund(engine, 20, jobs)
    async with crew(engine, name="weighed", slots=32) as made, at_work(made):
        async with asyncio.timeout(PATIENCE_S):
            for n in range(jobs):
                await made.submit(n, 1 + n % 20)
            await until(lambda: made.moves.done == jobs)
        pipe.send(rss_bytes())
