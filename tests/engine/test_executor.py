"""One job carried through its life over the real store: what is durable when, what is never done twice."""

from dataclasses import replace

import pytest

from engine.ports import Accepted, CreatePlan, Delivered, Delivery, Rendered, Rendering
from engine.store import Store
from engine.values import Account
from states.job import Hint, Job, TaskStatus
from states.vocabulary import NoticeKind, Reason, Stage, State
from tests.engine.fakes import USER, VIDEO, Crash, Note, World, failed, make_world


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


async def rendering(world: World) -> Job:
    """A job whose first task is being rendered; its first poll is due."""
    job = await world.launched()
    await world.go(world.worker())
    world.clock.advance(30)
    return await world.job(job.id)


async def sending(world: World, *script: object) -> Job:
    """A job whose delivery met the script."""
    job = await rendering(world)
    world.courier.script += script
    await world.go(world.worker())
    return await world.job(job.id)


async def test_a_photo_becomes_a_paid_video(world: World) -> None:
    job = await world.launched()
    worker = world.worker()
    assert await world.go(worker) == 1
    assert await world.later(29, worker) == 0
    assert await world.later(1, worker) == 1
    done = await world.job(job.id)
    assert (done.state, done.status_message_id) == (State.DONE, 5)
    assert done.video is not None
    assert (done.video.file_id, done.video.file_kind) == ("file-9", "video")
    assert done.tasks[0].cost == 3.0
    assert await world.edges(job.id) == [
        "queued/start",
        "generating/accepted",
        "generating/rendered",
        "sending/delivered",
    ]
    assert world.maker.calls == ["upload 1", "create 1", "poll 1"]
    assert await world.engine.account(USER) == Account(90, 0)
    assert await world.running() == 0


# --- create ---------------------------------------------------------------------------------------


async def test_the_intent_is_durable_before_money_is_spent(world: World) -> None:
    job = await world.launched()
    before: list[Job] = []

    async def create(_: Job) -> Accepted:
        before.append(await world.job(job.id))
        return Accepted("t1")

    world.maker.creates.append(create)
    await world.go(world.worker())
    assert [(task.n, task.key, task.status) for task in before[0].tasks] == [(1, "main", TaskStatus.INTENT)]
    assert (await world.job(job.id)).tasks[0].status is TaskStatus.OPEN


async def test_no_intent_no_create_and_nothing_is_written(world: World) -> None:
    job = await world.launched()
    theirs: list[Job] = []

    async def slow_upload(_: Job) -> None:
        world.clock.advance(16)
        taken = await world.take(world.worker("w2"))
        assert taken is not None
        theirs.append(taken[0])

    world.maker.before_intent.append(slow_upload)
    worker = world.worker()
    taken = await world.take(worker)
    assert taken is not None
    await worker.executor.carry(taken[0])
    assert world.maker.created == 0
    assert await world.job(job.id) == theirs[0]
    assert await world.edges(job.id) == ["queued/start"]


async def test_a_checkpoint_that_was_refused_stops_the_create(world: World) -> None:
    """The clock may not tell that the job was taken away; the store does."""
    await world.launched()
    worker = world.worker()
    taken = await world.take(worker)
    assert taken is not None

    async def meanwhile(job: Job) -> None:
        await world.store.park(job, world.clock.now_ms())

    world.maker.before_intent.append(meanwhile)
    await worker.executor.carry(taken[0])
    assert world.maker.created == 0
    assert world.seen.named("job.refused")[0]["trigger"] == "note"


async def test_a_task_accepted_under_a_lost_lease_is_adopted(world: World) -> None:
    job = await world.launched()
    second = world.worker("w2")

    async def slow(_: Job) -> Accepted:
        world.clock.advance(16)
        await world.go(second)
        return Accepted("bought-late")

    world.maker.creates.append(slow)
    first = world.worker()
    taken = await world.take(first)
    assert taken is not None
    await first.executor.carry(taken[0])
    assert (await world.job(job.id)).hints == (Hint("callback", 1, "bought-late"),)
    await world.go(second)
    adopted = await world.job(job.id)
    assert [(t.task_id, t.status) for t in adopted.tasks] == [("bought-late", TaskStatus.SUCCEEDED)]
    assert (adopted.state, world.maker.created) == (State.DONE, 1)


