"""streaq with 100 jobs at once; put in line in one pipeline, as it offers."""

from datetime import timedelta

from streaq import Worker

from tests.bench.peers.frame import noop_async, order, run_async

ORDER = order()
WORKER: Worker[None] = Worker(redis_url=ORDER.url, concurrency=100, prefetch=100, handle_signals=False)


@WORKER.task(ttl=timedelta(minutes=1))
async def job(payload: str) -> None:
    await noop_async(payload)


async def enqueue() -> None:
    async with WORKER:
        for few in ORDER.batches(500):
            await WORKER.enqueue_many([job.enqueue(ORDER.payload) for _ in range(few)])


async def work() -> None:
    await WORKER.run_async()


run_async(enqueue, work)
