"""Whoever is measured side by side: peers with no-op jobs, and ourselves with whole ones."""

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from bot.wiring.bench.servers import ground
from engine.bench.jobs import Plan, run_jobs
from engine.bench.meter import look
from engine.connection import Connection
from tests.bench.peers.environments import ROOT, node_peer, python_peer

PATIENCE_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer, the command that runs it, and how many jobs make a second or two."""

    name: str
    command: Callable[[], list[str]]
    jobs: int
    extra: tuple[str, ...] = ()


PEERS: Final = (
    Peer("taskiq", partial(python_peer, "taskiq"), 4000),
    Peer("taskiq with results", partial(python_peer, "taskiq"), 3000, ("results",)),
    Peer("dramatiq, 32 threads", partial(python_peer, "dramatiq"), 4000, ("32",)),
    Peer("dramatiq, 8 threads", partial(python_peer, "dramatiq"), 3000, ("8",)),
    Peer("saq", partial(python_peer, "saq"), 3000),
    Peer("arq", partial(python_peer, "arq"), 3000),
    Peer("streaq", partial(python_peer, "streaq"), 2000),
    Peer("celery", partial(python_peer, "celery"), 2000),
    Peer("celery with results", partial(python_peer, "celery"), 1500, ("results",)),
    Peer("rq, no fork", partial(python_peer, "rq"), 500),
    Peer("bullmq (Node)", partial(node_peer, "bullmq"), 10000),
)
OURS: Final = {
    "reelstate, whole job": Plan("", jobs=3000, users=1000),
    "reelstate, after submit": Plan("", jobs=3000, users=1000, drain=True),
}
FIGURES: Final = ("jobs_per_s", "cpu_us_per_job", "reads_per_job", "bytes_left_per_job")


async def run_ours(plan: Plan, redis_url: str, aof: str) -> dict[str, float]:
    """One round of our own."""
    async with ground(redis_url, aof, port=True) as url:
        result = await run_jobs(replace(plan, url=url))
    figures = result.figures()
    if plan.drain:
        figures["enqueue_per_s"] = plan.jobs / result.submit_s
    return figures


async def run_peer(
    peer: Peer, command: list[str], redis_url: str, aof: str, share: float
) -> dict[str, float]:
    """One round of a peer. Raises RuntimeError with its last words when it fails."""
    jobs = max(50, round(peer.jobs * share))
    async with ground(redis_url, aof, port=True) as url, Connection(url) as connection:
        start = await look(connection)
        async with running(command, url, jobs, *peer.extra) as process, asyncio.timeout(PATIENCE_S):
            enqueued = await told(process)
            before = await look(connection)
            go(process)
            ran = await told(process)
            await process.wait()
        after = await look(connection)
    return _figures(jobs, enqueued, ran, after.since(before), after.since(start))


@asynccontextmanager
async def running(command: list[str], url: str, jobs: int, *more: str) -> AsyncIterator[Process]:
    """A peer's process; killed at the end if it still runs."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, url, str(jobs), *more, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def go(process: Process) -> None:
    """The word that a peer waits for before it works."""
    assert process.stdin is not None
    process.stdin.write(b"go\n")


def _figures(jobs: int, enqueued: Any, ran: Any, server: Any, whole: Any) -> dict[str, float]:
    return {
        "jobs_per_s": jobs / ran["run_s"],
        "enqueue_per_s": jobs / enqueued["enqueue_s"],
        "cpu_us_per_job": (ran["cpu_s"] + server.cpu_s) * 1e6 / jobs,
        "worker_cpu_us_per_job": ran["cpu_s"] * 1e6 / jobs,
        "server_cpu_us_per_job": server.cpu_s * 1e6 / jobs,
        "server_busy": server.cpu_s / ran["run_s"],
        "reads_per_job": server.reads / jobs,
        "bytes_left_per_job": whole.memory / jobs,
        "aof_bytes_per_job": whole.aof / jobs,
    }


async def told(process: Process) -> dict[str, Any]:
    """The next figures that a peer tells. Raises RuntimeError with its last words when it ends without."""
    assert process.stdout is not None
    assert process.stderr is not None
    while line := await process.stdout.readline():
        if line.startswith(b"{"):
            found: dict[str, Any] = json.loads(line)
            return found
    words = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
    raise RuntimeError("it ended without a result: " + (words[-1] if words else "it said nothing"))