async def test_a_create_that_raises_may_have_arrived(world: World) -> None:
    job = await world.launched()
    world.maker.creates.append(Crash())
    worker = world.worker()
    await world.go(worker)
    waiting = await world.job(job.id)
    assert (waiting.state, waiting.last_reason) == (State.RETRY_WAIT, Reason.CREATE_UNKNOWN)
    assert (await world.engine.history(job.id))[-1]["in"]["rule"] == "engine.adapter_bug"
    assert waiting.tasks[0].status is TaskStatus.INTENT
    assert await world.running() == 0
    await world.later(waiting.retry_at_ms / 1000 - world.clock.now_ms() / 1000, worker)
    assert world.maker.created == 2


async def test_an_upload_that_raises_has_bought_nothing(world: World) -> None:
    job = await world.launched()
    world.maker.before_intent.append(Crash())
    await world.go(world.worker())
    waiting = await world.job(job.id)
    assert (waiting.last_reason, waiting.tasks) == (Reason.UNKNOWN, ())
    assert "create_unknown" not in waiting.counts
    assert await world.running() == 0


async def test_a_plan_that_raises_is_a_system_failure(world: World) -> None:
    job = await world.launched()
    world.maker.plans.append(Crash())
    await world.go(world.worker())
    assert (await world.job(job.id)).last_reason == Reason.UNKNOWN


async def test_an_accepted_task_is_recorded_though_its_first_look_is_unknown(world: World) -> None:
    job = await world.launched()
    world.maker.first_s = Crash()
    worker = world.worker()
    await world.go(worker)
    assert (await world.job(job.id)).tasks[0].task_id == "t1"
    assert await world.later(29, worker) == 0
    assert await world.later(1, worker) == 1


async def test_a_refused_create_costs_nothing_and_frees_its_slot(world: World) -> None:
    job = await world.launched()
    world.maker.creates.append(failed(Reason.UNAVAILABLE))
    await world.go(world.worker())
    waiting = await world.job(job.id)
    assert (waiting.state, waiting.tasks[0].status) == (State.RETRY_WAIT, TaskStatus.REFUSED)
    assert await world.running() == 0


async def test_another_key_is_tried_at_once(world: World) -> None:
    job = await world.launched()
    world.maker.plans += [CreatePlan("m1", "main"), CreatePlan("m1", "spare")]
    world.maker.creates.append(failed(Reason.PROVIDER_BALANCE, alternative=True, refused="m1|main"))
    worker = world.worker()
    assert await world.go(worker) == 2
    tasks = (await world.job(job.id)).tasks
    assert [(t.key, t.status) for t in tasks] == [("main", TaskStatus.REFUSED), ("spare", TaskStatus.OPEN)]
    assert await world.engine.paused() == ""


async def test_a_photo_that_was_refused_ends_at_once_with_the_credits_back(world: World) -> None:
    job = await world.launched()
    world.maker.creates.append(failed(Reason.IMAGE_TOO_DARK))
    await world.go(world.worker())
    assert (await world.job(job.id)).state is State.REFUNDED
    assert await world.engine.account(USER) == Account(100, 0)
    assert await world.running() == 0


# --- render ---------------------------------------------------------------------------------------


async def test_waiting_moves_only_the_due_time(world: World) -> None:
    job = await rendering(world)
    before = await world.engine.history(job.id)
    world.maker.polls += [Rendering(20), Rendering(40)]
    worker = world.worker()
    assert await world.go(worker) == 1
    parked = await world.job(job.id)
    assert (parked.seq, parked.epoch) == (job.seq, job.epoch + 1)
    assert await world.engine.history(job.id) == before
    assert await world.later(19, worker) == 0
    assert await world.later(1, worker) == 1
    assert await world.later(40, worker) == 1
    assert (await world.job(job.id)).state is State.DONE


async def test_a_render_holds_no_lease(world: World) -> None:
    job = await rendering(world)
    world.maker.polls.append(Rendering(300))
    await world.go(world.worker())
    assert await world.later(100, world.worker("w2")) == 0
    assert await world.edges(job.id) == ["queued/start", "generating/accepted"]
    lost = await world.store.beat("w1", [(job.id, job.epoch + 1)], lease_ms=15_000)
    assert lost == [job.id]


