"""A bad line to the store: each operation is applied once, and every caller hears the truth of it."""

import asyncio
from contextlib import AsyncExitStack
from urllib.parse import urlparse

import pytest

from engine.clock import ManualClock
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.values import Account, Submission
from states.vocabulary import State
from tests.audit import findings
from tests.engine.check.flows import Books, make_books
from tests.faults.figures import Figure
from tests.faults.weather import Weather, send, split, under

LIVES = 60
HEARD_S = 120.0
"""Such a line eats ten tries in a row; all calls are heard in the end."""
SEEDS = [pytest.param(n, marks=pytest.mark.faults if n else []) for n in range(6)]


async def live(books: Books, n: int) -> None:
    submitted = await books.submit(cost=1, idem=f"tap-{n}", max_live=LIVES)
    assert submitted.result in (Submission.CREATED, Submission.EXISTS)
    job = await books.claim(f"w{n}")
    job = await books.moved(job, "queued/start", State.GENERATING)
    noted = await books.store.note(job)
    assert noted == job
    job = await books.moved(job, "generating/rendered", State.SENDING)
    await books.moved(job, "sending/delivered", State.DONE)


@pytest.mark.parametrize("n", SEEDS)
async def test_each_operation_is_applied_once_in_any_weather(
    redis_url: str, clock: ManualClock, randomness: SeededRandomness, n: int, figure: Figure
) -> None:
    weather = Weather(randomness.seed * 100 + n, rage=0.0)
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(under(redis_url, weather))
        store = await Store.connect(proxy.url, clock=clock, randomness=randomness, partitions=1)
        stack.push_async_callback(store.close)
        store.dispatcher._deadline_s = HEARD_S
        books = await make_books(store, clock)
        await books.fund(7, 100)
        weather.rage = 1.0
        for start in range(0, LIVES, 10):
            await asyncio.gather(*(live(books, n) for n in range(start, start + 10)))
        weather.rage = 0.0
        assert await store.account(7) == Account(100 - LIVES, 0)
        jobs = await store.jobs_of(7, LIVES + 5)
        assert len(jobs) == LIVES
        for job in jobs:
            assert [row["seq"] for row in await store.history(job.id)] == [0, 1, 2, 3]
        assert await findings(redis_url) == ()
        before = await _kept(books)
        await send(urlparse(redis_url).path, weather.scripts)
        assert await _kept(books) == before, "everything that was ever sent has come once more"
    assert len(+weather.seen) >= 4, "it was bad in most ways"
    for what, count in weather.seen.items():
        figure(f"weather: {what}", count)
    figure("weather: calls sent once more at the end", len(weather.scripts))


async def _kept(books: Books) -> dict[str, object]:
    """What the store holds, but for bells, the workers' marks of their claims, and notes of repetitions."""
    asides = (":w:", ":ha:", ":bell")
    return {key: what for key, what in (await books.dump()).items() if not any(a in key for a in asides)}


def test_requests_are_told_apart_wherever_the_bytes_end() -> None:
    one, two = b"*2\r\n$4\r\nPING\r\n$3\r\na\r\n\r\n", b"*1\r\n$4\r\nQUIT\r\n"
    for cut in range(len(two)):
        assert list(split(one + one + two[:cut])) == [one, one, two[:cut]]
    assert list(split(one + two)) == [one, two, b""]
