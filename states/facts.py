"""What a decision may look at, gathered once and written into history.

Guards read `Facts` and nothing else: what is not in it cannot influence the graph, and what is in it
is recorded with the transition. That is what makes replay exact.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from states.backoff import delay_ms
from states.copying import maker
from states.job import Job, ProviderTask, TaskStatus
from states.strategy import Row, Strategy
from states.vocabulary import Hold, Reason, Stage, State, Trigger, Verdict


@dataclass(frozen=True, slots=True)
class Happening:
    """What an outcome adds to its trigger. Everything is optional; only `error` needs a verdict.

    `task_n`/`task_id`: the create call it is about. `task_dead`: that task will never succeed.
    `alternative`: another key or model can be tried at once. `refused`: a `model|key` not to try again.
    """

    verdict: Verdict | None = None
    task_n: int = 0
    task_id: str = ""
    task_dead: bool = False
    alternative: bool = False
    refused: str = ""
    cost: float | None = None
    actor: str = "worker"


@dataclass(frozen=True)
class Facts:
    """The recorded inputs of one decision. Times in ms; `n` counts earlier failures of the row's counter."""

    trigger: Trigger
    now_ms: int
    rnd: float
    cfg: str
    held: bool
    deadline_ms: int
    cls: str = ""
    reason: str = ""
    rule: str = ""
    retry_after_s: float | None = None
    n: int = 0
    delay_ms: int = 0
    has_video: bool = False
    return_stage: str = ""
    costless: bool = False
    alternative: bool = False
    affordable: bool = True
    task_n: int = 0
    task_dead: bool = False
    paid: int = 0
    """Tasks that cost or may cost money, this failure counted in."""
    watching: bool = False
    """There is something to retry for that costs no new task."""
    told: tuple[str, ...] = ()
    """Notices told already of those that are told once."""


_make_facts = maker(Facts)
_DEFAULTS = {f.name: f.default for f in fields(Facts) if f.name != "trigger"}


def recorded(facts: Facts) -> dict[str, object]:
    """Facts as a record's `in`: what equals its default is left out, `trigger` is the record's event."""
    given = facts.__dict__  # only what was gathered is in it; for the others the class has the default
    return {
        name: given[name] for name, default in _DEFAULTS.items() if name in given and given[name] != default
    }


class Guard(StrEnum):
    """The questions an edge may ask. Each is a pure function of Facts."""

    ALWAYS = "always"
    VIDEO_EXISTS = "video exists"
    NO_VIDEO = "no video yet"
    HELD = "credits held"
    FREE = "free job"
    MAY_RETRY = "may retry"
    GIVE_UP_HELD = "given up, credits held"
    GIVE_UP_FREE = "given up, free job"
    BACK_TO_GENERATING = "back to generating"
    BACK_TO_SENDING = "back to sending"
    COSTLESS_HELD = "costs nothing yet, credits held"
    COSTLESS_FREE = "costs nothing yet, free job"


_NEVER_PAID = frozenset({TaskStatus.INTENT, TaskStatus.REFUSED})


def may_retry(facts: Facts, row: Row) -> bool:
    """Is there budget left: attempts, deadline and paid tasks?"""
    if row.retries is not None and facts.n >= row.retries:
        return False
    return facts.affordable and facts.now_ms + facts.delay_ms < facts.deadline_ms


Question = Callable[[Facts, Row | None], bool]


def _given_up(facts: Facts, row: Row | None) -> bool:
    return row is not None and not may_retry(facts, row)


_QUESTIONS: Final[Mapping[Guard, Question]] = MappingProxyType(
    {
        Guard.ALWAYS: lambda facts, row: True,  # noqa: ARG005 - every question is asked alike
        Guard.VIDEO_EXISTS: lambda facts, row: facts.has_video,  # noqa: ARG005
        Guard.NO_VIDEO: lambda facts, row: not facts.has_video,  # noqa: ARG005
        Guard.HELD: lambda facts, row: facts.held,  # noqa: ARG005
        Guard.FREE: lambda facts, row: not facts.held,  # noqa: ARG005
        Guard.MAY_RETRY: lambda facts, row: row is not None and may_retry(facts, row),
        Guard.GIVE_UP_HELD: lambda facts, row: facts.held and _given_up(facts, row),
        Guard.GIVE_UP_FREE: lambda facts, row: not facts.held and _given_up(facts, row),
        Guard.BACK_TO_GENERATING: lambda facts, row: facts.return_stage != Stage.SENDING,  # noqa: ARG005
        Guard.BACK_TO_SENDING: lambda facts, row: facts.return_stage == Stage.SENDING,  # noqa: ARG005
        Guard.COSTLESS_HELD: lambda facts, row: facts.costless and facts.held,  # noqa: ARG005
        Guard.COSTLESS_FREE: lambda facts, row: facts.costless and not facts.held,  # noqa: ARG005
    }
)
"""What each guard asks of the facts. `row` is the edge's strategy row, None for edges without one."""