async def test_a_poll_that_raises_keeps_the_task(world: World) -> None:
    job = await rendering(world)
    world.maker.polls.append(Crash())
    await world.go(world.worker())
    waiting = await world.job(job.id)
    assert (waiting.last_reason, waiting.tasks[0].status) == (Reason.UNKNOWN, TaskStatus.OPEN)
    assert await world.running() == 1
    await world.later(10, world.worker())
    assert ((await world.job(job.id)).state, world.maker.created) == (State.DONE, 1)


async def test_a_failed_task_frees_its_slot_and_another_is_bought(world: World) -> None:
    job = await rendering(world)
    world.maker.polls.append(failed(Reason.PROVIDER_ERROR, task_dead=True, cost=0.0))
    worker = world.worker()
    await world.go(worker)
    assert await world.running() == 0
    await world.later(10, worker)
    assert await world.running() == 1
    tasks = (await world.job(job.id)).tasks
    assert [t.status for t in tasks] == [TaskStatus.FAILED, TaskStatus.OPEN]


async def two_tasks(world: World) -> Job:
    """A job whose first task is past its hard limit, and which has bought another one."""
    job = await rendering(world)
    world.maker.polls.append(failed(Reason.RENDER_TIMEOUT, task_dead=True))
    await world.go(world.worker())
    await world.later(12, world.worker())
    world.clock.advance(30)
    both = await world.job(job.id)
    assert [t.status for t in both.tasks] == [TaskStatus.OVERDUE, TaskStatus.OPEN]
    return both


async def test_an_overdue_task_does_not_fail_the_job_while_another_renders(world: World) -> None:
    job = await two_tasks(world)
    history = await world.engine.history(job.id)
    world.maker.polls += [failed(Reason.RENDER_TIMEOUT, task_dead=True), Rendering(10)]
    await world.go(world.worker())
    assert world.maker.calls[-2:] == ["poll 1", "poll 2"]
    assert await world.engine.history(job.id) == history
    await world.later(10, world.worker())
    assert (await world.job(job.id)).state is State.DONE


async def test_the_other_task_brings_the_video(world: World) -> None:
    job = await two_tasks(world)
    world.maker.polls += [failed(Reason.NETWORK), Rendered(VIDEO)]
    await world.go(world.worker())
    done = await world.job(job.id)
    assert (done.state, done.tasks[1].status) == (State.DONE, TaskStatus.SUCCEEDED)
    assert await world.running() == 0


async def test_a_dead_task_is_noted_and_not_asked_again(world: World) -> None:
    job = await two_tasks(world)
    world.maker.polls += [failed(Reason.PROVIDER_ERROR, task_dead=True, cost=1.5), Rendering(10)]
    await world.go(world.worker())
    noted = await world.job(job.id)
    assert (noted.tasks[0].status, noted.tasks[0].cost) == (TaskStatus.FAILED, 1.5)
    await world.later(10, world.worker())
    assert world.maker.calls[-1] == "poll 2"
    assert (await world.job(job.id)).state is State.DONE


async def test_when_all_tasks_have_failed_the_newest_one_tells_why(world: World) -> None:
    job = await two_tasks(world)
    dead = failed(Reason.PROVIDER_ERROR, task_dead=True)
    world.maker.polls += [dead, failed(Reason.CORRUPTED_VIDEO, task_dead=True)]
    await world.go(world.worker())
    waiting = await world.job(job.id)
    assert waiting.last_reason == Reason.CORRUPTED_VIDEO
    assert [t.status for t in waiting.tasks] == [TaskStatus.FAILED, TaskStatus.FAILED]
    assert await world.running() == 0


async def test_a_note_that_was_refused_ends_the_watch(world: World) -> None:
    job = await two_tasks(world)

    async def meanwhile(_: object) -> Rendering:
        await world.store.park(await world.job(job.id), world.clock.now_ms())
        return Rendering(10)

    world.maker.polls += [failed(Reason.PROVIDER_ERROR, task_dead=True), meanwhile]
    worker = world.worker()
    taken = await world.take(worker)
    assert taken is not None
    await worker.executor.carry(taken[0])
    assert (await world.job(job.id)).tasks == job.tasks


async def test_a_job_that_ends_with_open_tasks_holds_no_slot(world: World) -> None:
    job = await rendering(world)
    world.maker.polls.append(Rendering(20))
    await world.go(world.worker())
    assert await world.running() == 1
    await world.later(3600, world.worker())
    assert (await world.job(job.id)).state is State.REFUNDED
    assert await world.running() == 0


