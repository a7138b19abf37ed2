"""A job's whole life in processes that can be struck at any await, over one real store."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from engine.assembly import make_late_watch, make_relay, make_worker
from engine.clock import ManualClock
from engine.config import EngineConfig
from engine.connection import Connection
from engine.errors import StoreUnavailable
from engine.front import Engine
from engine.keys import SCHEMA
from engine.late import LateWatch
from engine.ports import Alert
from engine.randomness import SeededRandomness
from engine.relay import Relay
from engine.store import Store
from engine.store_base import Keeping
from engine.telemetry import Telemetry
from engine.values import EntryKind, NewJob
from engine.worker import Worker
from states.job import Job, Request
from states.vocabulary import TERMINALS, Reason
from tests.faults.outside import Chat, Maker, Post, Provider
from tests.faults.points import Killed, Points, Struck

USER, MESSAGE, GIFT, PRICE = 7, 5, 100, 10
LOOK_MS = 15_000
TURNS = 400
"""Looks at the store within which every life must end."""


@dataclass
class Process:
    """A process of ours: bot, worker, relay, late watch. `go` does everything there is to do now."""

    engine: Engine
    worker: Worker
    relay: Relay
    late: LateWatch
    points: Points
    life: "Life"

    async def go(self, name: str) -> int | None:
        """Launch, carry, tell. When the store's next timer runs, ms. Whatever is lost is asked again."""
        try:
            await self._act()
            await self.life.provider.report(self.engine.hint)
            while (claim := await self._claim(name)).job is not None:
                self.worker.leases.hold(claim.job, claim.asked_ms)
                lost = Reason.WORKER_LOST if claim.lost else None
                await self.worker.executor.carry(claim.job, lost=lost)
                self.worker.leases.drop(claim.job.id)
            for entry in await self.relay.outbox.take(8):
                await self.relay._handled(entry)
            for entry in await self.late.queue.take(8):
                await self.late._handled(entry)
        except StoreUnavailable:  # as the loops of worker, relay and poller do: look again
            return None
        due_ms: int | None = claim.next_due_ms
        return due_ms

    async def _claim(self, name: str) -> Any:
        lease_ms = self.worker.lease_ms
        return await self.engine.store.claim(name, partition=0, lease_ms=lease_ms, queued_ok=True)

    async def _act(self) -> None:
        """The user's taps, which come again until they were handled."""
        if self.life.handled:
            return
        await self.engine.grant(USER, GIFT, "welcome", EntryKind.TRIAL)
        request = Request(chat_id=USER, photo="photo-1", template="own", prompt="spin", model="m1")
        answer = await self.engine.submit(NewJob("tap-1", USER, PRICE, request, status_message_id=MESSAGE))
        assert answer.job is not None, answer
        if self.life.cancels:
            await self.engine.cancel(answer.job.id, USER)
        self.life.handled = True


class HastyClock(ManualClock):
    """A clock on which a wait is over at once, and its time has passed."""

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Time passes."""
        self.advance(seconds)
        return asyncio.sleep(0)


@dataclass
class Life:
    """One job from the tap to its end, whoever is struck meanwhile."""

    connection: Connection
    shas: dict[str, str]
    randomness: SeededRandomness
    clock: HastyClock = field(default_factory=HastyClock)
    chat: Chat = field(default_factory=Chat)
    cancels: bool = False
    """Does the user change their mind?"""
    handled: bool = False
    """Were the user's taps acknowledged?"""
    provider: Provider = field(init=False)
    eye: Engine = field(init=False)
    """Looks on; nobody strikes it."""

    def __post_init__(self) -> None:
        """The outside world, and somebody to look at ours."""
        self.provider = Provider(self.clock)
        self.eye = self.process(Points(), "eye").engine

    def process(self, points: Points, name: str) -> Process:
        """A fresh process over the same store, provider and chat."""
        config = EngineConfig()
        store = Store(self.connection, self.clock, self.randomness, 1, Keeping())
        store.dispatcher = Struck(self.connection, points, self.shas)
        engine = Engine(store, config)
        post, telemetry = Post(self.chat, points), Telemetry([])
        maker = Maker(self.provider, points)
        worker = make_worker(engine, maker, post, telemetry, name=name, keys=["main"])
        late = make_late_watch(engine, maker, telemetry)
        relay = make_relay(engine, post, late, _ignore, telemetry)
        return Process(engine, worker, relay, late, points, self)

    async def begin(self) -> None:
        """An empty store that knows today's graph."""
        await self.connection.command("FLUSHALL")
        for partition in range(1):
            await self.eye.store.dispatcher.call(
                self.eye.store.prefix(partition), "open", partitions=1, schema=SCHEMA
            )
        await self.eye.open()

    async def job(self) -> Job | None:
        """The user's only job."""
        jobs = await self.eye.jobs_of(USER, 3)
        assert len(jobs) <= 1, "one launch made several jobs"
        return jobs[0] if jobs else None

    async def over(self) -> bool:
        """The job has ended and everything was told."""
        job = await self.job()
        if job is None or job.state not in TERMINALS:
            return False
        return (await self.eye.outbox().depth()).entries == 0

    async def run(self, process: Process) -> None:
        """Until the job is over. Raises what strikes the process."""
        name = process.worker.name
        for _ in range(TURNS):
            due_ms = await process.go(name)
            if await self.over():
                return
            now_ms = self.clock.now_ms()
            self.clock.set(max(now_ms + 1, min(due_ms or now_ms + LOOK_MS, now_ms + LOOK_MS)))
        raise AssertionError(f"it never ends: {await self.job()}")

    async def survive(self) -> None:
        """A fresh process takes over and finishes."""
        await self.run(self.process(Points(), "survivor"))

    async def struck(self, points: Points) -> "Snapshot | None":
        """A life in which the first process meets its fate. What was written when a frozen one thawed."""
        victim = self.process(points, "victim")
        running = asyncio.create_task(self.run(victim))
        points.stop = running.cancel
        frozen = asyncio.create_task(points.frozen.wait())
        await asyncio.wait({running, frozen}, return_when=asyncio.FIRST_COMPLETED)
        frozen.cancel()
        before = None
        if points.frozen.is_set():
            await self.survive()
            before = await self.snapshot()
            points.thawed.set()
        await asyncio.wait({running})
        if running.cancelled():
            with suppress(StoreUnavailable):
                await victim.engine.store.leave("victim")
        elif running.exception() is not None and not isinstance(running.exception(), Killed):
            await running
        await self.survive()
        return before

    async def snapshot(self) -> "Snapshot":
        """Everything a worker that lost its job must leave alone, field by field."""
        run, found = self.connection.command, Snapshot()
        for kind, words in (
            ("j", ("HGETALL",)),
            ("a", ("HGETALL",)),
            ("h", ("LRANGE", 0, -1)),
            ("l", ("LRANGE", 0, -1)),
        ):
            for key in sorted(await run("KEYS", f"*:{kind}:*")):
                rows = await run(words[0], key, *words[1:])
                named = rows.items() if isinstance(rows, dict) else enumerate(rows)
                found |= {(key.decode(), field): bytes(value) for field, value in named}
        return found


class Snapshot(dict[tuple[str, Any], bytes]):
    """(key, field or row) -> what stands there."""

    def changed(self, after: "Snapshot") -> list[tuple[str, Any]]:
        """The places that differ."""
        return [place for place in {*self, *after} if self.get(place) != after.get(place)]


async def _ignore(alert: Alert, entry_id: str) -> None:
    """Alerts are the operator's."""
    del alert, entry_id
