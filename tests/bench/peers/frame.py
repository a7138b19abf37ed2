"""The frame of every peer: put no-op jobs in line, say so, wait for the word, run until all are done, tell.

Runs in the peer's own environment, so it knows nothing but the standard library. Time and CPU count from
the first job that is executed (starting up is nobody's speed) to the last one.
"""

import asyncio
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module, util

PAYLOAD_BYTES = 581


@dataclass(slots=True)
class Order:
    """What this process was asked to do."""

    url: str
    jobs: int
    extra: str = ""

    @property
    def payload(self) -> str:
        """The argument of every job."""
        return "p" * PAYLOAD_BYTES


@dataclass(slots=True)
class Count:
    """Jobs executed so far; tells and ends the process with the last one."""

    left: int = 0
    jobs: int = 0
    began_s: float = 0.0
    cpu_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def one(self) -> None:
        """One job was executed."""
        with self.lock:
            if self.left == self.jobs:
                self.began_s, self.cpu_s = time.perf_counter(), cpu_s()
            self.left -= 1
            last = self.left == 0
        if last:
            tell(run_s=time.perf_counter() - self.began_s, cpu_s=cpu_s() - self.cpu_s, jobs=self.jobs)
            os._exit(0)  # shutting a worker down is not measured, and takes some of them seconds


COUNT = Count()


def noop(payload: str) -> None:
    """The job."""
    del payload
    COUNT.one()


async def noop_async(payload: str) -> None:
    """The job of those who await."""
    noop(payload)


def cpu_s() -> float:
    """CPU this process has used, seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def tell(**figures: float) -> None:
    """One line of JSON to whoever measures."""
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def order() -> Order:
    """From the command line: URL, number of jobs, and what else the peer takes."""
    found = Order(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
    COUNT.jobs = COUNT.left = found.jobs
    return found


def run(enqueue: Callable[[], None], work: Callable[[], None]) -> None:
    """A peer with threads: both callables block."""
    began_s = time.perf_counter()
    enqueue()
    tell(enqueue_s=time.perf_counter() - began_s)
    sys.stdin.readline()
    work()


def run_async(enqueue: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[None]]) -> None:
    """A peer with an event loop: uvloop's where it is installed."""

    async def both() -> None:
        began_s = time.perf_counter()
        await enqueue()
        tell(enqueue_s=time.perf_counter() - began_s)
        await asyncio.to_thread(sys.stdin.readline)
        await work()

    if util.find_spec("uvloop") is not None:
        import_module("uvloop").install()
    asyncio.run(both())
