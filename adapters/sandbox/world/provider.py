"""A paid provider in process: tasks that are born, render, succeed, fail or hang, and call back.

Everything the real one was seen to do to a client is in the odds: refusals of every class, answers lost
before and after the task was made, success long after everybody gave up, callbacks doubled, early, lost.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from adapters.sandbox.world.fates import Fates
from engine.ports import Accepted, Clock, CreatePlan, Failed, Rendered, Rendering
from states.job import Job, ProviderTask, Video
from states.strategy import STRATEGY
from states.vocabulary import ErrorClass, Failure, Reason, Stage, Verdict

FORGED: Final = "task-forged"
"""The task id that forged callbacks name."""
WATCH_S: Final = 600.0
HARD_S: Final = 1500.0
CREATE: Final = {
    "lost_before": 0.02,
    "lost_after": 0.03,
    "silent": 0.01,
    "slow": 0.04,
    "very_slow": 0.01,
    "raises": 0.005,
    "raises_after": 0.005,
    "rate_limited": 0.02,
    "unavailable": 0.02,
    "overloaded": 0.02,
    "network": 0.015,
    "user": 0.03,
    "provider_error": 0.01,
    "bad_response": 0.01,
    "storage_lost": 0.005,
    "unknown": 0.01,
    "photo_unreachable": 0.005,
    "bad_request": 0.003,
    "model_retired": 0.003,
}
RENDER: Final = {
    "hangs": 0.03,
    "late": 0.03,
    "slow": 0.08,
    "fails_unpaid": 0.04,
    "fails_paid": 0.02,
    "refuses": 0.04,
}
CALLS: Final = {"lost": 0.2, "twice": 0.15, "early": 0.1, "forged": 0.1}
POLL: Final = {
    "network": 0.02,
    "crowded": 0.02,
    "slow": 0.02,
    "raises": 0.004,
    "corrupted_video": 0.02,
    "provider_error": 0.006,
    "rate_limited": 0.006,
    "unavailable": 0.006,
    "bad_response": 0.004,
    "storage_lost": 0.004,
    "unknown": 0.004,
}
_BEFORE_THE_CALL: Final = ("photo_unreachable", "storage_lost")
_USER: Final = tuple(
    row.reason.value for row in STRATEGY.rows if row.cls is ErrorClass.USER and row.stage is Stage.GENERATING
)
"""What a provider may find wrong with a photo or with the wishes."""


@dataclass(slots=True)
class SimTask:
    """A task as the provider knows it. `end`: ok, or the reason of its failure. `told`: we know its id."""

    id: str
    job_id: str
    n: int
    born_s: float
    ready_s: float
    end: str
    cost: float
    told: bool = False


@dataclass(slots=True)
class SimProvider:
    """All that the provider has and knows. `later(seconds, act)` lets it act by itself."""

    fate: Fates
    now_s: Callable[[], float]
    later: Callable[[float, Callable[[], None]], object]
    call_back: Callable[[Mapping[str, str], str], None]
    """The query of the address that is called, and the id of the task."""
    address: Callable[[str, int], dict[str, str]]
    """The query of the callback address that a create call of ours gave (job, its number)."""
    complain: Callable[[str, str], None]
    tasks: dict[str, SimTask] = field(default_factory=dict)
    empty: bool = False
    """The operator's balance is used up."""
    retired: bool = False
    """The model is switched off."""
    dead_keys: set[str] = field(default_factory=set)
    calls: int = 0

    def accept(self, job: Job, n: int) -> SimTask:
        """A task is made, and will be billed if it succeeds."""
        place = f"{job.id[2:6]}:{n}"
        if any(t.job_id == job.id and t.n == n for t in self.tasks.values()):
            self.complain("creates", f"{job.id}: its create call number {n} was made twice")
        now, kind = self.now_s(), self.fate.draw("provider", f"render {place}", RENDER)
        span = 20 + 100 * self.fate.number(f"render span {place}")
        span *= {"slow": 4.0, "late": 18.0}.get(kind, 1.0)
        end = {"fails_unpaid": "provider_error", "fails_paid": "provider_error", "refuses": self.fault(place)}
        task = SimTask(f"task-{len(self.tasks) + 1}", job.id, n, now, now + span, end.get(kind, "ok"), 0.0)
        task.cost = 10.0 if kind == "fails_paid" or task.end == "ok" else 0.0
        if kind == "hangs":
            task.ready_s = float("inf")
        self.tasks[task.id] = task
        self._plan_calls(task, place)
        return task

    def _plan_calls(self, task: SimTask, place: str) -> None:
        kind = self.fate.draw("provider", f"callback {place}", CALLS)
        after = task.ready_s - task.born_s
        if kind == "forged":
            self._forge(task, after)
        if kind == "lost" or after == float("inf"):
            return
        if kind == "early":
            self.later(0.001, lambda: self._call(task))
        self.later(after, lambda: self._call(task))
        if kind == "twice":
            self.later(after + 0.01, lambda: self._call(task))
            self.later(after + 7, lambda: self._call(task))

    def _call(self, task: SimTask) -> None:
        self.call_back(self.address(task.job_id, task.n), task.id)

    def _forge(self, task: SimTask, after: float) -> None:
        """Somebody guesses: another attempt, another job, a task that never was; true news of nobody."""
        ours, soon = self.address(task.job_id, task.n), min(after, 60.0) / 2
        nobody = f"{task.job_id[:2]}{'0' * len(task.job_id[2:])}"
        for query in (
            {**ours, "n": str(task.n + 1)},
            {**ours, "sig": ours["sig"][::-1]},
            {**ours, "job": nobody},
            self.address(nobody, 1),
        ):
            self.later(soon, partial(self.call_back, query, FORGED))

    def fault(self, place: str) -> str:
        """What it finds wrong with the photo or the wishes this time."""
        return _USER[int(len(_USER) * self.fate.number(f"fault {place}"))]

    def trouble_of(self, key: str) -> str:
        """Why nobody may create with this key just now."""
        if self.empty or self.retired:
            return "provider_balance" if self.empty else "model_retired"
        return "provider_auth" if key in self.dead_keys else ""


