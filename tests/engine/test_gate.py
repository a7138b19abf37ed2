"""The provider's gate: who waits, what pauses launches, and how they open again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.config import EngineConfig, LimitsConfig
from engine.errors import StoreUnavailable
from engine.gate import PAUSE_LOOK_MS, PAUSE_MS
from engine.limits import Limits
from engine.ports import Accepted, Alert, CreatePlan
from engine.store import Store
from engine.values import EntryKind, NewJob, Submission
from states.job import Hint, Request, TaskStatus
from states.vocabulary import NoticeKind, Reason, State
from tests.engine.fakes import World, failed, make_world

LOOK_S = PAUSE_LOOK_MS / 1000
NO_BALANCE = failed(Reason.PROVIDER_BALANCE)


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


@dataclass(slots=True)
class Away:
    """A store that does not answer."""

    asked: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def ask(*_: object, **__: object) -> None:
            self.asked.append(name)
            raise StoreUnavailable("away")

        return ask


async def test_not_now_parks_without_spending_anything(store: Store) -> None:
    world = await make_world(store, EngineConfig(limits=LimitsConfig(renders_per_user=1)))
    await world.launched("one")
    second = await world.launched("two")
    worker = world.worker()
    await world.go(worker)
    waiting = await world.job(second.id)
    assert (waiting.state, dict(waiting.counts), waiting.tasks) == (State.GENERATING, {}, ())
    assert world.maker.created == 1
    assert await world.edges(second.id) == ["queued/start"]
    await world.later(30, worker)  # the first one's poll brings its video and frees the slot
    await world.later(10, worker)
    assert world.maker.created == 2


async def test_a_closed_provider_keeps_the_line_waiting(world: World) -> None:
    first = await world.launched("one")
    world.maker.creates.append(failed(Reason.RATE_LIMITED, retry_after_s=60))
    worker = world.worker()
    await world.go(worker)
    assert (await world.job(first.id)).state is State.RETRY_WAIT
    opens_ms = await worker.gate.opens_ms()
    assert opens_ms == world.clock.now_ms() + 60_000
    world.clock.advance(60)
    assert await worker.gate.opens_ms() is None


async def test_a_hint_does_not_make_a_waiting_job_spin(world: World) -> None:
    """A stale hint of a task that is over would make the job due again and again."""
    job = await world.launched()
    world.maker.creates.append(failed(Reason.RATE_LIMITED, retry_after_s=300))
    worker = world.worker()
    await world.go(worker)
    world.clock.advance(30)
    await world.engine.hint(job.id, Hint("callback", 1, "t1"))
    assert await world.go(worker) <= 2
    assert (await world.job(job.id)).hints == ()


@pytest.mark.parametrize(
    ("reason", "what"), [(Reason.MODEL_RETIRED, "model m1"), (Reason.PROVIDER_AUTH, "key main")]
)
async def test_the_operator_hears_of_what_another_one_took_over(
    world: World, reason: Reason, what: str
) -> None:
    job = await world.launched()
    world.maker.plans += [CreatePlan("m1", "main"), CreatePlan("m2", "spare")]
    world.maker.creates.append(failed(reason, alternative=True, refused="m1|main"))
    await world.go(world.worker())
    assert (await world.job(job.id)).tasks[1].model == "m2"
    assert await world.engine.paused() == ""
    alerts = [each for each in await world.outbox() if isinstance(each, Alert)]
    assert [alert.fingerprint for alert in alerts] == [f"incident:{reason}:{what}"]
    assert what in alerts[0].text
    assert "took over" in alerts[0].text


async def test_an_operators_fault_pauses_and_the_first_success_opens(world: World) -> None:
    job = await world.launched()
    world.maker.creates.append(NO_BALANCE)
    worker = world.worker()
    await world.go(worker)
    assert await world.engine.paused() == "incident:provider_balance"
    assert (await world.job(job.id)).state is State.RETRY_WAIT
    kinds = [each.kind for each in await world.outbox()]
    assert kinds.count("incident") == 1
    assert kinds.count(NoticeKind.SERVICE_PAUSED) == 1
    world.clock.advance(400)
    await world.go(worker)
    assert world.maker.created == 2
    assert await world.engine.paused() == ""
    assert [event["reason"] for event in world.seen.named("launches.resumed")] == ["accepted"]


async def test_no_key_at_all_is_an_incident_too(world: World) -> None:
    job = await world.launched()
    world.maker.plans.append(failed(Reason.PROVIDER_AUTH))
    await world.go(world.worker())
    assert await world.engine.paused() == "incident:provider_auth"
    assert (await world.job(job.id)).state is State.RETRY_WAIT


async def test_an_unreachable_photo_pauses_nobody(world: World) -> None:
    await world.launched()
    world.maker.plans.append(failed(Reason.PHOTO_UNREACHABLE))
    await world.go(world.worker())
    assert await world.engine.paused() == ""


async def test_the_operators_own_pause_stays(world: World) -> None:
    job = await world.launched()
    await world.engine.pause("maintenance")
    world.maker.creates.append(NO_BALANCE)
    worker = world.worker()
    await world.go(worker)
    assert await world.engine.paused() == "maintenance"
    world.clock.advance(400)
    await world.go(worker)
    assert (await world.job(job.id)).tasks[-1].task_id is not None
    assert await world.engine.paused() == "maintenance"
    world.clock.advance(LOOK_S)
    await worker.gate.watch_pause()
    world.clock.advance(PAUSE_MS / 1000)
    await worker.gate.watch_pause()
    assert await world.engine.paused() == "maintenance"


async def test_a_pause_that_nothing_confirms_ends_by_itself(world: World) -> None:
    """All deferred jobs have ended: the next user's launch is the probe."""
    await world.engine.pause("incident:provider_balance")
    worker = world.worker()
    world.clock.advance(LOOK_S)
    await worker.gate.watch_pause()
    world.clock.advance(PAUSE_MS / 1000 - 0.001)
    await worker.gate.watch_pause()
    assert await world.engine.paused() != ""
    world.clock.advance(LOOK_S)
    await worker.gate.watch_pause()
    assert await world.engine.paused() == ""
    assert [event["reason"] for event in world.seen.named("launches.resumed")] == ["unconfirmed"]
    await world.launched()


