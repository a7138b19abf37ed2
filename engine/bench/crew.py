"""An engine with all that runs in one worker process: claim loops, beats, relay. Its ports answer at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from engine.assembly import make_late_watch, make_relay, make_worker
from engine.bench.ports import KEY, InstantCourier, InstantMaker, InstantNotifier, request_of
from engine.config import EngineConfig, LimitsConfig
from engine.front import Engine
from engine.ports import Alert
from engine.telemetry import Field, Subscriber, Telemetry
from engine.values import EntryKind, NewJob, Submission, Submitted
from engine.worker import Worker

PLENTY: Final = 1_000_000
COST: Final = 3

# A window of 1 ms never closes at these rates and keeps the list of create calls short.
LIMITS: Final = LimitsConfig(
    creates=1000,
    creates_per_s=0.001,
    renders_per_key=PLENTY,
    renders_per_user=PLENTY,
    retry_tokens=PLENTY,
)


def config_of(partitions: int = 1, lease_ms: int = 15_000) -> EngineConfig:
    """The engine's defaults; only the bounds that would stop a benchmark are lifted."""
    return EngineConfig(partitions=partitions, lease_ms=lease_ms, max_live_jobs=PLENTY, limits=LIMITS)


@dataclass(slots=True)
class Moves:
    """A telemetry subscriber: counts events, and every job that reached its end calls `ended`."""

    ended: Callable[[], None]
    edges: int = 0
    done: int = 0
    other: Counter[str] = field(default_factory=Counter)

    def __call__(self, name: str, fields: dict[str, Field]) -> None:
        """Count one event."""
        if name != "job.moved":
            self.other[name] += 1
            return
        self.edges += 1
        if fields["state"] == "done":
            self.done += 1
            self.ended()


@dataclass(slots=True)
class Crew:
    """What runs, and what it has done so far."""

    engine: Engine
    worker: Worker
    moves: Moves
    notifier: InstantNotifier
    telemetry: Telemetry

    async def submit(self, n: int, user_id: int) -> Submitted:
        """Launch the n-th job. Raises RuntimeError when it was refused."""
        new = NewJob(f"bench-{n}", user_id, COST, request_of(user_id), status_message_id=7)
        submitted = await self.engine.submit(new)
        if submitted.result is not Submission.CREATED:
            raise RuntimeError(f"job {n} was refused: {submitted.result}")
        return submitted

    def heard(self, subscriber: Subscriber) -> None:
        """Let somebody else hear the worker's events too."""
        self.telemetry.subscribers.append(subscriber)

    async def told_all(self) -> bool:
        """Whether the outbox is empty."""
        return (await self.engine.outbox().depth()).entries == 0


async def fund(engine: Engine, users: int, jobs: int) -> None:
    """Give each of the users 1..`users` credits for `jobs` jobs."""
    for first in range(1, users + 1, 500):
        few = range(first, min(first + 500, users + 1))
        await asyncio.gather(
            *(engine.grant(user, jobs * COST, "bench", EntryKind.GRANT, "benchmark") for user in few)
        )


@asynccontextmanager
async def crew(
    engine: Engine,
    *,
    name: str,
    slots: int,
    maker: InstantMaker | None = None,
    ended: Callable[[], None] = lambda: None,
) -> AsyncIterator[Crew]:
    """A worker over an open engine, which is closed at the end."""
    moves = Moves(ended)
    maker = maker or InstantMaker()
    telemetry = Telemetry([moves])
    worker = make_worker(engine, maker, InstantCourier(), telemetry, name=name, keys=[KEY], slots=slots)
    try:
        yield Crew(engine, worker, moves, InstantNotifier(), telemetry)
    finally:
        await engine.close()


@asynccontextmanager
async def at_work(made: Crew) -> AsyncIterator[None]:
    """Worker and relay run while the block does; an error of theirs ends it."""
    late = make_late_watch(made.engine, InstantMaker(), made.telemetry)

    async def alerted(alert: Alert, entry_id: str) -> None:
        del entry_id
        made.moves.other[f"alert: {alert.text}"] += 1  # shown with the result: a clean run has none

    relay = make_relay(made.engine, made.notifier, late, alerted, made.telemetry)
    tasks = [asyncio.create_task(made.worker.run()), asyncio.create_task(relay.run())]
    try:
        yield
        for task in tasks:
            if task.done():
                await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await relay.outbox.close()
