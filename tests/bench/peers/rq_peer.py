"""rq without fork (SimpleWorker), results not kept."""

import logging

from redis import Redis
from rq import Queue, SimpleWorker

from tests.bench.peers.frame import noop, order, run

ORDER = order()
LINK = Redis.from_url(ORDER.url)
logging.getLogger("rq").setLevel(logging.ERROR)


def enqueue() -> None:
    data = Queue.prepare_data(noop, args=(ORDER.payload,), result_ttl=0)
    queue = Queue(connection=LINK)
    for first in range(0, ORDER.jobs, 500):
        few = min(500, ORDER.jobs - first)
        queue.enqueue_many([data._replace(job_id=None) for _ in range(few)])


def work() -> None:
    SimpleWorker([Queue(connection=LINK)], connection=LINK).work(burst=True, logging_level="ERROR")


run(enqueue, work)
