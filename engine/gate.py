"""The provider's gate, as a worker uses it: leave to buy, slots given back, and what calls have shown.

The limits are shared by all workers (`engine.limits`); a closed gate fails nobody, the job waits. While
only the operator can mend the provider (dead key, empty balance, retired model) launches are paused, and
the first task that is accepted again opens them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from engine.errors import StoreUnavailable
from engine.limits import Limits, NotNow, Permit
from engine.ports import Accepted, Clock, CreatePlan, Failed, Rendered, Rendering
from engine.telemetry import Telemetry
from states.job import Job, ProviderTask
from states.vocabulary import ErrorClass, Reason

INCIDENT = "incident:"
"""Prefix of a pause that an incident made, and that the next success may lift."""
REFRESH_MS = 1_000
_PAUSES = frozenset({Reason.PROVIDER_AUTH, Reason.PROVIDER_BALANCE, Reason.MODEL_RETIRED})
_ACCOUNT = frozenset({Reason.RATE_LIMITED, Reason.PROVIDER_AUTH})
"""What a poll's failure says about the account; its other failures say nothing of the create endpoint."""


@dataclass(slots=True)
class Gate:
    """One worker's view of the provider `provider`, reached with the keys named `keys`."""

    limits: Limits
    provider: str
    keys: Sequence[str]
    clock: Clock
    telemetry: Telemetry
    paused: Callable[[], Awaitable[str]]
    pause: Callable[[str], Awaitable[None]]
    unpause: Callable[[], Awaitable[None]]
    _opens_ms: int | None = None
    _asked_ms: int = 0
    _incident: bool = field(default=True)
    """May launches be paused by an incident? True until looked: another process may have paused them."""

    async def opens_ms(self) -> int | None:
        """When a queued job may be started again; None = now. Asked of the store once a second."""
        now = self.clock.now_ms()
        if now - self._asked_ms >= REFRESH_MS or (self._opens_ms is not None and now >= self._opens_ms):
            self._opens_ms = await self.limits.opens_ms(self.provider, self.keys)
            self._asked_ms = now
        return self._opens_ms

    async def enter(self, job: Job, n: int, plan: CreatePlan) -> int | None:
        """Ask leave for the n-th create call of a job. None = go on; else look again at that time, ms."""
        answer = await self.limits.start_permit(
            self.provider,
            plan.key,
            model=plan.model,
            holder=_holder(job, n),
            user_id=job.user_id,
            retry=n > 1,
        )
        if isinstance(answer, NotNow):
            self.telemetry.emit("gate.closed", job=job.id, reason=answer.why, ms=answer.retry_at_ms)
            return answer.retry_at_ms
        return None

    async def leave(self, job: Job, task: ProviderTask) -> None:
        """The render of this task has ended, or never began: its slot is free."""
        permit = Permit(self.provider, task.key, task.model, _holder(job, task.n), job.user_id)
        try:
            await self.limits.release(permit)
        except StoreUnavailable:
            self.telemetry.emit("store.lost", job=job.id)  # the slot's own lease frees it

    async def report(self, plan: CreatePlan, outcome: Accepted | Failed) -> None:
        """Tell the shared limits what a create call has shown."""
        if isinstance(outcome, Accepted):
            await self._tell(plan, ok=True)
            await self._lift()
            return
        await self._tell(plan, ok=False, failed=outcome)
        if outcome.verdict.reason in _PAUSES and not outcome.alternative:
            await self.incident(outcome)

    async def incident(self, failed: Failed) -> None:
        """Nothing can be bought until the operator acts: pause launches."""
        if failed.verdict.cls is ErrorClass.OPERATOR and failed.verdict.reason in _PAUSES:
            self._incident = True
            if not await self.paused():
                await self.pause(f"{INCIDENT}{failed.verdict.reason}")

    async def answered(self, task: ProviderTask, outcome: Rendering | Rendered | Failed) -> None:
        """Tell what a poll has shown of the account."""
        if isinstance(outcome, Failed) and outcome.verdict.reason in _ACCOUNT:
            await self._tell(CreatePlan(task.model, task.key), ok=False, failed=outcome)

    async def _tell(self, plan: CreatePlan, *, ok: bool, failed: Failed | None = None) -> None:
        verdict = failed.verdict if failed is not None else None
        try:
            await self.limits.report(
                self.provider,
                plan.key,
                plan.model,
                ok,
                verdict.reason if verdict else None,
                verdict.retry_after_s if verdict else None,
                verdict.cls if verdict else None,
            )
        except StoreUnavailable:
            self.telemetry.emit("store.lost")  # the next call will show the same again

    async def _lift(self) -> None:
        if not self._incident:
            return
        try:
            if (await self.paused()).startswith(INCIDENT):
                await self.unpause()
            self._incident = False
        except StoreUnavailable:
            self.telemetry.emit("store.lost")


def _holder(job: Job, n: int) -> str:
    return f"{job.id}:{n}"
