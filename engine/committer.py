"""Decisions made durable: the only way a worker or the front door changes a job.

A lost answer is asked for again under the same operation id until the store is back: what was bought
or sent must not be forgotten because Redis was away for a minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.asides import note_aside
from engine.errors import Refusal, StoreUnavailable
from engine.outbound import alert_of, notices_of, watch_order
from engine.ports import Alert, Clock, Randomness
from engine.store import Store
from engine.telemetry import Telemetry
from states.decide import Decision, Denied, PlannedNotice, decide, record, refusal, wake_ms
from states.facts import Happening
from states.job import Hint, Job, Video
from states.machine import Judge
from states.strategy import Strategy
from states.vocabulary import TERMINALS, Failure, Trigger

RETRY_S = 1.0
"""How long to wait before a commit is sent again to a store that did not answer."""
DENIED_PAUSE_MS = 60_000
"""A job whose next move the graph refuses is a bug of ours: look again later, never in a tight loop."""


@dataclass(frozen=True, slots=True)
class Committer:
    """Decides and stores. `None` from any method means: the job is no longer this worker's."""

    store: Store
    judge: Judge
    clock: Clock
    randomness: Randomness
    telemetry: Telemetry
    worker: str
    lease_ms: int

    @property
    def strategy(self) -> Strategy:
        """The policy new decisions are made by."""
        return self.judge.graph.strategy

    async def fire(
        self,
        job: Job,
        trigger: Trigger,
        what: Happening,
        *,
        video: Video | None = None,
        failure: Failure | None = None,
        first_poll_s: float = 0,
    ) -> Job | None:
        """Decide a trigger and store the decision. The job as it now is when this worker goes on."""
        now_ms, rnd = self.clock.now_ms(), self.randomness.random()
        decision = decide(job, trigger, what, now_ms=now_ms, rnd=rnd, video=video, judge=self.judge)
        if isinstance(decision, Denied):
            self.telemetry.emit("job.denied", job=job.id, state=job.state, trigger=trigger, why=decision.why)
            await self._aside(decision, what.actor)
            await self.park(job, now_ms + DENIED_PAUSE_MS)
            return None
        if trigger is Trigger.ACCEPTED:
            due_ms = wake_ms(decision.after, now_ms + round(first_poll_s * 1000), self.strategy)
            decision = replace(decision, due_ms=due_ms)
        answer = await self._insist(decision, what.actor, failure)
        if isinstance(answer, Refusal):
            await self._refused(job, trigger, what, answer)
            return None
        self._tell(decision)
        return answer if decision.keep else None

    async def _aside(self, denied: Denied, actor: str) -> None:
        try:
            await note_aside(
                self.store, denied.job.id, refusal(denied, graph=self.judge.graph.digest, actor=actor)
            )
        except StoreUnavailable:  # only evidence; the job itself is parked patiently
            self.telemetry.emit("store.lost", job=denied.job.id, worker=self.worker)

    async def _insist(self, decision: Decision, actor: str, failure: Failure | None) -> Job | Refusal:
        """Commit, and ask again under the same operation id for as long as the store is away."""
        before, after = decision.before, decision.after
        graph = self.judge.graph.digest
        while True:
            try:
                return await self.store.commit(
                    before,
                    after,
                    edge_id=decision.edge.id,
                    op=f"{before.epoch}:{after.seq}:{decision.edge.trigger}",
                    record=record(decision, graph=graph, actor=actor),
                    notices=notices_of(after, decision.notices, str(after.seq)),
                    alerts=[*self._alerts(decision, failure), *watch_order(after)],
                    due_ms=decision.due_ms,
                    keep_lease=decision.keep,
                    lease_ms=self.lease_ms,
                )
            except StoreUnavailable:
                self.telemetry.emit("store.lost", job=before.id, worker=self.worker)
                await self.clock.sleep(RETRY_S)

    @staticmethod
    def _alerts(decision: Decision, failure: Failure | None) -> list[Alert]:
        return [alert_of(decision.after, alert, failure) for alert in decision.alerts]

    async def _refused(self, job: Job, trigger: Trigger, what: Happening, refusal: Refusal) -> None:
        self.telemetry.emit("job.refused", job=job.id, trigger=trigger, refusal=refusal, worker=self.worker)
        if trigger is Trigger.ACCEPTED and refusal in (Refusal.FENCED, Refusal.STALE):
            # the task was bought under a lease that ran out: tell its id to whoever holds the job now
            await self.store.hint(job.id, Hint("callback", what.task_n, what.task_id))

    async def park(self, job: Job, due_ms: int, *, seen: int = 0) -> None:
        """Give the lease up until `due_ms`; no transition. `seen`: how many hints were used up."""
        at_ms = wake_ms(job, due_ms, self.strategy) if job.state not in TERMINALS else due_ms
        refusal = await self._patiently(job, at_ms, seen)
        if refusal is not None:
            self.telemetry.emit(
                "job.refused", job=job.id, trigger="park", refusal=refusal, worker=self.worker
            )
        else:
            self.telemetry.emit("job.waited", job=job.id, state=job.state, due=at_ms)

    async def _patiently(self, job: Job, due_ms: int, seen: int) -> Refusal | None:
        while True:
            try:
                return await self.store.park(job, due_ms, hints_seen=seen)
            except StoreUnavailable:
                self.telemetry.emit("store.lost", job=job.id, worker=self.worker)
                await self.clock.sleep(RETRY_S)

    async def note(self, job: Job, notices: Sequence[PlannedNotice] = ()) -> Job | None:
        """Store a fenced checkpoint inside a state; the snapshot as stored, or None when refused."""
        told = notices_of(job, tuple(notices), f"{job.seq}-{notices[0].kind}" if notices else "")
        while True:
            try:
                answer = await self.store.note(job, notices=told)
            except StoreUnavailable:
                self.telemetry.emit("store.lost", job=job.id, worker=self.worker)
                await self.clock.sleep(RETRY_S)
                continue
            if isinstance(answer, Refusal):
                self.telemetry.emit(
                    "job.refused", job=job.id, trigger="note", refusal=answer, worker=self.worker
                )
                return None
            return answer

    def _tell(self, decision: Decision) -> None:
        self.telemetry.emit(
            "job.moved",
            job=decision.after.id,
            user=decision.after.user_id,
            seq=decision.after.seq,
            source=decision.edge.source,
            state=decision.after.state,
            edge=decision.edge.id,
            reason=decision.facts.reason,
            rule=decision.facts.rule,
            worker=self.worker,
        )
