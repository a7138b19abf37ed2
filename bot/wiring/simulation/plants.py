"""Bugs planted on purpose, to see that the simulator finds them. Nothing here ever runs in production."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from bot.wiring.simulation.parts import BlindCourier
from engine.front import Engine
from engine.ports import Accepted, Courier, CreatePlan, Failed, Rendered, Rendering, VideoMaker
from engine.queue_values import Entry
from engine.relay import Relay
from engine.simulation.install import Scripts, scripts
from engine.values import EntryKind
from states.job import Job, ProviderTask

Change = tuple[str, str, str]
"""A Lua file, an old text in it, and the new one."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A named bug, and `what` it does."""

    name: str = ""
    what: str = ""
    changes: tuple[Change, ...] = ()

    def library(self) -> Scripts:
        """The scripts, with the bug in them."""
        return scripts(*self.changes)

    def courier(self, real: Courier) -> Courier:
        """The courier, spoilt when that is the bug."""
        return BlindCourier(real) if self.name == "resend" else real

    def maker(self, real: VideoMaker) -> VideoMaker:
        """The provider's adapter, spoilt when that is the bug."""
        return _HastyMaker(real) if self.name == "intent" else real

    def spoil(self, engine: Engine) -> None:
        """Spoil the Python side of a worker's process."""
        if self.name == "release":
            _release_apart(engine)
        if self.name == "edge":
            _wrong_edge(engine)

    def spoil_relay(self, relay: Relay) -> None:
        """Spoil the front's relay."""
        if self.name == "ack":
            relay.outbox = cast("Any", _HastyQueue(relay.outbox))


_CAPTURE_AGAIN: Final = (
    "local p = purse_open(T, g.uid) purse_pay(p, 'capture', g.cost, job, seq + 1, now) purse_write(p)"
)
NOTHING: Final = Plant()
_ALL: Final = (
    Plant(
        "epoch",
        "writes of an older lease are taken",
        (("lib/job.lua", "if g.ep ~= epoch then return 'fenced' end", ""),),
    ),
    Plant(
        "release",
        "credits go back in a call of their own, after the transition",
        (
            (
                "verbs/commit.lua",
                "if money ~= '' then purse_pay(",
                "if money ~= '' and money ~= 'release' then purse_pay(",
            ),
        ),
    ),
    Plant("resend", "a delivery whose answer was lost is sent again without a look"),
    Plant(
        "capture",
        "a repeated commit captures again",
        (
            (
                "verbs/commit.lua",
                "then return 'replayed' end",
                f"then {_CAPTURE_AGAIN} return 'replayed' end",
            ),
        ),
    ),
    Plant(
        "hint",
        "a hint that comes while a worker holds the job wakes nobody",
        (
            ("verbs/park.lua", "hinted and now or due", "due"),
            ("verbs/commit.lua", "then due = now end", "then end"),
        ),
    ),
    Plant(
        "timer",
        "a retry sets no timer",
        (
            (
                "verbs/commit.lua",
                "timer_wake(T, job, due or now, now)",
                "if target == 'retry_wait' then redis.call('ZREM', T .. ':t', job) end",
            ),
        ),
    ),
    Plant("ack", "a notice leaves the outbox before it is told"),
    Plant("edge", "a transition is written under another edge of the same two states"),
    Plant("intent", "the provider is called before the intent is durable"),
)
PLANTS: Final = {plant.name: plant for plant in _ALL}


def _release_apart(engine: Engine) -> None:
    """After a commit that should have released, a second call does it: lost when the process dies between."""
    store: Any = engine.store
    commit = store.commit

    async def commit_then_release(before: Any, after: Any, **more: Any) -> Any:
        answer = await commit(before, after, **more)
        if after.state == "refunded" and getattr(answer, "state", None) == after.state:
            await engine.grant(before.user_id, before.cost, f"back:{before.id}", EntryKind.CORRECTION)
        return answer

    store.commit = commit_then_release


def _wrong_edge(engine: Engine) -> None:
    store: Any = engine.store
    commit = store.commit

    async def commit_by_another(before: Any, after: Any, **more: Any) -> Any:
        others = [
            edge.id
            for edge in engine.judge.graph.edges
            if (edge.source, edge.target) == (before.state, after.state) and edge.id != more["edge_id"]
        ]
        if others:
            more |= {"edge_id": others[0], "record": {**more["record"], "edge": others[0]}}
        return await commit(before, after, **more)

    store.commit = commit_by_another


@dataclass(frozen=True, slots=True)
class _HastyQueue:
    """Lets go of every entry as soon as it is taken."""

    real: Any

    async def take(self, limit: int) -> list[Entry]:
        """Taken, and gone from the queue."""
        entries: list[Entry] = await self.real.take(limit)
        for entry in entries:
            await self.real.ack(entry)
        return entries

    async def wait(self, timeout_s: float) -> None:
        """As the real one."""
        await self.real.wait(timeout_s)

    async def ack(self, entry: Entry) -> None:
        """It is gone already."""

    async def nack(self, entry: Entry, **_: object) -> None:
        """It is gone already."""


@dataclass(frozen=True, slots=True)
class _HastyMaker:
    """Spends first and writes it down afterwards."""

    real: VideoMaker

    def plan_create(self, job: Job) -> CreatePlan | Failed:
        """As the real one."""
        return self.real.plan_create(job)

    def first_poll_s(self, model: str) -> float:
        """As the real one."""
        return self.real.first_poll_s(model)

    async def create(
        self, job: Job, task: ProviderTask, intent: Callable[[], Awaitable[bool]]
    ) -> Accepted | Failed:
        """The call, then the note."""

        async def believed() -> bool:
            return True

        answer = await self.real.create(job, task, believed)
        await intent()
        return answer

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """As the real one."""
        return await self.real.poll(job, task)
