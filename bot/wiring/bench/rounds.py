"""One round of a measurement, on a fresh server or on an emptied one that was named by hand."""

from dataclasses import replace

from bot.wiring.bench.servers import clear, emptied, fresh_server
from engine.bench.jobs import Plan, Result, run_jobs


async def jobs_round(plan: Plan, redis_url: str, aof: str) -> Result:
    """One run of whole jobs. Raises Trouble for a server that cannot be measured on."""
    if not redis_url:
        with fresh_server(aof) as url:
            return await run_jobs(replace(plan, url=url))
    await emptied(redis_url, aof)
    try:
        return await run_jobs(replace(plan, url=redis_url))
    finally:
        await clear(redis_url)
