"""Many users, several workers and relays over one store, with a provider and a Telegram that cost no time.

Everything of the engine is real, the clock too; only the outside answers at once. What users were told is
kept, so that it can be compared with what the store holds in the end.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from time import monotonic
from typing import Final, TypeVar

from engine.assembly import make_late_watch, make_relay, make_worker
from engine.config import EngineConfig, LimitsConfig
from engine.durability import Durability
from engine.errors import StoreUnavailable
from engine.front import Engine
from engine.ports import Accepted, Alert, CreatePlan, Delivered, Delivery, Failed, Notice, Rendered, Told
from engine.telemetry import Field, Telemetry
from engine.values import EntryKind, NewJob
from states.job import Job, ProviderTask
from states.vocabulary import TERMINALS
from tests.engine.fakes import TAKEN_AWAY, VIDEO, Intent, Note
from tests.factories import make_request

COST: Final = 3
PAID: Final = 1000
FIRST_USER: Final = 1000
USERS: Final = 500
AT_ONCE: Final = 48
"""Users who press the button at the same moment."""
T = TypeVar("T")
LIMITS: Final = LimitsConfig(creates=1_000_000, renders_per_key=100_000, renders_per_user=1000)


def config(mode: Durability) -> EngineConfig:
    """16 partitions and a provider without limits."""
    return EngineConfig(partitions=16, durability=mode, max_live_jobs=10_000, limits=LIMITS)


@dataclass(slots=True)
class QuickMaker:
    """A provider that renders in no time; it counts what it was paid for."""

    created: Counter[str] = field(default_factory=Counter)

    def plan_create(self, job: Job) -> CreatePlan:
        """One model, one key."""
        del job
        return CreatePlan("m1", "main")

    async def create(self, job: Job, task: ProviderTask, intent: Intent) -> Accepted | Failed:
        """Ask for leave, create."""
        if not await intent():
            return TAKEN_AWAY
        self.created[job.id] += 1
        return Accepted(f"t{task.n}")

    async def poll(self, job: Job, task: ProviderTask) -> Rendered:
        """It is there."""
        del job, task
        return Rendered(VIDEO, 0.0)

    def first_poll_s(self, model: str) -> float:
        """At once."""
        del model
        return 0.0


@dataclass(slots=True)
class QuickChat:
    """Courier and notifier: all arrives; it counts the copies of each video."""

    copies: Counter[str] = field(default_factory=Counter)

    async def deliver(self, delivery: Delivery, note: Note) -> Delivered:
        """Into the status message: a repetition edits the same one."""
        del note
        self.copies[delivery.job.id] += 1
        return Delivered(5, "file-9", "video")

    async def tell(self, notice: Notice) -> Told:
        """Told."""
        del notice
        return Told()


@dataclass(slots=True)
class Crowd:
    """What is going on, and what was acknowledged to whom."""

    url: str
    mode: Durability
    bot: Engine
    maker: QuickMaker = field(default_factory=QuickMaker)
    chat: QuickChat = field(default_factory=QuickChat)
    moves: list[tuple[float, int]] = field(default_factory=list)
    """When (monotonic s) a transition was committed, and in which partition."""
    errors: Counter[str] = field(default_factory=Counter)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    jobs: dict[str, int] = field(default_factory=dict)
    """Jobs acknowledged to users."""
    unknown: int = 0
    """Calls that ended as unknown and were made again."""

    def seen(self, name: str, fields: dict[str, Field]) -> None:
        """A telemetry subscriber."""
        if name == "job.moved":
            self.moves.append((monotonic(), int(str(fields["job"])[0], 16)))
            self.moved.set()
            if fields.get("reason"):
                self.errors[str(fields["reason"])] += 1

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """As a user does: press again until there is an answer. The call's id is the same each time."""
        while True:
            try:
                return await call()
            except StoreUnavailable:
                self.unknown += 1

    async def launch(self, count: int) -> None:
        """Users launch jobs, `AT_ONCE` of them at a time."""
        numbers = iter(range(count))

        async def user() -> None:
            for number in numbers:
                who = FIRST_USER + number % USERS
                new = NewJob(f"tap-{number}", who, COST, make_request(who), status_message_id=5)
                told = await self.insist(partial(self.bot.submit, new))
                assert told.job is not None, told
                self.jobs[told.job.id] = who

        await asyncio.gather(*(user() for _ in range(AT_ONCE)))

    async def pay(self) -> None:
        """Every user buys credits."""
        grants = [
            partial(self.bot.grant, who, PAID, f"pay-{who}", EntryKind.PAYMENT)
            for who in range(FIRST_USER, FIRST_USER + USERS)
        ]
        await asyncio.gather(*map(self.insist, grants))

    async def ended(self) -> int:
        """Jobs that have reached a terminal state."""
        counts = await self.insist(self.bot.store.counts)
        return sum(counts.get(f"st:{state}", 0) for state in TERMINALS)

    async def until(self, ended: int) -> None:
        """Wait until so many jobs have ended."""
        while await self.ended() < ended:
            await asyncio.wait({self._next()}, timeout=1)

    async def until_moved(self, partitions: frozenset[int], all_jobs: int) -> None:
        """Wait until a job of these partitions moves (or none is left that could)."""
        seen = len(self.moves)
        while not any(where in partitions for _, where in self.moves[seen:]):
            await asyncio.wait({self._next()}, timeout=1)
            if await self.ended() >= all_jobs:
                return

    def _next(self) -> "asyncio.Future[bool]":
        """Done with the next transition."""
        self.moved.clear()
        return asyncio.ensure_future(self.moved.wait())

    def pause(self, since: float, partitions: frozenset[int] | None = None) -> float:
        """The longest silence after a moment: between two transitions (of these partitions)."""
        times = [since, *(at for at, where in self.moves if at >= since and _among(where, partitions))]
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


def _among(where: int, partitions: frozenset[int] | None) -> bool:
    return partitions is None or where in partitions


async def _ignore(alert: Alert, entry_id: str) -> None:
    del alert, entry_id


@asynccontextmanager
async def crowd_at(url: str, mode: Durability, *, workers: int = 3) -> AsyncIterator[Crowd]:
    """A crowd with its workers running, each with connections of its own; a relay beside each."""
    bot = await Engine.connect(url, config(mode))
    crowd = Crowd(url, mode, bot)
    engines = [await Engine.connect(url, config(mode)) for _ in range(workers)]
    telemetry = Telemetry([crowd.seen])
    running: list[asyncio.Task[None]] = []
    closing = []
    for number, engine in enumerate(engines):
        worker = make_worker(
            engine, crowd.maker, crowd.chat, telemetry, name=f"w{number}", keys=["main"], slots=32
        )
        late = make_late_watch(engine, crowd.maker, telemetry)
        relay = make_relay(engine, crowd.chat, late, _ignore, telemetry)
        running += [asyncio.create_task(worker.run()), asyncio.create_task(relay.run())]
        closing += [late.queue, relay.outbox]
    try:
        yield crowd
        for task in running:
            if task.done():
                task.result()  # a worker that ended by itself has failed
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for queue in closing:
            await queue.close()
        for engine in (*engines, bot):
            await engine.close()
