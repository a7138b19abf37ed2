"""arq with 100 jobs at once, results not kept, and a short poll."""

import asyncio
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

from tests.bench.peers.frame import noop_async, order, run_async

ORDER = order()
SETTINGS = RedisSettings.from_dsn(ORDER.url)


async def job(ctx: Any, payload: str) -> None:
    del ctx
    await noop_async(payload)


async def enqueue() -> None:
    pool = await create_pool(SETTINGS)
    for few in ORDER.batches(100):
        await asyncio.gather(*(pool.enqueue_job("job", ORDER.payload) for _ in range(few)))
    await pool.aclose()


async def work() -> None:
    worker = Worker(
        functions=[func(job, name="job", keep_result=0)],
        redis_settings=SETTINGS,
        max_jobs=100,
        poll_delay=0.01,
        handle_signals=False,
        log_results=False,
    )
    await worker.async_run()


run_async(enqueue, work)
