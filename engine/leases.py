"""Leases as a worker sees them.

A lease is a worker's time-limited right to a job. The store is authoritative: it gives leases, extends
them when beaten and hands an expired one to whoever claims next, with a higher epoch. This side only
stops trusting itself early: a job whose last successful beat is older than the lease is treated as lost
before an outside call is made, so an event loop that was stuck (or a machine that slept) does not act on
a right it no longer has. What still slips through is refused by the epoch; nothing here is the fence.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.errors import StoreUnavailable
from engine.ports import Clock
from engine.store import Store
from engine.telemetry import Telemetry
from states.job import Job

BEATS_A_LEASE = 3
"""A lease is extended this many times during its life, so two lost beats are forgiven."""


@dataclass(slots=True)
class Leases:
    """The jobs a worker holds, beaten together in one call a partition."""

    store: Store
    worker: str
    clock: Clock
    telemetry: Telemetry
    lease_ms: int
    on_lost: Callable[[str], None]
    """Called with the id of a job that somebody else holds now."""
    _held: dict[str, tuple[int, int]] = field(default_factory=dict)

    def hold(self, job: Job, asked_ms: int) -> None:
        """Begin to beat for a freshly claimed job; its lease counts from when the claim was asked."""
        self._held[job.id] = (job.epoch, asked_ms)

    def drop(self, job_id: str) -> None:
        """Stop beating for a job that was committed, parked or lost."""
        self._held.pop(job_id, None)

    def still_ours(self, job: Job) -> bool:
        """Is the last beat of this job surely younger than the lease?"""
        epoch, beaten_ms = self._held.get(job.id, (0, 0))
        return epoch == job.epoch and self.clock.now_ms() - beaten_ms < self.lease_ms

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await self.clock.sleep(self.lease_ms / BEATS_A_LEASE / 1000)
            await self.tick()

    async def tick(self) -> None:
        """Beat once for all held jobs; tell about those that are lost."""
        asked_ms = self.clock.now_ms()
        asked = {job_id: epoch for job_id, (epoch, _) in self._held.items()}
        if not asked:
            return
        try:
            lost = set(await self.store.beat(self.worker, list(asked.items()), lease_ms=self.lease_ms))
        except StoreUnavailable:
            return  # the next beat may come through; still_ours() ends our trust in time
        for job_id, epoch in asked.items():
            if self._held.get(job_id, (0, 0))[0] != epoch:
                continue  # let go, or claimed afresh, while the beat was on its way
            if job_id in lost:
                self.telemetry.emit("lease.lost", job=job_id, worker=self.worker, epoch=epoch)
                self.drop(job_id)
                self.on_lost(job_id)
            else:
                self._held[job_id] = (epoch, asked_ms)