async def test_a_render_that_lives_on_after_a_give_up_holds_no_slot(world: World) -> None:
    job = await rendering(world)
    for _ in range(6):
        world.maker.polls.append(failed(Reason.NETWORK))
        await world.later(400, world.worker())
    ended = await world.job(job.id)
    assert (ended.state, ended.tasks[0].status) == (State.REFUNDED, TaskStatus.OPEN)
    assert await world.running() == 0


async def test_a_callback_brings_the_look_forward(world: World) -> None:
    job = await world.launched()
    worker = world.worker()
    await world.go(worker)
    await world.engine.hint(job.id, Hint("callback", 1, "t1"))
    assert await world.go(worker) == 1
    assert (await world.job(job.id)).state is State.DONE


async def test_a_retry_does_not_wake_early(world: World) -> None:
    job = await rendering(world)
    world.maker.polls.append(failed(Reason.NETWORK, retry_after_s=45))
    worker = world.worker()
    await world.go(worker)
    left_s = ((await world.job(job.id)).retry_at_ms - world.clock.now_ms()) / 1000
    assert left_s >= 45
    assert await world.later(left_s - 0.001, worker) == 0
    assert await world.later(0.001, worker) > 0
    assert (await world.job(job.id)).state is State.DONE


async def test_a_notice_in_between_does_not_end_the_wait(world: World) -> None:
    job = await rendering(world)
    world.maker.polls.append(failed(Reason.NETWORK, retry_after_s=1200))
    worker = world.worker()
    await world.go(worker)
    assert await world.later(570, worker) == 1
    waiting = await world.job(job.id)
    assert (waiting.state, waiting.told) == (State.RETRY_WAIT, frozenset({NoticeKind.PATIENCE}))
    left_s = (waiting.retry_at_ms - world.clock.now_ms()) / 1000
    assert await world.later(left_s - 0.001, worker) == 0
    assert await world.later(0.001, worker) == 1
    assert (await world.job(job.id)).state is State.DONE


# --- patience -------------------------------------------------------------------------------------


async def kinds(world: World) -> list[NoticeKind | str]:
    return [each.kind for each in await world.outbox()]


async def test_patience_is_asked_for_once_by_time(world: World) -> None:
    await rendering(world)
    world.maker.polls += [Rendering(900), Rendering(900), Rendering(900)]
    await world.go(world.worker())
    await world.outbox()
    await world.later(570, world.worker())
    assert await kinds(world) == [NoticeKind.PATIENCE]
    await world.later(900, world.worker())
    for _ in range(5):
        world.maker.polls.append(failed(Reason.NETWORK))
        await world.later(1, world.worker())
        await world.later(380, world.worker())
    assert NoticeKind.PATIENCE not in await kinds(world)


async def test_patience_is_asked_for_once_by_the_fifth_failure(world: World) -> None:
    job = await rendering(world)
    worker = world.worker()
    for _ in range(5):
        world.maker.polls.append(failed(Reason.NETWORK))
        await world.go(worker)
        waiting = await world.job(job.id)
        if waiting.counts["generating.transient"] < 5:
            world.clock.set(waiting.retry_at_ms)
    assert (await world.job(job.id)).counts["generating.transient"] == 5
    assert (await kinds(world)).count(NoticeKind.PATIENCE) == 1
    world.clock.set(job.created_ms + 600_000)
    world.maker.polls.append(Rendering(900))
    await world.go(worker)
    assert NoticeKind.PATIENCE not in await kinds(world)


async def test_a_notice_does_not_start_a_job_before_its_turn(world: World) -> None:
    job = await world.launched()
    worker = world.worker()
    world.clock.advance(600)
    assert await world.go(worker, queued_ok=False) == 1
    assert await kinds(world) == [NoticeKind.PATIENCE]
    assert (await world.job(job.id)).state is State.QUEUED
    assert await world.engine.place_in_line(job.id) == 1
    assert await world.go(worker) == 1
    assert (await world.job(job.id)).state is State.GENERATING


async def test_a_notice_that_cannot_be_noted_is_dropped(world: World) -> None:
    job = await world.launched()
    worker = world.worker()
    world.clock.advance(600)
    taken = await world.take(worker)
    assert taken is not None
    await world.store.park(taken[0], world.clock.now_ms())
    await worker.executor.carry(taken[0])
    assert (await world.job(job.id)).told == frozenset()


