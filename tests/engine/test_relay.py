"""The outbox told: in order within a chat, at least once, and not at all when it has become pointless."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.codec import encode_alert, encode_notice
from engine.errors import StoreUnavailable
from engine.outbound import LATE_WATCH
from engine.ports import Alert, Failed, Notice, Told
from engine.queues import ADMIN_LANE
from engine.relay import TRIES, Relay
from engine.store import Store
from states.job import Job
from states.vocabulary import ErrorClass, Failure, NoticeKind, Reason, State, Verdict
from tests.engine.fakes import USER, Crash, World, failed, make_world


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


def notice(n: int, kind: NoticeKind = NoticeKind.USER_ERROR, chat: int = USER, job: str = "0-j") -> Notice:
    return Notice(f"{job}:{n}:{chat}", kind, job, chat, chat, "ru", 5, {"n": n})


async def put(world: World, *notices: Notice, coalesce: str = "") -> None:
    queue = world.engine.outbox()
    for each in notices:
        await queue.put(str(each.chat_id), each.id, encode_notice(each), coalesce=coalesce)


async def told(world: World, relay: Relay) -> list[object]:
    """What is told until the outbox has nothing to tell now."""
    before = len(world.notifier.told)
    while entries := await relay.outbox.take(32):
        await asyncio.gather(*(relay._handled(entry) for entry in entries))
    return [each.data["n"] for each in world.notifier.told[before:]]


async def left(world: World) -> int:
    return (await world.engine.outbox().depth()).entries


async def test_a_chat_hears_things_in_order_and_only_once(world: World) -> None:
    await put(world, *(notice(n) for n in range(5)), notice(9, chat=8))
    heard = await told(world, world.relay())
    assert [n for n in heard if n != 9] == [0, 1, 2, 3, 4]
    assert sorted(map(str, heard)) == ["0", "1", "2", "3", "4", "9"]
    assert await left(world) == 0
    assert len(world.seen.named("notice.told")) == 6


async def test_what_could_not_be_told_holds_its_own_chat_back(world: World) -> None:
    await put(world, notice(0), notice(1), notice(9, chat=8))
    world.notifier.script.append(failed(Reason.NETWORK))
    relay = world.relay()
    first = await told(world, relay)
    assert first in ([0, 9], [9, 0, 1])
    world.clock.advance(2)
    await told(world, relay)
    if first == [0, 9]:
        assert [each.data["n"] for each in world.notifier.told] == [0, 9, 0, 1]
    assert await left(world) == 0 or first != [0, 9]


async def test_a_wait_that_telegram_asks_for_is_kept(world: World) -> None:
    await put(world, notice(0))
    world.notifier.script.append(failed(Reason.RATE_LIMITED, retry_after_s=40))
    relay = world.relay()
    assert await told(world, relay) == [0]
    world.clock.advance(39.9)
    assert await told(world, relay) == []
    world.clock.advance(0.1)
    assert await told(world, relay) == [0]


async def test_a_short_wait_is_not_shorter_than_ours(world: World) -> None:
    await put(world, notice(0))
    world.notifier.script.append(failed(Reason.RATE_LIMITED, retry_after_s=0.1))
    relay = world.relay()
    await told(world, relay)
    world.clock.advance(1.9)
    assert await told(world, relay) == []
    world.clock.advance(0.1)
    assert await told(world, relay) == [0]


async def test_two_chats_that_flood_close_the_outbox_for_all(world: World) -> None:
    """It is the bot that sends too much, not one chat that hears too much."""
    await put(world, notice(0), notice(1, chat=8))
    flood = failed(Reason.RATE_LIMITED, retry_after_s=40)
    world.notifier.script += [flood, flood]
    relay = world.relay()
    await told(world, relay)
    await put(world, notice(2, chat=9))
    assert await told(world, relay) == []
    world.clock.advance(40)
    assert sorted(map(str, await told(world, relay))) == ["0", "1", "2"]


async def test_failures_without_a_wait_are_no_flood(world: World) -> None:
    await put(world, notice(0), notice(1, chat=8))
    world.notifier.script += [failed(Reason.NETWORK), failed(Reason.NETWORK)]
    relay = world.relay()
    await told(world, relay)
    await put(world, notice(2, chat=9))
    assert await told(world, relay) == [2]


DOUBT = Verdict(ErrorClass.AMBIGUOUS, Reason.SEND_UNKNOWN, "test.doubt")


@pytest.mark.parametrize(("kind", "again"), [(NoticeKind.BELL, False), (NoticeKind.USER_ERROR, True)])
async def test_a_doubtful_bell_is_not_rung_again_an_edit_is_repeated(
    world: World, kind: NoticeKind, again: bool
) -> None:
    await put(world, notice(0, kind))
    world.notifier.script.append(Failed(Failure("telegram", "send"), DOUBT))
    relay = world.relay()
    await told(world, relay)
    world.clock.advance(2)
    assert await told(world, relay) == ([0] if again else [])


async def test_a_notice_is_dropped_after_enough_tries(world: World) -> None:
    await put(world, notice(0))
    world.notifier.script += [failed(Reason.NETWORK)] * TRIES
    relay = world.relay()
    for _ in range(TRIES + 5):
        await told(world, relay)
        world.clock.advance(60)
    assert len(world.notifier.told) == TRIES
    assert await left(world) == 0


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.REFUNDED, None])
async def test_progress_is_told_only_while_the_user_waits(world: World, state: State | None) -> None:
    job = await world.launched()
    worker = world.worker()
    if state is State.SENDING:
        world.courier.script.append(_stand_still)
        await world.go(worker)
        world.clock.advance(30)
        taken = await world.take(worker)
        assert taken is not None
        await worker.executor._step(taken[0])
    elif state is State.REFUNDED:
        await world.engine.cancel(job.id, USER)
    await world.outbox()
    name = job.id if state else "0-nobody"
    await put(world, notice(0, NoticeKind.PATIENCE, job=name))
    relay, looked = world.relay(), list[str]()

    async def read_job(job_id: str) -> Job | None:
        looked.append(job_id)
        return await world.engine.store.read(job_id)

    relay.read_job = read_job
    assert await told(world, relay) == ([0] if state is State.QUEUED else [])
    assert looked == ([] if state else [name])  # the take has seen it
    assert await left(world) == 0


async def _stand_still(*_: object) -> None:
    raise AssertionError("not reached")


async def test_a_newer_status_replaces_the_queued_older_one(world: World) -> None:
    job = await world.launched()
    await put(world, notice(0, NoticeKind.STATUS, job=job.id), coalesce=f"status:{job.id}")
    await put(world, notice(1, NoticeKind.STATUS, job=job.id), coalesce=f"status:{job.id}")
    assert await told(world, world.relay()) == [1]


async def test_an_ending_replaces_the_queued_status_and_the_bell_rings_after_it(world: World) -> None:
    job = await world.launched()
    world.maker.creates.append(failed(Reason.IMAGE_TOO_DARK))
    await world.go(world.worker())
    relay = world.relay()
    while entries := await relay.outbox.take(32):
        await asyncio.gather(*(relay._handled(entry) for entry in entries))
    assert [each.kind for each in world.notifier.told] == [NoticeKind.USER_ERROR, NoticeKind.BELL]
    assert {each.job_id for each in world.notifier.told} == {job.id}


# --- the operator's side --------------------------------------------------------------------------


def remembering(raised: list[str], *errors: Exception) -> Callable[[Alert, str], Awaitable[None]]:
    waiting = list(errors)

    async def raise_alert(alert: Alert, entry_id: str) -> None:
        raised.append(f"{alert.kind} {entry_id}")
        if waiting:
            raise waiting.pop(0)

    return raise_alert


async def test_an_alert_is_raised_under_its_entrys_id(world: World) -> None:
    raised: list[str] = []
    body = encode_alert(Alert("fp", "log", "text"))
    queue = world.engine.outbox()
    await queue.put(ADMIN_LANE, "0-j:1:a0", body)
    await queue.put(ADMIN_LANE, "0-j:1:a0", body)
    await told(world, world.relay(remembering(raised)))
    assert raised == ["log 0-j:1:a0"]
    assert await left(world) == 0


async def test_an_alert_whose_store_went_away_comes_again_under_the_same_id(world: World) -> None:
    raised: list[str] = []
    await world.engine.outbox().put(ADMIN_LANE, "id-1", encode_alert(Alert("fp", "log", "text")))
    relay = world.relay(remembering(raised, StoreUnavailable("away")))
    await told(world, relay)
    world.clock.advance(1)
    await told(world, relay)
    assert raised == ["log id-1", "log id-1"]
    assert await left(world) == 0


async def test_an_order_starts_the_late_watch(world: World) -> None:
    raised: list[str] = []
    relay = world.relay(remembering(raised))
    order = encode_alert(Alert("late_watch:0-j", LATE_WATCH, "", "0-j"))
    await world.engine.outbox().put(ADMIN_LANE, "id-1", order)
    await told(world, relay)
    (entry,) = await world.late().queue.take(5)
    assert (entry.id, entry.body, raised) == ("late:0-j", b"0-j", [])


async def test_an_entry_nobody_can_handle_does_not_block_its_lane_for_ever(world: World) -> None:
    await world.engine.outbox().put(str(USER), "bad", b"not json")
    await put(world, notice(1))
    relay = world.relay()
    for _ in range(TRIES + 1):
        await told(world, relay)
        world.clock.advance(60)
    assert [each.data["n"] for each in world.notifier.told] == [1]
    assert world.seen.named("relay.dropped")[0]["rule"] == "engine.relay_crashed"


async def test_a_notifier_that_raises_is_asked_again(world: World) -> None:
    await put(world, notice(0))
    world.notifier.script.append(Crash())
    relay = world.relay()
    await told(world, relay)
    world.clock.advance(2)
    assert await told(world, relay) == [0]


@pytest.mark.parametrize("verb", ["ack", "nack"])
async def test_giving_back_insists_until_the_store_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """What is not given back is renewed with the rest, and its chat would wait for ever."""
    await put(world, notice(0), notice(1))
    if verb == "nack":
        world.notifier.script.append(Crash())
    relay = world.relay()
    (entry,) = await relay.outbox.take(1)
    real, left_over = getattr(relay.outbox, verb), 2

    async def away(*args: object, **named: object) -> object:
        nonlocal left_over
        left_over -= 1
        if left_over >= 0:
            raise StoreUnavailable("away")
        return await real(*args, **named)

    monkeypatch.setattr(relay.outbox, verb, away)
    handling = asyncio.create_task(relay._handled(entry))
    for count in (1, 2):
        await world.seen.until("store.lost", count)
        world.clock.advance(1)
    await handling
    world.clock.advance(2)
    assert await told(world, relay) == ([1] if verb == "ack" else [0, 1])


# --- running --------------------------------------------------------------------------------------


async def test_a_running_relay_tells_what_comes(world: World) -> None:
    relay = world.relay()
    running = asyncio.create_task(relay.run())
    await asyncio.sleep(0)
    await put(world, notice(0))
    await world.seen.until("notice.told")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await relay.outbox.close()
    assert await left(world) == 0


async def test_a_relay_that_is_stopped_while_it_tells_leaves_the_entry(world: World) -> None:
    async def endless(_: Notice) -> Told:
        await asyncio.Event().wait()
        return Told()

    await put(world, notice(0))
    world.notifier.script.append(endless)
    relay = world.relay()
    running = asyncio.create_task(relay.run())
    async with asyncio.timeout(60):
        await world.notifier.heard.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await relay.outbox.close()
    assert await left(world) == 1
    world.clock.advance(61)
    assert await told(world, world.relay()) == [0]


async def test_a_relay_waits_for_a_store_that_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = world.relay()
    real, left_over = relay.outbox.take, 2

    async def away(limit: int = 10) -> object:
        nonlocal left_over
        left_over -= 1
        if left_over >= 0:
            raise StoreUnavailable("away")
        return await real(limit)

    monkeypatch.setattr(relay.outbox, "take", away)
    await put(world, notice(0))
    running = asyncio.create_task(relay.run())
    for count in (1, 2):
        await world.seen.until("store.lost", count)
        world.clock.advance(1)
    await world.seen.until("notice.told")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await relay.outbox.close()
