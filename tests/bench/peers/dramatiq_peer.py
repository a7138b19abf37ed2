"""dramatiq with as many threads as asked for."""

import threading

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.bench.peers.frame import noop, order, run

ORDER = order()
BROKER = RedisBroker(url=ORDER.url)
dramatiq.set_broker(BROKER)
JOB = dramatiq.actor(noop, max_retries=0)


def enqueue() -> None:
    for _ in ORDER.batches(1):
        JOB.send(ORDER.payload)


def work() -> None:
    dramatiq.Worker(BROKER, worker_threads=int(ORDER.extra or "8")).start()
    threading.Event().wait()


run(enqueue, work)