def holds(guard: Guard, facts: Facts, row: Row | None) -> bool:
    """Does the guard let this through?"""
    return _QUESTIONS[guard](facts, row)


def paid(tasks: tuple[ProviderTask, ...]) -> int:
    """Tasks that cost or may cost money: accepted ones, unless the provider proved them free."""
    count = 0
    for task in tasks:
        proved_free = task.status is TaskStatus.FAILED and task.cost == 0.0
        if task.status not in _NEVER_PAID and not proved_free:
            count += 1
    return count


def after_failure(job: Job, what: Happening) -> tuple[ProviderTask, ...]:
    """The tasks of a job once this failure is known."""
    if not what.task_n or what.verdict is None:
        return job.tasks
    dead = _fate(what)
    return tuple(_marked(t, what, dead) if t.n == what.task_n else t for t in job.tasks)


def _fate(what: Happening) -> TaskStatus | None:
    assert what.verdict is not None  # noqa: S101 - narrowed by the caller
    if what.task_dead:
        overdue = what.verdict.reason is Reason.RENDER_TIMEOUT
        return TaskStatus.OVERDUE if overdue else TaskStatus.FAILED
    return None


def _marked(task: ProviderTask, what: Happening, dead: TaskStatus | None) -> ProviderTask:
    assert what.verdict is not None  # noqa: S101 - narrowed by the caller
    status = task.status
    if status is TaskStatus.INTENT and what.verdict.reason not in (
        Reason.CREATE_UNKNOWN,
        Reason.WORKER_LOST,
        Reason.STORAGE_LOST,
    ):
        status = TaskStatus.REFUSED  # an answered create that made no task
    elif dead is not None:
        status = dead
    cost = what.cost if what.cost is not None else task.cost
    if status is task.status and cost == task.cost:
        return task
    return ProviderTask(task.n, task.model, task.key, status, task.created_ms, task.task_id, cost)


def watched(tasks: tuple[ProviderTask, ...]) -> tuple[ProviderTask, ...]:
    """Tasks that may still bring a video, oldest first."""
    return tuple(t for t in tasks if t.status in (TaskStatus.OPEN, TaskStatus.OVERDUE) and t.task_id)


def gather(
    job: Job, trigger: Trigger, what: Happening, *, now_ms: int, rnd: float, strategy: Strategy
) -> Facts:
    """Collect the facts of one decision from the job's snapshot and what happened."""
    facts: dict[str, Any] = {
        "trigger": trigger,
        "now_ms": now_ms,
        "rnd": rnd,
        "cfg": strategy.digest,
        "held": job.hold is Hold.HELD,
        "deadline_ms": job.deadline_ms,
    }
    if what.verdict is not None:
        _add_failure(facts, job, what, strategy)
    if job.video is not None:
        facts["has_video"] = True
    if job.stage is not None:
        facts["return_stage"] = job.stage.value
    if costless(job):
        facts["costless"] = True
    if what.task_n:
        facts["task_n"] = what.task_n
    if job.told:
        facts["told"] = tuple(sorted(job.told))
    return _make_facts(**facts)


def costless(job: Job) -> bool:
    """Nothing has been bought: no create call that was, or may have been, accepted."""
    for task in job.tasks:
        if task.status is not TaskStatus.REFUSED:
            return False
    return job.video is None or job.state is State.QUEUED


def cancellable(job: Job) -> bool:
    """Would a cancel be taken now? Only what waits and has cost nothing may be cancelled."""
    return job.state in (State.QUEUED, State.RETRY_WAIT) and costless(job)


def _any_open(tasks: tuple[ProviderTask, ...]) -> bool:
    for task in tasks:  # noqa: SIM110 - a generator costs more than the one task there is
        if task.status is TaskStatus.OPEN:
            return True
    return False


def _add_failure(facts: dict[str, Any], job: Job, what: Happening, strategy: Strategy) -> None:
    """What a failure adds to the facts, or says otherwise; what would be a default is left out."""
    verdict = what.verdict
    assert verdict is not None  # noqa: S101 - narrowed by the caller
    sending = job.state is State.SENDING
    row = strategy.row(Stage.SENDING if sending else Stage.GENERATING, verdict.reason)
    n = job.counts.get(row.counter, 0)
    tasks = after_failure(job, what)
    watching = sending or _any_open(tasks)
    bought = paid(tasks)
    if row.parks:
        facts["deadline_ms"] = max(job.deadline_ms, job.rendered_ms + strategy.video_life_s * 1000)
    facts["cls"] = row.cls.value
    facts["reason"] = verdict.reason.value
    facts["rule"] = verdict.rule
    if verdict.retry_after_s is not None:
        facts["retry_after_s"] = verdict.retry_after_s
    facts["n"] = n
    if what.alternative:
        facts["alternative"] = True
    else:
        facts["delay_ms"] = delay_ms(row, n, facts["rnd"], verdict.retry_after_s)
    facts["affordable"] = watching or bought < strategy.paid_tasks
    facts["task_dead"] = what.task_dead
    facts["paid"] = bought
    facts["watching"] = watching
