"""A server in a mood: it forgets its scripts, hangs up, holds its breath, has no memory left."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest

from bot.wiring.waiting import until
from engine.assembly import make_worker
from engine.config import EngineConfig
from engine.connection import Connection
from engine.errors import ScriptFailed, StoreUnavailable
from engine.front import Engine
from engine.telemetry import Telemetry
from engine.values import EntryKind, NewJob
from states.job import Hint, Request
from states.vocabulary import State
from tests.audit import findings
from tests.engine.fakes import FakeCourier, FakeMaker, Recorder
from tests.factories import LEASE_MS, Bench, make_bench
from tests.faults.figures import Figure

SOON_S = 240.0
JOBS = 12

QUICK = ("forgets its scripts", "hangs up on everybody")
"""Of these every `make test` hears; the worker waits out a blocking read in each."""
MOODS: dict[str, tuple[str | int, ...]] = {
    "forgets its scripts": ("SCRIPT", "FLUSH"),
    "forgets its functions": ("FUNCTION", "FLUSH"),
    "hangs up on everybody": ("CLIENT", "KILL", "TYPE", "normal"),
    "answers nobody for a while": ("CLIENT", "PAUSE", 200, "ALL"),
    "takes no writes for a while": ("CLIENT", "PAUSE", 200, "WRITE"),
    "is stuck for a while": ("DEBUG", "SLEEP", "0.2"),
}


async def launch(engine: Engine, user: int) -> str:
    """One job of a user of their own."""
    await engine.grant(user, 1, "gift", EntryKind.GRANT)
    request = Request(chat_id=user, photo="photo-1", template="own", prompt="spin", model="m1")
    answer = await engine.submit(NewJob(f"tap-{user}", user, 1, request, status_message_id=5))
    assert answer.job is not None
    return answer.job.id


@asynccontextmanager
async def working(url: str, name: str, seen: Recorder) -> AsyncIterator[Engine]:
    """A worker on a line of its own, on the server's time."""
    engine = await Engine.connect(url, EngineConfig())
    worker = make_worker(
        engine, FakeMaker(first_s=0.0), FakeCourier(), Telemetry([seen]), name=name, keys=["main"]
    )
    running = asyncio.create_task(worker.run())
    try:
        yield engine
    finally:
        await worker.stop(grace_s=1)
        await running
        await engine.close()


async def complain(url: str, words: tuple[str | int, ...]) -> None:
    """A command that may cost its own sender the line."""
    async with Connection(url) as link:
        with suppress(StoreUnavailable):
            await link.command(*words)


def _enough(done: Callable[[], int], wanted: int) -> bool:
    return done() >= wanted


@pytest.mark.parametrize(
    "mood", [pytest.param(mood, marks=[] if mood in QUICK else pytest.mark.faults) for mood in MOODS]
)
async def test_no_job_is_lost_and_the_worker_hears_again(redis_url: str, mood: str, figure: Figure) -> None:
    seen = Recorder()

    def done() -> int:
        return sum(fields["state"] is State.DONE for fields in seen.named("job.moved"))

    async with working(redis_url, "w1", seen) as engine:
        for round_ in range(3):
            launches = asyncio.gather(*(launch(engine, round_ * JOBS + n + 1) for n in range(JOBS)))
            await complain(redis_url, MOODS[mood])
            await launches
            wanted = (round_ + 1) * JOBS
            assert await until(partial(_enough, done, wanted), SOON_S), f"{done()} of {wanted}"
        await launch(engine, 999)
        assert await until(lambda: done() > 3 * JOBS, SOON_S), "it hears the bell after all that"
    assert await findings(redis_url) == ()
    figure("jobs lost in a server's moods", 3 * JOBS + 1 - done())


# --- memory -------------------------------------------------------------------------------------

Verb = Callable[[Bench], Coroutine[Any, Any, object]]


async def _commit(bench: Bench) -> object:
    (job,) = await bench.store.jobs_of(7, 1)
    return await bench.move(job, "queued/start", State.GENERATING)


async def _note(bench: Bench) -> object:
    (job,) = await bench.store.jobs_of(7, 1)
    return await bench.store.note(job)


async def _park(bench: Bench) -> object:
    (job,) = await bench.store.jobs_of(7, 1)
    return await bench.store.park(job, bench.clock.now_ms() + 5000)


async def _hint(bench: Bench) -> object:
    (job,) = await bench.store.jobs_of(7, 1)
    return await bench.store.hint(job.id, Hint("callback", 1, "t"))


async def _end(bench: Bench) -> object:
    (job,) = await bench.store.jobs_of(7, 1)
    return await bench.move(job, "queued/cancel", State.REFUNDED)


async def _quarantine(bench: Bench) -> object:
    (job,) = await bench.store.jobs_of(7, 1)
    return await bench.store.quarantine(job.id, "odd")


VERBS: dict[str, Verb] = {
    "submit": lambda bench: bench.submit(idem="another"),
    "claim": lambda bench: bench.store.claim("w2", partition=0, lease_ms=LEASE_MS, queued_ok=True),
    "commit": _commit,
    "commit of an end": _end,
    "note": _note,
    "park": _park,
    "hint": _hint,
    "quarantine": _quarantine,
}


@pytest.mark.parametrize("verb", VERBS)
async def test_without_memory_a_step_is_refused_as_a_whole(
    redis_url: str, verb: str, store: Any, clock: Any
) -> None:
    bench = await make_bench(store, clock)
    await bench.queued()
    await bench.claim()
    if verb == "claim":  # one more is in line
        await bench.fund(8)
        await bench.queued(8, idem="waits")
    before = await bench.dump()
    patience, store.dispatcher._deadline_s = store.dispatcher._deadline_s, 0.05
    async with Connection(redis_url) as link:
        await link.command("CONFIG", "SET", "maxmemory", 1)
        try:
            with pytest.raises(StoreUnavailable):
                await VERBS[verb](bench)
            assert await bench.dump() == before
        finally:
            await link.command("CONFIG", "SET", "maxmemory", 0)
    store.dispatcher._deadline_s = patience
    await VERBS[verb](bench)
    assert await bench.dump() != before, "with memory it is done"
    assert await bench.books() == 0


async def test_a_full_server_is_survived(redis_url: str, figure: Figure) -> None:
    seen = Recorder()

    def done() -> int:
        return sum(fields["state"] is State.DONE for fields in seen.named("job.moved"))

    async with working(redis_url, "w1", seen) as engine, Connection(redis_url) as link:
        await launch(engine, 1)
        assert await until(lambda: done() == 1, SOON_S)
        await link.command("CONFIG", "SET", "maxmemory", 1)
        try:
            launching = asyncio.create_task(launch(engine, 2))
            assert await until(lambda: _refused(engine), SOON_S)
        finally:
            await link.command("CONFIG", "SET", "maxmemory", 0)
        await launching
        assert await until(lambda: done() == 2, SOON_S)
    assert await findings(redis_url) == ()
    figure("jobs lost on a full server", 2 - done())


def _refused(engine: Engine) -> bool:
    """Is a call on its way that the server does not take?"""
    return bool(engine.store.dispatcher._running)


async def test_a_script_without_leave_writes_nothing(connection: Connection) -> None:
    """Why every script of ours begins with #!lua: one without it writes above the limit."""
    await connection.command("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises((StoreUnavailable, ScriptFailed)):
            await connection.command("EVAL", "#!lua\nredis.call('DEL', KEYS[1], 'x')", 1, "{1768}")
    finally:
        await connection.command("CONFIG", "SET", "maxmemory", 0)
