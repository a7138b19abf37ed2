"""Decisions: what is stored, told and paid with a move; and that the same inputs decide the same."""

from dataclasses import replace
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from states.decide import Decision, Denied, decide, error, wake_ms
from states.facts import Happening
from states.graph import GRAPH
from states.job import Hint, Job, ProviderTask, TaskStatus
from states.record import record
from states.strategy import STRATEGY
from states.vocabulary import (
    TERMINALS,
    ErrorClass,
    Hold,
    Money,
    NoticeKind,
    Reason,
    Stage,
    State,
    Trigger,
    Verdict,
)
from tests.states.samples import NOW_MS, OPEN_TASK, VIDEO, make_job, verdict


def decided(job: Job, trigger: Trigger, what: Happening | None = None, **more: object) -> Decision:
    made = decide(job, trigger, what, now_ms=NOW_MS, rnd=0.5, **more)  # type: ignore[arg-type]
    assert isinstance(made, Decision)
    return made


def test_the_happy_way() -> None:
    job = make_job()
    started = decided(job, Trigger.START)
    assert (started.after.state, started.keep) == (State.GENERATING, True)
    assert [n.kind for n in started.notices] == [NoticeKind.STATUS]
    intent = ProviderTask(1, "m", "k", TaskStatus.INTENT, NOW_MS)
    accepted = decided(
        replace(started.after, tasks=(intent,)), Trigger.ACCEPTED, Happening(task_n=1, task_id="t")
    )
    assert (accepted.after.tasks[0].status, accepted.after.tasks[0].task_id) == (TaskStatus.OPEN, "t")
    assert accepted.keep is False
    rendered = decided(accepted.after, Trigger.RENDERED, Happening(task_n=1, cost=35.0), video=VIDEO)
    assert (rendered.after.state, rendered.after.video, rendered.notices) == (State.SENDING, VIDEO, ())
    assert rendered.after.tasks[0].cost == 35.0
    seen = replace(VIDEO, file_id="f", file_kind="video")
    done = decided(rendered.after, Trigger.DELIVERED, video=seen)
    assert (done.after.state, done.money, done.after.hold) == (State.DONE, Money.CAPTURE, Hold.CAPTURED)
    assert done.after.video == seen
    assert [n.kind for n in done.notices] == [NoticeKind.BELL]
    assert done.after.seq == 4


def test_redelivery_skips_the_provider_and_moves_no_money() -> None:
    job = make_job(video=VIDEO, cost=0, hold=Hold.NONE, source_job="0-old")
    started = decided(job, Trigger.START)
    assert (started.edge.id, started.after.state) == ("queued/start/redeliver", State.SENDING)
    done = decided(started.after, Trigger.DELIVERED)
    assert (done.money, done.after.state) == (None, State.DONE)


def test_five_silent_retries_then_patience_then_overloaded() -> None:
    job, told = make_job(State.GENERATING, tasks=(OPEN_TASK,)), []
    for n in range(1, 7):
        made = decided(job, Trigger.ERROR, error(verdict(Reason.UNAVAILABLE)))
        told.append([notice.kind for notice in made.notices])
        job = replace(made.after, state=State.GENERATING)
        if n < 6:
            assert made.after.state is State.RETRY_WAIT
            assert made.facts.delay_ms == (10, 30, 60, 120, 300)[n - 1] * 1000
    assert told == [[], [], [], [], [NoticeKind.PATIENCE], [NoticeKind.OVERLOADED, NoticeKind.BELL]]
    assert made.after.state is State.REFUNDED


def test_retry_after_wins_when_longer_and_passes_the_deadline_into_a_refund() -> None:
    job = make_job(State.GENERATING)
    longer = decided(job, Trigger.ERROR, error(verdict(Reason.RATE_LIMITED, retry_after_s=100.0)))
    assert 100_000 <= longer.facts.delay_ms <= 110_000
    shorter = decided(job, Trigger.ERROR, error(verdict(Reason.RATE_LIMITED, retry_after_s=1.0)))
    assert shorter.facts.delay_ms == 10_000
    beyond = decided(job, Trigger.ERROR, error(verdict(Reason.RATE_LIMITED, retry_after_s=7200.0)))
    assert beyond.after.state is State.REFUNDED


def test_a_dead_task_within_the_cap_is_bought_again_and_beyond_it_refunded() -> None:
    dead = error(verdict(Reason.PROVIDER_ERROR, ErrorClass.SYSTEM), task_n=1, task_dead=True)
    first = decided(make_job(State.GENERATING, tasks=(OPEN_TASK,)), Trigger.ERROR, dead)
    assert first.after.state is State.RETRY_WAIT
    assert first.after.tasks[0].status is TaskStatus.FAILED
    second = replace(OPEN_TASK, n=2, task_id="task-2")
    job = make_job(State.GENERATING, tasks=(*first.after.tasks, second))
    ended = decided(job, Trigger.ERROR, replace(dead, task_n=2))
    assert ended.after.state is State.REFUNDED
    proven_free = replace(first.after.tasks[0], cost=0.0)
    again = decided(replace(job, tasks=(proven_free, second)), Trigger.ERROR, replace(dead, task_n=2))
    assert again.after.state is State.RETRY_WAIT


def test_a_task_past_its_hard_limit_is_still_watched() -> None:
    late = error(verdict(Reason.RENDER_TIMEOUT), task_n=1, task_dead=True)
    made = decided(make_job(State.GENERATING, tasks=(OPEN_TASK,)), Trigger.ERROR, late)
    assert made.after.tasks[0].status is TaskStatus.OVERDUE


