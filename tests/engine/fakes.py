"""Scripted ports, a telemetry that remembers, and a world that runs workers over a real store."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from engine.assembly import make_late_watch, make_relay, make_worker
from engine.clock import ManualClock
from engine.codec import decode_outbox
from engine.config import EngineConfig
from engine.front import Engine
from engine.late import LateWatch
from engine.ports import (
    Accepted,
    Alert,
    CreatePlan,
    Delivered,
    Delivery,
    Failed,
    Notice,
    Rendered,
    Rendering,
    Told,
)
from engine.relay import Relay
from engine.store import Store
from engine.telemetry import Field, Telemetry
from engine.values import EntryKind, NewJob
from engine.worker import Worker
from states.job import Job, ProviderTask, Request, Video
from states.strategy import STRATEGY
from states.vocabulary import ErrorClass, Failure, Reason, Stage, Verdict

USER = 7
FILM = "ab" * 32
VIDEO = Video("https://cdn.test/v.mp4", 1, sha256=FILM, size=1000, width=72, height=128, duration_s=5.0)
TAKEN_AWAY = Failed(Failure("engine", "claim"), Verdict(ErrorClass.SYSTEM, Reason.WORKER_LOST, "test.away"))
Intent = Callable[[], Awaitable[bool]]
Note = Callable[[Mapping[str, int | str]], Awaitable[None]]


class Crash(Exception):  # noqa: N818 - what an adapter must not do
    """An exception that escapes an adapter."""


def failed(reason: Reason, stage: Stage = Stage.GENERATING, **more: Any) -> Failed:
    """A failure with the class its strategy row has. `retry_after_s` goes into the verdict."""
    retry_after_s = more.pop("retry_after_s", None)
    cls = STRATEGY.row(stage, reason).cls
    verdict = Verdict(cls, reason, f"test.{reason}", retry_after_s)
    return Failed(Failure("test", "step", message=f"it was {reason}"), verdict, **more)


async def _play(scripted: Any, *given: Any) -> Any:
    """A script's next entry: a value, something to raise, or an async function to ask."""
    if isinstance(scripted, BaseException):
        raise scripted
    return await scripted(*given) if callable(scripted) else scripted


@dataclass(slots=True)
class FakeMaker:
    """A provider. Each call takes the next entry of its list, or succeeds when there is none."""

    plans: list[CreatePlan | Failed | Exception] = field(default_factory=list)
    before_intent: list[Any] = field(default_factory=list)
    creates: list[Any] = field(default_factory=list)
    polls: list[Any] = field(default_factory=list)
    first_s: float | Exception = 30.0
    calls: list[str] = field(default_factory=list)

    def plan_create(self, job: Job) -> CreatePlan | Failed:
        """Model and key of the next create."""
        del job
        plan = self.plans.pop(0) if self.plans else CreatePlan("m1", "main")
        if isinstance(plan, Exception):
            raise plan
        return plan

    async def create(self, job: Job, task: ProviderTask, intent: Intent) -> Accepted | Failed:
        """Upload, ask for the intent, create."""
        self.calls.append(f"upload {task.n}")
        if self.before_intent and (answer := await _play(self.before_intent.pop(0), job)) is not None:
            return cast("Failed", answer)
        if not await intent():
            return TAKEN_AWAY
        self.calls.append(f"create {task.n}")
        scripted = self.creates.pop(0) if self.creates else Accepted(f"t{task.n}")
        return cast("Accepted | Failed", await _play(scripted, job))

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """Look once."""
        del job
        self.calls.append(f"poll {task.n}")
        scripted = self.polls.pop(0) if self.polls else Rendered(VIDEO, 3.0)
        return cast("Rendering | Rendered | Failed", await _play(scripted, task))

    def first_poll_s(self, model: str) -> float:
        """When to look first."""
        del model
        if isinstance(self.first_s, Exception):
            raise self.first_s
        return self.first_s

    @property
    def created(self) -> int:
        """Create calls that were really made."""
        return sum(call.startswith("create") for call in self.calls)


@dataclass(slots=True)
class FakeCourier:
    """A courier; an entry may be an async function of (delivery, note)."""

    script: list[Any] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    sent: int = 0

    async def deliver(self, delivery: Delivery, note: Note) -> Delivered | Failed:
        """Deliver, or do as the script says."""
        self.deliveries.append(delivery)
        if self.script:
            return cast("Delivered | Failed", await _play(self.script.pop(0), delivery, note))
        self.sent += 1
        return Delivered(5, "file-9", "video")


