"""The frame of every peer: put no-op jobs in line, say so, wait for the word, run until all are done, tell.

Runs in the peer's own environment, so it knows nothing but the standard library. Time and CPU count from
the first job that is executed (starting up is nobody's speed) to the last one. Or in two processes, for how
soon an idle worker starts: one `send`s a job now and then, which carries the time it was asked for; one
`work`s and reads it.
"""

import asyncio
import json
import os
import random
import resource
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module, util

PAYLOAD_BYTES = 581
SEND = "send"
WORK = "work"
PAUSES_S = (0.02, 0.05)
"""Between two jobs for an idle worker."""


@dataclass(slots=True)
class Order:
    """What this process was asked to do."""

    url: str
    jobs: int
    extra: str = ""
    role: str = ""

    @property
    def payload(self) -> str:
        """The argument of a job: when it was asked for (a clock that all processes share), and filling."""
        return f"{time.perf_counter():.9f} ".ljust(PAYLOAD_BYTES, "p")

    def batches(self, size: int) -> Iterator[int]:
        """How many to put in line at once; one now and then for a worker that is to be idle."""
        if self.role == SEND:
            for _ in range(self.jobs):
                time.sleep(random.uniform(*PAUSES_S))
                yield 1
            return
        for first in range(0, self.jobs, size):
            yield min(size, self.jobs - first)


@dataclass(slots=True)
class Count:
    """Jobs executed so far; tells and ends the process with the last one."""

    order: Order
    done: int = 0
    began_s: float = 0.0
    cpu_s: float = 0.0
    late_ms: list[float] = field(default_factory=list)
    """How long after they were asked for jobs began, in the order they did (where that is measured)."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def one(self, payload: str) -> None:
        """One job was executed."""
        now_s = time.perf_counter()
        with self.lock:
            if self.done == 0:
                self.began_s, self.cpu_s = now_s, cpu_s()
            if self.order.role == WORK:
                self.late_ms.append((now_s - float(payload.partition(" ")[0])) * 1000)
            self.done += 1
            last = self.done == self.order.jobs
        if not last:
            return
        if self.order.role == WORK:
            tell(late_ms=self.late_ms)
        else:
            run_s, used_s = time.perf_counter() - self.began_s, cpu_s() - self.cpu_s
            tell(run_s=run_s, cpu_s=used_s, jobs=self.order.jobs)
        os._exit(0)  # shutting a worker down is not measured, and takes some of them seconds


COUNT = Count(Order("", 0))


def noop(payload: str) -> None:
    """The job."""
    COUNT.one(payload)


async def noop_async(payload: str) -> None:
    """The job of those who await."""
    noop(payload)


def cpu_s() -> float:
    """CPU this process has used, seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def tell(**figures: float | list[float]) -> None:
    """One line of JSON to whoever measures."""
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def order() -> Order:
    """From the command line: URL, number of jobs, what else the peer takes, and its role, if any."""
    extra, role, *_ = [*sys.argv[3:], "", ""]
    COUNT.order = Order(sys.argv[1], int(sys.argv[2]), extra, role)
    return COUNT.order


def run(enqueue: Callable[[], None], work: Callable[[], None]) -> None:
    """A peer with threads: both callables block."""
    if COUNT.order.role != WORK:
        began_s = time.perf_counter()
        enqueue()
        tell(enqueue_s=time.perf_counter() - began_s)
    if COUNT.order.role != SEND:
        sys.stdin.readline()
        work()


def run_async(enqueue: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]]) -> None:
    """A peer with an event loop: uvloop's where it is installed."""

    async def both() -> None:
        if COUNT.order.role != WORK:
            began_s = time.perf_counter()
            await enqueue()
            tell(enqueue_s=time.perf_counter() - began_s)
        if COUNT.order.role != SEND:
            await asyncio.to_thread(sys.stdin.readline)
            await work()

    if util.find_spec("uvloop") is not None:
        import_module("uvloop").install()
    asyncio.run(both())
