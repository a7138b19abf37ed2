"""Users who have blocked the bot: nothing is told into the void, and no ending stays unheard for ever."""

import pytest

from engine.check.reading import StoreReader
from engine.check.sweep import check_store
from engine.front_desk import UNHEARD_MOST
from engine.ports import Failed, Notice
from engine.store import Store
from states.vocabulary import NoticeKind, Reason, Stage
from tests.engine.fakes import USER, World, failed, make_world
from tests.engine.test_relay import left, notice, put, told


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


GONE = failed(Reason.USER_GONE, Stage.SENDING)


async def test_who_is_gone_hears_the_last_words_when_they_come_back(world: World, redis_url: str) -> None:
    relay, job = world.relay(), (await world.launched()).id
    await world.engine.cancel(job, USER)
    await world.outbox()
    await put(world, notice(7, NoticeKind.STATUS, job=job))
    await put(world, notice(0, job=job), notice(1, NoticeKind.BELL, job=job))
    world.notifier.script += [GONE] * 4
    await told(world, relay)
    assert (await left(world), world.seen.named("relay.dropped")) == (0, [])
    assert len(world.seen.named("notice.kept")) == 2
    assert await world.engine.user_returned(USER) == 2
    async with await StoreReader.open(redis_url) as reader:
        assert (await check_store(reader)).findings == ()
    assert await told(world, relay) == [0, 1]
    assert await world.engine.user_returned(USER) == 0


async def test_last_words_are_kept_once_and_for_their_user_only(world: World) -> None:
    job = await world.launched()
    await world.outbox()
    for _ in range(2):
        await world.engine.keep_unheard(notice(0, job=job.id), 1)
    await world.engine.keep_unheard(notice(1, job="0-forgotten-since"), 2)
    assert await world.engine.user_returned(USER + 1) == 0
    assert await world.engine.user_returned(USER) == 2
    assert [each.job_id for each in await world.outbox()] == [job.id]


async def test_a_keeping_that_comes_late_takes_nothing_back(world: World) -> None:
    engine, job = world.engine, (await world.launched()).id
    await world.outbox()
    words, bell = notice(0, job=job), notice(1, NoticeKind.BELL, job=job)
    await engine.keep_unheard(words, 1)
    await engine.keep_unheard(bell, 2)
    await engine.keep_unheard(words, 1)  # once more, over a line that nobody listens to any more
    assert [await engine.is_unheard(words, 1), await engine.is_unheard(bell, 2)] == [True, True]
    assert await engine.user_returned(USER) == 2
    await engine.keep_unheard(words, 1)
    assert await engine.user_returned(USER) == 0, "it was heard"
    assert await world.outbox() == [words, bell]
    await engine.keep_unheard(words, 7)  # its user had gone again
    await engine.drop_unheard(words, 1)  # late, of the first time
    assert await engine.user_returned(USER) == 1


async def test_the_oldest_makes_room_and_what_was_heard_before_it(world: World) -> None:
    engine, job = world.engine, (await world.launched()).id
    for turn in range(1, UNHEARD_MOST + 1):
        await engine.keep_unheard(notice(turn, job=job), turn)
    await engine.drop_unheard(notice(5, job=job), 5)
    for turn in (50, 51):
        await engine.keep_unheard(notice(turn, job=job), turn)
    kept = {turn for turn in range(60) if await engine.is_unheard(notice(turn, job=job), turn)}
    assert kept == {*range(2, UNHEARD_MOST + 1), 50, 51} - {5}


async def test_who_comes_back_while_it_is_kept_hears_it_all_the_same(world: World) -> None:
    relay, job = world.relay(), (await world.launched()).id
    await world.outbox()
    await put(world, notice(0, job=job))
    world.notifier.script.append(GONE)
    assert await told(world, relay) == [0, 0]
    assert world.seen.named("notice.told")
    assert await left(world) == 0
    assert await world.engine.user_returned(USER) == 0  # and not once more


async def test_who_comes_back_just_after_it_was_kept_hears_it_too(world: World) -> None:
    relay, job = world.relay(), (await world.launched()).id
    await world.outbox()
    await put(world, notice(0, job=job), notice(1, NoticeKind.BELL, job=job))

    async def returns_meanwhile(_: Notice) -> Failed:
        assert await world.engine.user_returned(USER) == 1
        return GONE

    world.notifier.script += [GONE, returns_meanwhile]
    assert sorted(map(str, await told(world, relay))) == ["0", "0", "0", "1"]
    assert {str(each["kind"]) for each in world.seen.named("notice.told")} == {"user_error", "bell"}
    assert (await left(world), await world.engine.user_returned(USER)) == (0, 0)


async def test_who_deletes_their_data_is_told_nothing_of_it_on_return(world: World) -> None:
    job = await world.launched()
    await world.engine.cancel(job.id, USER)
    await world.engine.keep_unheard(notice(0, job=job.id), 1)
    await world.engine.erase(USER)
    assert await world.engine.user_returned(USER) == 0


async def test_progress_is_not_kept_for_who_is_gone(world: World) -> None:
    job = await world.launched()
    await world.outbox()
    await put(world, notice(0, NoticeKind.PATIENCE, job=job.id))
    world.notifier.script.append(GONE)
    await told(world, world.relay())
    assert world.seen.named("relay.dropped")[0]["reason"] is Reason.USER_GONE
    assert await world.engine.user_returned(USER) == 0
