"""The front process of a world: updates in, acts through the front door, notices out.

It works as the bot does: an update is stored before it counts as received, taken under a lease, handled,
and acknowledged; what is not acknowledged comes again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from bot.wiring.simulation.acts import Act, Deed
from engine.errors import StoreUnavailable
from engine.front import Engine
from engine.migration import migrate
from engine.simulation.host import Host
from engine.values import Cancellation, EntryKind, NewJob, Submission, Update
from states.job import Request
from states.vocabulary import TERMINALS

MODEL = "model"
FREE_EVERY = 3
"""Every so many launches one costs nothing."""


@dataclass(slots=True)
class Mail:
    """Updates that Telegram holds for us, and what is known of the launches."""

    waiting: list[tuple[int, int, bytes]] = field(default_factory=list)
    count: int = 0
    jobs: dict[int, str] = field(default_factory=dict)
    """Launch number -> job id, once the launch was answered."""
    free: set[str] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)
    aside: str = ""
    """The job that the operator set aside."""
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, act: Act, message_id: int = 0) -> None:
        """A user acts; their update waits at Telegram."""
        self.count += 1
        body = {"deed": act.deed, "job": act.job, "message": message_id, "id": act.id}
        self.waiting.append((self.count, int(act.who), orjson.dumps(body)))
        self._arrived.set()

    async def arrival(self) -> None:
        """Return when something waits: a long poll."""
        if not self.waiting:
            self._arrived.clear()
            await self._arrived.wait()


@dataclass(frozen=True, slots=True)
class Desk:
    """One life of the front process."""

    engine: Engine
    host: Host
    mail: Mail
    complain: Callable[[str, str], None]

    async def fetch(self) -> None:
        """The poller: store each update, then let Telegram forget it."""
        while True:
            await self.mail.arrival()
            await self.host.sleep(0.3)
            for update in list(self.mail.waiting):
                try:
                    await self.engine.put_update(*update)
                except StoreUnavailable:
                    break
                if update in self.mail.waiting:
                    self.mail.waiting.remove(update)

    async def pump(self) -> None:
        """Take, handle, acknowledge."""
        hands: set[asyncio.Task[None]] = set()
        while True:
            hands = {task for task in hands if not task.done()}
            try:
                for update in await self.engine.take_updates("front", 4 - len(hands)):
                    hands.add(asyncio.create_task(self._serve(update)))
                await self.engine.wait_updates(30.0)
            except StoreUnavailable:
                await self.host.sleep(1.0)

    async def _serve(self, update: Update) -> None:
        try:
            try:
                await self._handle(update.chat_id, orjson.loads(update.raw))
            except StoreUnavailable:
                await self.engine.nack_update(update, 2.0)
            else:
                await self.engine.ack_update(update)
        except StoreUnavailable:
            return  # its lease runs out, it comes again

    async def _handle(self, user: int, body: dict[str, Any]) -> None:
        deed, number = Deed(body["deed"]), int(body["job"])
        match deed:
            case Deed.LAUNCH | Deed.TAP_AGAIN:
                await self._launch(user, number, int(body["message"]))
            case Deed.RETURN:
                await self.engine.user_returned(user)
            case Deed.ERASE:
                await self.engine.erase(user)
            case Deed.GRANT | Deed.TAKE | Deed.PAUSE | Deed.UNPAUSE | Deed.ASIDE | Deed.BACK | Deed.MIGRATE:
                await self._operate(deed, user, body["id"])
            case _ if number in self.mail.jobs:
                await self._of_job(deed, user, number, int(body["message"]))
            case _:
                return

    async def _of_job(self, deed: Deed, user: int, number: int, message_id: int) -> None:
        """A button under a job."""
        job_id = self.mail.jobs[number]
        match deed:
            case Deed.CANCEL | Deed.OLD_BUTTON:
                await self.engine.cancel(job_id, user)
            case Deed.STRANGER:
                if await self.engine.cancel(job_id, user) is not Cancellation.UNKNOWN_JOB:
                    self.complain("owner", f"{job_id}: {user}, who does not own it, could press its button")
            case Deed.REDELIVER:
                await self._redeliver(user, number, message_id)
            case _:
                await self._look(user, job_id)

    async def _look(self, user: int, job_id: str) -> None:
        """What a user and an operator may ask to see. Whatever it shows, it must not disturb."""
        engine = self.engine
        await engine.jobs_of(user)
        await engine.place_in_line(job_id)
        await engine.history(job_id)
        await engine.account(user)
        await engine.live_jobs()
        await engine.erased_films(0)
        await engine.store.counts()
        await engine.store.due_page(0)
        await engine.outbox().depth()
        await engine.remember(user, "draft", b"a photo")
        await engine.recall(user, "draft")
        await engine.forget(user, "draft")

    async def _operate(self, deed: Deed, user: int, act: str) -> None:
        """Idempotent: what is not acknowledged comes again."""
        engine, mail = self.engine, self.mail
        match deed:
            case Deed.GRANT:
                await engine.grant(user, 5, act, EntryKind.GRANT)
            case Deed.TAKE:
                await engine.grant(user, -5, act, EntryKind.CORRECTION)
            case Deed.PAUSE:
                await engine.pause("the operator says so")
            case Deed.UNPAUSE:
                await engine.unpause()
            case Deed.ASIDE:
                mail.aside = mail.aside or next((job.id for job in await engine.live_jobs(1)), "")
                await engine.store.quarantine(mail.aside, "the operator wants to see it")
            case Deed.MIGRATE:
                for job in await engine.live_jobs():
                    await migrate(engine, job.id, engine.judge.graph)
            case _:
                for each in await engine.store.quarantined():
                    await engine.store.unquarantine(each.job_id)

    async def _launch(self, user: int, number: int, message_id: int) -> None:
        await self.engine.grant(user, 100, "welcome", EntryKind.GRANT)
        request = Request(user, f"photo-{number}", "own", "wishes", MODEL, "en")
        cost = 0 if number % FREE_EVERY == 0 else 3
        answer = await self.engine.submit(NewJob(f"launch-{number}", user, cost, request, message_id))
        if answer.job is not None:
            self.mail.jobs[number] = answer.job.id
        elif answer.result in (Submission.PAUSED, Submission.BUSY):
            self.mail.refused[number] = answer.result

    async def _redeliver(self, user: int, number: int, message_id: int) -> None:
        job = await self.engine.job(self.mail.jobs[number])
        if job is None or job.state not in TERMINALS or job.video is None:
            return
        new = NewJob(f"again-{number}", user, 0, job.request, message_id, job.id, job.video)
        answer = await self.engine.submit(new)
        if answer.job is not None:
            self.mail.free.add(answer.job.id)