async def test_a_new_sign_of_the_incident_keeps_the_pause(world: World) -> None:
    await world.engine.pause("incident:provider_balance")
    worker = world.worker()
    world.clock.advance(LOOK_S)
    await worker.gate.watch_pause()
    world.clock.advance(PAUSE_MS / 1000 - 1)
    await worker.gate.incident(NO_BALANCE)
    world.clock.advance(LOOK_S)
    await worker.gate.watch_pause()
    assert await world.engine.paused() != ""


async def test_the_pause_is_looked_at_now_and_then(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = world.worker()
    await worker.gate.watch_pause()
    away = Away()
    monkeypatch.setattr(worker.gate, "paused", away("paused"))
    world.clock.advance(LOOK_S - 0.001)
    await worker.gate.watch_pause()
    assert away.asked == []


async def test_another_workers_pause_is_lifted_by_our_success(world: World) -> None:
    worker = world.worker()
    plan = CreatePlan("m1", "main")
    await worker.gate.report(plan, Accepted("t1"))
    await world.engine.pause("incident:provider_auth")  # by another process
    world.clock.advance(LOOK_S)
    await worker.gate.watch_pause()
    await worker.gate.report(plan, Accepted("t2"))
    assert await world.engine.paused() == ""


async def test_launches_are_refused_while_paused_and_charge_nothing(world: World) -> None:
    await world.engine.grant(7, 10, "gift", EntryKind.GRANT)
    await world.engine.pause("incident:provider_auth")
    request = Request(chat_id=7, photo="p", template="own", prompt="", model="m1")
    submitted = await world.engine.submit(NewJob("tap", 7, 5, request))
    assert (submitted.result, submitted.balance) == (Submission.PAUSED, 10)


async def test_a_poll_that_was_limited_closes_the_account_for_all(world: World) -> None:
    await world.launched()
    worker = world.worker()
    await world.go(worker)
    world.maker.polls.append(failed(Reason.RATE_LIMITED, retry_after_s=120))
    await world.later(30, worker)
    world.clock.advance(1)
    assert await worker.gate.opens_ms() is not None


async def test_a_store_that_is_away_makes_the_gate_wait_not_fail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await world.launched()
    away = Away()
    worker = world.worker()
    with monkeypatch.context() as patched:
        patched.setattr(Limits, "start_permit", away("permit"))
        await world.go(worker)
    assert (await world.job(job.id)).state is State.GENERATING
    assert world.maker.calls == []
    with monkeypatch.context() as patched:
        for verb in ("release", "report"):
            patched.setattr(Limits, verb, away(verb))
        patched.setattr(worker.gate, "paused", away("paused"))
        world.maker.creates += [NO_BALANCE, Accepted("t2")]
        await world.later(1, worker)
        await world.later(40, worker)
    assert (await world.job(job.id)).tasks[-1].task_id == "t2"
    assert set(away.asked) == {"permit", "release", "report", "paused"}


async def test_one_report_tells_of_all_calls_that_went_well_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    real = Limits.report

    async def report(self: Limits, *args: Any, times: int = 1) -> int:
        told.append(times)
        return await real(self, *args, times=times)

    monkeypatch.setattr(Limits, "report", report)
    gate, plan = world.worker().gate, CreatePlan("m1", "main")
    limits = world.engine.limits
    await limits.start_permit("kie", "main", model="m1", holder="j:2", user_id=1, retry=True)
    before = (await limits.health("kie")).retry_tokens
    await asyncio.gather(*(gate.report(plan, Accepted(f"t{n}")) for n in range(7)))
    assert sum(told) == 7
    assert len(told) == 2
    assert (await limits.health("kie")).retry_tokens == pytest.approx(before + 7 * 0.1)


async def test_a_plan_that_only_rests_spends_no_attempt(world: World) -> None:
    """Nobody was called: the breaker of others' failures makes the job wait, as any limit does."""
    job = await world.launched()
    resting = failed(Reason.UNAVAILABLE, retry_after_s=40)
    world.maker.plans += [resting, resting]
    worker = world.worker()
    await world.go(worker)
    waiting = await world.job(job.id)
    assert (waiting.state, dict(waiting.counts), waiting.tasks) == (State.GENERATING, {}, ())
    assert await world.later(39, worker) == 0
    assert await world.later(1, worker) == 1
    assert await world.later(40, worker) == 1
    after = await world.job(job.id)
    assert (dict(after.counts), after.tasks[0].status) == ({}, TaskStatus.OPEN)
    assert await world.edges(job.id) == ["queued/start", "generating/accepted"]


async def test_a_plan_without_a_time_to_wait_for_is_a_failure(world: World) -> None:
    job = await world.launched()
    world.maker.plans.append(failed(Reason.UNAVAILABLE))
    await world.go(world.worker())
    assert (await world.job(job.id)).last_reason == Reason.UNAVAILABLE
