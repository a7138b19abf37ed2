"""A store with real lives in it, for the checker to prove."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.check.values import Report
from engine.clock import ManualClock
from engine.errors import Refusal
from engine.keys import GRANTS
from engine.ports import Alert, Notice
from engine.store import Store
from engine.values import Submitted
from states.job import Job
from states.vocabulary import NoticeKind, State
from tests.factories import EDGES, GRAPH, Bench, make_job, make_new

T = "{1768}"


@dataclass(frozen=True, slots=True)
class Books(Bench):
    """A bench whose credits and histories are whole, as the front door writes them."""

    async def fund(self, user_id: int = 7, amount: int = 100) -> None:
        await self.store.dispatcher.call(
            self.store.prefix_of_user(user_id),
            "grant",
            uid=str(user_id),
            kind="grant",
            contra=GRANTS,
            amount=amount,
            external=f"gift-{self.store.randomness.token()}",
            now=self.clock.now_ms(),
            note='"a \\"gift\\""',
            forced=False,
        )

    async def submit(
        self, user_id: int = 7, cost: int = 10, idem: str = "tap-1", max_live: int = 3
    ) -> Submitted:
        new = make_new(user_id, cost, idem)
        record = {"seq": 0, "to": "queued", "event": "submit"}
        return await self.store.submit(new, make_job(self.store, new), record, max_live=max_live)

    async def move(
        self, job: Job, edge: str, target: State, *, keep: bool = True, **more: Any
    ) -> Job | Refusal:
        told = [_notice(job, f"{job.seq + 1}:0")] if target is State.RETRY_WAIT else []
        alerts = [Alert("f", "log", "text", job.id)] if target is State.REFUNDED else []
        return await Bench.move(self, job, edge, target, keep=keep, notices=told, alerts=alerts, **more)


def _notice(job: Job, mark: str) -> Notice:
    return Notice(f"{job.id}:{mark}", NoticeKind.PATIENCE, job.id, 7, 7, "ru", 5, {})


async def make_books(store: Store, clock: ManualClock) -> Books:
    """An empty store with the test graph."""
    await store.register_graph(GRAPH, EDGES)
    return Books(store, clock)


@dataclass(frozen=True, slots=True)
class Lives:
    """Jobs of user 7, one in each kind of place."""

    books: Books
    queued: Job
    leased: Job
    waiting: Job
    done: Job
    refunded: Job
    free: Job
    aside: Job

    async def run(self, *words: str | int | bytes) -> Any:
        """A command on the server: how damage is done."""
        return await self.books.store.connection.command(*words)


async def make_lives(books: Books) -> Lives:
    """Real flows that leave a job in each place."""
    for user in (7, 8):
        await books.fund(user, 100)
    done = await books.sending()
    done = await books.moved(done, "sending/delivered", State.DONE)
    await books.queued(idem="b")
    refunded = await books.moved(await books.claim(), "queued/cancel", State.REFUNDED)
    await books.queued(idem="free", cost=0)
    free = await books.moved(await books.claim(), "queued/cancel/free", State.FAILED)
    await books.queued(idem="c")
    waiting = await books.moved(await books.claim(), "queued/start", State.GENERATING)
    noted = await books.store.note(waiting, [_notice(waiting, f"{waiting.seq}-patience:0")])
    assert noted == waiting
    due = books.clock.now_ms() + 60_000
    waiting = await books.moved(waiting, "generating/error", State.RETRY_WAIT, keep=False, due_ms=due)
    await books.queued(idem="d")
    leased = await books.moved(await books.claim("w2"), "queued/start", State.GENERATING)
    aside = await books.queued(idem="e")
    await books.store.quarantine(aside.id, "looked odd")
    queued = await books.queued(idem="f")
    await books.queued(user_id=8, idem="g")
    return Lives(books, queued, leased, waiting, done, refunded, free, aside)


async def checked(url: str, **options: Any) -> Report:
    """A whole check of a live store."""
    async with await StoreReader.open(url) as reader:
        return await check_store(reader, **options)


def rules(report: Report) -> set[str]:
    """Which rules were broken."""
    return {finding.rule for finding in report.findings}


def shown(report: Report) -> str:
    """Findings for a failing test."""
    return "\n".join(str(finding) for finding in report.findings)


Damage = Callable[[Lives], Awaitable[Any]]
"""Breaks something in the server."""


def key_of(part: str, name: object) -> str:
    """A key of the only partition."""
    return f"{T}:{part}:{name}"
