"""What an operator does to single jobs: those set aside come back, waiting ones go to another graph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.codec import encode
from engine.errors import Refusal
from engine.store_read import StoreReads
from states.job import Job


@dataclass(frozen=True, slots=True)
class SetAside:
    """A job no worker may touch until a person has looked."""

    job_id: str
    since_ms: int
    why: str


class StoreAside(StoreReads):
    """Quarantine: a live job leaves timers and line, and its worker is fenced; its money stays held."""

    async def quarantine(self, job_id: str, why: str, *, epoch: int | None = None) -> Refusal | None:
        """Set a live job aside. None when it is (also when it was before: the first `why` stays).

        `epoch`: only as the worker that holds this lease. `Refusal.FENCED`: another one has it by now.
        `Refusal.GONE`: no such job. `Refusal.STALE`: it has ended, so nobody works on it anyway.
        """
        answer = await self._aside(job_id, "quarantine", why=why, epoch=epoch)
        return {b"gone": Refusal.GONE, b"over": Refusal.STALE, b"fenced": Refusal.FENCED}.get(answer)

    async def unquarantine(self, job_id: str) -> Refusal | None:
        """Let workers have it again, now. None also when it was not set aside."""
        return Refusal.GONE if await self._aside(job_id, "unquarantine") == b"gone" else None

    async def quarantined(self, limit: int = 100) -> list[SetAside]:
        """Jobs that are set aside, the oldest first."""
        found: list[SetAside] = []
        for partition in range(self.partitions):
            flat = await self.dispatcher.call(self.prefix(partition), "quarantined", limit=limit)
            for job, since, why in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
                found.append(SetAside(job.decode(), int(float(since)), why.decode()))
        return sorted(found, key=lambda one: one.since_ms)[:limit]

    async def migrate(self, job: Job, target: str, record: Mapping[str, Any]) -> str:
        """Move a waiting live job to the graph of digest `target`, with this history record.

        ok | replayed (it was done before) | busy (a worker holds it) | fenced | stale | illegal | gone.
        Raises StoreUnavailable: call again with the same arguments.
        """
        prefix = self.prefix_of_job(job.id)
        if prefix is None:
            return "gone"
        op = f"migrate:{job.seq + 1}:{target}"
        answer: bytes = await self.dispatcher.call(
            prefix,
            "migrate",
            job=job.id,
            epoch=job.epoch,
            seq=job.seq,
            op=op,
            graph=job.graph,
            target=target,
            edge=record["edge"],
            record=encode({**record, "op": op}),
        )
        return answer.decode()

    async def _aside(self, job_id: str, verb: str, **given: str | int | None) -> bytes:
        prefix = self.prefix_of_job(job_id)
        if prefix is None:
            return b"gone"
        answer: bytes = await self.dispatcher.call(prefix, verb, job=job_id, now=self.clock.now_ms(), **given)
        return answer
