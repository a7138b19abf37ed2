"""What real flows leave behind breaks no rule: no schedule, no place, no concurrency gives a false alarm."""

import asyncio
import random
from unittest.mock import patch

import pytest

from engine.check import reading
from engine.check.rules import RULES
from engine.check.sweep import Progress
from engine.clock import ManualClock
from engine.errors import StoreMismatch
from engine.randomness import SeededRandomness
from engine.store import Store
from tests.engine.check.flows import Books, Lives, checked, make_books, shown
from tests.engine.test_store_model import FUNDS, USERS, World

STEPS = 300


async def test_a_store_with_a_job_in_each_place_is_clean(lives: Lives, redis_url: str) -> None:
    report = await checked(redis_url)
    assert report.clean, shown(report)
    assert (report.users, report.jobs, report.notes) == (2, 8, ())
    assert report.entries > report.jobs


async def test_a_store_after_all_its_ended_jobs_expired_is_clean(lives: Lives, redis_url: str) -> None:
    for job in (lives.done, lives.refunded, lives.free):
        await lives.run("DEL", *(f"{{1768}}:{part}:{job.id}" for part in ("j", "d", "p", "h")))
    for key in [*await lives.run("KEYS", "{1768}:i:*"), *await lives.run("KEYS", "{1768}:ob:*")]:
        await lives.run("DEL", key)
    report = await checked(redis_url)
    assert report.clean, shown(report)


async def test_an_empty_store_is_clean_and_no_store_cannot_be_judged(store: Store, redis_url: str) -> None:
    assert (await checked(redis_url)).clean
    await store.connection.command("FLUSHALL")
    with pytest.raises(StoreMismatch, match="no store"):
        await checked(redis_url)
    await store.connection.command("HSET", "{1768}:ctl", "partitions", 1, "schema", 99)
    with pytest.raises(StoreMismatch, match="schema 99"):
        await checked(redis_url)


async def test_a_sample_proves_users_only(lives: Lives, redis_url: str) -> None:
    watched: list[Progress] = []
    report = await checked(redis_url, users=1, watch=watched.append)
    assert (report.users, report.partial, report.clean) == (1, True, True), shown(report)
    assert watched[-1].total > 0


async def test_a_check_changes_nothing(lives: Lives, redis_url: str) -> None:
    before = await lives.books.dump()
    await checked(redis_url)
    assert await lives.books.dump() == before


@pytest.mark.parametrize("round_", range(2))
async def test_no_random_schedule_gives_a_finding(
    store: Store, clock: ManualClock, randomness: SeededRandomness, redis_url: str, round_: int
) -> None:
    books = await make_books(store, clock)
    for user in USERS:
        await books.fund(user, FUNDS)
    world = World(books, random.Random(randomness.seed * 10 + round_))
    steps = [world.submit, world.claim, world.claim, world.move, world.move, world.park, world.disturb]
    for n in range(STEPS):
        await world.dice.choice(steps)()
        if n % 100 == 99:
            report = await checked(redis_url)
            assert report.clean, shown(report)
            assert report.jobs == len(world.known)


async def _busy(books: Books, user: int, rounds: int) -> None:
    for n in range(rounds):
        await books.fund(user, 10)
        job = await books.queued(user, 1, f"{user}-{n}")
        if n % 2:
            await books.move(job, "queued/cancel", "refunded", unclaim=True)  # type: ignore[arg-type]
        await books.store.claim(f"w{user}", partition=0, lease_ms=1000, queued_ok=True)


@pytest.mark.parametrize("small", [True, False])
async def test_a_store_in_use_gives_no_false_alarm(books: Books, redis_url: str, small: bool) -> None:
    limit = reading.COUNT_MAX if small else 0
    with patch.object(reading, "COUNT_MAX", limit), patch.object(reading, "PAGE", 7):
        work = asyncio.gather(*(_busy(books, user, 40) for user in range(20, 28)))
        reports = []
        while not work.done():
            reports.append(await checked(redis_url))
        await work
        reports.append(await checked(redis_url))
    assert all(report.clean for report in reports), shown(next(r for r in reports if not r.clean))
    assert reports[-1].users == 8
    assert not reports[-1].notes
    assert any(report.notes for report in reports) or small


@pytest.mark.parametrize("partitions", [4])
async def test_every_partition_is_looked_at(
    redis_url: str, clock: ManualClock, randomness: SeededRandomness, partitions: int
) -> None:
    store = await Store.connect(redis_url, clock=clock, randomness=randomness, partitions=partitions)
    try:
        books = await make_books(store, clock)
        for user in range(1, 30):
            await books.fund(user, 100)
            await books.queued(user, idem=str(user))
        report = await checked(redis_url)
        assert report.clean, shown(report)
        assert (report.users, report.jobs) == (29, 29)
    finally:
        await store.close()


async def test_other_programs_keys_on_the_server_are_left_alone(lives: Lives, redis_url: str) -> None:
    await lives.run("SET", "somebody:else", "x", "EX", 60)
    await lives.run("SET", "{theirs}:a:7", "x", "EX", 60)
    assert (await checked(redis_url)).clean


def test_each_rule_says_what_always_holds() -> None:
    assert all(text and not text.endswith(".") for text in RULES.values())
