"""rq without fork (SimpleWorker), results not kept."""

import logging

from redis import Redis
from rq import Queue, SimpleWorker

from tests.bench.peers.frame import WORK, noop, order, run

ORDER = order()
LINK = Redis.from_url(ORDER.url)
logging.getLogger("rq").setLevel(logging.ERROR)


def enqueue() -> None:
    queue = Queue(connection=LINK)
    for few in ORDER.batches(500):
        data = Queue.prepare_data(noop, args=(ORDER.payload,), result_ttl=0)
        queue.enqueue_many([data._replace(job_id=None) for _ in range(few)])


def work() -> None:
    SimpleWorker([Queue(connection=LINK)], connection=LINK).work(
        burst=ORDER.role != WORK, logging_level="ERROR"
    )


run(enqueue, work)
