"""The model of a store for `test_store_machine`: what is known of each job, and what a call must answer."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

from hypothesis.stateful import RuleBasedStateMachine, initialize

from engine.check.reading import StoreReader
from engine.clock import ManualClock
from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.errors import Refusal
from engine.randomness import SeededRandomness
from engine.simulation.install import scripts
from engine.store import Store
from engine.values import NewJob, Submission
from states.job import Hint, Job
from states.vocabulary import TERMINALS, Hold, State
from tests.engine.check.flows import Books, make_books
from tests.factories import EDGES, make_job

T = TypeVar("T")
Change = tuple[str, str, str]
USERS, WORKERS, FUNDS = (7, 8, 9), ("w0", "w1", "w2"), 20
MOVES = [(edge, State(source), State(target)) for edge, source, target in EDGES]


@dataclass
class Known:
    """What the model believes of one job. `due_ms`: when it needs a worker, unless one holds it."""

    job: Job
    due_ms: int
    owner: str = ""
    lease_end: int = 0
    in_line: bool = True
    aside: bool = False
    noted: bool = False
    hints: list[Hint] = field(default_factory=list)
    ops: dict[int, str] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return self.job.state not in TERMINALS

    def held_under(self, seen: Job) -> bool:
        """Does whoever has this snapshot hold the job now?"""
        return self.live and bool(self.owner) and (self.job.epoch, self.job.seq) == (seen.epoch, seen.seq)

    def waits(self, now_ms: int, *, queued_ok: bool) -> bool:
        """Must a claim find it?"""
        if self.aside or not self.live:
            return False
        if self.owner:
            return self.lease_end <= now_ms and (queued_ok or self.job.state is not State.QUEUED)
        return self.due_ms <= now_ms or (self.in_line and queued_ok)


async def _emptied(url: str) -> None:
    async with Connection(url) as link:
        await link.command("FLUSHALL")


class Ground:
    """One store on one server for all machines of a test."""

    here: ClassVar["Ground"]

    def __init__(self, url: str, *changes: Change) -> None:
        self.runner = asyncio.Runner()
        self.clock = ManualClock()
        self.runner.run(_emptied(url))  # another test may have left a store of another kind
        opening = Store.connect(url, clock=self.clock, randomness=SeededRandomness(1), partitions=1)
        self.store = self.runner.run(opening)
        if changes:  # bugs planted on purpose
            self.store.dispatcher = Dispatcher(self.store.connection, verbs=scripts(*changes))
            self.runner.run(self.store.dispatcher.load())
        self.reader = self.runner.run(StoreReader.open(url))

    async def fresh(self) -> Books:
        """An empty store, at the same hour with the same tokens: a repeated example is the same."""
        self.clock.set(ManualClock().now_ms())
        self.store.randomness = SeededRandomness(1)
        self.store._queued_ok.clear()
        await self.store.connection.command("FLUSHALL")
        await self.store._open()
        self.store._unheard.clear()
        books = await make_books(self.store, self.clock)
        for user in USERS:
            await books.fund(user, FUNDS)
        return books

    def close(self) -> None:
        """Everything."""
        self.runner.run(self.reader.__aexit__(None, None, None))
        self.runner.run(self.store.close())
        self.runner.close()


class Model(RuleBasedStateMachine):
    """What the model says of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.ground = Ground.here
        self.known: dict[str, Known] = {}
        self.snapshots: list[Job] = []
        self.taps: dict[tuple[int, str], str] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """One call."""
        return self.ground.runner.run(work)

    @property
    def now_ms(self) -> int:
        return self.ground.clock.now_ms()

    def any_job(self, n: int) -> Known:
        """One of the jobs."""
        return list(self.known.values())[n % len(self.known)]

    @initialize()
    def begin(self) -> None:
        self.books = self.run(self.ground.fresh())
        self.store = self.ground.store

    def _submit(self, new: NewJob) -> None:
        cost, place = new.cost, (new.user_id, new.idem)
        account = self.run(self.store.account(new.user_id))
        job = make_job(self.store, new)
        record = {"seq": 0, "to": "queued", "event": "submit"}
        answer = self.run(self.store.submit(new, job, record, max_live=100))
        if place in self.taps:
            assert answer.result is Submission.EXISTS
            assert answer.job is not None
            assert answer.job.id == self.taps[place]
        elif cost > account.balance:
            assert answer.result is Submission.INSUFFICIENT
        else:
            assert answer.result is Submission.CREATED
            assert answer.job is not None
            self.taps[place] = answer.job.id
            self.known[answer.job.id] = Known(answer.job, answer.job.deadline_ms)

    def _expected(
        self, seen: Job, op: str, edge: tuple[str, State, State], *, unclaim: bool
    ) -> Refusal | None:
        known = self.known[seen.id]
        if known.ops.get(seen.seq + 1) == op:
            return None
        if known.job.epoch != seen.epoch:
            return Refusal.FENCED
        if known.job.seq != seen.seq:
            return Refusal.STALE
        if not known.owner and not unclaim:
            return Refusal.FENCED
        wrong_end = edge[2] is (State.REFUNDED if known.job.hold is Hold.NONE else State.FAILED)
        return Refusal.ILLEGAL if known.aside or edge[1] is not known.job.state or wrong_end else None

    def _move(
        self, seen: Job, edge: str, target: State, *, keep: bool, unclaim: bool, due_s: float = 0
    ) -> None:
        source = next(move[1] for move in MOVES if move[0] == edge)
        known, op = self.known[seen.id], f"{seen.epoch}:{seen.seq + 1}:{edge}:{unclaim}"
        expected = self._expected(seen, op, (edge, source, target), unclaim=unclaim)
        repeated, due_ms = known.ops.get(seen.seq + 1) == op, self.now_ms + round(due_s * 1000)
        answer = self.run(
            self.books.move(seen, edge, target, keep=keep, op=op, unclaim=unclaim, due_ms=due_ms)
        )
        if expected is not None:
            assert answer is expected
            return
        assert isinstance(answer, Job), answer
        if repeated:
            return
        known.job, known.ops[answer.seq], known.noted = replace(answer, hints=()), op, False
        del known.hints[: len(seen.hints)]
        kept = keep and not unclaim and answer.state not in TERMINALS
        known.owner, known.in_line = known.owner if kept else "", False
        known.due_ms = self.now_ms if known.hints else due_ms
        self.snapshots.append(replace(answer, hints=tuple(known.hints)))

    def _back_in_line(self) -> None:
        """A claim without a slot puts queued jobs of dead workers back into their lines on its way."""
        for known in self.known.values():
            lapsed = bool(known.owner) and known.lease_end <= self.now_ms
            if not lapsed or known.job.state is not State.QUEUED:
                continue
            if self.run(self.store.place_in_line(known.job.id)) > 0:
                known.owner, known.in_line, known.due_ms = "", True, known.job.deadline_ms
