"""The front door: everything the bot, the wiring and the operator ask of the engine.

Each call is one or two atomic scripts. `StoreUnavailable` may escape from any of them: the outcome is
unknown then and the same call may be made again, because every one that writes is idempotent by its own
key (button, external id, update id, operation id).
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, Self

from engine.alerts import Alerts, Tell
from engine.asides import note_aside, tapped_again
from engine.codec import encode
from engine.config import EngineConfig
from engine.erasure import Erased, erase_user, erased_films
from engine.errors import Refusal
from engine.front_desk import UNHEARD, FrontDesk
from engine.judges import Judges
from engine.keys import GRANTS, PAYMENTS, TRIALS
from engine.limits import Limits
from engine.outbound import notices_of
from engine.ports import Clock, Randomness
from engine.store import Store
from engine.store_base import Keeping
from engine.store_read import shown_job
from engine.values import (
    Account,
    Cancellation,
    Entry,
    EntryKind,
    Granted,
    NewJob,
    Submission,
    Submitted,
)
from states.decide import Denied, decide, wake_ms
from states.facts import Happening
from states.job import Hint, Job
from states.machine import JUDGE, Judge
from states.record import birth, record, refusal
from states.vocabulary import TERMINALS, Reason, Stage, State, Trigger

CANCEL_TRIES: Final = 5
"""A job may move while its cancel is on the way; each move is looked at afresh."""
RETURN_LOOK: Final = 20
"""How many of a user's latest jobs are looked at when they come back."""
AMOUNT_MAX: Final = 1_000_000_000

_CONTRA: Final[Mapping[EntryKind, str]] = MappingProxyType(
    {
        EntryKind.TRIAL: TRIALS,
        EntryKind.GRANT: GRANTS,
        EntryKind.PAYMENT: PAYMENTS,
        EntryKind.CORRECTION: GRANTS,
    }
)


