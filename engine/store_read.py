"""The store's reading side: jobs, histories, places, counts. Nothing here changes anything."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.codec import Stored, decode_job, guards_of
from engine.keys import partition_of_job
from engine.rows import entry_of_row, records_of
from engine.store_base import StoreBase
from engine.values import Account, DueJob, Entry
from states.job import Job
from states.vocabulary import State

_DUE_WORDS: Final = 8
"""How many words `due_page` answers for a job."""


def shown_job(answer: Sequence[Any]) -> Job | None:
    """A job as `lib/job.lua` shows it; None for a bare id (its keys have expired)."""
    if len(answer) < 5:
        return None
    name, fields, doc, request, hints = answer
    return decode_job(Stored(name.decode(), guards_of(fields), doc, request, tuple(hints)))


class StoreReads(StoreBase):
    """Reads by job, by user, over all partitions."""

    async def read(self, job_id: str) -> Job | None:
        """The job as it is now, None when there is none (any more)."""
        prefix = self.prefix_of_job(job_id)
        if prefix is None:
            return None
        return shown_job(await self.dispatcher.call(prefix, "read", job=job_id))

    async def history(self, job_id: str) -> list[dict[str, Any]]:
        """The records of a job, oldest first: the submit (seq 0), then its transitions."""
        prefix = self.prefix_of_job(job_id)
        if prefix is None:
            return []
        return records_of(job_id, await self.dispatcher.call(prefix, "history", job=job_id))

    async def jobs_of(self, user_id: int, limit: int = 10) -> list[Job]:
        """Jobs of a user, newest first."""
        prefix = self.prefix_of_user(user_id)
        shown = await self.dispatcher.call(prefix, "jobs", uid=str(user_id), limit=limit)
        return [job for job in map(shown_job, shown) if job is not None]

    async def live_jobs(self, limit: int = 100) -> list[Job]:
        """Jobs that have not ended, by the time they are due."""
        due: list[tuple[float, Job]] = []
        for partition in range(self.partitions):
            shown = await self.dispatcher.call(self.prefix(partition), "live", limit=limit)
            for at_ms, answer in zip(shown[::2], shown[1::2], strict=True):
                job = shown_job(answer)
                if job is not None:
                    due.append((float(at_ms), job))
        return [job for _, job in sorted(due, key=lambda pair: (pair[0], pair[1].id))[:limit]]

    async def due_page(self, partition: int, after: DueJob | None = None, limit: int = 100) -> list[DueJob]:
        """Live jobs of a partition by due time, from `after` on; an empty answer is the end.

        Jobs move between the pages of a long list: one may be missed, or come twice.
        """
        shown = await self.dispatcher.call(
            self.prefix(partition),
            "due_page",
            after=after.id if after else "",
            after_ms=after.due_ms if after else 0,
            limit=limit,
        )
        return [_due_job(shown[at : at + _DUE_WORDS]) for at in range(0, len(shown), _DUE_WORDS)]

    async def place_in_line(self, job_id: str) -> int:
        """About how many jobs start before it, itself counted; 0 when it is not in line.

        Exact within its partition. The others are served alike, each from its own line: of theirs as many
        come before it as of its own, and of those that stand as far in front as itself every second one.
        """
        prefix = self.prefix_of_job(job_id)
        place = 0 if prefix is None else int(await self.dispatcher.call(prefix, "line", job=job_id))
        if place == 0 or self.partitions == 1:
            return place
        own = partition_of_job(job_id)
        others = [await self._waiting(p) for p in range(self.partitions) if p != own]
        level = sum(waiting >= place for waiting in others)
        return place + sum(min(waiting, place - 1) for waiting in others) + level // 2

    async def _waiting(self, partition: int) -> int:
        """How many jobs stand in line in a partition."""
        total: Counter[str] = Counter()
        shown = await self.dispatcher.call(self.prefix(partition), "counts")
        for name, number in zip(shown[::2], shown[1::2], strict=True):
            _count(total, name.decode(), int(number))
        return max(0, total[f"st:{State.QUEUED}"])

    async def account(self, user_id: int) -> Account:
        """Credits of a user."""
        balance, held, _ = await self._account(user_id, 0)
        return Account(int(balance), int(held))

    async def statement(self, user_id: int, limit: int = 20) -> list[Entry]:
        """Ledger rows of a user, newest first."""
        _, _, rows = await self._account(user_id, limit)
        return [entry_of_row(row) for row in reversed(rows)]

    async def _account(self, user_id: int, rows: int) -> Sequence[Any]:
        answer = await self.dispatcher.call(
            self.prefix_of_user(user_id), "account", uid=str(user_id), rows=rows
        )
        return list(answer)

    async def counts(self) -> Mapping[str, int]:
        """Over all partitions: `st:<state>` jobs in it (terminals: ever ended there), `e:<edge>` times
        taken, `live` jobs, `waiting_users` with a job in line.
        """
        total: Counter[str] = Counter()
        for partition in range(self.partitions):
            shown = await self.dispatcher.call(self.prefix(partition), "counts")
            for name, number in zip(shown[::2], shown[1::2], strict=True):
                _count(total, name.decode(), int(number))
        return total


def _due_job(words: Sequence[bytes]) -> DueJob:
    name, due, state, user, worker, deadline, aside, reason = (word.decode() for word in words)
    return DueJob(name, int(float(due)), state, int(user or 0), worker, int(deadline or 0), aside, reason)


def _count(total: Counter[str], name: str, number: int) -> None:
    if "|" not in name:
        total[name] += number
        return
    source, target, edge = name.split("|", 2)
    total[f"e:{edge}"] += number
    total[f"st:{target}"] += number
    if source:
        total[f"st:{source}"] -= number
