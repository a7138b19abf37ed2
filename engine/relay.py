"""The outbox relay: tells what transitions have recorded, at least once, in order within a chat.

An entry leaves the outbox only when it was told, is known to be pointless (the message it would edit
shows something newer), was tried too often, or is kept for a user who is gone and may come back. An edit
repeats harmlessly. A bell is the one new message: when its answer is lost it is not rung again, because a
second ring would be worse.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from engine import logbook
from engine.codec import decode_outbox
from engine.errors import StoreUnavailable
from engine.outbound import LATE_WATCH
from engine.ports import Alert, Clock, Failed, Notice, Notifier, Told
from engine.queue_values import Entry
from engine.queues import OrderedQueue
from engine.telemetry import Telemetry
from states.job import Job
from states.vocabulary import TERMINALS, ErrorClass, NoticeKind, State

T = TypeVar("T")

WAIT_S = 30.0
RETRY_S = 1.0
TRIES = 30
"""After so many failed tries (about half an hour) a notice is dropped and counted."""
LIMIT = 32
"""Entries in flight at once."""
_WHILE_WAITING = frozenset({NoticeKind.STATUS, NoticeKind.PATIENCE, NoticeKind.SERVICE_PAUSED})
"""Notices that mean nothing once the video is being delivered or the job has ended."""
_TOO_LATE = TERMINALS | {State.SENDING}


class Unheard(Protocol):
    """What users who are gone should hear when they come back (`engine.front_desk`). All harmless twice."""

    async def keep_unheard(self, notice: Notice, turn: int) -> None:
        """Keep it. `turn`: of the take that brought it, higher each time."""
        ...

    async def is_unheard(self, notice: Notice, turn: int) -> bool:
        """Whether it is kept: not, once its user has come back."""
        ...

    async def drop_unheard(self, notice: Notice, turn: int) -> None:
        """It has been heard after all."""
        ...


@dataclass(slots=True)
class Relay:
    """Runs until cancelled. Several relays may run at once: a chat's next entry is given to one of them."""

    outbox: OrderedQueue
    notifier: Notifier
    raise_alert: Callable[[Alert, str], Awaitable[None]]
    """Called with an alert and its entry id; must be harmless twice."""
    watch_late: Callable[[str], Awaitable[None]]
    """Called with a job that ended while its bought tasks may still succeed; must be harmless twice."""
    unheard: Unheard
    read_job: Callable[[str], Awaitable[Job | None]]
    clock: Clock
    telemetry: Telemetry
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Take, tell, acknowledge; wait on the outbox's bell in between."""
        try:
            while True:
                await self.tick()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def tick(self) -> None:
        """One look at the outbox."""
        try:
            entries = await self.outbox.take(LIMIT - len(self._tasks))
        except StoreUnavailable:
            self.telemetry.emit("store.lost", worker="relay")
            await self.clock.sleep(RETRY_S)
            return
        for entry in entries:
            task = asyncio.create_task(self._handled(entry))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not entries:
            await self.outbox.wait(WAIT_S)

    async def _handled(self, entry: Entry) -> None:
        try:
            await self._handle(entry)
        except StoreUnavailable:
            self.telemetry.emit("store.lost", worker="relay")
            await self._later(entry, round(RETRY_S * 1000))
        except Exception as error:  # noqa: BLE001 - one entry's bug must not stop the others
            logbook.crash("relay.crashed", error)
            if entry.attempts < TRIES:
                await self._later(entry, _pause_ms(entry.attempts))
            else:  # a lane must not wait for ever behind what nobody can handle
                self.telemetry.emit("relay.dropped", rule="engine.relay_crashed")
                await self._done(entry)

    async def _done(self, entry: Entry) -> None:
        await self._insist(lambda: self.outbox.ack(entry))

    async def _later(self, entry: Entry, after_ms: int, *, flood: bool = False) -> None:
        await self._insist(lambda: self.outbox.nack(entry, after_ms=after_ms, flood=flood))

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Until the store is back: an entry that is not given back is renewed with the others, for ever."""
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                self.telemetry.emit("store.lost", worker="relay")
                await self.clock.sleep(RETRY_S)

    async def _handle(self, entry: Entry) -> None:
        what = decode_outbox(entry.body)
        if isinstance(what, Alert):
            await (
                self.watch_late(what.job_id) if what.kind == LATE_WATCH else self.raise_alert(what, entry.id)
            )
            await self._done(entry)
            return
        if not await self._worth_telling(what, entry.state):
            self.telemetry.emit("notice.outdated", job=what.job_id, kind=what.kind)
            await self._done(entry)
            return
        answer: Told | Failed | None = await self.notifier.tell(what)
        if _gone(answer) and what.kind not in _WHILE_WAITING:
            answer = await self._kept(entry, what)
            if answer is None:
                return
        if isinstance(answer, Failed):
            await self._failed(entry, what, answer)
            return
        self.telemetry.emit("notice.told", job=what.job_id, user=what.user_id, kind=what.kind)
        await self._done(entry)

    async def _kept(self, entry: Entry, notice: Notice) -> Told | Failed | None:
        """Keep it for its user's return; None when it is. Who returns meanwhile must hear it all the same."""
        turn = int(entry.token)
        await self.unheard.keep_unheard(notice, turn)
        answer = await self.notifier.tell(notice)  # somebody may have come back before it was kept
        if not _gone(answer):
            if isinstance(answer, Told):
                await self.unheard.drop_unheard(notice, turn)
            return answer
        self.telemetry.emit("notice.kept", job=notice.job_id, user=notice.user_id, kind=notice.kind)
        await self._done(entry)
        if not await self._insist(lambda: self.unheard.is_unheard(notice, turn)):
            # they came back after it was kept and found it in the outbox yet, in these hands
            await self._insist(lambda: self.outbox.put(entry.lane, entry.id, entry.body))
        return None

    async def _worth_telling(self, notice: Notice, state: str) -> bool:
        """`state`: the job's, as the take saw it; looked up when the entry's id does not name the job."""
        if notice.kind not in _WHILE_WAITING:
            return True
        if not state:
            job = await self.read_job(notice.job_id)
            state = job.state if job is not None else ""
        return bool(state) and state not in _TOO_LATE

    async def _failed(self, entry: Entry, notice: Notice, failed: Failed) -> None:
        verdict = failed.verdict
        doubtful = verdict.cls is ErrorClass.AMBIGUOUS or failed.failure.may_have_arrived is not False
        doubtful_bell = doubtful and notice.kind is NoticeKind.BELL
        if _gone(failed) or doubtful_bell or entry.attempts >= TRIES:
            self.telemetry.emit(
                "relay.dropped", job=notice.job_id, kind=notice.kind, reason=verdict.reason, rule=verdict.rule
            )
            await self._done(entry)
            return
        after_ms = _pause_ms(entry.attempts)
        if verdict.retry_after_s is not None:
            after_ms = max(after_ms, round(verdict.retry_after_s * 1000))
        self.telemetry.emit("notice.delayed", job=notice.job_id, kind=notice.kind, reason=verdict.reason)
        # a second chat that floods at the same time closes the outbox for all: the bot itself is meant
        await self._later(entry, after_ms, flood=verdict.retry_after_s is not None)


def _gone(answer: Told | Failed | None) -> bool:
    return isinstance(answer, Failed) and answer.verdict.cls is ErrorClass.PARKED


def _pause_ms(attempts: int) -> int:
    return min(60_000, 1000 << min(attempts, 6))
