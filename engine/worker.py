"""The worker: waits on the doorbell, claims, carries, beats, and stops gracefully.

One claim loop per partition; as many jobs at once as there are slots. A render holds neither a slot nor
a lease between polls: it only has a due time.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from engine import logbook
from engine.committer import RETRY_S
from engine.errors import StoreUnavailable
from engine.executor import Executor
from engine.gate import Gate
from engine.leases import Leases
from engine.ports import Clock
from engine.store import Claim, Store
from engine.telemetry import Telemetry
from states.vocabulary import Reason

IDLE_MS = 5_000
"""The longest a loop sleeps without looking, should a doorbell be lost."""


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
    _free: asyncio.Semaphore = field(init=False)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _store_was_lost: bool = False

    def __post_init__(self) -> None:
        """Open as many slots as asked for."""
        self._free = asyncio.Semaphore(self.slots)

    async def run(self) -> None:
        """Work until `stop` is called (or the task is cancelled, which hands nothing back)."""
        self.telemetry.emit("worker.started", worker=self.name)
        loops = [asyncio.create_task(self._loop(p)) for p in range(self.store.partitions)]
        beats = asyncio.create_task(self.leases.run())
        try:
            await self._stopping.wait()
        finally:
            for task in (*loops, beats):
                task.cancel()
            await asyncio.gather(*loops, beats, return_exceptions=True)

    async def stop(self, *, grace_s: float = 25.0) -> None:
        """Stop claiming, let running steps finish within `grace_s`, hand the rest back at once."""
        self._stopping.set()
        running = set(self._running.values())
        if running:
            _, late = await asyncio.wait(running, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with suppress(StoreUnavailable):  # leases that cannot be given back run out
            await self.store.leave(self.name)
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
                self._store_was_lost = True
                self.telemetry.emit("store.lost", worker=self.name, partition=partition)
                await self.clock.sleep(RETRY_S)

    async def tick(self, partition: int) -> None:
        """Claim one job and start carrying it, or wait until there may be one."""
        await self._free.acquire()
        claim: Claim | None = None
        try:
            opens_ms = await self.gate.opens_ms()
            claim = await self.store.claim(
                self.name,
                partition=partition,
                lease_ms=self.lease_ms,
                queued_ok=opens_ms is None,
                last=self._free.locked(),
            )
        finally:
            if claim is None or claim.job is None:
                self._free.release()
        if claim.job is not None:
            self._carry(claim)
            return
        idle_ms = self.clock.now_ms() + IDLE_MS
        due = [ms for ms in (claim.next_due_ms, opens_ms) if ms is not None]
        await self.store.wait(partition, min([idle_ms, *due]))

    def _carry(self, claim: Claim) -> None:
        job = claim.job
        if job is None:
            return
        self.leases.hold(job, claim.asked_ms)
        lost = self._why_lost() if claim.lost else None
        task = asyncio.create_task(self.executor.carry(job, lost=lost), name=f"job {job.id}")
        self._running[job.id] = task
        task.add_done_callback(lambda done: self._carried(job.id, done))

    def _why_lost(self) -> Reason:
        """A lease that ran out while we were cut off from the store says nothing about a dead worker."""
        reason = Reason.STORAGE_LOST if self._store_was_lost else Reason.WORKER_LOST
        self._store_was_lost = False
        return reason

    def _carried(self, job_id: str, task: asyncio.Task[None]) -> None:
        self._free.release()
        if self._running.get(job_id) is task:
            del self._running[job_id]
            self.leases.drop(job_id)
        with suppress(asyncio.CancelledError):
            error = task.exception()
            if error is not None:
                logbook.crash("worker.crashed", error)