@dataclass(slots=True)
class FakeNotifier:
    """Remembers what was told; an entry of the script answers instead."""

    script: list[Any] = field(default_factory=list)
    told: list[Notice] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, notice: Notice) -> Told | Failed:
        """Tell, or do as the script says."""
        self.told.append(notice)
        self.heard.set()
        return cast("Told | Failed", await _play(self.script.pop(0), notice)) if self.script else Told()


@dataclass(slots=True)
class Recorder:
    """A telemetry subscriber that can be waited for."""

    events: list[tuple[str, dict[str, Field]]] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, name: str, fields: dict[str, Field]) -> None:
        """Remember one event."""
        self.events.append((name, fields))
        self._more.set()

    def named(self, name: str) -> list[dict[str, Field]]:
        """The fields of all events of that name."""
        return [fields for found, fields in self.events if found == name]

    async def until(self, name: str, count: int = 1) -> None:
        """Wait until that many events of a name have been seen."""
        async with asyncio.timeout(60):  # against a hang; a busy machine may take its time
            while len(self.named(name)) < count:
                self._more.clear()
                await self._more.wait()


@dataclass(slots=True)
class World:
    """An engine over a real store, with scripted ports."""

    engine: Engine
    clock: ManualClock
    maker: FakeMaker = field(default_factory=FakeMaker)
    courier: FakeCourier = field(default_factory=FakeCourier)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    seen: Recorder = field(default_factory=Recorder)

    @property
    def store(self) -> Store:
        """The store under the engine."""
        return self.engine.store

    @property
    def telemetry(self) -> Telemetry:
        """A telemetry that is recorded."""
        return Telemetry([self.seen])

    async def launched(self, idem: str = "tap-1", user: int = USER, cost: int = 10) -> Job:
        """A job in line, its credits held."""
        await self.engine.grant(user, 100, f"gift-{idem}", EntryKind.GRANT)
        request = Request(chat_id=user, photo="photo-1", template="own", prompt="spin it", model="m1")
        submitted = await self.engine.submit(NewJob(idem, user, cost, request, status_message_id=5))
        assert submitted.job is not None, submitted
        return submitted.job

    def worker(self, name: str = "w1", slots: int = 64) -> Worker:
        """A worker over this world's ports."""
        return make_worker(
            self.engine, self.maker, self.courier, self.telemetry, name=name, keys=["main"], slots=slots
        )

    async def take(self, worker: Worker, *, queued_ok: bool = True) -> tuple[Job, Reason | None] | None:
        """Claim for a worker, as its loop does."""
        claim = await self.store.claim(
            worker.name, partition=0, lease_ms=worker.lease_ms, queued_ok=queued_ok
        )
        if claim.job is None:
            return None
        worker.leases.hold(claim.job, claim.asked_ms)
        return claim.job, Reason.WORKER_LOST if claim.lost else None

    async def go(self, worker: Worker, *, queued_ok: bool = True) -> int:
        """Carry everything that needs a worker now; how many claims that took."""
        for claims in range(50):
            taken = await self.take(worker, queued_ok=queued_ok)
            if taken is None:
                return claims
            await worker.executor.carry(taken[0], lost=taken[1])
            worker.leases.drop(taken[0].id)
        raise AssertionError("a job comes back again and again")

    async def later(self, seconds: float, worker: Worker) -> int:
        """Let time pass, then carry what is due."""
        self.clock.advance(seconds)
        return await self.go(worker)

    async def job(self, job_id: str) -> Job:
        """The job as it is now."""
        job = await self.engine.job(job_id)
        assert job is not None
        return job

    async def edges(self, job_id: str) -> list[str]:
        """The edges a job has taken."""
        return [row["edge"] for row in await self.engine.history(job_id) if "edge" in row]

    async def outbox(self) -> list[Notice | Alert]:
        """Takes everything out of the outbox."""
        queue, found = self.engine.outbox(), []
        while entries := await queue.take(100):
            for entry in entries:
                found.append(decode_outbox(entry.body))
                await queue.ack(entry)
        return found

    async def running(self) -> int:
        """Render slots in use."""
        return sum(key.running for key in (await self.engine.limits.health("kie")).keys)

    def late(self) -> LateWatch:
        """A late watch."""
        return make_late_watch(self.engine, self.maker, self.telemetry)

    def relay(self, raise_alert: Callable[[Alert, str], Awaitable[None]] | None = None) -> Relay:
        """A relay to this world's notifier."""

        async def ignore(alert: Alert, entry_id: str) -> None:
            del alert, entry_id

        return make_relay(self.engine, self.notifier, self.late(), raise_alert or ignore, self.telemetry)


async def make_world(store: Store, config: EngineConfig | None = None) -> World:
    """A world over an open store on a manual clock."""
    engine = Engine(store, config or EngineConfig())
    await engine.open()
    assert isinstance(store.clock, ManualClock)
    return World(engine, store.clock)
