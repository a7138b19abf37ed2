"""Videos that turn up after their job has ended: kept for a free re-delivery, and booked as cost.

Giving up is not the provider's failure: a task that was bought may still succeed, and is billed then. It
is looked after for as long as the provider keeps results, without a lease and without leaving the
terminal state; a callback only brings the look forward.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from engine import logbook
from engine.errors import Refusal, StoreUnavailable
from engine.outbound import notices_of
from engine.ports import Alert, Clock, Failed, Rendered, Rendering, VideoMaker
from engine.queue_values import Entry
from engine.queues import OrderedQueue
from engine.store import Store
from engine.telemetry import Telemetry
from states.decide import PlannedNotice
from states.facts import watched
from states.job import Job, ProviderTask, TaskStatus
from states.vocabulary import TERMINALS, AlertKind, NoticeKind, Reason

LATE: Final = "late"
"""Name of the queue; one lane a job."""
LIFE_MS: Final = 24 * 3_600_000
"""How long KIE keeps results, the shorter of its two statements."""
PAUSES_S: Final = (30, 60, 120, 300, 900)
RETRY_S: Final = 1.0
WAIT_S: Final = 30.0
LIMIT: Final = 8
"""Entries looked at together."""


async def adopt_late(store: Store, job_id: str, task_n: int, task_id: str) -> Job | None:
    """Give an ended job the id of a task whose create was never answered. None: nothing to look after."""
    job = await store.read(job_id)
    if job is None or job.state not in TERMINALS:
        return None
    adopted = replace(job, tasks=tuple(_adopted(task, task_n, task_id) for task in job.tasks))
    if adopted != job and isinstance(await store.late(adopted), Refusal):
        return None
    return adopted


@dataclass(slots=True)
class LateWatch:
    """Runs until cancelled."""

    queue: OrderedQueue
    store: Store
    maker: VideoMaker
    clock: Clock
    telemetry: Telemetry

    async def order(self, job_id: str) -> None:
        """Begin to look after a job. Harmless twice."""
        await self.queue.put(job_id, f"late:{job_id}", job_id.encode())

    async def call(self, job_id: str, task_n: int, task_id: str) -> None:
        """The provider called about an ended job: adopt the id if its create was never answered, look now."""
        job = await adopt_late(self.store, job_id, task_n, task_id)
        if job is not None and watched(job.tasks) and not await self._look(job):
            await self.order(job_id)  # it may have been given up: then nobody knew this id

    async def run(self) -> None:
        """Take what is due, look, come back later."""
        while True:
            try:
                await self.tick()
            except StoreUnavailable:
                self.telemetry.emit("store.lost", worker="late")
                await self.clock.sleep(RETRY_S)

    async def tick(self) -> None:
        """One look at the queue."""
        entries = await self.queue.take(LIMIT)
        if not entries:
            await self.queue.wait(WAIT_S)
        await asyncio.gather(*map(self._handled, entries))

    async def _handled(self, entry: Entry) -> None:
        try:
            done = await self._handle(entry)
        except StoreUnavailable:
            self.telemetry.emit("store.lost", worker="late")
            done = False
        except Exception as error:  # noqa: BLE001 - one job's bug must not end the watch over the others
            logbook.crash("late.crashed", error)
            done = False
        await self._give_back(entry, done=done)

    async def _give_back(self, entry: Entry, *, done: bool) -> None:
        """Until the store is back: an entry that is not given back is renewed with the others, for ever."""
        pause_s = PAUSES_S[min(entry.attempts, len(PAUSES_S)) - 1]
        while True:
            try:
                await (self.queue.ack(entry) if done else self.queue.nack(entry, after_ms=pause_s * 1000))
            except StoreUnavailable:
                self.telemetry.emit("store.lost", worker="late")
                await self.clock.sleep(RETRY_S)
            else:
                return

    async def _handle(self, entry: Entry) -> bool:
        """True when there is nothing left to look after."""
        job = await self.store.read(entry.body.decode())
        if job is None or self.clock.now_ms() > job.created_ms + LIFE_MS:
            return True
        return not watched(job.tasks) or await self._look(job)

    async def _look(self, job: Job) -> bool:
        """Ask about each open task once. True when there is nothing left to look after."""
        dead = 0
        open_tasks = watched(job.tasks)
        for task in open_tasks:
            outcome = await self._ask(job, task)
            if isinstance(outcome, Rendered):
                done = await self._keep(job, task, outcome)
                return done and len(open_tasks) == 1
            if isinstance(outcome, Failed) and outcome.task_dead:
                dead += outcome.verdict.reason is not Reason.RENDER_TIMEOUT
        return dead == len(open_tasks)

    async def _ask(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        try:
            return await self.maker.poll(job, task)
        except Exception as error:  # noqa: BLE001 - a bug of an adapter must not end the watch over the others
            logbook.crash("adapter.failed", error)
            return Rendering(float(PAUSES_S[0]))

    async def _keep(self, job: Job, task: ProviderTask, made: Rendered) -> bool:
        """Keep the first video; one more task of a job that has its video is only booked as cost."""
        fresh = await self.store.read(job.id)  # a download takes its time: another look may have been faster
        if fresh is None or all(t.n != task.n for t in watched(fresh.tasks)):
            return True
        done = replace(
            task, status=TaskStatus.SUCCEEDED, cost=made.cost if made.cost is not None else task.cost
        )
        kept = replace(
            fresh,
            video=fresh.video or made.video,
            tasks=tuple(done if t.n == task.n else t for t in fresh.tasks),
        )
        planned = (
            [PlannedNotice(NoticeKind.LATE_VIDEO, {"reason": job.last_reason})] if not fresh.video else []
        )
        answer = await self.store.late(kept, notices_of(kept, planned, "late"), [_cost_alert(kept, done)])
        if not isinstance(answer, Refusal):
            self.telemetry.emit("job.late", job=job.id, user=job.user_id, state=job.state)
        return answer is not Refusal.STALE


def _cost_alert(job: Job, task: ProviderTask) -> Alert:
    cost = "unknown" if task.cost is None else f"{task.cost:g}"
    return Alert(
        fingerprint=AlertKind.LATE_COST.value,
        kind=AlertKind.LATE_COST.value,
        text=f"a task succeeded after its job was {job.state}; provider cost {cost}",
        job_id=job.id,
    )


def _adopted(task: ProviderTask, n: int, task_id: str) -> ProviderTask:
    if task.n == n and task.status is TaskStatus.INTENT and task_id:
        return replace(task, status=TaskStatus.OPEN, task_id=task_id)
    return task
