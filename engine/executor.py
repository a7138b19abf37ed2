"""One claimed job, carried as far as it can go: look, act, decide, commit, in a straight line.

Everything before an outside call is durable (an intent, a begun delivery), everything after it is one
commit. A refused commit means somebody else has the job now: it is dropped without another write.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from engine import logbook
from engine.committer import Committer
from engine.gate import Gate
from engine.ports import (
    Accepted,
    Clock,
    Courier,
    Delivered,
    Delivery,
    Failed,
    Rendered,
    Rendering,
    VideoMaker,
)
from states.decide import PlannedNotice
from states.facts import Happening
from states.job import Job, ProviderTask, TaskStatus, Video
from states.plan import Create, Deliver, Fire, Over, Poll, Tell, Wait, next_step
from states.vocabulary import ErrorClass, Failure, NoticeKind, Reason, State, Trigger, Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Executor:
    """Carries jobs. Holds no state of its own: nothing outlives a job."""

    committer: Committer
    maker: VideoMaker
    courier: Courier
    gate: Gate
    clock: Clock
    still_ours: Callable[[Job], bool]
    """Is the lease of this job surely still ours? Asked before each outside call."""

    async def carry(self, job: Job, *, lost: Reason | None = None) -> None:
        """Take a claimed job as far as it goes now. `lost`: why its last lease ran out, if it did."""
        held: Job | None = job
        if lost is not None and job.state in (State.GENERATING, State.SENDING):
            held = await self._error(job, _engine_verdict(lost))
        try:
            while held is not None:
                held = await self._step(held)
        except asyncio.CancelledError:
            if held is not None:  # stopped gracefully: the next worker need not wait for the lease
                await self.committer.park(held, self.clock.now_ms())
            raise

    async def _step(self, job: Job) -> Job | None:
        now_ms = self.clock.now_ms()
        match next_step(job, now_ms, self.committer.strategy):
            case Over():
                return None
            case Wait(until_ms):
                await self.committer.park(job, until_ms, seen=len(job.hints))
                return None
            case Tell(notice):
                return await self._tell(job, notice)
            case Fire(trigger, what):
                return await self.committer.fire(job, trigger, what)
            case Create(n):
                return await self._create(job, n)
            case Poll(tasks):
                return await self._poll(job, tasks)
            case Deliver(verify_first):
                return await self._deliver(job, verify_first=verify_first)

    async def _tell(self, job: Job, notice: NoticeKind) -> Job | None:
        told = replace(job, told=job.told | {notice})
        return await self.committer.note(told, (PlannedNotice(notice, {"reason": job.last_reason}),))

    # --- generating -----------------------------------------------------------------------------

    async def _create(self, job: Job, n: int) -> Job | None:
        plan = self.maker.plan_create(job)
        if isinstance(plan, Failed):
            await self.gate.incident(plan)
            return await self._failed(job, plan)
        wait_until_ms = await self.gate.enter(job, n, plan)
        if wait_until_ms is not None:
            await self.committer.park(job, wait_until_ms)
            return None
        task = ProviderTask(n, plan.model, plan.key, TaskStatus.INTENT, self.clock.now_ms())
        box = _Box(job)

        async def intent() -> bool:
            """Make the intent durable; only then may money be spent."""
            noted = await self.committer.note(replace(box.job, tasks=(*box.job.tasks, task)))
            box.job = noted or box.job
            box.lost = noted is None or not self.still_ours(box.job)
            return not box.lost

        outcome = await self._guarded(self.maker.create(job, task, intent), Reason.CREATE_UNKNOWN)
        if box.lost:
            return None
        await self.gate.report(plan, outcome)
        if isinstance(outcome, Accepted):
            what = Happening(task_n=n, task_id=outcome.task_id)
            first_s = self.maker.first_poll_s(plan.model)
            return await self.committer.fire(box.job, Trigger.ACCEPTED, what, first_poll_s=first_s)
        await self.gate.leave(box.job, task)
        return await self._failed(box.job, outcome, task_n=n)

    async def _poll(self, job: Job, tasks: tuple[ProviderTask, ...]) -> Job | None:
        waits: list[float] = []
        for task in tasks:
            outcome: Rendering | Rendered | Failed
            outcome = await self._guarded(self.maker.poll(job, task), Reason.UNKNOWN)
            await self.gate.answered(task, outcome)
            match outcome:
                case Rendering(poll_after_s):
                    waits.append(poll_after_s)
                case Rendered(video, cost):
                    await self.gate.leave(job, task)
                    what = Happening(task_n=task.n, cost=cost)
                    return await self.committer.fire(job, Trigger.RENDERED, what, video=video)
                case Failed():
                    if outcome.task_dead:
                        await self.gate.leave(job, task)
                    return await self._failed(job, outcome, task_n=task.n)
        await self.committer.park(job, self.clock.now_ms() + round(min(waits) * 1000), seen=len(job.hints))
        return None

    # --- sending --------------------------------------------------------------------------------

    async def _deliver(self, job: Job, *, verify_first: bool) -> Job | None:
        video = job.video
        if video is None:  # a bug of ours; the table knows what to do about it
            return await self._error(job, _engine_verdict(Reason.BAD_RESPONSE))
        begun = await self.committer.note(replace(job, send_attempts=job.send_attempts + 1))
        if begun is None or not self.still_ours(begun):
            return None
        box = _Box(begun)

        async def note(facts: Mapping[str, int | str]) -> None:
            noted = await self.committer.note(_with_facts(box.job, facts))
            box.job, box.lost = noted or box.job, noted is None

        outcome = await self._guarded(
            self.courier.deliver(Delivery(begun, video, verify_first), note), Reason.SEND_UNKNOWN
        )
        if box.lost:
            return None
        if isinstance(outcome, Delivered):
            return await self._delivered(box.job, video, outcome)
        if outcome.status_message_gone:
            box.job = replace(box.job, status_message_id=None)
        return await self._failed(box.job, outcome)

    async def _delivered(self, job: Job, video: Video, outcome: Delivered) -> Job | None:
        seen = replace(
            job.video or video,
            file_id=outcome.file_id or (job.video or video).file_id,
            file_kind=outcome.file_kind,
        )
        moved = replace(job, status_message_id=outcome.message_id or job.status_message_id)
        return await self.committer.fire(moved, Trigger.DELIVERED, Happening(), video=seen)

    # --- failures -------------------------------------------------------------------------------

    async def _failed(self, job: Job, failed: Failed, *, task_n: int = 0) -> Job | None:
        what = Happening(
            verdict=failed.verdict,
            task_n=task_n,
            task_dead=failed.task_dead,
            alternative=failed.alternative,
            refused=failed.refused,
            cost=failed.cost,
        )
        return await self.committer.fire(job, Trigger.ERROR, what, failure=failed.failure)

    async def _error(self, job: Job, verdict: Verdict) -> Job | None:
        return await self.committer.fire(job, Trigger.ERROR, Happening(verdict=verdict))

    async def _guarded(self, call: Awaitable[T | Failed], doubt: Reason) -> T | Failed:
        """An adapter answers with values; what it raises is our bug, and its effect is in doubt."""
        try:
            return await call
        except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a system failure
            logbook.crash("adapter.failed", error)
            failure = Failure(
                "engine", "adapter", exception=f"{type(error).__module__}.{type(error).__name__}"
            )
            return Failed(failure, _engine_verdict(doubt, "engine.adapter_bug"))


@dataclass(slots=True)
class _Box:
    """The newest snapshot of a job while an adapter makes checkpoints."""

    job: Job
    lost: bool = False


_CLASSES = {
    Reason.CREATE_UNKNOWN: ErrorClass.AMBIGUOUS,
    Reason.SEND_UNKNOWN: ErrorClass.AMBIGUOUS,
}


def _engine_verdict(reason: Reason, rule: str = "") -> Verdict:
    return Verdict(_CLASSES.get(reason, ErrorClass.SYSTEM), reason, rule or f"engine.{reason}")


def _with_facts(job: Job, facts: Mapping[str, int | str]) -> Job:
    video = job.video
    if video is not None and "file_id" in facts:
        video = replace(video, file_id=str(facts["file_id"]), file_kind=str(facts.get("file_kind", "video")))
    message = facts.get("status_message_id", job.status_message_id)
    return replace(job, video=video, status_message_id=int(message) if message is not None else None)
