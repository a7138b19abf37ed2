"""Decisions made durable: the only way a worker changes a job.

A lost answer is asked for again under the same operation id until the store is back: what was bought
or sent must not be forgotten because Redis was away for a minute. A worker that is told to stop finishes
the store call it is in, so that it knows what it hands back; it does not wait for a store that is away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from engine.asides import note_aside
from engine.errors import Refusal, StoreUnavailable
from engine.judges import Judges
from engine.late import adopt_late
from engine.outbound import LATE_WATCH, alert_of, notices_of, watch_order
from engine.ports import Alert, Clock, Randomness
from engine.store import Store
from engine.telemetry import Telemetry
from engine.unbroken import asked_to_stop, unbroken
from states.decide import Decision, Denied, PlannedNotice, decide, wake_ms
from states.facts import Happening
from states.job import Hint, Job, Video, copy_job
from states.record import record, refusal
from states.vocabulary import TERMINALS, AlertKind, Failure, Trigger

RETRY_S = 1.0
"""How long to wait before a commit is sent again to a store that did not answer."""
FOREIGN_MS = 30_000
"""How long a job whose graph cannot be read here is left to workers of another program version."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Committer:
    """Decides and stores. `None` from any method means: the job is no longer this worker's."""

    store: Store
    judges: Judges
    clock: Clock
    randomness: Randomness
    telemetry: Telemetry
    worker: str
    alert: Callable[[Alert], Awaitable[None]]
    """Tells the operator what does not come with a transition."""

    async def can_judge(self, job: Job) -> bool:
        """Get ready for a claimed job; one of a graph nobody here can read goes back for others."""
        if await self._insist(job.id, lambda: self.judges.know(job)):
            return True
        self.telemetry.emit("job.foreign", job=job.id, worker=self.worker)
        text = f"jobs of graph {job.graph} wait: no worker here can read that graph; start one of its version"
        alert = Alert(f"foreign:{job.graph}", AlertKind.INCIDENT.value, text, job.id)
        await self._insist(job.id, lambda: self._alerted(alert))
        await self._give_up_lease(job, self.clock.now_ms() + FOREIGN_MS, 0)
        return False

    # --- transitions ----------------------------------------------------------------------------

    async def fire(
        self,
        job: Job,
        trigger: Trigger,
        what: Happening,
        *,
        video: Video | None = None,
        failure: Failure | None = None,
        first_poll_s: float = 0,
        delivering: bool = False,
    ) -> Job | None:
        """Decide a trigger and store the decision. The job as it now is when this worker goes on with it
        or it has ended. `delivering`: the same commit begins the delivery, which this worker makes at once.
        """
        now_ms, rnd = self.clock.now_ms(), self.randomness.random()
        decision = decide(job, trigger, what, now_ms=now_ms, rnd=rnd, video=video, judge=self.judges.of(job))
        if isinstance(decision, Denied):
            self.telemetry.emit("job.denied", job=job.id, state=job.state, trigger=trigger, why=decision.why)
            await self._aside(decision, what.actor)
            await self._quarantine(job, trigger, what, decision.why)
            return None
        if trigger is Trigger.ACCEPTED:
            due_ms = wake_ms(decision.after, now_ms + round(first_poll_s * 1000), self.judges.strategy(job))
            decision = decision._replace(due_ms=due_ms, keep=due_ms <= now_ms)
        if delivering:
            begun = copy_job(decision.after, send_attempts=decision.after.send_attempts + 1)
            decision = decision._replace(after=begun)
        answer = await self._commit(decision, what.actor, failure)
        if isinstance(answer, Refusal):
            await self._refused(job, trigger, what, answer)
            return None
        self._tell(decision)
        return answer if decision.keep or answer.state in TERMINALS else None

    async def _aside(self, denied: Denied, actor: str) -> None:
        graph = self.judges.of(denied.job).graph.digest
        record = refusal(denied, graph=graph, actor=actor)
        try:
            await unbroken(note_aside(self.store, denied.job.id, record))
        except StoreUnavailable:  # only evidence; the job itself is parked patiently
            self.telemetry.emit("store.lost", job=denied.job.id, worker=self.worker)

    async def _commit(self, decision: Decision, actor: str, failure: Failure | None) -> Job | Refusal:
        before, after = decision.before, decision.after
        graph = self.judges.of(decision.before).graph.digest
        alerts = [alert_of(after, alert, failure) for alert in decision.alerts]

        def ask() -> Coroutine[Any, Any, Job | Refusal]:
            return self.store.commit(
                before,
                after,
                edge_id=decision.edge.id,
                op=f"{before.epoch}:{after.seq}:{decision.edge.trigger}",
                record=record(decision, graph=graph, actor=actor),
                notices=notices_of(after, decision.notices, str(after.seq)),
                alerts=[*alerts, *watch_order(after)],
                due_ms=decision.due_ms,
                keep_lease=decision.keep,
            )

        return await self._insist(before.id, ask)

    async def _refused(self, job: Job, trigger: Trigger, what: Happening, refusal: Refusal) -> None:
        self._emit_refused(job, trigger, refusal)
        if refusal is Refusal.ILLEGAL:
            await self._quarantine(job, trigger, what, "illegal for the store")
        elif trigger is Trigger.ACCEPTED and refusal is not Refusal.GONE:
            await self._pass_on(job, what)

    async def _pass_on(self, job: Job, what: Happening) -> None:
        """A task was bought under a lease that ran out: tell its id to whoever holds the job now."""
        hint = Hint("callback", what.task_n, what.task_id)
        if await self._insist(job.id, lambda: self.store.hint(job.id, hint)) is not Refusal.STALE:
            return
        await self._insist(job.id, lambda: adopt_late(self.store, job.id, what.task_n, what.task_id))
        order = Alert(fingerprint=f"{LATE_WATCH}:{job.id}", kind=LATE_WATCH, text="", job_id=job.id)
        await self._insist(job.id, lambda: self._alerted(order))

    async def _quarantine(self, job: Job, trigger: Trigger, what: Happening, why: str) -> None:
        """The operator hears of it, the job is set aside; its credits stay held, nothing is made up."""
        text = (
            f"{trigger} cannot happen to a job in {job.state} ({why}); it is set aside, its credits stay held"
        )
        text += f"; provider task {what.task_id}" if what.task_id else ""
        alert = Alert(f"denied:{job.state}:{trigger}:{why}", AlertKind.GAVE_UP.value, text, job.id)
        await self._insist(job.id, lambda: self._alerted(alert))
        answer = await self._insist(
            job.id, lambda: self.store.quarantine(job.id, f"{trigger}: {why}", epoch=job.epoch)
        )
        if answer is not None:
            self._emit_refused(job, "quarantine", answer)

    async def _alerted(self, alert: Alert) -> None:
        await self.alert(alert)

    # --- waiting and checkpoints ----------------------------------------------------------------

    async def park(self, job: Job, due_ms: int, *, seen: int = 0) -> None:
        """Give the lease up until `due_ms`; no transition. `seen`: how many hints were used up."""
        await self._give_up_lease(job, wake_ms(job, due_ms, self.judges.strategy(job)), seen)

    async def hand_back(self, job: Job) -> None:
        """Give the lease up at once, for others. Asked once: a lease that cannot be given back runs out."""
        try:
            refusal = await unbroken(self.store.park(job, self.clock.now_ms(), hints_seen=0))
        except StoreUnavailable:
            self.telemetry.emit("store.lost", job=job.id, worker=self.worker)
            return
        self.telemetry.emit("job.returned", job=job.id, state=job.state, refusal=refusal)

    async def _give_up_lease(self, job: Job, due_ms: int, seen: int) -> None:
        refusal = await self._insist(job.id, lambda: self.store.park(job, due_ms, hints_seen=seen))
        if refusal is not None:
            self._emit_refused(job, "park", refusal)
        else:
            self.telemetry.emit("job.waited", job=job.id, state=job.state, due=due_ms)

    async def note(self, job: Job, notices: Sequence[PlannedNotice] = ()) -> Job | None:
        """Store a fenced checkpoint inside a state; the snapshot as stored, or None when refused."""
        told = notices_of(job, tuple(notices), f"{job.seq}-{notices[0].kind}" if notices else "")
        answer = await self._insist(job.id, lambda: self.store.note(job, notices=told))
        if isinstance(answer, Refusal):
            self._emit_refused(job, "note", answer)
            return None
        return answer

    async def _insist(self, job_id: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask again, under the same operation id, for as long as the store is away."""
        while True:
            try:
                return await unbroken(ask())
            except StoreUnavailable:
                self.telemetry.emit("store.lost", job=job_id, worker=self.worker)
                if asked_to_stop():
                    raise asyncio.CancelledError from None
                await self.clock.sleep(RETRY_S)

    # --- telemetry ------------------------------------------------------------------------------

    def _emit_refused(self, job: Job, trigger: str, refusal: Refusal) -> None:
        self.telemetry.emit("job.refused", job=job.id, trigger=trigger, refusal=refusal, worker=self.worker)

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
