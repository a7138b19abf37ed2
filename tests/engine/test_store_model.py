"""Random lives with duplicates, stale workers and dying ones, against a model that fits on a page."""

import random
from dataclasses import dataclass, field, replace

import pytest

from engine.clock import ManualClock
from engine.errors import Refusal
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.values import Submission
from states.job import Hint, Job
from states.vocabulary import TERMINALS, Hold, State
from tests.factories import EDGES, LEASE_MS, Bench, make_bench

STEPS = 400
USERS = (7, 8, 9)
FUNDS = 60
MOVES = [(edge, State(source), State(target)) for edge, source, target in EDGES]


@dataclass
class Known:
    """What the model believes of one job."""

    job: Job
    owner: str = ""
    lease_end: int = 0
    ops: dict[int, str] = field(default_factory=dict)


@dataclass
class World:
    """The model, the store, and the snapshots that workers (live or stale) still carry."""

    bench: Bench
    dice: random.Random
    known: dict[str, Known] = field(default_factory=dict)
    snapshots: list[Job] = field(default_factory=list)
    refused: int = 0

    async def submit(self) -> None:
        user, idem = self.dice.choice(USERS), f"tap-{self.dice.randrange(120)}"
        held = sum(
            k.job.cost
            for k in self.known.values()
            if k.job.user_id == user and k.job.hold is not Hold.RELEASED
        )
        cost = self.dice.choice((0, 1, 5))
        answer = await self.bench.submit(user, cost, f"{user}-{idem}", max_live=50)
        match answer.result:
            case Submission.CREATED:
                assert answer.job is not None
                assert held + cost <= FUNDS
                self.known[answer.job.id] = Known(answer.job)
            case Submission.EXISTS:
                assert answer.job is not None
                assert answer.job.id in self.known
            case _:
                assert answer.result is Submission.INSUFFICIENT
                assert held + cost > FUNDS

    async def claim(self) -> None:
        worker = f"w{self.dice.randrange(3)}"
        now = self.bench.clock.now_ms()
        claim = await self.bench.store.claim(
            worker, partition=0, lease_ms=LEASE_MS, queued_ok=self.dice.random() < 0.8
        )
        await self._back_in_line(now)
        if claim.job is None:
            return
        known = self.known[claim.job.id]
        assert not known.owner or known.lease_end <= now, "a job under a live lease was given away"
        assert claim.lost == bool(known.owner and known.job.state in (State.GENERATING, State.SENDING))
        assert claim.job == replace(known.job, epoch=known.job.epoch + 1, hints=claim.job.hints)
        known.job, known.owner, known.lease_end = replace(claim.job, hints=()), worker, now + LEASE_MS
        self.snapshots.append(claim.job)

    async def _back_in_line(self, now: int) -> None:
        """A claim without a slot may have put queued jobs of dead workers back into their lines."""
        for known in self.known.values():
            if known.owner and known.job.state is State.QUEUED and known.lease_end <= now:
                line = await self.bench.store.place_in_line(known.job.id)
                known.owner = "" if line else known.owner

    def _expected(
        self, seen: Job, edge: tuple[str, State, State], op: str, *, unclaim: bool
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
        free = known.job.hold is Hold.NONE
        wrong_end = edge[2] is (State.REFUNDED if free else State.FAILED)
        return Refusal.ILLEGAL if edge[1] is not known.job.state or wrong_end else None

    async def move(self) -> None:
        if not self.snapshots:
            return
        seen = self.dice.choice(self.snapshots[-12:])
        edge = self.dice.choice([m for m in MOVES if m[1] is seen.state] or MOVES)
        if self.dice.random() < 0.1:
            edge = self.dice.choice(MOVES)
        unclaim, keep = self.dice.random() < 0.15, self.dice.random() < 0.6
        op = f"{seen.epoch}:{seen.seq + 1}:{edge[0]}"
        expected = self._expected(seen, edge, op, unclaim=unclaim)
        known = self.known[seen.id]
        repeated = known.ops.get(seen.seq + 1) == op
        due = self.bench.clock.now_ms() + self.dice.choice((0, 500, 5000))
        answer = await self.bench.move(seen, edge[0], edge[2], keep=keep, unclaim=unclaim, due_ms=due)
        if expected is not None:
            self.refused += 1
            assert answer is expected
            return
        assert isinstance(answer, Job)
        if not repeated:
            known.job, known.ops[answer.seq] = answer, op
            kept = keep and not unclaim and answer.state not in TERMINALS
            known.owner = known.owner if kept else ""
            self.snapshots.append(answer)

    async def park(self) -> None:
        if not self.snapshots:
            return
        seen = self.dice.choice(self.snapshots[-6:])
        known = self.known[seen.id]
        answer = await self.bench.store.park(seen, self.bench.clock.now_ms() + self.dice.choice((0, 700)))
        if known.job.epoch != seen.epoch:
            assert answer is Refusal.FENCED
        elif known.job.seq != seen.seq:
            assert answer is Refusal.STALE
        else:
            assert answer is None
            known.owner = ""

    async def disturb(self) -> None:
        if self.known and self.dice.random() < 0.5:
            known = self.dice.choice(list(self.known.values()))
            answer = await self.bench.store.hint(known.job.id, Hint("callback", self.dice.randrange(3), "t"))
            assert (answer is Refusal.STALE) == (known.job.state in TERMINALS)
        pairs = [(k.job.id, k.job.epoch) for k in self.known.values() if k.owner == "w0"]
        assert await self.bench.store.beat("w0", pairs, lease_ms=LEASE_MS) == []
        for known in self.known.values():
            if known.owner == "w0":
                known.lease_end = self.bench.clock.now_ms() + LEASE_MS
        self.bench.clock.advance(self.dice.choice((0.1, 1, 20)))

    async def check(self) -> None:
        """The books, the indexes and the counters against the model."""
        assert await self.bench.books() == 0
        for user in USERS:
            mine = [k.job for k in self.known.values() if k.job.user_id == user]
            account = await self.bench.store.account(user)
            assert account.held == sum(j.cost for j in mine if j.hold is Hold.HELD)
            spent = sum(j.cost for j in mine if j.hold is Hold.CAPTURED)
            assert account.balance == FUNDS - account.held - spent
        run = self.bench.store.connection.command
        timers = {name.decode() for name in await run("ZRANGE", "{1768}:t", 0, -1)}
        assert timers == {k.job.id for k in self.known.values() if k.job.state not in TERMINALS}
        in_line = [j.decode() for user in USERS for j in await run("LRANGE", f"{{1768}}:q:{user}", 0, -1)]
        assert len(in_line) == len(set(in_line))
        for job_id in in_line:
            assert self.known[job_id].job.state is State.QUEUED
            assert not self.known[job_id].owner
        counts = await self.bench.store.counts()
        for state in State:
            assert counts.get(f"st:{state}", 0) == sum(k.job.state is state for k in self.known.values())
        for known in self.known.values():
            assert await self.bench.store.read(known.job.id) == replace(
                known.job, hints=(await self.bench.store.read(known.job.id) or known.job).hints
            )
            rows = await self.bench.store.history(known.job.id)
            assert [row["seq"] for row in rows] == list(range(known.job.seq + 1))


@pytest.mark.parametrize("round_", range(3))
async def test_no_schedule_breaks_the_store(
    store: Store, clock: ManualClock, randomness: SeededRandomness, round_: int
) -> None:
    bench = await make_bench(store, clock)
    await bench.fund(7, FUNDS - 100)
    for user in USERS[1:]:
        await bench.fund(user, FUNDS)
    world = World(bench, random.Random(randomness.seed * 10 + round_))
    steps = [
        world.submit,
        world.claim,
        world.claim,
        world.move,
        world.move,
        world.move,
        world.park,
        world.disturb,
    ]
    for n in range(STEPS):
        await world.dice.choice(steps)()
        if n % 40 == 0:
            await world.check()
    await world.check()
    assert world.refused > 0
