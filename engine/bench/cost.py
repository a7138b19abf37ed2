"""What a claim and a commit cost the server in a large store, told against a small one on the same minute.

Both stores are sampled in turn, many times and briefly, so that whatever else the machine does meets both;
what is said is the median of the samples, and the median of the ratios of neighbouring ones.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from engine.bench.crew import Crew, config_of, crew
from engine.bench.meter import server_cpu_s
from engine.bench.seeds import JUDGE, Seed, put
from engine.connection import Connection
from engine.front import Engine
from engine.worker import CLAIM_MAX
from states.facts import Happening
from states.vocabulary import Trigger

FAR_MS: Final = 3_000_000
LATER_NUMBERS: Final = 10_000_000_000
"""Jobs that take the place of measured ones have numbers from here on."""


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU of the server, microseconds: a job that is claimed, and the commit of its start."""

    claim_us: float
    commit_us: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians in the store and in the small one beside it, and how often the one is the other."""

    here: Sample
    small: Sample
    claim_ratio: float
    commit_ratio: float


@dataclass(slots=True)
class Bench:
    """One store under measurement. Its line of so many jobs is as long after a sample as before."""

    url: str
    users: int
    line: int
    seed: Seed
    made: Crew
    connection: Connection
    samples: list[Sample] = field(default_factory=list)
    _later: int = LATER_NUMBERS

    async def sample(self, jobs: int) -> None:
        """Claim some jobs from the line at once and commit their starts together, as a busy worker does.

        CPU and not the time a script took: that grows with whatever else the machine does.
        """
        store, fire = self.made.engine.store, self.made.worker.executor.committer.fire
        first_s = await server_cpu_s(self.connection)
        claim = await store.claim("sizer", partition=0, lease_ms=60_000, queued_ok=True, limit=jobs)
        second_s = await server_cpu_s(self.connection)
        if len(claim.taken) < jobs:
            raise RuntimeError("the line is empty: nothing can be measured")
        started = await asyncio.gather(*(fire(one.job, Trigger.START, Happening()) for one in claim.taken))
        third_s = await server_cpu_s(self.connection)
        self.samples.append(Sample((second_s - first_s) * 1e6 / jobs, (third_s - second_s) * 1e6 / jobs))
        far_ms = store.clock.now_ms() + FAR_MS
        for job in started:  # or their leases run out, and the next measurement claims them first
            if job is None:
                raise RuntimeError("a start was refused")
            await store.park(job, far_ms)
        await put(self.url, self.seed, range(self._later, self._later + jobs), users=self.users)
        self._later += jobs

    @property
    def middle(self) -> Sample:
        """The median of the samples."""
        return Sample(
            median(one.claim_us for one in self.samples), median(one.commit_us for one in self.samples)
        )


@asynccontextmanager
async def bench(url: str, seed: Seed, users: int, line: int) -> AsyncIterator[Bench]:
    """A store whose line was filled from this seed."""
    engine = await Engine.connect(url, config_of(), judge=JUDGE)
    async with crew(engine, name="sizer", slots=1) as made, Connection(url) as connection:
        yield Bench(url, users, line, seed, made, connection)


async def compare(here: Bench, small: Bench, calls: int) -> Cost:
    """Sample both in turn until so many calls were measured in each; who is first changes every time."""
    here.samples.clear()
    small.samples.clear()
    jobs = min(CLAIM_MAX, calls, here.line, small.line)
    for turn in range(-(-calls // jobs)):
        for one in (here, small) if turn % 2 else (small, here):
            await one.sample(jobs)
    pairs = list(zip(here.samples, small.samples, strict=True))
    return Cost(
        here.middle,
        small.middle,
        median(ours.claim_us / theirs.claim_us for ours, theirs in pairs),
        median(ours.commit_us / theirs.commit_us for ours, theirs in pairs),
    )