def test_operator_faults_spend_no_attempts_are_told_once_and_blame_nobody() -> None:
    job = make_job(State.GENERATING)
    balance = error(verdict(Reason.PROVIDER_BALANCE, ErrorClass.OPERATOR))
    first = decided(job, Trigger.ERROR, balance)
    assert [n.kind for n in first.notices] == [NoticeKind.SERVICE_PAUSED]
    second = decided(replace(first.after, state=State.GENERATING), Trigger.ERROR, balance)
    assert second.notices == ()
    other = decided(job, Trigger.ERROR, replace(balance, alternative=True, refused="*|main"))
    assert (other.facts.delay_ms, other.notices, other.alerts) == (0, (), ())
    assert other.after.refused == ("*|main",)
    assert other.after.counts == {}


def test_a_parked_delivery_waits_for_the_life_of_the_video() -> None:
    gone = error(verdict(Reason.USER_GONE, ErrorClass.PARKED))
    job = make_job(State.SENDING, deadline_ms=NOW_MS + 1)
    made = decided(job, Trigger.ERROR, gone)
    assert made.after.state is State.RETRY_WAIT
    assert made.after.deadline_ms == NOW_MS + STRATEGY.video_life_s * 1000
    assert made.notices == ()


def test_cancel_only_where_it_costs_nothing() -> None:
    assert decided(make_job(), Trigger.CANCEL).money is Money.RELEASE
    waiting = make_job(State.RETRY_WAIT)
    assert decided(waiting, Trigger.CANCEL).after.state is State.REFUNDED
    bought = replace(waiting, tasks=(OPEN_TASK,))
    denied = decide(bought, Trigger.CANCEL, now_ms=NOW_MS, rnd=0.5)
    assert isinstance(denied, Denied)
    assert denied.why == "unmatched"
    refused = replace(waiting, tasks=(replace(OPEN_TASK, status=TaskStatus.REFUSED),))
    assert decided(refused, Trigger.CANCEL).after.state is State.REFUNDED
    generating = decide(make_job(State.GENERATING), Trigger.CANCEL, now_ms=NOW_MS, rnd=0.5)
    assert isinstance(generating, Denied)
    assert generating.why == "illegal"


def test_a_terminal_is_never_left() -> None:
    for state in TERMINALS:
        for trigger in Trigger:
            made = decide(make_job(state), trigger, error(verdict(Reason.UNKNOWN)), now_ms=NOW_MS, rnd=0)
            assert isinstance(made, Denied)


def test_a_callback_that_arrives_while_its_create_fails_is_kept_for_adoption() -> None:
    intent = ProviderTask(1, "m", "k", TaskStatus.INTENT, NOW_MS)
    job = make_job(State.GENERATING, tasks=(intent,), hints=(Hint("callback", 1, "t"),))
    lost = error(verdict(Reason.CREATE_UNKNOWN, ErrorClass.AMBIGUOUS), task_n=1)
    made = decided(job, Trigger.ERROR, lost)
    assert made.after.hints == job.hints
    assert made.after.tasks[0].status is TaskStatus.INTENT


def test_wake_is_the_earliest_of_work_patience_and_deadline() -> None:
    job = make_job(State.GENERATING)
    patience = NOW_MS + 600_000
    assert wake_ms(job, NOW_MS + 5, STRATEGY) == NOW_MS + 5
    assert wake_ms(job, NOW_MS + 10**9, STRATEGY) == patience
    told = replace(job, told=frozenset({NoticeKind.PATIENCE}))
    assert wake_ms(told, NOW_MS + 10**9, STRATEGY) == job.deadline_ms


def test_the_record_holds_what_the_decision_looked_at() -> None:
    made = decided(make_job(State.GENERATING), Trigger.ERROR, error(verdict(Reason.UNAVAILABLE)))
    row = record(made, graph=GRAPH.digest, actor="worker")
    assert row["edge"] == "generating/error/unavailable"
    assert row["in"] == {
        "now_ms": NOW_MS,
        "rnd": 0.5,
        "cfg": STRATEGY.digest,
        "held": True,
        "deadline_ms": NOW_MS + 3_600_000,
        "cls": "transient",
        "reason": "unavailable",
        "rule": "test.rule",
        "delay_ms": 10_000,
        "costless": True,
    }
    assert row["out"] == ["retry:10000ms"]


REASONS = st.sampled_from(list(Reason))


@given(
    state=st.sampled_from([s for s in State if s not in TERMINALS]),
    trigger=st.sampled_from(list(Trigger)),
    reason=REASONS,
    n=st.integers(0, 7),
    rnd=st.floats(0, 1, exclude_max=True),
    held=st.booleans(),
    late=st.booleans(),
    retry_after=st.none() | st.floats(0, 10_000),
)
def test_money_moves_exactly_with_the_last_move(
    state: State,
    trigger: Trigger,
    reason: Reason,
    n: int,
    rnd: float,
    held: bool,
    late: bool,
    retry_after: float | None,
) -> None:
    stage = Stage.SENDING if state is State.SENDING else Stage.GENERATING
    row = STRATEGY.row(stage, reason)
    job = make_job(
        state,
        counts=MappingProxyType({row.counter: n}),
        hold=Hold.HELD if held else Hold.NONE,
        deadline_ms=NOW_MS if late else NOW_MS + 3_600_000,
    )
    what = Happening(verdict=Verdict(row.cls, reason, "r", retry_after))
    made = decide(job, trigger, what, now_ms=NOW_MS, rnd=rnd)
    again = decide(job, trigger, what, now_ms=NOW_MS, rnd=rnd)
    assert made == again
    if isinstance(made, Denied):
        return
    ended = made.after.state in TERMINALS
    assert (made.due_ms is None) is ended
    if not held:
        assert made.money is None
        assert made.after.state is not State.REFUNDED
    else:
        assert (made.money is not None) is ended
        assert made.after.state is not State.FAILED
    if ended:
        assert made.notices
