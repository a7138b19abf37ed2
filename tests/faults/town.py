"""A whole installation in a sandbox whose processes and server are killed for real."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.embedded import EmbeddedServer
from bot.wiring.app import Role
from bot.wiring.customer import Customer
from bot.wiring.deeds import hit
from bot.wiring.nursery import Nursery
from bot.wiring.process import WorkerProcess
from bot.wiring.sandbox import PERSON, World, open_world
from bot.wiring.waiting import until, until_async
from engine.errors import EngineError
from states.job import Job
from states.vocabulary import TERMINALS, State, Trigger
from tests.audit import books_close, findings, money_of

COFFEE: Final = Path(__file__).parents[1] / "data" / "coffee.jpg"
SOON_S: Final = 240.0
"""Real seconds within which everything here must happen; a deadline for a busy machine, never a pause."""
PATIENCE_S: Final = 60.0
"""Real seconds a call may take: nothing here has to time out, and a slow answer must not look lost."""


@dataclass(slots=True)
class Town:
    """A running world with a customer who has a proposal before them."""

    world: World
    customer: Customer
    nursery: Nursery
    workers: list[WorkerProcess] = field(default_factory=list)
    pushed: int = 0

    @property
    def server(self) -> EmbeddedServer:
        server = self.world.app.server
        assert server is not None
        return server

    async def hire(self) -> WorkerProcess:
        """Start a worker process, which works from now on."""
        worker = WorkerProcess(self.world, self.nursery, f"worker-{len(self.workers) + 1}")
        self.workers.append(worker)
        await worker.start()
        return worker

    async def launch(self) -> None:
        """Tap the launch button."""
        assert await self.customer.launch(), "the bot made no proposal"

    # --- waiting --------------------------------------------------------------------------------

    async def inside(self, method: str) -> None:
        """Until somebody hangs in this call."""
        assert await until(lambda: hit(self.world.faults, method), SOON_S), f"nobody called {method}"

    async def job(self) -> Job | None:
        """The customer's job; None while there is none or the store is away."""
        try:
            jobs = await self.world.app.engine.jobs_of(PERSON, 2)
        except EngineError:
            return None
        assert len(jobs) < 2, "one launch made two jobs"
        return jobs[0] if jobs else None

    async def when(self, ready: Callable[[Job], bool], what: str) -> Job:
        """The job, once it is so."""
        found: list[Job] = []

        async def look() -> bool:
            job = await self.job()
            if job is not None and ready(job):
                found.append(job)
            return bool(found)

        assert await until_async(look, SOON_S), f"never {what}: {await self.job()}"
        return found[0]

    async def reaches(self, state: State) -> Job:
        """Until the job is in this state."""
        return await self.when(lambda job: job.state is state, state)

    async def ends(self) -> Job:
        """Until the job has ended and everything about it has been told."""
        job = await self.when(lambda job: job.state in TERMINALS, "ended")

        async def told() -> bool:
            return not (await self.world.app.relay.outbox.depth()).entries

        assert await until_async(told, SOON_S), "something is still to be told"
        return job

    # --- trouble --------------------------------------------------------------------------------

    async def kill_server(self) -> None:
        """kill -9 of the store, and a start on what it had written."""
        with self.world.clock.halted():
            os.kill(self.server.pid, signal.SIGKILL)
            await asyncio.to_thread(self.server.stop)
            await asyncio.to_thread(self.server.start)

    # --- the verdict ----------------------------------------------------------------------------

    async def errors(self, job: Job) -> list[str]:
        """Reasons of the job's failures, in order."""
        rows = await self.world.app.engine.history(job.id)
        return [str(row["in"]["reason"]) for row in rows if row["event"] == Trigger.ERROR.value]

    async def is_whole(self, job: Job) -> None:
        """Delivered once, told once, paid once; the store keeps all its rules."""
        assert job.state is State.DONE
        assert len(self.customer.films()) == 1, "exactly one message shows the video"
        assert self.pushes() == ["✅ Видео готово — смотрите выше."], "one bell and nothing else"
        shown = [str(look) for look in self.customer.saw()]
        assert len(shown) == len(set(shown)), "nothing was told twice"
        engine = self.world.app.engine
        rows = list(reversed(await engine.statement(PERSON, 50)))
        account = await engine.account(PERSON)
        assert money_of(rows, job.id) == ["hold", "capture"]
        assert books_close(rows, account.balance)
        assert account.held == 0
        assert await findings(self.world.extra["redis_url"]) == ()

    def pushes(self) -> list[str]:
        """Texts of the messages that rang since the proposal."""
        chat = self.customer.person.chat
        return [chat.messages[push.message_id].text for push in chat.pushes[self.pushed :]]


@asynccontextmanager
async def town(nursery: Nursery, *, role: Role = Role.BOT, scale: float = 80.0) -> AsyncIterator[Town]:
    """An installation with the bot in this process; workers are hired, or run here too (`Role.BOTH`)."""
    async with open_world(scale=scale, role=role, call_s=PATIENCE_S) as world:
        made = Town(world, Customer(world.telegram.person(PERSON)), nursery)
        world.extra["redis_url"] = made.server.url
        running = asyncio.create_task(world.app.run())
        try:
            assert await made.customer.begin("ru")
            assert await made.customer.show(COFFEE.read_bytes())
            made.pushed = len(made.customer.person.chat.pushes)
            yield made
        finally:
            for worker in made.workers:
                worker.send(signal.SIGCONT)
                await worker.end(signal.SIGKILL)
            world.app.stop.set()
            await running
