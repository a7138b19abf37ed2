"""taskiq over a Redis stream with acknowledgements; `results`: with its result backend."""

import asyncio

from taskiq.api import run_receiver_task
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from tests.bench.peers.frame import noop_async, order, run_async

ORDER = order()
BROKER = RedisStreamBroker(url=ORDER.url, consumer_id="0", xread_count=100)
if ORDER.extra == "results":
    BROKER = BROKER.with_result_backend(RedisAsyncResultBackend(redis_url=ORDER.url, result_ex_time=600))
TASK = BROKER.task(task_name="noop")(noop_async)


async def enqueue() -> None:
    await BROKER.startup()
    for first in range(0, ORDER.jobs, 100):
        await asyncio.gather(*(TASK.kiq(ORDER.payload) for _ in range(first, min(first + 100, ORDER.jobs))))


async def work() -> None:
    await run_receiver_task(BROKER, max_async_tasks=100, max_prefetch=100, run_startup=False)


run_async(enqueue, work)
