"""The provider's gate, as a worker uses it: leave to buy, slots given back, and what calls have shown.

The limits are shared by all workers (`engine.limits`); a closed gate fails nobody, the job waits. While
only the operator can mend the provider (dead key, empty balance, retired model) launches are paused. The
first task that is accepted again opens them; when no job is left to try, time does, and the next user's
launch is the probe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from engine.errors import StoreUnavailable
from engine.limits import Limits, NotNow, Permit
from engine.ports import Accepted, Alert, Clock, CreatePlan, Failed, Rendered, Rendering
from engine.telemetry import Telemetry
from states.job import Job, ProviderTask, TaskStatus
from states.vocabulary import AlertKind, ErrorClass, Reason

INCIDENT = "incident:"
"""Prefix of a pause that an incident made, and that the next success may lift."""
REFRESH_MS = 1_000
IDLE_REFRESH_MS = 60_000
STORE_AWAY_MS = 1_000
PAUSE_MS = 600_000
"""How long a pause made by an incident outlives the last sign of it."""
PAUSE_LOOK_MS = 60_000
_TEXT = 300
_UNSETTLED = frozenset({TaskStatus.INTENT, TaskStatus.OPEN, TaskStatus.OVERDUE})
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
    alert: Callable[[Alert], Awaitable[None]]
    """Tells the operator what costs no job anything yet: another key or model took over."""
    _opens_ms: int | None = None
    _asked_ms: int = 0
    _incident: bool = field(default=True)
    """May launches be paused by an incident? True until looked: another process may have paused them."""
    _sign_ms: int | None = None
    """The last sign of an incident that this worker has seen while launches were paused by one."""
    _looked_ms: int = 0
    _went_well: dict[CreatePlan, int] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def opens_ms(self, *, idle: bool = False) -> int | None:
        """When a queued job may be started again; None = now.

        A gate that was open a minute ago is taken for open: `enter` decides, and `look_again` keeps the
        answer a second old where jobs are started. A shut one is asked once a second. `idle`: nobody rang,
        so there is hardly anything to start.
        """
        now = self.clock.now_ms()
        fresh_ms = IDLE_REFRESH_MS if idle or self._opens_ms is None else REFRESH_MS
        if now - self._asked_ms >= fresh_ms or (self._opens_ms is not None and now >= self._opens_ms):
            await self._ask()
        return self._opens_ms

    async def look_again(self) -> None:
        """Ask the store anew what `opens_ms` answers, once a second. Nobody waits for it to start a job."""
        if self.clock.now_ms() - self._asked_ms >= REFRESH_MS:
            await self._ask()

    async def _ask(self) -> None:
        now = self.clock.now_ms()
        self._opens_ms = await self.limits.opens_ms(self.provider, self.keys)
        self._asked_ms = now

    async def enter(self, job: Job, n: int, plan: CreatePlan) -> int | None:
        """Ask leave for the n-th create call of a job. None = go on; else look again at that time, ms."""
        try:
            answer = await self.limits.start_permit(
                self.provider,
                plan.key,
                model=plan.model,
                holder=_holder(job, n),
                user_id=job.user_id,
                retry=n > 1,
            )
        except StoreUnavailable:
            self.telemetry.emit("store.lost", job=job.id)
            return self.clock.now_ms() + STORE_AWAY_MS
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

    async def leave_all(self, job: Job) -> None:
        """The job has ended: what may still render for it is waited for by nobody, so it holds no slot."""
        for task in job.tasks:
            if task.status in _UNSETTLED:
                await self.leave(job, task)

    async def report(self, plan: CreatePlan, outcome: Accepted | Failed) -> None:
        """Tell the shared limits what a create call has shown."""
        if isinstance(outcome, Accepted):
            await self._tell_well(plan)
            await self._lift()
            return
        await self._tell(plan, ok=False, failed=outcome)
        if outcome.verdict.reason in _PAUSES:
            await (self._took_over(plan, outcome) if outcome.alternative else self.incident(outcome))

    async def incident(self, failed: Failed) -> None:
        """Nothing can be bought until the operator acts: pause launches."""
        if failed.verdict.cls is not ErrorClass.OPERATOR or failed.verdict.reason not in _PAUSES:
            return
        self._incident, self._sign_ms = True, self.clock.now_ms()
        try:
            if not await self.paused():
                await self.pause(f"{INCIDENT}{failed.verdict.reason}")
        except StoreUnavailable:
            self.telemetry.emit("store.lost")  # the next attempt shows the same again

    async def _took_over(self, plan: CreatePlan, failed: Failed) -> None:
        """A key or model is gone while another does its work: no user notices, the operator must."""
        reason, words = failed.verdict.reason, failed.failure.fail_message or failed.failure.message
        what = f"model {plan.model}" if reason is Reason.MODEL_RETIRED else f"key {plan.key}"
        text = f"{what} ({reason}): another one took over. {words}".strip()[:_TEXT]
        kind = AlertKind.INCIDENT.value
        try:
            await self.alert(Alert(f"{kind}:{reason}:{what}", kind, text))
        except StoreUnavailable:
            self.telemetry.emit("store.lost")  # the next call to it shows the same again

    async def watch_pause(self) -> None:
        """Lift an incident's pause that nothing has confirmed for long. Cheap: call it as often as you like.

        Without this, launches would stay paused for ever once the last deferred job has ended.
        """
        now_ms = self.clock.now_ms()
        if now_ms - self._looked_ms < PAUSE_LOOK_MS:
            return
        self._looked_ms = now_ms
        if not (await self.paused()).startswith(INCIDENT):
            self._sign_ms = None
        elif self._sign_ms is None:
            self._incident, self._sign_ms = True, now_ms
        elif now_ms - self._sign_ms >= PAUSE_MS:
            await self.unpause()
            self.telemetry.emit("launches.resumed", reason="unconfirmed")
            self._sign_ms = None

    async def answered(self, task: ProviderTask, outcome: Rendering | Rendered | Failed) -> None:
        """Tell what a poll has shown of the account."""
        if isinstance(outcome, Failed) and outcome.verdict.reason in _ACCOUNT:
            await self._tell(CreatePlan(task.model, task.key), ok=False, failed=outcome)

    async def _tell_well(self, plan: CreatePlan) -> None:
        """One tells for all whose calls went well while it waited for its turn."""
        self._went_well[plan] = self._went_well.get(plan, 0) + 1
        async with self._turn:
            times = self._went_well.pop(plan, 0)
            if times:
                await self._tell(plan, ok=True, times=times)

    async def _tell(
        self, plan: CreatePlan, *, ok: bool, failed: Failed | None = None, times: int = 1
    ) -> None:
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
                times=times,
            )
        except StoreUnavailable:
            self.telemetry.emit("store.lost")  # the next call will show the same again

    async def _lift(self) -> None:
        if not self._incident:
            return
        try:
            if (await self.paused()).startswith(INCIDENT):
                await self.unpause()
                self.telemetry.emit("launches.resumed", reason="accepted")
            self._incident, self._sign_ms = False, None
        except StoreUnavailable:
            self.telemetry.emit("store.lost")


def _holder(job: Job, n: int) -> str:
    return f"{job.id}:{n}"