class Engine(FrontDesk):
    """Opened with `await Engine.connect(url, config)`, closed with `await engine.close()`."""

    def __init__(self, store: Store, config: EngineConfig, judge: Judge = JUDGE) -> None:
        super().__init__(store, config)
        self.judge = judge
        self.judges = Judges(store, judge)
        self.limits = Limits(store.dispatcher, store.clock, store.randomness, config.limits)

    @classmethod
    async def connect(
        cls,
        url: str,
        config: EngineConfig,
        *,
        clock: Clock | None = None,
        randomness: Randomness | None = None,
        judge: Judge = JUDGE,
    ) -> Self:
        """Open the store (creating it on an empty server) and make today's graph known to it.

        Without a clock it follows the server's. Raises StoreUnavailable, StoreMismatch.
        """
        keeping = Keeping(
            job_ms=config.retention_s * 1000, idem_ms=config.idem_s * 1000, feed_ms=config.feed_s * 1000
        )
        store = await Store.connect(
            url,
            clock=clock,
            randomness=randomness,
            partitions=config.partitions,
            keeping=keeping,
            durability=config.durability,
        )
        engine = cls(store, config, judge)
        try:
            await engine.open()
        except BaseException:  # cancelled too: no store stays open
            await store.close()
            raise
        return engine

    async def open(self) -> None:
        """Make today's graph known to the store. Must come before the first submit."""
        graph = self.judge.graph
        edges = [(edge.id, edge.source.value, edge.target.value) for edge in graph.edges]
        await self.store.register_graph(graph.digest, edges, graph.canonical_json())

    def alerts(self, tell: Tell) -> Alerts:
        """The operator's desk: its `raise_alert` belongs to the relay, its `run` to a background task."""
        return Alerts(self.store.dispatcher, self.store.prefix(0), self.store.clock, self.config.alerts, tell)

    # --- jobs ----------------------------------------------------------------------------------------

    async def submit(self, new: NewJob) -> Submitted:
        """Hold the credits and put the job in line, once per `idem`. Refusals charge nothing."""
        now = self.store.clock.now_ms()
        strategy = self.judge.graph.strategy
        job = Job(
            id=self.store.new_job_id(new.user_id),
            user_id=new.user_id,
            state=State.QUEUED,
            graph=self.judge.graph.digest,
            request=new.request,
            cost=new.cost,
            created_ms=now,
            deadline_ms=now + strategy.deadline_s * 1000,
            stage_since_ms=now,
            video=new.video,
            rendered_ms=now if new.video is not None else 0,  # a parked re-delivery waits as long as any
            source_job=new.source_job,
            status_message_id=new.status_message_id,
        )
        submitted = await self.store.submit(
            replace(new, idem=f"{new.user_id}:{new.idem}"),  # nobody gets another user's job back
            job,
            birth(job),
            max_live=self.config.max_live_jobs,
            wake_ms=wake_ms(job, job.deadline_ms, strategy),
        )
        if submitted.result is Submission.EXISTS and submitted.job is not None:
            await note_aside(self.store, submitted.job.id, tapped_again(submitted.job, now))
        return submitted

    async def cancel(self, job_id: str, user_id: int) -> Cancellation:
        """Cancel where it costs nothing. A worker that holds the job just then is fenced."""
        for _ in range(CANCEL_TRIES):
            job = await self.job(job_id)
            if job is None or job.user_id != user_id:
                return Cancellation.UNKNOWN_JOB
            if job.state in TERMINALS:
                ours = job.last_reason == Trigger.CANCEL.value  # a second tap, or an answer that was lost
                return Cancellation.CANCELLED if ours else Cancellation.OVER
            answer = await self._cancel_once(job)
            if answer is not None:
                return answer
        return Cancellation.TOO_LATE

    async def _cancel_once(self, job: Job) -> Cancellation | None:
        """None: the job moved meanwhile, look again."""
        if not await self.judges.know(job):
            return Cancellation.TOO_LATE
        judge = self.judges.of(job)
        decision = decide(
            job,
            Trigger.CANCEL,
            Happening(actor="user"),
            now_ms=self.store.clock.now_ms(),
            rnd=self.store.randomness.random(),
            judge=judge,
        )
        if isinstance(decision, Denied):
            denied = refusal(decision, graph=judge.graph.digest, actor="user")
            await note_aside(self.store, job.id, denied)
            return Cancellation.TOO_LATE
        answer = await self.store.commit(
            decision.before,
            decision.after,
            edge_id=decision.edge.id,
            op=f"cancel:{decision.after.seq}",
            record=record(decision, graph=judge.graph.digest, actor="user"),
            notices=notices_of(decision.after, decision.notices, str(decision.after.seq)),
            unclaim=True,
        )
        if answer is Refusal.GONE:
            return Cancellation.UNKNOWN_JOB
        if answer is Refusal.ILLEGAL:
            return Cancellation.TOO_LATE
        return None if isinstance(answer, Refusal) else Cancellation.CANCELLED

    async def job(self, job_id: str) -> Job | None:
        """The job as it is now, None when there is none (any more). Any text may be asked for."""
        return await self.store.read(job_id)

    async def history(self, job_id: str) -> list[dict[str, Any]]:
        """The records of a job's submit and transitions, oldest first."""
        return await self.store.history(job_id)

    async def jobs_of(self, user_id: int, limit: int = 10) -> list[Job]:
        """Jobs of a user, newest first."""
        return await self.store.jobs_of(user_id, limit)

    async def live_jobs(self, limit: int = 100) -> list[Job]:
        """Jobs that have not ended, by the time they are due."""
        return await self.store.live_jobs(limit)

    async def place_in_line(self, job_id: str) -> int:
        """1 = next, 0 = not queued. With several partitions it is an estimate over all of them."""
        return await self.store.place_in_line(job_id)

    async def hint(self, job_id: str, hint: Hint) -> bool:
        """A signal from outside, such as a provider callback. False = no such job.

        An ended job takes no hints: look at its state to see whether its video came too late.
        """
        return await self.store.hint(job_id, hint) is not Refusal.GONE

    async def user_returned(self, user_id: int) -> int:
        """Wake the deliveries that wait for this user, and say what they did not hear; how much there was."""
        woken = await self._tell_unheard(user_id)
        prefix = self.store.prefix_of_user(user_id)
        shown = await self.store.dispatcher.call(prefix, "parked", uid=str(user_id), look=RETURN_LOOK)
        for job in filter(None, map(shown_job, shown)):
            if _waits_for_user(job):
                woken += await self.store.hint(job.id, Hint("returned")) is None
        return woken

    async def erase(self, user_id: int) -> Erased:
        """Forget what a user gave and got; jobs that have not ended stay as they are, and so do the books."""
        await self.forget(user_id, UNHEARD)
        return await erase_user(self.store, user_id)

    async def erased_films(self, since_ms: int) -> tuple[str, ...]:
        """SHA-256 of the films whose owners deleted their data since then; kept for 30 days."""
        return await erased_films(self.store, since_ms)

    # --- credits -------------------------------------------------------------------------------------

    async def account(self, user_id: int) -> Account:
        """Free and held credits."""
        return await self.store.account(user_id)

    async def statement(self, user_id: int, limit: int = 20) -> list[Entry]:
        """Ledger entries, newest first."""
        return await self.store.statement(user_id, limit)

    async def grant(
        self,
        user_id: int,
        amount: int,
        external_id: str,
        kind: EntryKind,
        note: str = "",
        *,
        forced: bool = False,
    ) -> Granted:
        """Book credits from outside a job, once per user and `external_id`.

        Not applied: booked before, or a negative amount that is more than what is free (unless `forced`,
        for a payment that was charged back). ValueError: an amount of 0, or a kind that belongs to jobs.
        """
        if kind not in _CONTRA or not 0 < abs(amount) <= AMOUNT_MAX or not external_id:
            raise ValueError(f"cannot book {amount} as {kind} with the external id {external_id!r}")
        answer = await self.store.dispatcher.call(
            self.store.prefix_of_user(user_id),
            "grant",
            uid=str(user_id),
            kind=kind.value,
            contra=_CONTRA[kind],
            amount=amount,
            external=external_id,
            now=self.store.clock.now_ms(),
            note=encode(note),
            forced=forced,
        )
        return Granted(applied=answer[0] == b"applied", balance=int(answer[1]))


def _waits_for_user(job: Job) -> bool:
    waiting = job.state is State.RETRY_WAIT and job.stage is Stage.SENDING
    return waiting and job.last_reason == Reason.USER_GONE.value
