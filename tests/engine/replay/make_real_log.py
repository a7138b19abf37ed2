"""A long log that a real engine wrote: real workers over a real store, a provider and a chat full of trouble.

    python -m tests.engine.replay.make_real_log OUT [JOBS] [SEED]

19,000 jobs give about 100,000 records. Time is a manual clock that jumps from due time to due time, so
hours of waiting take none; everything else is the product's own code, the export included.
"""

import asyncio
import random
import sys
from dataclasses import dataclass
from typing import Any

import click

from engine.clock import ManualClock
from engine.ports import Accepted, CreatePlan, Delivered, Delivery, Failed, Rendered, Rendering
from engine.randomness import SeededRandomness
from engine.replay.reading import graph_line, line_of, writing
from engine.replay.redact import redacted
from engine.store import Store
from engine.store_export import histories
from engine.values import EntryKind, NewJob
from engine.worker import Worker
from states.graph import GRAPH
from states.job import Job, ProviderTask, Request
from states.strategy import STRATEGY
from states.vocabulary import ErrorClass, Reason, Stage
from tests.engine.fakes import TAKEN_AWAY, VIDEO, Intent, Note, World, failed, make_world
from tests.servers import running_server

WAVE = 200
"""Jobs that live at a time."""
AT_ONCE = 32
STEP_MS = 10_000
"""The clock jumps at least so far, so that many jobs are due together."""
HARD = frozenset({ErrorClass.OPERATOR, ErrorClass.PARKED})


def reasons(stage: Stage) -> tuple[Reason, ...]:
    """Everything that can go wrong at a stage, what mends itself more often than the rest."""
    rows = [row for row in STRATEGY.rows if row.stage is stage]
    weighed = [row for row in rows for _ in range(1 if row.cls in HARD else 4)]
    return tuple(row.reason for row in weighed)


GENERATING, SENDING = reasons(Stage.GENERATING), reasons(Stage.SENDING)


@dataclass(slots=True)
class Trouble:
    """A provider and a chat that fail now and then, the same way again as long as a storm lasts."""

    rng: random.Random
    storm: Reason | None = None

    def strikes(self, chance: float, of: tuple[Reason, ...]) -> Reason | None:
        """What goes wrong this time, if anything."""
        if self.storm in of and self.rng.random() < 0.6:
            return self.storm
        self.storm = self.rng.choice(of) if self.rng.random() < chance else None
        return self.storm

    def plan_create(self, job: Job) -> CreatePlan | Failed:
        """Model and key of the next create."""
        del job
        return CreatePlan("m1", "main")

    async def create(self, job: Job, task: ProviderTask, intent: Intent) -> Accepted | Failed:
        """Upload, ask for the intent, create."""
        del job
        if not await intent():
            return TAKEN_AWAY
        reason = self.strikes(0.12, GENERATING)
        wait_s = self.rng.choice((None, None, 7.0, 45.0)) if reason is Reason.RATE_LIMITED else None
        return Accepted(f"t{task.n}") if reason is None else failed(reason, retry_after_s=wait_s)

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """Look once."""
        del job, task
        if self.rng.random() < 0.2:
            return Rendering(20.0)
        reason = self.strikes(0.06, GENERATING)
        return Rendered(VIDEO, 3.0) if reason is None else failed(reason, task_dead=self.rng.random() < 0.5)

    def first_poll_s(self, model: str) -> float:
        """When to look first."""
        del model
        return self.rng.uniform(30, 240)

    async def deliver(self, delivery: Delivery, note: Note) -> Delivered | Failed:
        """Put the video into the chat."""
        del delivery, note
        reason = self.strikes(0.08, SENDING)
        return Delivered(5, "file-9", "video") if reason is None else failed(reason, Stage.SENDING)


async def _launch(world: World, rng: random.Random, number: int) -> None:
    user, cost = 100 + number % 5000, rng.choice((0, 10, 10, 12, 20))
    await world.engine.grant(user, 100, f"gift-{number}", EntryKind.GRANT)
    request = Request(chat_id=user, photo="photo-1", template="own", prompt="spin it", model="m1")
    made = await world.engine.submit(NewJob(f"tap-{number}", user, cost, request, status_message_id=5))
    assert made.job is not None, made
    if rng.random() < 0.03:
        await world.engine.cancel(made.job.id, user)


async def _turn(world: World, worker: Worker) -> int | None:
    """Carry everything that is due; when the next job will be."""
    while True:
        carried = []
        for _ in range(AT_ONCE):
            claim = await world.store.claim(worker.name, partition=0, lease_ms=15_000, queued_ok=True)
            if claim.job is None:
                break
            worker.leases.hold(claim.job, claim.asked_ms)
            carried.append(claim.job)
        await asyncio.gather(*(worker.executor.carry(job, lost=None) for job in carried))
        for job in carried:
            worker.leases.drop(job.id)
        if len(carried) < AT_ONCE:
            return claim.next_due_ms


async def _wave(world: World, worker: Worker, rng: random.Random, numbers: range) -> None:
    await world.engine.unpause()  # the operator has mended whatever was reported
    await asyncio.gather(*(_launch(world, rng, number) for number in numbers))
    while (due_ms := await _turn(world, worker)) is not None:
        world.clock.set(max(due_ms, world.clock.now_ms() + STEP_MS))
        if rng.random() < 0.05:
            for job in (await world.engine.live_jobs())[:1]:
                await world.engine.cancel(job.id, job.user_id)


async def make(url: str, out: str, jobs: int, seed: int) -> int:
    """Let them all live and die, then export; how many records."""
    rng, count = random.Random(seed), 0
    clock, randomness = ManualClock(), SeededRandomness(seed)
    store = await Store.connect(url, clock=clock, randomness=randomness, partitions=1)
    try:
        world = await make_world(store)
        trouble: Any = Trouble(rng)
        world.maker = world.courier = trouble
        worker = world.worker()
        with writing(out) as log:
            log.write(graph_line(GRAPH.digest, GRAPH.canonical_json()))
            for start in range(0, jobs, WAVE):
                await _wave(world, worker, rng, range(start, min(start + WAVE, jobs)))
                click.echo(f"{min(start + WAVE, jobs)} of {jobs} jobs", err=True)
            async for rows in histories(store):
                log.writelines(line_of(redacted(row)) for row in rows)
                count += len(rows)
    finally:
        await store.close()
    return count


def main() -> None:
    """Makes the log named on the command line."""
    given = sys.argv[1:]
    out, jobs, seed = (*given, *("jobs.jsonl.gz", "19000", "1")[len(given) :])
    with running_server() as url:
        count = asyncio.run(make(url, out, int(jobs), int(seed)))
    click.echo(f"{out}: {count} records, seed {seed}")


if __name__ == "__main__":
    main()
