"""celery in one process, results ignored; `results`: kept in Redis."""

from celery import Celery

from tests.bench.peers.frame import noop, order, run

ORDER = order()
APP = Celery("bench", broker=ORDER.url, backend=ORDER.url if ORDER.extra == "results" else None)
APP.conf.update(
    task_ignore_result=ORDER.extra != "results",
    worker_prefetch_multiplier=0,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,  # our figures go there
    broker_connection_retry_on_startup=True,
    task_acks_late=False,
)
JOB = APP.task(noop, name="noop")


def enqueue() -> None:
    with APP.producer_pool.acquire(block=True) as producer:
        for _ in ORDER.batches(1):
            JOB.apply_async((ORDER.payload,), producer=producer)


def work() -> None:
    worker = APP.Worker(
        pool="solo",
        loglevel="ERROR",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()


run(enqueue, work)
