"""Jobs and moves with consistent fields, for tests of the store."""

from dataclasses import dataclass, replace
from typing import Any

from engine.clock import ManualClock
from engine.errors import Refusal
from engine.store import Store
from engine.values import NewJob, Submission, Submitted
from states.job import Job, Request
from states.vocabulary import Hold, State

GRAPH = "g-test"
LEASE_MS = 15_000
EDGES = (
    ("queued/start", "queued", "generating"),
    ("queued/cancel", "queued", "refunded"),
    ("queued/cancel/free", "queued", "failed"),
    ("generating/accepted", "generating", "generating"),
    ("generating/rendered", "generating", "sending"),
    ("generating/error", "generating", "retry_wait"),
    ("generating/refund", "generating", "refunded"),
    ("generating/fail", "generating", "failed"),
    ("retry_wait/resume", "retry_wait", "generating"),
    ("retry_wait/cancel", "retry_wait", "refunded"),
    ("sending/delivered", "sending", "done"),
)
_ENDS = {State.DONE: Hold.CAPTURED, State.REFUNDED: Hold.RELEASED}


def make_request(chat_id: int = 7) -> Request:
    """A request as a user makes it."""
    return Request(chat_id=chat_id, photo="file-1", template="own", prompt="spin it", model="m1")


def make_new(user_id: int = 7, cost: int = 10, idem: str = "tap-1") -> NewJob:
    """A wish to generate."""
    return NewJob(idem=idem, user_id=user_id, cost=cost, request=make_request(user_id))


def make_job(store: Store, new: NewJob, graph: str = GRAPH) -> Job:
    """The queued job of a wish."""
    now = store.clock.now_ms()
    return Job(
        id=store.new_job_id(new.user_id),
        user_id=new.user_id,
        state=State.QUEUED,
        graph=graph,
        request=new.request,
        cost=new.cost,
        created_ms=now,
        deadline_ms=now + 3_600_000,
        source_job=new.source_job,
        video=new.video,
    )


@dataclass(frozen=True, slots=True)
class Bench:
    """A store with short words for what tests do again and again."""

    store: Store
    clock: ManualClock

    async def fund(self, user_id: int = 7, amount: int = 100) -> None:
        """Give credits out of @grants."""
        prefix = self.store.prefix_of_user(user_id)
        await self.store.connection.command("HINCRBY", f"{prefix}:a:@grants", "bal", -amount)
        await self.store.connection.command("HINCRBY", f"{prefix}:a:{user_id}", "bal", amount)

    async def submit(
        self, user_id: int = 7, cost: int = 10, idem: str = "tap-1", max_live: int = 3
    ) -> Submitted:
        """Submit a fresh job under an idem key."""
        new = make_new(user_id, cost, idem)
        return await self.store.submit(new, make_job(self.store, new), {"seq": 0}, max_live=max_live)

    async def queued(self, user_id: int = 7, cost: int = 10, idem: str = "tap-1") -> Job:
        """A job in line."""
        submitted = await self.submit(user_id, cost, idem, max_live=1000)
        assert submitted.result is Submission.CREATED, submitted
        assert submitted.job is not None
        return submitted.job

    async def claim(self, worker: str = "w1", *, queued_ok: bool = True) -> Job:
        """Take a job; there must be one."""
        claim = await self.store.claim(worker, partition=0, lease_ms=LEASE_MS, queued_ok=queued_ok)
        assert claim.job is not None
        return claim.job

    async def move(
        self, job: Job, edge: str, target: State, *, keep: bool = True, **more: Any
    ) -> Job | Refusal:
        """Commit an edge with the money its end asks for."""
        hold = _ENDS.get(target, job.hold) if job.hold is Hold.HELD else job.hold
        fields = {
            "op": f"{job.epoch}:{job.seq + 1}:{edge}",
            "record": {
                "seq": job.seq + 1,
                "ts": self.clock.now_ms(),
                "from": job.state,
                "to": target,
                "edge": edge,
            },
            "keep_lease": keep,
            **more,
        }
        after = replace(job, state=target, hold=hold, hints=())
        return await self.store.commit(job, after, edge_id=edge, **fields)

    async def moved(self, job: Job, edge: str, target: State, *, keep: bool = True, **more: Any) -> Job:
        """Commit an edge that must be taken."""
        answer = await self.move(job, edge, target, keep=keep, **more)
        assert isinstance(answer, Job), answer
        return answer

    async def sending(self) -> Job:
        """A claimed, held job that has a video."""
        await self.queued()
        job = await self.moved(await self.claim(), "queued/start", State.GENERATING)
        return await self.moved(job, "generating/rendered", State.SENDING)

    async def dump(self) -> dict[str, Any]:
        """Every key with its content and whether it expires: what a refusal must leave unchanged."""
        run = self.store.connection.command
        return {
            key.decode(): (await run("DUMP", key), await run("PTTL", key) == -1)
            for key in sorted(await run("KEYS", "*"))
        }

    async def books(self) -> int:
        """The sum over all accounts, which must be zero."""
        total = 0
        for key in await self.store.connection.command("KEYS", "*:a:*"):
            total += sum(
                int(v or 0) for v in await self.store.connection.command("HMGET", key, "bal", "held")
            )
        return total


async def make_bench(store: Store, clock: ManualClock) -> Bench:
    """A bench with the test graph registered and 100 credits for user 7."""
    await store.register_graph(GRAPH, EDGES)
    bench = Bench(store, clock)
    await bench.fund()
    return bench
