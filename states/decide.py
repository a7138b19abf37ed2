"""What an outcome means: (snapshot, trigger, recorded inputs) -> a frozen decision. It executes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from states.facts import Facts, Happening, after_failure, gather
from states.graph import Edge
from states.job import Hint, Job, ProviderTask, TaskStatus, Video, copy_job
from states.machine import JUDGE, IllegalTriggerError, Judge, UnmatchedGuardError
from states.strategy import Row, Strategy
from states.vocabulary import (
    TERMINALS,
    AlertKind,
    Hold,
    Money,
    NoticeKind,
    Stage,
    State,
    Trigger,
    Verdict,
)

Scalar = str | int | float | bool | None


class PlannedNotice(NamedTuple):
    """Something to tell the user once the transition is stored."""

    kind: NoticeKind
    data: Mapping[str, Scalar] = MappingProxyType({})

    @property
    def coalesce(self) -> str:
        """Everything but a bell edits the status message, so a newer one replaces a queued older one."""
        return "" if self.kind in (NoticeKind.BELL, NoticeKind.LATE_VIDEO) else "status"


class PlannedAlert(NamedTuple):
    """Something to tell the operator once the transition is stored."""

    kind: AlertKind
    reason: str
    rule: str


class Decision(NamedTuple):
    """A decided move, with everything that is to be stored and told with it.

    `due_ms`: when the job next needs a worker (None at a terminal). `keep`: the same worker goes on now.
    """

    edge: Edge
    before: Job
    after: Job
    facts: Facts
    money: Money | None
    notices: tuple[PlannedNotice, ...]
    alerts: tuple[PlannedAlert, ...]
    due_ms: int | None
    keep: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """The graph has no such move from here. Nothing changes; `why` is `illegal` or `unmatched`."""

    job: Job
    trigger: Trigger
    why: str
    facts: Facts


def decide(
    job: Job,
    trigger: Trigger,
    what: Happening | None = None,
    *,
    now_ms: int,
    rnd: float,
    video: Video | None = None,
    judge: Judge = JUDGE,
) -> Decision | Denied:
    """Decide what a trigger means for a job.

    The same snapshot, happening, time and random number always give the same decision; nothing else
    is looked at. `video` comes with `rendered` (what was made) and `delivered` (with its file id).
    """
    what = what or Happening()
    facts = gather(job, trigger, what, now_ms=now_ms, rnd=rnd, strategy=judge.graph.strategy)
    try:
        edge = judge.edge(job.state, facts)
    except IllegalTriggerError:
        return Denied(job, trigger, "illegal", facts)
    except UnmatchedGuardError:
        return Denied(job, trigger, "unmatched", facts)
    return _decision(job, edge, facts, what, video, judge.graph.strategy)


def _decision(
    job: Job, edge: Edge, facts: Facts, what: Happening, video: Video | None, strategy: Strategy
) -> Decision:
    notices = planned_notices(edge, facts, job.cost)
    money = edge.money if job.hold is Hold.HELD else None
    changes = _CHANGES[edge.trigger](job, edge, facts, what)
    if edge.trigger is Trigger.RENDERED or (edge.trigger is Trigger.DELIVERED and video is not None):
        changes["video"] = video
    if money is not None:
        changes["hold"] = Hold.CAPTURED if money is Money.CAPTURE else Hold.RELEASED
    for notice in notices:
        if notice.kind in ONCE:
            changes["told"] = job.told | {notice.kind}
    after = copy_job(job, state=edge.target, seq=job.seq + 1, **changes)
    return Decision(
        edge,
        job,
        after,
        facts,
        money,
        notices,
        planned_alerts(edge, facts),
        _due(after, facts, strategy),
        after.state in _WORKED_ON and edge.trigger is not Trigger.ACCEPTED,
    )


_WORKED_ON = frozenset({State.GENERATING, State.SENDING})


# --- what the move changes of the snapshot --------------------------------------------------------


def _accepted(job: Job, edge: Edge, facts: Facts, what: Happening) -> dict[str, Any]:
    del edge
    return {
        "tasks": _opened(job.tasks, what),
        "hints": tuple(h for h in job.hints if h.task_n != what.task_n) if job.hints else (),
        "stage_since_ms": facts.now_ms,
    }


def _rendered(job: Job, edge: Edge, facts: Facts, what: Happening) -> dict[str, Any]:
    del edge
    now_ms = facts.now_ms
    tasks = _succeeded(job.tasks, what)
    return {"tasks": tasks, "rendered_ms": now_ms, "stage_since_ms": now_ms, "hints": ()}


def _delivered(job: Job, edge: Edge, facts: Facts, what: Happening) -> dict[str, Any]:
    del job, edge, facts, what
    return {"hints": ()}


def _begun(job: Job, edge: Edge, facts: Facts, what: Happening) -> dict[str, Any]:
    del edge, what
    # a poll or an adoption will use the callbacks
    calls = tuple(h for h in job.hints if h.kind == "callback") if job.hints else ()
    return {"stage": None, "retry_at_ms": 0, "stage_since_ms": facts.now_ms, "hints": calls}


def _stopped(job: Job, edge: Edge, facts: Facts, what: Happening) -> dict[str, Any]:
    del job, facts, what
    return {"stage": None, "retry_at_ms": 0, "last_reason": edge.trigger.value}


def _failed(job: Job, edge: Edge, facts: Facts, what: Happening) -> dict[str, Any]:
    """What a failure changes of a job."""
    row = edge.row
    assert row is not None  # noqa: S101 - every error edge is drawn by a row
    counts = job.counts
    if not facts.alternative:  # trying another key or model at once spends nothing
        counts = MappingProxyType({**counts, row.counter: counts.get(row.counter, 0) + 1})
    retried = edge.target is State.RETRY_WAIT
    return {
        "counts": counts,
        "tasks": after_failure(job, what),
        "refused": tuple(dict.fromkeys((*job.refused, what.refused))) if what.refused else job.refused,
        "last_reason": facts.reason,
        "stage": row.stage if retried else None,
        "retry_at_ms": facts.now_ms + facts.delay_ms if retried else 0,
        "deadline_ms": facts.deadline_ms,
        "hints": _adoptable(job) if retried else (),
    }


_CHANGES: Mapping[Trigger, Callable[[Job, Edge, Facts, Happening], dict[str, Any]]] = MappingProxyType(
    {
        Trigger.ERROR: _failed,
        Trigger.ACCEPTED: _accepted,
        Trigger.RENDERED: _rendered,
        Trigger.DELIVERED: _delivered,
        Trigger.START: _begun,
        Trigger.RESUME: _begun,
        Trigger.CANCEL: _stopped,
        Trigger.EXPIRE: _stopped,
    }
)


def _adoptable(job: Job) -> tuple[Hint, ...]:
    """A callback that arrived while its create was failing must still be able to adopt the task."""
    if not job.hints:
        return ()
    unanswered = {t.n for t in job.tasks if t.status is TaskStatus.INTENT}
    return tuple(h for h in job.hints if h.kind == "callback" and h.task_n in unanswered)


def _opened(tasks: tuple[ProviderTask, ...], what: Happening) -> tuple[ProviderTask, ...]:
    return tuple(
        ProviderTask(t.n, t.model, t.key, TaskStatus.OPEN, t.created_ms, what.task_id, t.cost)
        if t.n == what.task_n
        else t
        for t in tasks
    )


def _succeeded(tasks: tuple[ProviderTask, ...], what: Happening) -> tuple[ProviderTask, ...]:
    return tuple(_paid(t, what.cost) if t.n == what.task_n else t for t in tasks)


def _paid(task: ProviderTask, cost: float | None) -> ProviderTask:
    known = cost if cost is not None else task.cost
    return ProviderTask(
        task.n, task.model, task.key, TaskStatus.SUCCEEDED, task.created_ms, task.task_id, known
    )


# --- what is told -------------------------------------------------------------------------------

ONCE = frozenset({NoticeKind.PATIENCE, NoticeKind.SERVICE_PAUSED})
"""Notices that a job tells at most once."""


def planned_notices(edge: Edge, facts: Facts, cost: int) -> tuple[PlannedNotice, ...]:
    """What a move tells the user."""
    if edge.target in TERMINALS:
        return _last_words(edge, facts, cost)
    if edge.row is not None:
        return _while_retrying(edge.row, facts)
    if edge.trigger is Trigger.START and edge.target is State.GENERATING:
        return (PlannedNotice(NoticeKind.STATUS, {"stage": Stage.GENERATING.value}),)
    return ()


def _while_retrying(row: Row, facts: Facts) -> tuple[PlannedNotice, ...]:
    quiet = row.told is None or row.told in facts.told or facts.alternative or facts.n + 1 < row.told_from
    if quiet or row.told is None:
        return ()
    return (PlannedNotice(row.told, {"reason": facts.reason}),)


def _last_words(edge: Edge, facts: Facts, cost: int) -> tuple[PlannedNotice, ...]:
    kind = _ending(edge)
    if kind is NoticeKind.BELL:
        return (PlannedNotice(NoticeKind.BELL, {"ending": State.DONE.value, "cost": cost}),)
    data: dict[str, Scalar] = {
        "reason": facts.reason or edge.trigger.value,
        "returned": cost if facts.held else 0,
        "video_ready": facts.has_video,
    }
    if kind is NoticeKind.CANCELLED:
        return (PlannedNotice(kind, data),)  # the user is looking: no bell
    return (PlannedNotice(kind, data), PlannedNotice(NoticeKind.BELL, {"ending": kind.value, **data}))


def _ending(edge: Edge) -> NoticeKind:
    if edge.row is not None:
        return edge.row.ends
    endings = {
        Trigger.DELIVERED: NoticeKind.BELL,
        Trigger.CANCEL: NoticeKind.CANCELLED,
        Trigger.EXPIRE: NoticeKind.EXPIRED,
    }
    return endings[edge.trigger]


def planned_alerts(edge: Edge, facts: Facts) -> tuple[PlannedAlert, ...]:
    """What a move tells the operator."""
    row = edge.row
    if row is None or facts.alternative or (row.alert is None and row.alert_end is None):
        return ()
    kinds = [row.alert] if row.alert else []
    if row.alert_end and edge.target in TERMINALS:
        kinds.append(row.alert_end)
    return tuple(PlannedAlert(kind, facts.reason, facts.rule) for kind in kinds)


# --- when a worker is needed next ---------------------------------------------------------------


def _due(job: Job, facts: Facts, strategy: Strategy) -> int | None:
    if job.state in TERMINALS:
        return None
    at_ms = job.retry_at_ms if job.state is State.RETRY_WAIT else facts.now_ms
    return wake_ms(job, at_ms, strategy)


def wake_ms(job: Job, at_ms: int, strategy: Strategy) -> int:
    """When to look at a waiting job: at `at_ms`, or earlier when a notice or its deadline falls due."""
    if job.state is not State.SENDING and job.deadline_ms < at_ms:
        at_ms = job.deadline_ms
    patience = patience_ms(job, strategy)
    return at_ms if patience is None or patience > at_ms else patience


def patience_ms(job: Job, strategy: Strategy) -> int | None:
    """When the user should be told once that it takes longer; None when there is nothing to tell."""
    if job.state is State.SENDING or job.stage is Stage.SENDING or job.video is not None:
        return None
    if job.state in TERMINALS or (job.told and job.told & ONCE):
        return None
    return job.created_ms + strategy.patience_s * 1000


def error(verdict: Verdict, **more: object) -> Happening:
    """A shorthand for the happening of a failure."""
    return Happening(verdict=verdict, **more)  # type: ignore[arg-type]  # keywords are Happening's own fields
