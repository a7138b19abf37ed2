"""What an outcome means: (snapshot, trigger, recorded inputs) -> a frozen decision. It executes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from states.facts import Facts, Happening, after_failure, gather, recorded
from states.graph import Edge, EdgeKind
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


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """Something to tell the user once the transition is stored."""

    kind: NoticeKind
    data: Mapping[str, Scalar] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def coalesce(self) -> str:
        """Everything but a bell edits the status message, so a newer one replaces a queued older one."""
        return "" if self.kind in (NoticeKind.BELL, NoticeKind.LATE_VIDEO) else "status"


@dataclass(frozen=True, slots=True)
class PlannedAlert:
    """Something to tell the operator once the transition is stored."""

    kind: AlertKind
    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class Decision:
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

    def effects(self) -> tuple[str, ...]:
        """Planned effects by name and idempotency key, as written into history."""
        key = f"{self.before.id}:{self.after.seq}"
        return effect_words(self.edge, self.facts, cost=self.before.cost, key=key)


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
    notices = _notices(edge, facts, job.cost)
    money = edge.money if job.hold is Hold.HELD else None
    after = _after(job, edge, facts, what, video)
    told, hold = frozenset(n.kind for n in notices if n.kind in ONCE), _hold(job, money)
    if told or hold is not after.hold:
        after = copy_job(after, told=after.told | told, hold=hold)
    return Decision(
        edge=edge,
        before=job,
        after=after,
        facts=facts,
        money=money,
        notices=notices,
        alerts=_alerts(edge, facts),
        due_ms=_due(after, facts, strategy),
        keep=after.state in (State.GENERATING, State.SENDING) and edge.trigger is not Trigger.ACCEPTED,
    )


def _hold(job: Job, money: Money | None) -> Hold:
    match money:
        case Money.CAPTURE:
            return Hold.CAPTURED
        case Money.RELEASE:
            return Hold.RELEASED
        case _:
            return job.hold


# --- the snapshot after the move ----------------------------------------------------------------


def _after(job: Job, edge: Edge, facts: Facts, what: Happening, video: Video | None) -> Job:
    moved = partial(copy_job, job, state=edge.target, seq=job.seq + 1)
    match edge.trigger:
        case Trigger.ERROR:
            return moved(**_failed(job, edge, facts, what))
        case Trigger.ACCEPTED:
            return moved(
                tasks=_opened(job.tasks, what),
                hints=tuple(h for h in job.hints if h.task_n != what.task_n),
                stage_since_ms=facts.now_ms,
            )
        case Trigger.RENDERED:
            return moved(
                video=video,
                tasks=_succeeded(job.tasks, what),
                rendered_ms=facts.now_ms,
                stage_since_ms=facts.now_ms,
                hints=(),
            )
        case Trigger.DELIVERED:
            return moved(video=video or job.video, hints=())
        case Trigger.START | Trigger.RESUME:
            calls = tuple(h for h in job.hints if h.kind == "callback")  # a poll or an adoption will use them
            return moved(stage=None, retry_at_ms=0, stage_since_ms=facts.now_ms, hints=calls)
        case Trigger.CANCEL | Trigger.EXPIRE:
            return moved(stage=None, retry_at_ms=0, last_reason=edge.trigger.value)


def _failed(job: Job, edge: Edge, facts: Facts, what: Happening) -> dict[str, Any]:
    """What a failure changes of a job."""
    row = edge.row
    assert row is not None  # noqa: S101 - every error edge is drawn by a row
    counts = dict(job.counts)
    if not facts.alternative:  # trying another key or model at once spends nothing
        counts[row.counter] = counts.get(row.counter, 0) + 1
    retried = edge.target is State.RETRY_WAIT
    return {
        "counts": MappingProxyType(counts),
        "tasks": after_failure(job, what),
        "refused": tuple(dict.fromkeys((*job.refused, what.refused))) if what.refused else job.refused,
        "last_reason": facts.reason,
        "stage": row.stage if retried else None,
        "retry_at_ms": facts.now_ms + facts.delay_ms if retried else 0,
        "deadline_ms": facts.deadline_ms,
        "hints": _adoptable(job) if retried else (),
    }


def _adoptable(job: Job) -> tuple[Hint, ...]:
    """A callback that arrived while its create was failing must still be able to adopt the task."""
    unanswered = {t.n for t in job.tasks if t.status is TaskStatus.INTENT}
    return tuple(h for h in job.hints if h.kind == "callback" and h.task_n in unanswered)


def _opened(tasks: tuple[ProviderTask, ...], what: Happening) -> tuple[ProviderTask, ...]:
    return tuple(
        replace(t, status=TaskStatus.OPEN, task_id=what.task_id) if t.n == what.task_n else t for t in tasks
    )


def _succeeded(tasks: tuple[ProviderTask, ...], what: Happening) -> tuple[ProviderTask, ...]:
    return tuple(
        replace(t, status=TaskStatus.SUCCEEDED, cost=what.cost if what.cost is not None else t.cost)
        if t.n == what.task_n
        else t
        for t in tasks
    )


# --- what is told -------------------------------------------------------------------------------

ONCE = frozenset({NoticeKind.PATIENCE, NoticeKind.SERVICE_PAUSED})
"""Notices that a job tells at most once."""


def _notices(edge: Edge, facts: Facts, cost: int) -> tuple[PlannedNotice, ...]:
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


def _alerts(edge: Edge, facts: Facts) -> tuple[PlannedAlert, ...]:
    row = edge.row
    if row is None or facts.alternative:
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
    times = [at_ms, job.deadline_ms] if job.state is not State.SENDING else [at_ms]
    patience = patience_ms(job, strategy)
    return min(times if patience is None else [*times, patience])


def patience_ms(job: Job, strategy: Strategy) -> int | None:
    """When the user should be told once that it takes longer; None when there is nothing to tell."""
    stage = job.stage or (Stage.SENDING if job.state is State.SENDING else Stage.GENERATING)
    if job.told & ONCE or stage is Stage.SENDING or job.video is not None or job.state in TERMINALS:
        return None
    return job.created_ms + strategy.patience_s * 1000


# --- what is written into history ---------------------------------------------------------------


def effect_words(edge: Edge, facts: Facts, *, cost: int, key: str) -> tuple[str, ...]:
    """What a move has done, by name and idempotency key. `key` is `<job>:<seq>`, as in ledger and outbox.

    A function of the recorded facts alone, so that a replay recomputes it.
    """
    money = (f"{edge.money}:{cost}:{key}",) if edge.money and facts.held else ()
    retry = (f"retry:{facts.delay_ms}ms",) if edge.kind is EdgeKind.RETRY else ()
    told = (f"notify:{notice.kind}:{key}:{n}" for n, notice in enumerate(_notices(edge, facts, cost)))
    alerts = (f"alert:{alert.kind}:{key}:a{n}" for n, alert in enumerate(_alerts(edge, facts)))
    return (*money, *retry, *told, *alerts)


def record(decision: Decision, *, graph: str, actor: str) -> dict[str, object]:
    """The history record of a decision: everything needed to recompute it (schema in diagrams/)."""
    return {
        "v": 1,
        "job": decision.before.id,
        "seq": decision.after.seq,
        "ts": decision.facts.now_ms,
        "graph": graph,
        "event": decision.edge.trigger.value,
        "from": decision.edge.source.value,
        "to": decision.edge.target.value,
        "edge": decision.edge.id,
        "in": recorded(decision.facts),
        "out": list(decision.effects()),
        "by": actor,
        "disp": "transition",
    }


def birth(job: Job) -> dict[str, object]:
    """The record of a submit, seq 0: what the later ones start from."""
    facts: dict[str, object] = {"cost": job.cost, "held": job.cost > 0, "deadline_ms": job.deadline_ms}
    if job.video is not None:
        facts["has_video"] = True
    return {
        "v": 1,
        "job": job.id,
        "seq": 0,
        "ts": job.created_ms,
        "graph": job.graph,
        "event": "submit",
        "to": job.state.value,
        "in": facts,
        "out": [f"{Money.HOLD}:{job.cost}:{job.id}:0"] if job.cost > 0 else [],
        "by": "user",
        "disp": "transition",
    }


def refusal(denied: Denied, *, graph: str, actor: str) -> dict[str, object]:
    """The record of a move that was not made; `seq` is the job's, which did not change."""
    return {
        "v": 1,
        "job": denied.job.id,
        "seq": denied.job.seq,
        "ts": denied.facts.now_ms,
        "graph": graph,
        "event": denied.trigger.value,
        "from": denied.job.state.value,
        "in": recorded(denied.facts),
        "out": [],
        "by": actor,
        "disp": "denied",
        "why": denied.why,
    }


def error(verdict: Verdict, **more: object) -> Happening:
    """A shorthand for the happening of a failure."""
    return Happening(verdict=verdict, **more)  # type: ignore[arg-type]  # keywords are Happening's own fields
