"""What a worker does next for a job it holds: a pure look at the snapshot, one step at a time."""

from dataclasses import dataclass

from states.decide import patience_ms
from states.facts import Happening, paid, watched
from states.job import Job, ProviderTask, TaskStatus
from states.strategy import STRATEGY, Strategy
from states.vocabulary import TERMINALS, ErrorClass, NoticeKind, Reason, Stage, State, Trigger, Verdict

NOTHING = Happening()


@dataclass(frozen=True, slots=True)
class Fire:
    """Nothing needs doing outside: this trigger has already happened."""

    trigger: Trigger
    what: Happening = NOTHING


@dataclass(frozen=True, slots=True)
class Create:
    """Buy a task: the n-th create call of this job."""

    n: int


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask the provider about these tasks, oldest first. `hinted`: a callback says something is new."""

    tasks: tuple[ProviderTask, ...]
    hinted: bool = False


@dataclass(frozen=True, slots=True)
class Deliver:
    """Bring the video. `verify_first` when an earlier attempt may have arrived."""

    verify_first: bool


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the user something that is no transition."""

    notice: NoticeKind


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until_ms`."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Over:
    """The job has ended."""


Step = Fire | Create | Poll | Deliver | Tell | Wait | Over

UNANSWERED_CREATES = 2
"""How many create calls of unknown fate a job may have: the first, and one more after the grace time."""


def next_step(job: Job, now_ms: int, strategy: Strategy = STRATEGY) -> Step:
    """The next step of a job at a moment."""
    if job.state in TERMINALS:
        return Over()
    if now_ms >= job.deadline_ms and job.state is not State.SENDING:
        return Fire(Trigger.EXPIRE)
    patience = patience_ms(job, strategy)
    if patience is not None and now_ms >= patience:
        return Tell(NoticeKind.PATIENCE)
    match job.state:
        case State.QUEUED:
            return Fire(Trigger.START)
        case State.RETRY_WAIT:
            return _waiting(job, now_ms)
        case State.SENDING:
            return Deliver(verify_first=job.send_attempts > 0)
        case _:
            return _generating(job, strategy)


def _waiting(job: Job, now_ms: int) -> Step:
    # a user who came back, or a provider that called, need not wait for the timer
    if _called(job) or now_ms >= job.retry_at_ms:
        return Fire(Trigger.RESUME)
    return Wait(job.retry_at_ms)


def _called(job: Job) -> bool:
    """A signal that changes something: the user is back, or a task we wait for has news."""
    if job.stage is Stage.SENDING:
        return any(h.kind == "returned" for h in job.hints)
    awaited = {t.n for t in watched(job.tasks)} | {t.n for t in job.tasks if t.status is TaskStatus.INTENT}
    return any(h.kind == "callback" and h.task_n in awaited for h in job.hints)


def _generating(job: Job, strategy: Strategy) -> Step:
    adopted = _adoption(job)
    if adopted is not None:
        return adopted
    open_tasks = watched(job.tasks)
    overdue_only = all(t.status is TaskStatus.OVERDUE for t in open_tasks)
    if open_tasks and not (overdue_only and may_cost(job.tasks) < strategy.paid_tasks):
        return Poll(open_tasks, hinted=any(h.kind == "callback" for h in job.hints))
    return _create(job, strategy, open_tasks)


def _adoption(job: Job) -> Fire | None:
    """An orphan reported itself: take its id instead of buying another."""
    unanswered = {t.n for t in job.tasks if t.status is TaskStatus.INTENT}
    for hint in job.hints:
        if hint.kind == "callback" and hint.task_id and hint.task_n in unanswered:
            return Fire(
                Trigger.ACCEPTED, Happening(task_n=hint.task_n, task_id=hint.task_id, actor="callback")
            )
    return None


def _create(job: Job, strategy: Strategy, open_tasks: tuple[ProviderTask, ...]) -> Step:
    unanswered = [t for t in job.tasks if t.status is TaskStatus.INTENT]
    if len(unanswered) > job.counts.get("create_unknown", 0):
        return _ambiguous("engine.create_unanswered", unanswered[-1].n)
    spent_if_accepted = bool(unanswered) and may_cost(job.tasks) >= strategy.paid_tasks
    if len(unanswered) >= UNANSWERED_CREATES or spent_if_accepted:
        return _ambiguous("engine.create_budget", unanswered[-1].n)
    if paid(job.tasks) >= strategy.paid_tasks and not open_tasks:
        spent = Verdict(ErrorClass.SYSTEM, Reason.PROVIDER_ERROR, "engine.paid_tasks_spent")
        return Fire(Trigger.ERROR, Happening(verdict=spent))
    return Create(len(job.tasks) + 1)


def may_cost(tasks: tuple[ProviderTask, ...]) -> int:
    """Tasks that cost money or will turn out to: a create without an answer may have been accepted."""
    return paid(tasks) + sum(task.status is TaskStatus.INTENT for task in tasks)


def _ambiguous(rule: str, n: int) -> Fire:
    verdict = Verdict(ErrorClass.AMBIGUOUS, Reason.CREATE_UNKNOWN, rule)
    return Fire(Trigger.ERROR, Happening(verdict=verdict, task_n=n))
