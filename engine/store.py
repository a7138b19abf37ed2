"""What workers and the front door may do to jobs: one method a verb, each one atomic script.

Every write carries the epoch and seq of the snapshot it was decided on, and an operation id. A refused
write is a value and has changed nothing. StoreUnavailable means the outcome is unknown: call again with
the same arguments, an operation that was done is answered from its record.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.asides import note_aside, repeated
from engine.codec import (
    encode_doc,
    encode_hint,
    encode_request,
    stored_doc,
)
from engine.errors import Refusal
from engine.keys import WHOLE_GRAPH, partition_of_job
from engine.ports import Alert, Notice
from engine.rows import birth_row, event_row, history_row
from engine.store_aside import StoreAside
from engine.store_read import shown_job
from engine.store_wire import content_op, event_of, money_word, ms_or_none, outbox_entries, stored_or_refused
from engine.values import Claim, NewJob, Submission, Submitted, Taken
from states.job import Hint, Job, copy_job
from states.vocabulary import Hold


class Store(StoreAside):
    """The writing side. Opened with `Store.connect`."""

    async def register_graph(
        self, digest: str, edges: Iterable[tuple[str, str, str]], canonical: str = ""
    ) -> None:
        """Make a graph version known: (edge id, source, target). Must come before jobs of that version.

        `canonical`, its whole JSON, is kept beside the edges: histories of it can be replayed for ever.
        """
        flat = [word for edge, source, target in edges for word in (edge, f"{source}|{target}")]
        flat += [WHOLE_GRAPH, canonical] if canonical else []
        for partition in range(self.partitions):
            await self.dispatcher.call(self.prefix(partition), "graph", digest=digest, edges=flat)

    async def submit(
        self,
        new: NewJob,
        job: Job,
        record: Mapping[str, Any],
        notices: Sequence[Notice] = (),
        *,
        max_live: int,
        wake_ms: int | None = None,
    ) -> Submitted:
        """Store a new job (`queued`, seq 0, id from `new_job_id`) and hold its credits.

        `wake_ms`: when a worker should look at it though it is still in line (its deadline by default).
        Re-deliveries (`source_job` set) pass while launches are paused and above `max_live`.
        """
        answer = await self.dispatcher.call(
            self.prefix_of_user(job.user_id),
            "submit",
            job=job.id,
            idem=new.idem,
            uid=str(job.user_id),
            cost=job.cost,
            graph=job.graph,
            now=self.clock.now_ms(),
            due=job.deadline_ms if wake_ms is None else wake_ms,
            deadline=job.deadline_ms,
            doc=encode_doc(job),
            request=encode_request(job.request),
            record=birth_row(record, job=job.id),
            event=event_row(event_of(job, record)),
            launch=not new.source_job,
            max_live=max_live,
            idem_ms=self.keeping.idem_ms,
            feed_ms=self.keeping.feed_ms,
            outbox=outbox_entries(job, notices, ()),
        )
        result, balance = Submission(answer[0].decode()), int(answer[1])
        if result is Submission.CREATED:
            return Submitted(result, balance, copy_job(job, hold=Hold.HELD if job.cost > 0 else Hold.NONE))
        return Submitted(result, balance, shown_job(answer[2]) if result is Submission.EXISTS else None)

    async def claim(
        self,
        worker: str,
        *,
        partition: int,
        lease_ms: int,
        queued_ok: bool,
        limit: int = 1,
        last: bool = False,
    ) -> Claim:
        """Take up to `limit` next jobs: what is due first, then (with `queued_ok`) fairly from the line.

        `last`: this worker will be full with so many, so another one should be woken for the rest.
        """
        self._queued_ok[partition] = queued_ok
        asked_ms = self.clock.now_ms()
        claim_id = self._unheard.pop((worker, partition), None) or self.randomness.token()
        try:
            answer = await self.dispatcher.call(
                self.prefix(partition),
                "claim",
                worker=worker,
                claim_id=claim_id,
                now=asked_ms,
                lease_ms=lease_ms,
                queued_ok=queued_ok,
                limit=limit,
                last=last,
                mark_ms=self.keeping.mark_ms,
            )
        except BaseException:  # they may be ours without our knowing: the next claim asks for the same
            self._unheard[worker, partition] = claim_id
            raise
        taken: list[Taken] = []
        for lost, shown in zip(answer[2::2], answer[3::2], strict=True):
            job = shown_job(shown)
            if job is not None:
                taken.append(Taken(job, lost == b"1"))
        return Claim(tuple(taken), ms_or_none(answer[1]), asked_ms)

    async def commit(  # noqa: PLR0913 - one atomic step has that many parts, each by its name
        self,
        before: Job,
        after: Job,
        *,
        edge_id: str,
        op: str,
        record: Mapping[str, Any],
        notices: Sequence[Notice] = (),
        alerts: Sequence[Alert] = (),
        due_ms: int | None = None,
        keep_lease: bool = False,
        unclaim: bool = False,
    ) -> Job | Refusal:
        """Store one transition with its money, history, timers, notices. The job as it is now, or why not.

        `op` must be the same for a repetition and differ between operations that could make this move.
        `due_ms` None means now. `keep_lease`: this worker goes on. `unclaim` (front door): take the job
        from a worker that may hold it; that worker is fenced from then on. Hints of `before` are used up,
        unless `after` still carries some: then all are kept and come with the next claim.
        """
        prefix = self.prefix_of_job(before.id)
        if prefix is None:
            return Refusal.GONE
        seq, epoch = before.seq + 1, before.epoch + (1 if unclaim else 0)
        stored = after
        if (after.seq, after.epoch) != (seq, epoch):
            stored = copy_job(after, seq=seq, epoch=epoch)
        answer = await self.dispatcher.call(
            prefix,
            "commit",
            job=before.id,
            epoch=before.epoch,
            seq=before.seq,
            op=op,
            edge=edge_id,
            source=before.state,
            target=after.state,
            money=money_word(before.hold, after.hold),
            deadline=after.deadline_ms,
            doc=stored_doc(stored),
            due=due_ms,
            keep=keep_lease,
            unclaim=unclaim,
            now=self.clock.now_ms(),
            record=history_row(record, op, job=before.id, seq=seq, graph=before.graph),
            event=event_row(event_of(stored, record)),
            hints_seen=0 if after.hints else len(before.hints),
            retain_ms=self.keeping.job_ms,
            feed_ms=self.keeping.feed_ms,
            outbox=outbox_entries(stored, notices, alerts),
        )
        if answer == b"replayed":
            await note_aside(self, before.id, repeated(record))
        return stored_or_refused(answer, stored)

    async def park(self, job: Job, due_ms: int, *, hints_seen: int | None = None) -> Refusal | None:
        """Give the lease up until `due_ms`, without a transition. None when done, or why not.

        `hints_seen`: how many hints were looked at and are used up (those of `job` by default).
        """
        prefix = self.prefix_of_job(job.id)
        if prefix is None:
            return Refusal.GONE
        answer = await self.dispatcher.call(
            prefix,
            "park",
            job=job.id,
            epoch=job.epoch,
            seq=job.seq,
            now=self.clock.now_ms(),
            due=due_ms,
            hints_seen=len(job.hints) if hints_seen is None else hints_seen,
        )
        return None if answer == b"ok" else Refusal(answer.decode())

    async def note(
        self, job: Job, notices: Sequence[Notice] = (), alerts: Sequence[Alert] = ()
    ) -> Job | Refusal:
        """A fenced checkpoint: `job` (same state and seq) becomes the stored snapshot; notices go with it."""
        prefix = self.prefix_of_job(job.id)
        if prefix is None:
            return Refusal.GONE
        doc, outbox = encode_doc(job), outbox_entries(job, notices, alerts)
        answer = await self.dispatcher.call(
            prefix,
            "note",
            job=job.id,
            epoch=job.epoch,
            seq=job.seq,
            op=content_op(doc, [*outbox, f"{job.epoch}.{job.seq}"]),
            doc=doc,
            deadline=job.deadline_ms,
            now=self.clock.now_ms(),
            outbox=outbox,
        )
        return stored_or_refused(answer, job)

    async def late(
        self, job: Job, notices: Sequence[Notice] = (), alerts: Sequence[Alert] = ()
    ) -> Job | Refusal:
        """Facts that turned up after the end (a late video): the document changes, the state does not."""
        prefix = self.prefix_of_job(job.id)
        if prefix is None:
            return Refusal.GONE
        # the operation is named by the plain text: packed, it may differ from one machine to another
        doc, outbox = encode_doc(job), outbox_entries(job, notices, alerts)
        answer = await self.dispatcher.call(
            prefix,
            "late",
            job=job.id,
            seq=job.seq,
            op=content_op(doc, outbox),
            doc=stored_doc(job),
            now=self.clock.now_ms(),
            retain_ms=self.keeping.job_ms,
            outbox=outbox,
        )
        return stored_or_refused(answer, job)

    async def beat(self, worker: str, held: Sequence[tuple[str, int]], *, lease_ms: int) -> list[str]:
        """Renew the leases of (job id, epoch) pairs; the ids that are lost."""
        by_partition: dict[int, list[str | bytes | int]] = {}
        for job_id, epoch in held:
            by_partition.setdefault(partition_of_job(job_id) or 0, []).extend((job_id, str(epoch)))
        lost: list[str] = []
        for partition, flat in by_partition.items():
            answer = await self.dispatcher.call(
                self.prefix(partition),
                "beat",
                worker=worker,
                now=self.clock.now_ms(),
                lease_ms=lease_ms,
                held=flat,
            )
            lost += [job_id.decode() for job_id in answer]
        return lost

    async def hint(self, job_id: str, hint: Hint) -> Refusal | None:
        """Leave a signal with a job, which becomes due at once. None when taken (also when known).

        `Refusal.GONE`: no such job. `Refusal.STALE`: it has ended; see `late`.
        """
        prefix = self.prefix_of_job(job_id)
        if prefix is None:
            return Refusal.GONE
        answer = await self.dispatcher.call(
            prefix, "hint", job=job_id, hint=encode_hint(hint), now=self.clock.now_ms()
        )
        return {b"gone": Refusal.GONE, b"over": Refusal.STALE}.get(answer)

    async def leave(self, worker: str) -> None:
        """A worker stops for good (after parking its jobs); what it claimed unheard goes back."""
        for partition in range(self.partitions):
            await self.dispatcher.call(
                self.prefix(partition), "leave", worker=worker, now=self.clock.now_ms()
            )
