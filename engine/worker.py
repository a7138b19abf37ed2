"""The worker: waits on the doorbell, claims, carries, beats, and stops gracefully.

One claim loop per partition; as many jobs at once as there are slots. A render holds neither a slot nor
a lease between polls: it only has a due time.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from engine import logbook
from engine.committer import RETRY_S
from engine.errors import StoreUnavailable
from engine.executor import Executor
from engine.gate import Gate
from engine.leases import Leases
from engine.ports import Clock
from engine.store import Store
from engine.telemetry import Telemetry
from engine.unbroken import asked_to_stop, unbroken
from engine.values import Claim, Taken
from states.vocabulary import Reason

CLAIM_MAX = 32
"""Jobs taken in one claim; bounds how long one script holds the server up."""
IDLE_MS = 12_000
"""The longest a loop sleeps without looking, should a doorbell be lost; less under a shorter lease, so that
it knows of every lease before that runs out."""


@dataclass(slots=True)
class Worker:
    """Runs jobs until stopped. `name` is only for people; rights come from epochs."""

    store: Store
    executor: Executor
    leases: Leases
    gate: Gate
    clock: Clock
    telemetry: Telemetry
    name: str
    lease_ms: int
    slots: int = 64
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _loops: list[asyncio.Task[None]] = field(default_factory=list)
    _free: asyncio.Semaphore = field(init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _store_lost_ms: int | None = None
    _idle: set[int] = field(default_factory=set)
    """Partitions whose last wait brought nothing."""

    def __post_init__(self) -> None:
        """Open as many slots as asked for."""
        self._free = asyncio.Semaphore(self.slots)

    async def run(self) -> None:
        """Work until `stop` is done (or the task is cancelled, which hands nothing back).

        An exception in a claim loop or in the beats ends the run with it: a worker that claims nothing,
        or whose leases all run out, must not look alive.
        """
        self.telemetry.emit("worker.started", worker=self.name)
        self._loops = [asyncio.create_task(self._loop(p)) for p in range(self.store.partitions)]
        beats = asyncio.create_task(self.leases.run())
        ends = [asyncio.create_task(event.wait()) for event in (self._stopping, self._stopped)]
        parts = [beats, *self._loops, *ends]
        try:
            await _first_end({ends[0], beats, *self._loops})
            await _first_end(
                {ends[1], beats}
            )  # what is still carried needs its lease until it is handed back
        finally:
            for task in parts:
                task.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def stop(self, *, grace_s: float = 25.0) -> None:
        """Stop claiming, let running jobs go on for `grace_s` (real seconds), hand the rest back at once."""
        self._stopping.set()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(StoreUnavailable):  # leases that cannot be given back run out
            await self.store.leave(self.name)
        self._stopped.set()
        self.telemetry.emit("worker.stopped", worker=self.name)

    def abandon(self, job_id: str) -> None:
        """Somebody else holds this job now: stop working on it."""
        task = self._running.get(job_id)
        if task is not None:
            task.cancel()

    async def _loop(self, partition: int) -> None:
        while not self._stopping.is_set():
            try:
                await self.tick(partition)
            except StoreUnavailable:
                self._store_lost_ms = self.clock.now_ms()
                self.telemetry.emit("store.lost", worker=self.name, partition=partition)
                if asked_to_stop():  # while it claimed: the end of that call must not hide it
                    raise asyncio.CancelledError from None
                await self.clock.sleep(RETRY_S)

    async def tick(self, partition: int) -> None:
        """Claim jobs and start carrying them, or wait until there may be one."""
        found: list[tuple[Taken, int]] = []
        try:
            claim, opens_ms = await self._look(partition, found)
            while self._more_due(claim) and len(found) < self._share:
                claim, opens_ms = await self._look(partition, found)
        finally:
            for taken, asked_ms in found:
                self._carry(taken, asked_ms)
        self._idle.discard(partition)
        if found:
            await self.gate.look_again()
            return
        idle_ms = self.clock.now_ms() + min(IDLE_MS, self.lease_ms * 4 // 5)
        due = [ms for ms in (claim.next_due_ms, opens_ms) if ms is not None]
        if not await self.store.wait(partition, min([idle_ms, *due])):
            self._idle.add(partition)

    def _more_due(self, claim: Claim) -> bool:
        """Is more due already, with slots for it? It is taken first: the last need not wait for the work."""
        next_ms = claim.next_due_ms
        due = bool(claim.taken) and next_ms is not None and next_ms <= self.clock.now_ms()
        return due and not self._free.locked()

    async def _look(self, partition: int, found: list[tuple[Taken, int]]) -> tuple[Claim, int | None]:
        """One claim, into `found`; and when the provider's gate opens."""
        slots = await self._slots()
        try:
            await self.gate.watch_pause()
            opens_ms = await self.gate.opens_ms(idle=partition in self._idle)
            claim = await self._claim(partition, limit=slots, queued_ok=opens_ms is None)
            slots -= len(claim.taken)
        finally:
            for _ in range(slots):
                self._free.release()
        found.extend((taken, claim.asked_ms) for taken in claim.taken)
        return claim, opens_ms

    @property
    def _share(self) -> int:
        """How many slots one partition's loop may fill before the others have had a look."""
        return max(1, self.slots // self.store.partitions)

    async def _slots(self) -> int:
        """Wait for a free slot and take what is free, but leave some to the other partitions' loops."""
        await self._free.acquire()
        got = 1
        while got < min(CLAIM_MAX, self._share) and not self._free.locked():
            await self._free.acquire()  # one is free: this does not wait
            got += 1
        return got

    async def _claim(self, partition: int, *, limit: int, queued_ok: bool) -> Claim:
        claim = await unbroken(
            self.store.claim(
                self.name,
                partition=partition,
                lease_ms=self.lease_ms,
                queued_ok=queued_ok,
                limit=limit,
                last=self._free.locked(),
            )
        )
        if asked_to_stop():
            for taken in claim.taken:
                await self.executor.committer.hand_back(taken.job)
            raise asyncio.CancelledError
        return claim

    def _carry(self, taken: Taken, asked_ms: int) -> None:
        job = taken.job
        self.abandon(job.id)  # our own last lease of it ran out, and the job has come back to us
        self.leases.hold(job, asked_ms)
        lost = self._why_lost() if taken.lost else None
        task = asyncio.create_task(self.executor.carry(job, lost=lost), name=f"job {job.id}")
        self._running[job.id] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._carried(job.id, done))

    def _why_lost(self) -> Reason:
        """A lease that ran out while we were cut off from the store says nothing about a dead worker."""
        since_ms = self._store_lost_ms
        if since_ms is not None and self.clock.now_ms() - since_ms <= 2 * self.lease_ms:
            return Reason.STORAGE_LOST
        return Reason.WORKER_LOST

    def _carried(self, job_id: str, task: asyncio.Task[None]) -> None:
        self._free.release()
        self._tasks.discard(task)
        if self._running.get(job_id) is task:
            del self._running[job_id]
            self.leases.drop(job_id)
        with suppress(asyncio.CancelledError):
            error = task.exception()
            if error is not None:
                logbook.crash("worker.crashed", error)


async def _first_end(parts: set[asyncio.Task[Any]]) -> None:
    """Wait for the first of these tasks; raise what it raised."""
    done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            logbook.crash("worker.crashed", error)
            raise error
