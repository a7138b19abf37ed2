"""A worker process is killed with jobs in its hands: how long until another one goes on with them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

from engine.bench.crew import at_work, config_of, crew, fund
from engine.bench.meter import wall_s
from engine.bench.ports import InstantMaker
from engine.bench.processes import spawned
from engine.bench.waiting import until
from engine.front import Engine
from engine.ports import Accepted, Failed
from engine.telemetry import Field
from states.job import Job, ProviderTask

PATIENCE_S = 120.0


@dataclass(slots=True)
class StuckMaker(InstantMaker):
    """A provider that never answers a create call."""

    called: Callable[[], None] = lambda: None

    async def create(
        self, job: Job, task: ProviderTask, intent: Callable[[], Awaitable[bool]]
    ) -> Accepted | Failed:
        """Hang."""
        await intent()
        self.called()
        await asyncio.Event().wait()
        return await InstantMaker.create(self, job, task, intent)


async def crash_to_resumed(url: str, jobs: int, lease_ms: int) -> list[float]:
    """Seconds from SIGKILL to each job's next transition, by another worker that was idle all the time."""
    engine = await Engine.connect(url, config_of(lease_ms=lease_ms))
    await fund(engine, jobs, 1)
    resumed: dict[str, float] = {}

    def moved(name: str, fields: dict[str, Field]) -> None:
        if name == "job.moved":
            resumed.setdefault(str(fields["job"]), wall_s())

    async with crew(engine, name="heir", slots=max(64, jobs)) as made:
        made.heard(moved)
        for n in range(jobs):
            await made.submit(n, 1 + n)
        with spawned(_victim, url, jobs, lease_ms) as victim:
            await victim.heard(PATIENCE_S)  # it has taken all jobs
            async with at_work(made), asyncio.timeout(PATIENCE_S):
                await asyncio.sleep(1.0)  # the heir has looked and waits
                victim.process.kill()
                killed_s = wall_s()
                await until(lambda: len(resumed) == jobs)
    return [at_s - killed_s for at_s in resumed.values()]


def _victim(url: str, jobs: int, lease_ms: int, pipe: Pipe) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(_take_and_hang(url, jobs, lease_ms, pipe))


async def _take_and_hang(url: str, jobs: int, lease_ms: int, pipe: Pipe) -> None:
    taken: list[int] = []
    engine = await Engine.connect(url, config_of(lease_ms=lease_ms))
    maker = StuckMaker(called=lambda: taken.append(1))
    async with crew(engine, name="victim", slots=max(64, jobs), maker=maker) as made, at_work(made):
        await until(lambda: len(taken) == jobs)
        pipe.send("all taken")
        await asyncio.Event().wait()
