"""saq with 100 jobs at once."""

import asyncio
from typing import Any

from saq import Queue, Worker

from tests.bench.peers.frame import noop_async, order, run_async

ORDER = order()


async def job(ctx: Any, *, payload: str) -> None:
    del ctx
    await noop_async(payload)


async def enqueue() -> None:
    queue = Queue.from_url(ORDER.url)
    for few in ORDER.batches(100):
        await asyncio.gather(*(queue.enqueue("job", payload=ORDER.payload) for _ in range(few)))
    await queue.disconnect()


async def work() -> None:
    queue = Queue.from_url(ORDER.url)
    await Worker(queue, functions=[job], concurrency=100).start()


run_async(enqueue, work)
