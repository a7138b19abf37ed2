"""The front door on a real server: jobs, credits, updates, facts, pauses, the feed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.alerts import Incident, Word
from engine.clock import ManualClock
from engine.config import EngineConfig
from engine.errors import Refusal, StoreUnavailable
from engine.front import Engine
from engine.keys import CONTRA_ACCOUNTS
from engine.ports import Alert
from engine.randomness import SeededRandomness
from engine.store import Store
from engine.values import Account, Cancellation, EntryKind, Granted, NewJob, Submission
from states.decide import Decision, decide
from states.job import Hint, Job, Request
from states.record import record
from states.vocabulary import Hold, NoticeKind, Stage, State, Trigger

USER = 77
REQUEST = Request(chat_id=USER, photo="file-id", template="own", prompt="on a table", model="kling")


@pytest.fixture(params=[1, 4])
async def engine(
    request: pytest.FixtureRequest, redis_url: str, clock: ManualClock, randomness: SeededRandomness
) -> AsyncIterator[Engine]:
    config = EngineConfig(partitions=request.param)
    opened = await Engine.connect(redis_url, config, clock=clock, randomness=randomness)
    yield opened
    await opened.close()


def wish(idem: str = "button-1", cost: int = 3, user: int = USER) -> NewJob:
    return NewJob(idem, user, cost, replace(REQUEST, chat_id=user), status_message_id=5)


async def rich(engine: Engine, user: int = USER, amount: int = 10) -> None:
    await engine.grant(user, amount, "gift", EntryKind.GRANT)


async def launched(engine: Engine, idem: str = "button-1") -> Job:
    await rich(engine)
    submitted = await engine.submit(wish(idem))
    assert submitted.job is not None
    return submitted.job


# --- jobs -------------------------------------------------------------------------------------------


async def test_a_submit_holds_the_price_and_stands_in_line(engine: Engine, clock: ManualClock) -> None:
    await rich(engine)
    submitted = await engine.submit(wish())
    assert (submitted.result, submitted.balance) == (Submission.CREATED, 7)
    job = submitted.job
    assert job is not None
    assert await engine.job(job.id) == job
    assert (job.state, job.hold, job.seq) == (State.QUEUED, Hold.HELD, 0)
    assert job.deadline_ms == clock.now_ms() + 3_600_000
    assert await engine.account(USER) == Account(balance=7, held=3)
    assert await engine.place_in_line(job.id) == 1
    assert [each.id for each in await engine.live_jobs()] == [job.id]


async def test_a_button_makes_one_job_however_often_it_is_tapped(engine: Engine) -> None:
    await rich(engine)
    answers = await asyncio.gather(*(engine.submit(wish()) for _ in range(10)))
    assert sorted(answer.result for answer in answers) == ["created", *["exists"] * 9]
    assert len({answer.job.id for answer in answers if answer.job}) == 1
    assert await engine.account(USER) == Account(balance=7, held=3)


async def test_refused_submits_charge_nothing(engine: Engine) -> None:
    assert (await engine.submit(wish(cost=1))).result is Submission.INSUFFICIENT
    await rich(engine)
    await engine.pause("the provider is out of balance")
    assert (await engine.submit(wish())).result is Submission.PAUSED
    await engine.unpause()
    for number in range(engine.config.max_live_jobs):
        assert (await engine.submit(wish(f"b{number}", cost=1))).result is Submission.CREATED
    assert (await engine.submit(wish("one more", cost=1))).result is Submission.BUSY
    assert (await engine.account(USER)).held == engine.config.max_live_jobs


async def test_a_queued_job_is_cancelled_for_nothing(engine: Engine) -> None:
    job = await launched(engine)
    assert await engine.cancel(job.id, USER) is Cancellation.CANCELLED
    ended = await engine.job(job.id)
    assert ended is not None
    assert (ended.state, ended.hold) == (State.REFUNDED, Hold.RELEASED)
    assert await engine.account(USER) == Account(balance=10, held=0)
    assert [row["event"] for row in await engine.history(job.id)] == ["submit", "cancel"]
    assert await engine.place_in_line(job.id) == 0
    assert await engine.cancel(job.id, USER) is Cancellation.CANCELLED
    assert await engine.account(USER) == Account(balance=10, held=0)


async def test_a_cancel_leaves_a_notice_in_the_outbox(engine: Engine) -> None:
    job = await launched(engine)
    await engine.cancel(job.id, USER)
    outbox = engine.outbox()
    (entry,) = await outbox.take()
    assert entry.lane == str(USER)
    assert NoticeKind.CANCELLED.value.encode() in entry.body
    await outbox.ack(entry)
    await outbox.close()


async def test_a_cancel_fences_the_worker_that_just_claimed(engine: Engine) -> None:
    job = await launched(engine)
    partition = engine.store.partition_of_user(USER)
    claim = await engine.store.claim("w1", partition=partition, lease_ms=15_000, queued_ok=True)
    assert claim.job is not None
    assert await engine.cancel(job.id, USER) is Cancellation.CANCELLED
    assert await engine.store.park(claim.job, 0) == "fenced"


async def moved(engine: Engine, job: Job, trigger: Trigger) -> Job:
    """The job after a trigger, by whoever may hold it."""
    decision = decide(job, trigger, now_ms=engine.store.clock.now_ms(), rnd=0.5, judge=engine.judge)
    assert isinstance(decision, Decision)
    answer = await engine.store.commit(
        job,
        decision.after,
        edge_id=decision.edge.id,
        op=f"test:{trigger}",
        record=record(decision, graph="test", actor="test"),
        unclaim=True,
    )
    assert isinstance(answer, Job)
    return answer


async def test_a_paid_render_is_not_cancelled(engine: Engine) -> None:
    job = await moved(engine, await launched(engine), Trigger.START)
    assert job.state is State.GENERATING
    assert await engine.cancel(job.id, USER) is Cancellation.TOO_LATE
    assert (await engine.account(USER)).held == 3


async def test_what_ended_otherwise_is_over(engine: Engine) -> None:
    job = await moved(engine, await launched(engine), Trigger.EXPIRE)
    assert job.state is State.REFUNDED
    assert await engine.cancel(job.id, USER) is Cancellation.OVER


async def test_a_cancel_looks_again_when_the_job_moved(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await launched(engine)
    commit, partition = engine.store.commit, engine.store.partition_of_user(USER)
    tries: list[int] = []

    async def late(*args: Any, **named: Any) -> Job | Refusal:
        if not tries:
            await engine.store.claim("w1", partition=partition, lease_ms=15_000, queued_ok=True)
        tries.append(1)
        return await commit(*args, **named)

    monkeypatch.setattr(engine.store, "commit", late)
    assert await engine.cancel(job.id, USER) is Cancellation.CANCELLED
    assert len(tries) == 2


@pytest.mark.parametrize(
    ("refusal", "answer"),
    [
        (Refusal.GONE, Cancellation.UNKNOWN_JOB),
        (Refusal.ILLEGAL, Cancellation.TOO_LATE),
        (Refusal.STALE, Cancellation.TOO_LATE),
    ],
)
async def test_a_cancel_that_the_store_refuses(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, refusal: Refusal, answer: Cancellation
) -> None:
    async def refuse(*args: Any, **named: Any) -> Refusal:
        return refusal

    job = await launched(engine)
    monkeypatch.setattr(engine.store, "commit", refuse)
    assert await engine.cancel(job.id, USER) is answer


async def test_a_store_that_fails_while_opening_is_closed(
    redis_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Store, *args: Any) -> None:
        raise StoreUnavailable("gone again")

    monkeypatch.setattr(Store, "register_graph", broken)
    with pytest.raises(StoreUnavailable, match="gone again"):
        await Engine.connect(redis_url, EngineConfig(), clock=clock)


async def test_the_operators_desk_belongs_to_partition_0(engine: Engine) -> None:
    heard: list[str] = []

    async def tell(incident: Incident, word: Word) -> bool:
        heard.append(incident.text)
        return True

    desk = engine.alerts(tell)
    await desk.raise_alert(Alert("fp", "incident", "text"), "op")
    assert heard == ["text"]
    assert await engine.store.connection.command("EXISTS", f"{engine.store.prefix(0)}:al:open") == 1


async def test_strangers_and_strange_ids_cancel_nothing(engine: Engine) -> None:
    job = await launched(engine)
    assert await engine.cancel(job.id, USER + 1) is Cancellation.UNKNOWN_JOB
    for strange in ("", "x", "f-unknown", "0-" + "a" * 500, "*", "{1768}"):
        assert await engine.cancel(strange, USER) is Cancellation.UNKNOWN_JOB
        assert await engine.hint(strange, Hint("callback")) is False
        assert await engine.job(strange) is None
    assert (await engine.account(USER)).held == 3


async def test_hints_reach_the_job_and_nobody_is_woken_for_nothing(engine: Engine) -> None:
    job = await launched(engine)
    assert await engine.hint(job.id, Hint("callback", 1, "task"))
    found = await engine.job(job.id)
    assert found is not None
    assert found.hints == (Hint("callback", 1, "task"),)
    assert await engine.user_returned(USER) == 0


async def test_a_user_who_returns_wakes_their_parked_delivery(engine: Engine, clock: ManualClock) -> None:
    job = await launched(engine)
    partition = engine.store.partition_of_user(USER)
    edges = {edge.id: edge for edge in engine.judge.graph.edges}
    way = [edges["queued/start/redeliver"], edges["sending/error/user_gone"]]
    assert way[-1].target is State.RETRY_WAIT
    claim = await engine.store.claim("w1", partition=partition, lease_ms=15_000, queued_ok=True)
    held = claim.job
    assert held is not None
    for edge in way:
        parked = edge.target is State.RETRY_WAIT
        moved = await engine.store.commit(
            held,
            replace(
                held, state=edge.target, stage=Stage.SENDING if parked else None, last_reason="user_gone"
            ),
            edge_id=edge.id,
            op=edge.id,
            record={"ts": clock.now_ms(), "event": edge.trigger.value},
            due_ms=clock.now_ms() + 3_600_000,
            keep_lease=not parked,
        )
        assert isinstance(moved, Job)
        held = moved
    assert await engine.user_returned(USER) == 1
    assert await engine.user_returned(USER + 1) == 0
    found = await engine.job(job.id)
    assert found is not None
    assert found.hints == (Hint("returned"),)


async def test_jobs_of_a_user_come_newest_first(engine: Engine, clock: ManualClock) -> None:
    await rich(engine)
    ids = []
    for number in range(3):
        submitted = await engine.submit(wish(f"b{number}", cost=1))
        assert submitted.job is not None
        ids.append(submitted.job.id)
        clock.advance(1)
    assert [job.id for job in await engine.jobs_of(USER, 2)] == [ids[2], ids[1]]
    assert await engine.jobs_of(USER + 1) == []


# --- credits ----------------------------------------------------------------------------------------


async def books(engine: Engine) -> int:
    """The sum over all accounts: 0 when the books balance."""
    total = 0
    for key in await engine.store.connection.command("KEYS", "*}:a:*"):
        balance, held = await engine.store.connection.command("HMGET", key, "bal", "held")
        total += int(balance or 0) + int(held or 0)
    return total


async def test_a_grant_is_booked_once_for_its_external_id(engine: Engine) -> None:
    answers = [await engine.grant(USER, 5, "charge-1", EntryKind.PAYMENT, "50 ⭐") for _ in range(3)]
    assert answers == [Granted(True, 5), Granted(False, 5), Granted(False, 5)]
    (entry,) = await engine.statement(USER)
    assert (entry.id, entry.kind, entry.delta, entry.balance, entry.note) == (
        "charge-1", EntryKind.PAYMENT, 5, 5, "50 ⭐",
    )  # fmt: skip
    assert await books(engine) == 0


async def test_concurrent_grants_are_one(engine: Engine) -> None:
    answers = await asyncio.gather(*(engine.grant(USER, 2, "trial", EntryKind.TRIAL) for _ in range(20)))
    assert sum(answer.applied for answer in answers) == 1
    assert await engine.account(USER) == Account(2, 0)


async def test_a_correction_takes_only_what_is_free(engine: Engine) -> None:
    await rich(engine, amount=4)
    assert await engine.grant(USER, -5, "fix-1", EntryKind.CORRECTION) == Granted(False, 4)
    assert await engine.grant(USER, -3, "fix-1", EntryKind.CORRECTION) == Granted(True, 1)
    assert await engine.grant(USER, -3, "fix-2", EntryKind.CORRECTION, forced=True) == Granted(True, -2)
    kinds = [(entry.amount, entry.delta, entry.balance) for entry in await engine.statement(USER)]
    assert kinds == [(3, -3, -2), (3, -3, 1), (4, 4, 4)]
    assert await books(engine) == 0


async def test_odd_words_in_a_note_do_no_harm(engine: Engine) -> None:
    note = 'a "quoted" \\ line\nwith {braces} %s and Привет'
    await engine.grant(USER, 1, 'id "1" \\', EntryKind.GRANT, note)
    (entry,) = await engine.statement(USER)
    assert (entry.id, entry.note) == ('id "1" \\', note)


@pytest.mark.parametrize(
    ("amount", "external", "kind"),
    [
        (0, "x", EntryKind.GRANT),
        (1, "", EntryKind.GRANT),
        (1, "x", EntryKind.HOLD),
        (10**10, "x", EntryKind.GRANT),
    ],
)
async def test_what_cannot_be_booked_is_refused(
    engine: Engine, amount: int, external: str, kind: EntryKind
) -> None:
    with pytest.raises(ValueError, match="cannot book"):
        await engine.grant(USER, amount, external, kind)
    assert "@grants" in CONTRA_ACCOUNTS


# --- updates ----------------------------------------------------------------------------------------


async def test_updates_come_once_in_order_one_at_a_time(engine: Engine) -> None:
    assert [await engine.put_update(n, 5, b"u%d" % n) for n in (1, 2, 2, 1)] == [True, True, False, False]
    await engine.put_update(3, -1009, b"group")
    first = {update.chat_id: update for update in await engine.take_updates("bot")}
    assert {update.raw for update in first.values()} == {b"u1", b"group"}
    await engine.ack_update(first[5])
    (second,) = await engine.take_updates("bot")
    assert (second.update_id, second.chat_id, second.raw, second.attempts) == (2, 5, b"u2", 1)
    assert await engine.put_update(1, 5, b"again") is False
    await engine.ack_update(second)
    await engine.ack_update(second)
    await engine.ack_update(first[-1009])
    assert await engine.take_updates("bot") == []


async def test_an_update_given_back_comes_again_later(engine: Engine, clock: ManualClock) -> None:
    await engine.put_update(1, 5, b"x")
    (update,) = await engine.take_updates("bot")
    await engine.nack_update(update, 2.5)
    assert await engine.take_updates("bot") == []
    clock.advance(2.5)
    (again,) = await engine.take_updates("bot")
    assert again.attempts == 2


async def test_a_waiting_bot_hears_an_update(engine: Engine) -> None:
    assert await engine.take_updates("bot") == []
    waiting = asyncio.create_task(engine.wait_updates(1000))
    await engine.put_update(1, 5, b"x")
    await asyncio.wait_for(waiting, 5)
    assert len(await engine.take_updates("bot")) == 1


async def test_a_flooded_chat_is_refused_and_told(engine: Engine) -> None:
    await asyncio.gather(*(engine.put_update(n, 5, b"x") for n in range(1000)))
    assert await engine.put_update(1000, 5, b"x") is False
    outbox = engine.outbox()
    (entry,) = await outbox.take()
    assert entry.lane == "@admin"
    await outbox.close()


# --- facts, pauses, alerts ---------------------------------------------------------------------------


async def test_facts_are_kept_per_user_with_an_end(engine: Engine) -> None:
    await engine.remember(USER, "lang", b"en")
    await engine.remember(USER, "draft", b"\x00\xff", ttl_s=60)
    assert await engine.recall(USER, "lang") == b"en"
    assert await engine.recall(USER, "draft") == b"\x00\xff"
    assert await engine.recall(USER + 1, "lang") is None
    prefix = engine.store.prefix_of_user(USER)
    assert 0 < await engine.store.connection.command("PTTL", f"{prefix}:u:{USER}:draft") <= 60_000
    await engine.forget(USER, "lang")
    assert await engine.recall(USER, "lang") is None
    with pytest.raises(ValueError, match="65536 are allowed"):
        await engine.remember(USER, "photo", bytes(65_537))


async def test_a_pause_has_a_reason_and_an_end(engine: Engine) -> None:
    assert await engine.paused() == ""
    await engine.pause("no balance")
    assert await engine.paused() == "no balance"
    await engine.unpause()
    assert await engine.paused() == ""
    with pytest.raises(ValueError, match="reason"):
        await engine.pause("")


async def test_an_alert_goes_to_the_operators_lane(engine: Engine) -> None:
    await engine.alert(Alert("fp", "incident", "text"))
    outbox = engine.outbox()
    (entry,) = await outbox.take()
    assert (entry.lane, entry.partition) == ("@admin", 0)
    await outbox.close()


# --- the feed ---------------------------------------------------------------------------------------


async def eventually(test: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not test():  # noqa: ASYNC110 - nobody could set an event for it
            await asyncio.sleep(0)


async def test_the_feed_tells_every_transition_once(engine: Engine, clock: ManualClock) -> None:
    users = range(1, 9)
    for user in users:
        await rich(engine, user)
        clock.advance(0.001)
        submitted = await engine.submit(wish(cost=1, user=user))
        assert submitted.job is not None
        await engine.cancel(submitted.job.id, user)
    seen = []
    place = "0"
    while events := await engine.events(place, block_s=0.01):
        seen += [(event.user_id, event.trigger) for event in events]
        place = events[-1].id
    assert seen == [(user, trigger) for user in users for trigger in ("submit", "cancel")]


async def test_the_feed_can_be_read_on_from_any_event(engine: Engine, clock: ManualClock) -> None:
    for user in range(1, 6):
        await rich(engine, user)
        clock.advance(0.001)
        await engine.submit(wish(cost=1, user=user))
    events = await engine.events("0", block_s=0.01)
    for at, event in enumerate(events):
        rest = await engine.events(event.id, block_s=0.01)
        assert [each.job_id for each in rest] == [each.job_id for each in events[at + 1 :]]


async def test_the_feed_waits_for_what_comes(engine: Engine) -> None:
    await launched(engine, "before")
    waiting = asyncio.create_task(engine.events(block_s=5))
    await eventually(lambda: any(slot.startswith("feed") for slot in engine.store.connection.blocking.places))
    await engine.submit(wish("after"))
    (event,) = await asyncio.wait_for(waiting, 5)
    assert (event.trigger, event.target, event.user_id) == ("submit", "queued", USER)