# --- delivery -------------------------------------------------------------------------------------


async def test_a_begun_delivery_is_durable_and_the_next_one_looks_first(world: World) -> None:
    job = await sending(world, failed(Reason.SEND_UNKNOWN, Stage.SENDING))
    assert (job.state, job.send_attempts) == (State.RETRY_WAIT, 1)
    await world.later(3, world.worker())
    assert [d.verify_first for d in world.courier.deliveries] == [False, True]
    assert (await world.job(job.id)).state is State.DONE
    assert len(world.maker.calls) == 3


async def test_a_courier_that_raises_may_have_sent(world: World) -> None:
    job = await sending(world, Crash())
    assert (job.state, job.last_reason) == (State.RETRY_WAIT, Reason.SEND_UNKNOWN)
    assert (await world.engine.history(job.id))[-1]["in"]["rule"] == "engine.adapter_bug"


async def test_what_a_courier_learns_is_kept(world: World) -> None:
    async def learn(_: Delivery, note: Note) -> object:
        await note({"status_message_id": 88})
        await note({"file_id": "f-1"})
        return failed(Reason.SEND_TIMEOUT, Stage.SENDING)

    job = await sending(world, learn)
    assert job.status_message_id == 88
    assert job.video is not None
    assert (job.video.file_id, job.video.file_kind) == ("f-1", "video")


async def test_a_status_message_that_is_gone_is_forgotten(world: World) -> None:
    gone = failed(Reason.SEND_TIMEOUT, Stage.SENDING, status_message_gone=True)
    job = await sending(world, gone)
    assert job.status_message_id is None


async def test_a_link_keeps_the_file_id_it_had(world: World) -> None:
    async def learn(_: Delivery, note: Note) -> Delivered:
        await note({"file_id": "f-1"})
        return Delivered(0, "", "link")

    job = await sending(world, learn)
    assert job.video is not None
    assert (job.state, job.video.file_id, job.video.file_kind) == (State.DONE, "f-1", "link")
    assert job.status_message_id == 5


async def test_a_refused_checkpoint_ends_the_delivery_quietly(world: World) -> None:
    """The courier must not go on to send; and it is no bug of the courier's."""
    job = await rendering(world)
    reached: list[str] = []

    async def taken_away(delivery: Delivery, note: Note) -> Delivered:
        await world.store.park(delivery.job, world.clock.now_ms())
        await note({"file_id": "f-1"})
        reached.append("sent")
        return Delivered(5, "", "video")

    world.courier.script.append(taken_away)
    worker = world.worker()
    taken = await world.take(worker)
    assert taken is not None
    await worker.executor.carry(taken[0])
    assert reached == []
    parked = await world.job(job.id)
    assert (parked.state, parked.send_attempts) == (State.SENDING, 1)
    assert (await world.edges(job.id))[-1] == "generating/rendered"


async def test_a_delivery_that_cannot_be_begun_is_not_begun(world: World) -> None:
    await sending(world, failed(Reason.SEND_TIMEOUT, Stage.SENDING))
    world.clock.advance(6)
    worker = world.worker()
    taken = await world.take(worker)
    assert taken is not None
    resumed = await worker.executor._step(taken[0])
    assert resumed is not None
    await world.store.park(resumed, world.clock.now_ms())
    await worker.executor.carry(resumed)
    assert len(world.courier.deliveries) == 1


async def test_a_user_who_comes_back_gets_the_video_at_once(world: World) -> None:
    job = await sending(world, failed(Reason.USER_GONE, Stage.SENDING))
    assert job.state is State.RETRY_WAIT
    assert await world.later(60, world.worker()) == 0
    assert await world.engine.user_returned(USER) == 1
    await world.go(world.worker())
    assert (await world.job(job.id)).state is State.DONE


async def test_sending_without_a_video_is_a_system_failure(world: World) -> None:
    job = await sending(world, failed(Reason.SEND_TIMEOUT, Stage.SENDING))
    world.clock.advance(6)
    worker = world.worker()
    taken = await world.take(worker)
    assert taken is not None
    resumed = await worker.executor._step(taken[0])
    assert resumed is not None
    await worker.executor.carry(replace(resumed, video=None))
    assert (await world.job(job.id)).last_reason == Reason.BAD_RESPONSE
