"""taskiq over a Redis stream with acknowledgements; `results`: with its result backend."""

import asyncio

from taskiq.api import run_receiver_task
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from tests.bench.peers.frame import WORK, noop_async, order, run_async

ORDER = order()
BROKER = RedisStreamBroker(url=ORDER.url, consumer_id="0", xread_count=100)
if ORDER.extra == "results":
    BROKER = BROKER.with_result_backend(RedisAsyncResultBackend(redis_url=ORDER.url, result_ex_time=600))
TASK = BROKER.task(task_name="noop")(noop_async)


async def enqueue() -> None:
    await BROKER.startup()
    for few in ORDER.batches(100):
        await asyncio.gather(*(TASK.kiq(ORDER.payload) for _ in range(few)))


async def work() -> None:
    if ORDER.role == WORK:
        await BROKER.startup()
    await run_receiver_task(BROKER, max_async_tasks=100, max_prefetch=100, run_startup=False)


run_async(enqueue, work)