@dataclass(slots=True)
class SimMaker:
    """`engine.ports.VideoMaker` of one worker."""

    provider: SimProvider
    clock: Clock
    keys: tuple[str, ...] = ("k1", "k2")
    _turn: int = 0

    def plan_create(self, job: Job) -> CreatePlan | Failed:
        """The keys in turn, those refused to this job last."""
        self._turn += 1
        turn = [self.keys[(self._turn + n) % len(self.keys)] for n in range(len(self.keys))]
        fresh = [key for key in turn if f"*|{key}" not in job.refused]
        return CreatePlan("model", (fresh or turn)[0])

    def first_poll_s(self, model: str) -> float:  # noqa: ARG002 - the port's shape
        """Half a minute."""
        return 30.0

    async def create(
        self, job: Job, task: ProviderTask, intent: Callable[[], Awaitable[bool]]
    ) -> Accepted | Failed:
        """As the port says; fate decides what becomes of the call."""
        provider = self.provider
        kind = provider.fate.draw("provider", f"create {job.id[2:6]}:{task.n}", CREATE)
        await self.clock.sleep(0.05)
        if kind in _BEFORE_THE_CALL:
            return _failed(kind)
        if not await intent():
            return _failed("worker_lost")
        provider.calls += 1
        await self.clock.sleep({"slow": 12.0, "very_slow": 50.0}.get(kind, 0.2) / 2)
        closed = provider.trouble_of(task.key)
        if closed:
            return self._refused(job, task, closed)
        return await self._called(job, task, kind)

    async def _called(self, job: Job, task: ProviderTask, kind: str) -> Accepted | Failed:
        if kind == "raises":
            raise RuntimeError("a bug of the adapter, before the call")
        if kind in ("lost_before", "silent"):
            await self.clock.sleep(60.0 if kind == "silent" else 0.1)
            return _failed("create_unknown")
        if kind == "user":
            return _failed(self.provider.fault(f"{job.id[2:6]}:{task.n}"))
        if kind not in ("", "slow", "very_slow", "lost_after", "raises_after"):
            return _failed(kind, retry_after_s=7.0 if kind == "rate_limited" else None)
        made = self.provider.accept(job, task.n)
        await self.clock.sleep({"slow": 12.0, "very_slow": 50.0}.get(kind, 0.2) / 2)
        if kind == "raises_after":
            raise RuntimeError("a bug of the adapter, after the call")
        if kind == "lost_after":
            return _failed("create_unknown")
        made.told = True
        return Accepted(made.id)

    def _refused(self, job: Job, task: ProviderTask, reason: str) -> Failed:
        if reason == "model_retired":
            return _failed(reason, refused=f"{task.model}|*")
        refused = f"*|{task.key}"
        others = {key for key in self.keys if f"*|{key}" not in {*job.refused, refused}}
        return _failed(reason, alternative=bool(others), refused=refused)

    async def poll(self, job: Job, task: ProviderTask) -> Rendering | Rendered | Failed:
        """As the port says."""
        provider = self.provider
        provider.calls += 1
        kind = provider.fate.draw("provider", f"poll {job.id[2:6]}:{task.n}", POLL)
        await self.clock.sleep(8.0 if kind == "slow" else 0.1)
        if kind == "raises":
            raise RuntimeError("a bug of the adapter, at a poll")
        if kind == "crowded":
            return Rendering(10.0)
        if kind in ("network", "provider_error", "unavailable", "bad_response", "storage_lost", "unknown"):
            return _failed(kind)
        if kind == "rate_limited":
            return _failed(kind, retry_after_s=7.0)
        made = provider.tasks.get(task.task_id or "")
        if made is None:
            provider.complain("task ids", f"{job.id}: asks for {task.task_id}, which was never made")
            return _failed("unknown", task_dead=True)
        made.told = True
        if provider.now_s() < made.ready_s:
            return self._watching(job, task)
        if made.end != "ok":
            return _failed(made.end, task_dead=True, cost=made.cost)
        await self.clock.sleep(0.5)
        if kind == "corrupted_video":
            return _failed(kind, cost=made.cost)
        video = Video(f"https://video.test/{made.id}.mp4", task.n, "0" * 64, 900_000, 720, 1280, 10.0)
        return Rendered(video, made.cost)

    def _watching(self, job: Job, task: ProviderTask) -> Rendering | Failed:
        now = self.clock.now_ms()
        age_s = (now - task.created_ms) / 1000
        watched_s = (now - (job.stage_since_ms or task.created_ms)) / 1000
        if age_s > HARD_S or watched_s > WATCH_S:
            return _failed("render_timeout", task_dead=age_s > HARD_S)
        return Rendering(min(15.0, WATCH_S - watched_s + 0.1))


def _failed(
    word: str,
    *,
    retry_after_s: float | None = None,
    task_dead: bool = False,
    cost: float | None = None,
    alternative: bool = False,
    refused: str = "",
) -> Failed:
    reason = Reason(word)
    row = STRATEGY.row(Stage.GENERATING, reason)
    verdict = Verdict(row.cls, reason, f"world.{word}", retry_after_s)
    arrived = None if reason is Reason.CREATE_UNKNOWN else False
    failure = Failure("kie", "create", message=word, may_have_arrived=arrived)
    return Failed(failure, verdict, alternative, refused, task_dead, cost)
