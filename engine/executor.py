"""One claimed job, carried as far as it can go: look, act, decide, commit, in a straight line.

Everything before an outside call is durable (an intent, a begun delivery), everything after it is one
commit. A refused commit means somebody else has the job now: it is dropped without another write. Before
each outside call the worker asks itself whether it may still act: whether its lease surely lives, and
whether it was told to stop.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from engine import logbook
from engine.committer import Committer
from engine.gate import Gate
from engine.mishaps import TakenAway, bug, engine_verdict, guarded, happening, rest_s
from engine.ports import (
    Accepted,
    Clock,
    Courier,
    CreatePlan,
    Delivered,
    Delivery,
    Failed,
    Rendered,
    Rendering,
    VideoMaker,
)
from engine.unbroken import asked_to_stop
from states.decide import PlannedNotice
from states.facts import Happening, after_failure
from states.job import Job, ProviderTask, TaskStatus, Video, copy_job
from states.plan import Create, Fire, Over, Poll, Tell, Wait, next_step
from states.vocabulary import TERMINALS, NoticeKind, Reason, State, Trigger, Verdict

FIRST_POLL_S = 30.0
"""When the provider's adapter cannot say it: a paid task is looked at all the same."""


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
        try:
            if not await self.committer.can_judge(job):
                return
            if lost is not None and job.state in (State.GENERATING, State.SENDING):
                held = await self._error(job, engine_verdict(lost))
            begun = False
            while held is not None:
                _end_if_asked()
                before, held = held.state, await self._step(held, begun=begun)
                begun = before is State.GENERATING and held is not None and held.state is State.SENDING
        except asyncio.CancelledError:
            if held is not None and held.state not in TERMINALS:
                await self.committer.hand_back(held)  # the next worker need not wait for the lease
            raise

    async def _step(self, job: Job, *, begun: bool = False) -> Job | None:
        """`begun`: the commit that brought the job here has begun its delivery too."""
        now_ms = self.clock.now_ms()
        match next_step(job, now_ms, self.committer.judges.strategy(job)):
            case Over():
                await self.gate.leave_all(job)
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
            case deliver:
                return await self._deliver(job, verify_first=deliver.verify_first and not begun, begun=begun)

    async def _tell(self, job: Job, notice: NoticeKind) -> Job | None:
        told = replace(job, told=job.told | {notice})
        noted = await self.committer.note(told, (PlannedNotice(notice, {"reason": job.last_reason}),))
        if noted is not None and noted.state is State.QUEUED:
            await self.committer.park(noted, self.clock.now_ms())  # only the notice was due, not its turn
            return None
        return noted

    async def _let_go(self, job: Job) -> None:
        """Our lease may have run out: act no more, and let others begin at once if it has not."""
        _end_if_asked()
        await self.committer.hand_back(job)

    # --- generating -----------------------------------------------------------------------------

    async def _create(self, job: Job, n: int) -> Job | None:
        plan = self._plan(job)
        if isinstance(plan, Failed):
            await self.gate.incident(plan)
            pause_s = rest_s(plan)
            if pause_s is None:
                return await self._failed(job, plan)
            await self.committer.park(job, self.clock.now_ms() + round(pause_s * 1000), seen=len(job.hints))
            return None
        wait_until_ms = await self.gate.enter(job, n, plan)
        if wait_until_ms is not None:
            await self.committer.park(job, wait_until_ms, seen=len(job.hints))
            return None
        if not self.still_ours(job):
            await self._let_go(job)
            return None
        task = ProviderTask(n, plan.model, plan.key, TaskStatus.INTENT, self.clock.now_ms())
        box = _Box(job)
        outcome = await guarded(
            self.maker.create(job, task, lambda: self._intend(box, task)),
            lambda: Reason.CREATE_UNKNOWN if box.begun else Reason.UNKNOWN,
        )
        if box.lost:
            await self._let_go(box.job)
            return None
        if isinstance(outcome, Accepted):
            what = Happening(task_n=n, task_id=outcome.task_id)
            first_s = self._first_poll_s(plan.model)
            moved = await self.committer.fire(box.job, Trigger.ACCEPTED, what, first_poll_s=first_s)
            await self.gate.report(plan, outcome)
            return moved
        await self.gate.report(plan, outcome)
        await self.gate.leave(box.job, task)
        return await self._failed(box.job, outcome, task_n=n)

    async def _intend(self, box: "_Box", task: ProviderTask) -> bool:
        """Make the intent durable; only then may money be spent."""
        _end_if_asked()
        box.lost = True
        if self.still_ours(box.job):
            noted = await self.committer.note(copy_job(box.job, tasks=(*box.job.tasks, task)))
            box.job = noted or box.job
            box.begun = noted is not None
            box.lost = noted is None or not self.still_ours(box.job)
        _end_if_asked()
        return not box.lost

    def _plan(self, job: Job) -> CreatePlan | Failed:
        try:
            return self.maker.plan_create(job)
        except Exception as error:  # noqa: BLE001 - a bug becomes a system failure
            return bug(error, Reason.UNKNOWN)

    def _first_poll_s(self, model: str) -> float:
        try:
            return self.maker.first_poll_s(model)
        except Exception as error:  # noqa: BLE001 - an accepted task is recorded whatever happens
            logbook.crash("adapter.failed", error)
            return FIRST_POLL_S

    async def _poll(self, job: Job, tasks: tuple[ProviderTask, ...]) -> Job | None:
        """Ask about each task. The first video wins; while one lives the others' failures are only noted."""
        waits: list[float] = []
        failures: list[tuple[ProviderTask, Failed]] = []
        for task in tasks:
            if not self.still_ours(job):
                await self._let_go(job)
                return None
            outcome: Rendering | Rendered | Failed
            outcome = await guarded(self.maker.poll(job, task), lambda: Reason.UNKNOWN)
            await self.gate.answered(task, outcome)
            match outcome:
                case Rendering(poll_after_s):
                    waits.append(poll_after_s)
                case Rendered(video, cost):
                    what = Happening(task_n=task.n, cost=cost)
                    moved = await self.committer.fire(
                        job, Trigger.RENDERED, what, video=video, delivering=True
                    )
                    await self.gate.leave(job, task)
                    return moved
                case failed:
                    failures.append((task, failed))
                    if failed.task_dead:
                        await self.gate.leave(job, task)
        if not waits:
            return await self._all_failed(job, failures)
        return await self._keep_watching(job, failures, min(waits))

    async def _all_failed(self, job: Job, failures: list[tuple[ProviderTask, Failed]]) -> Job | None:
        """Fail by the task that still counted: one past its hard limit says nothing new."""
        task, failed = next(
            ((t, f) for t, f in reversed(failures) if t.status is TaskStatus.OPEN), failures[-1]
        )
        for other, why in failures:
            if other is not task:
                job = replace(job, tasks=after_failure(job, happening(why, other.n)))
        return await self._failed(job, failed, task_n=task.n)

    async def _keep_watching(
        self, job: Job, failures: list[tuple[ProviderTask, Failed]], wait_s: float
    ) -> Job | None:
        watched = job
        for task, failed in failures:
            watched = replace(watched, tasks=after_failure(watched, happening(failed, task.n)))
        if watched.tasks != job.tasks and await self.committer.note(watched) is None:
            return None
        await self.committer.park(watched, self.clock.now_ms() + round(wait_s * 1000), seen=len(job.hints))
        return None

    # --- sending --------------------------------------------------------------------------------

    async def _deliver(self, job: Job, *, verify_first: bool, begun: bool) -> Job | None:
        video = job.video
        if video is None:  # a bug of ours; the table knows what to do about it
            return await self._error(job, engine_verdict(Reason.BAD_RESPONSE))
        if not begun:
            noted = await self.committer.note(replace(job, send_attempts=job.send_attempts + 1))
            if noted is None:
                return None
            job = noted
        if not self.still_ours(job):
            await self._let_go(job)
            return None
        _end_if_asked()
        box = _Box(job)

        async def note(facts: Mapping[str, int | str]) -> None:
            await self._checkpoint(box, facts)

        outcome = await guarded(
            self.courier.deliver(Delivery(job, video, verify_first), note), lambda: Reason.SEND_UNKNOWN
        )
        if box.lost:
            await self._let_go(box.job)
            return None
        if isinstance(outcome, Delivered):
            return await self._delivered(box.job, video, outcome)
        if outcome.status_message_gone:
            box.job = replace(box.job, status_message_id=None)
        return await self._failed(box.job, outcome)

    async def _checkpoint(self, box: "_Box", facts: Mapping[str, int | str]) -> None:
        """Record what a courier has learnt. Raises when the courier must not go on."""
        noted = await self.committer.note(_with_facts(box.job, facts))
        box.job = noted or box.job
        _end_if_asked()  # what was sent will be found by the next worker's look
        box.lost = noted is None or not self.still_ours(box.job)
        if box.lost:
            raise TakenAway

    async def _delivered(self, job: Job, video: Video, outcome: Delivered) -> Job | None:
        seen = replace(
            job.video or video,
            file_id=outcome.file_id or (job.video or video).file_id,
            file_kind=outcome.file_kind,
        )
        moved = copy_job(job, status_message_id=outcome.message_id or job.status_message_id)
        return await self.committer.fire(moved, Trigger.DELIVERED, Happening(), video=seen)

    # --- failures -------------------------------------------------------------------------------

    async def _failed(self, job: Job, failed: Failed, *, task_n: int = 0) -> Job | None:
        what = happening(failed, task_n)
        return await self.committer.fire(job, Trigger.ERROR, what, failure=failed.failure)

    async def _error(self, job: Job, verdict: Verdict) -> Job | None:
        return await self.committer.fire(job, Trigger.ERROR, Happening(verdict=verdict))


@dataclass(slots=True)
class _Box:
    """The newest snapshot of a job while an adapter makes checkpoints."""

    job: Job
    lost: bool = False
    begun: bool = False
    """Its intent is durable: the create call may have been made."""


def _end_if_asked() -> None:
    """A worker that was told to stop while it wrote acts no more."""
    if asked_to_stop():
        raise asyncio.CancelledError


def _with_facts(job: Job, facts: Mapping[str, int | str]) -> Job:
    video = job.video
    if video is not None and "file_id" in facts:
        video = replace(video, file_id=str(facts["file_id"]), file_kind=str(facts.get("file_kind", "video")))
    message = facts.get("status_message_id", job.status_message_id)
    return replace(job, video=video, status_message_id=int(message) if message is not None else None)
