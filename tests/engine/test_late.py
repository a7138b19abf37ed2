"""Videos that turn up after their job has ended."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.codec import encode_notice
from engine.errors import Refusal, StoreUnavailable
from engine.late import LIFE_MS, PAUSES_S, LateWatch, adopt_late
from engine.ports import Alert, Rendered, Rendering
from engine.store import Store
from engine.values import Account, NewJob
from states.facts import Happening
from states.job import Job, ProviderTask, TaskStatus
from states.vocabulary import AlertKind, NoticeKind, Reason, State, Trigger
from tests.engine.fakes import USER, VIDEO, Crash, World, failed, make_world


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def given_up(world: World) -> Job:
    """A refunded job whose task may still succeed."""
    job = await world.launched()
    worker = world.worker()
    await world.go(worker)
    for _ in range(6):
        world.maker.polls.append(failed(Reason.NETWORK))
        await world.later(400, worker)
    ended = await world.job(job.id)
    assert (ended.state, ended.tasks[0].status) == (State.REFUNDED, TaskStatus.OPEN)
    return ended


async def unanswered(world: World) -> Job:
    """A refunded job with a create that was never answered."""
    job = await world.launched()
    worker = world.worker()
    taken = await world.take(worker)
    assert taken is not None
    committer = worker.executor.committer
    started = await committer.fire(taken[0], Trigger.START, Happening())
    assert started is not None
    task = ProviderTask(1, "m1", "main", TaskStatus.INTENT, world.clock.now_ms())
    noted = await committer.note(replace(started, tasks=(task,)))
    assert noted is not None
    world.clock.advance(3600)
    await committer.fire(noted, Trigger.EXPIRE, Happening())
    return await world.job(job.id)


async def orders(world: World) -> list[str]:
    """Jobs that the outbox wants looked after."""
    return [each.job_id for each in await world.outbox() if each.kind == "late_watch"]


async def entries(late: LateWatch) -> int:
    return (await late.queue.depth()).entries


async def test_a_video_after_the_refund_is_kept_told_once_and_free_to_get(world: World) -> None:
    job = await given_up(world)
    assert await orders(world) == [job.id]
    late = world.late()
    await late.order(job.id)
    await late.order(job.id)
    assert await entries(late) == 1
    await late.tick()
    kept = await world.job(job.id)
    assert (kept.state, kept.video, kept.tasks[0].status) == (
        State.REFUNDED,
        VIDEO,
        TaskStatus.SUCCEEDED,
    )
    assert await world.engine.account(USER) == Account(100, 0)
    told = await world.outbox()
    assert [each.kind for each in told] == [NoticeKind.LATE_VIDEO, AlertKind.LATE_COST]
    assert isinstance(told[1], Alert)
    assert "cost 3" in told[1].text
    assert await entries(late) == 0

    await late.order(job.id)  # once more, by a second relay
    await late.tick()
    assert await world.outbox() == []

    again = NewJob("again", USER, 0, kept.request, 5, source_job=job.id, video=kept.video)
    redelivery = (await world.engine.submit(again)).job
    assert redelivery is not None
    await world.go(world.worker())
    assert (await world.job(redelivery.id)).state is State.DONE
    assert world.maker.created == 1


async def test_a_render_is_watched_at_growing_pauses(world: World) -> None:
    job = await given_up(world)
    late = world.late()
    await late.order(job.id)
    looks = len(world.maker.calls)
    for look, pause_s in enumerate((*PAUSES_S, PAUSES_S[-1]), start=1):
        world.maker.polls.append(Rendering(10))
        await late.tick()
        assert len(world.maker.calls) == looks + look
        world.clock.advance(pause_s - 0.001)
        assert await late.queue.take(8) == []
        world.clock.advance(0.001)
    await late.tick()
    assert (await world.job(job.id)).video == VIDEO


async def test_a_task_the_provider_gave_up_is_not_watched(world: World) -> None:
    job = await given_up(world)
    late = world.late()
    await late.order(job.id)
    world.maker.polls.append(failed(Reason.PROVIDER_ERROR, task_dead=True))
    await late.tick()
    assert await entries(late) == 0


@pytest.mark.parametrize(
    "outcome", [failed(Reason.RENDER_TIMEOUT, task_dead=True), Crash(), failed(Reason.NETWORK)]
)
async def test_an_unclear_look_is_repeated(world: World, outcome: object) -> None:
    job = await given_up(world)
    late = world.late()
    await late.order(job.id)
    world.maker.polls.append(outcome)
    await late.tick()
    assert await entries(late) == 1


async def test_the_watch_ends_with_the_providers_memory(world: World) -> None:
    job = await given_up(world)
    late = world.late()
    await late.order(job.id)
    await late.order("0-nobody")
    calls = list(world.maker.calls)
    world.clock.set(job.created_ms + LIFE_MS + 1)
    await late.tick()
    assert (await entries(late), world.maker.calls) == (0, calls)


async def test_a_callback_adopts_an_unanswered_create(world: World) -> None:
    job = await unanswered(world)
    late = world.late()
    await late.order(job.id)
    await late.tick()  # nothing to ask about yet
    assert await entries(late) == 0
    await late.call(job.id, 1, "orphan")
    kept = await world.job(job.id)
    assert (kept.tasks[0].task_id, kept.video) == ("orphan", VIDEO)
    assert await entries(late) == 0


async def test_an_adopted_task_that_still_renders_is_looked_after(world: World) -> None:
    job = await unanswered(world)
    late = world.late()
    world.maker.polls.append(Rendering(10))
    await late.call(job.id, 1, "orphan")
    assert (await world.job(job.id)).tasks[0].status is TaskStatus.OPEN
    assert await entries(late) == 1
    await late.tick()
    assert (await world.job(job.id)).video == VIDEO


@pytest.mark.parametrize(("n", "task_id"), [(2, "other"), (1, "")])
async def test_a_callback_about_nothing_we_bought_changes_nothing(world: World, n: int, task_id: str) -> None:
    job = await unanswered(world)
    late = world.late()
    await late.call(job.id, n, task_id)
    assert await world.job(job.id) == job
    assert await entries(late) == 0


async def test_a_callback_for_a_job_that_lives_or_is_unknown_is_not_ours(world: World) -> None:
    job = await world.launched()
    late = world.late()
    await late.call(job.id, 1, "t")
    await late.call("0-nobody", 1, "t")
    assert await world.job(job.id) == job


async def test_a_refused_adoption_is_not_looked_after(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await unanswered(world)

    async def gone(*_: object, **__: object) -> Refusal:
        return Refusal.GONE

    monkeypatch.setattr(world.store, "late", gone)
    assert await adopt_late(world.store, job.id, 1, "orphan") is None


async def test_two_looks_at_once_keep_one_video_and_tell_once(world: World) -> None:
    job = await given_up(world)
    await world.outbox()
    late, other = world.late(), world.late()

    async def slow(_: object) -> Rendered:
        await other.call(job.id, 1, "t1")
        await world.outbox()
        return Rendered(VIDEO, 4.0)

    world.maker.polls.append(slow)
    await late.call(job.id, 1, "t1")
    assert await world.outbox() == []
    assert (await world.job(job.id)).tasks[0].cost == 3.0


async def test_a_second_task_of_a_job_that_has_its_video_is_only_booked_as_cost(world: World) -> None:
    job = await given_up(world)
    await world.late().call(job.id, 1, "t1")
    await world.outbox()
    kept = await world.job(job.id)
    second = ProviderTask(2, "m1", "main", TaskStatus.OVERDUE, world.clock.now_ms(), "t2")
    assert not isinstance(await world.store.late(replace(kept, tasks=(*kept.tasks, second))), Refusal)
    late = world.late()
    await late.order(job.id)
    world.maker.polls.append(Rendered(replace(VIDEO, url="another"), 7.0))
    await late.tick()
    after = await world.job(job.id)
    assert after.video == VIDEO
    assert (after.tasks[1].status, after.tasks[1].cost) == (TaskStatus.SUCCEEDED, 7.0)
    told = await world.outbox()
    assert [each.kind for each in told] == [AlertKind.LATE_COST]
    assert await entries(late) == 0


async def test_an_unknown_cost_is_said_to_be_unknown(world: World) -> None:
    job = await given_up(world)
    await world.outbox()
    world.maker.polls.append(Rendered(VIDEO))
    await world.late().call(job.id, 1, "t1")
    texts = [each.text for each in await world.outbox() if isinstance(each, Alert)]
    assert texts == ["a task succeeded after its job was refunded; provider cost unknown"]


async def test_a_video_that_cannot_be_kept_now_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await given_up(world)
    late = world.late()
    await late.order(job.id)

    async def stale(*_: object, **__: object) -> Refusal:
        return Refusal.STALE

    monkeypatch.setattr(world.store, "late", stale)
    await late.tick()
    assert await entries(late) == 1
    assert world.seen.named("job.late") == []


async def test_one_jobs_bug_does_not_end_the_watch_over_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await given_up(world)
    late = world.late()
    await late.queue.put("0-bad", "late:0-bad", b"\xff")
    await late.order(job.id)
    await late.tick()
    await late.tick()
    assert (await world.job(job.id)).video == VIDEO
    assert await entries(late) == 1


async def test_it_runs_through_a_store_that_goes_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await given_up(world)
    late = world.late()
    left = dict.fromkeys(("read", "nack", "take"), 1)

    def shaky(name: str, real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def ask(*args: object, **named: object) -> Any:
            left[name] -= 1
            if left[name] >= 0:
                raise StoreUnavailable("away")
            return await real(*args, **named)

        return ask

    monkeypatch.setattr(world.store, "read", shaky("read", world.store.read))
    for name in ("nack", "take"):
        monkeypatch.setattr(late.queue, name, shaky(name, getattr(late.queue, name)))
    await late.order(job.id)
    running = asyncio.create_task(late.run())
    await world.seen.until("store.lost", 1)  # the take
    world.clock.advance(1)
    await world.seen.until("store.lost", 3)  # the look, and giving back
    world.clock.advance(1)
    async with asyncio.timeout(60):
        await _until_due(late)
    world.clock.advance(PAUSES_S[0])
    await world.seen.until("job.late")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await late.queue.close()


async def _until_due(late: LateWatch) -> None:
    due_ms = late.clock.now_ms() + PAUSES_S[0] * 1000
    while (await late.queue.depth()).oldest_due_ms != due_ms:
        pass


async def test_a_late_notice_can_be_told(world: World) -> None:
    job = await given_up(world)
    await world.outbox()
    await world.late().call(job.id, 1, "t1")
    (notice,) = [each for each in await world.outbox() if not isinstance(each, Alert)]
    assert notice.chat_id == USER
    assert encode_notice(notice)
