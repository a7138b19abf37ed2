"""One round of a measurement, on a fresh server or on an emptied one that was named by hand."""

from collections.abc import AsyncIterator
from dataclasses import replace

from bot.wiring.bench.servers import ground
from engine.bench.jobs import Plan, Result, run_jobs
from engine.bench.raw import Recording, Replayed, record_run, replay_run


async def raw_rounds(
    jobs: int, users: int, rounds: int, redis_url: str, aof: str
) -> AsyncIterator[tuple[Recording, str, Replayed]]:
    """Record one run, then replay it batched and one by one in turn, each on an empty server."""
    async with ground(redis_url, aof) as url:
        recording = await record_run(url, jobs, users)
    for _ in range(rounds):
        for batched in (True, False):
            async with ground(redis_url, aof) as url:
                replayed = await replay_run(url, recording, batched=batched)
            yield recording, "batched" if batched else "single", replayed


async def jobs_round(plan: Plan, redis_url: str, aof: str) -> Result:
    """One run of whole jobs. Raises NotFit for a server that cannot be measured on."""
    async with ground(redis_url, aof) as url:
        return await run_jobs(replace(plan, url=url))
