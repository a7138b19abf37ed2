"""The next step of a job, for every situation a worker can find it in."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from states.job import Hint, Job, ProviderTask, TaskStatus
from states.plan import Create, Deliver, Fire, Over, Poll, Step, Tell, Wait, next_step
from states.vocabulary import TERMINALS, NoticeKind, Stage, State, Trigger
from tests.states.samples import NOW_MS, OPEN_TASK, VIDEO, make_job

INTENT = ProviderTask(1, "m", "k", TaskStatus.INTENT, NOW_MS)
ASKED_ONCE = MappingProxyType({"create_unknown": 1})
ASKED_TWICE = MappingProxyType({"create_unknown": 2})
GENERATING = make_job(State.GENERATING)
OVERDUE = replace(OPEN_TASK, status=TaskStatus.OVERDUE)
FAILED_TASK = replace(OPEN_TASK, status=TaskStatus.FAILED)


@pytest.mark.parametrize(
    ("job", "step"),
    [
        (make_job(), Fire(Trigger.START)),
        (GENERATING, Create(1)),
        (replace(GENERATING, tasks=(OPEN_TASK,)), Poll((OPEN_TASK,))),
        (
            replace(GENERATING, tasks=(OPEN_TASK,), hints=(Hint("callback", 1, "task-1"),)),
            Poll((OPEN_TASK,), hinted=True),
        ),
        (replace(GENERATING, tasks=(OVERDUE,)), Create(2)),
        (
            replace(GENERATING, tasks=(OVERDUE, replace(OPEN_TASK, n=2))),
            Poll((OVERDUE, replace(OPEN_TASK, n=2))),
        ),
        (replace(GENERATING, tasks=(FAILED_TASK,)), Create(2)),
        (replace(GENERATING, tasks=(INTENT,), counts=ASKED_ONCE), Create(2)),
        (make_job(State.SENDING), Deliver(verify_first=False)),
        (make_job(State.SENDING, send_attempts=1), Deliver(verify_first=True)),
        (make_job(State.RETRY_WAIT), Wait(NOW_MS + 10_000)),
        (make_job(State.RETRY_WAIT, retry_at_ms=NOW_MS), Fire(Trigger.RESUME)),
        (
            make_job(State.RETRY_WAIT, tasks=(OPEN_TASK,), hints=(Hint("callback", 1, "task-1"),)),
            Fire(Trigger.RESUME),
        ),
        (
            make_job(State.RETRY_WAIT, tasks=(INTENT,), hints=(Hint("callback", 1, "t"),)),
            Fire(Trigger.RESUME),
        ),
        (
            make_job(State.RETRY_WAIT, tasks=(FAILED_TASK,), hints=(Hint("callback", 1, "task-1"),)),
            Wait(NOW_MS + 10_000),
        ),
        (
            make_job(State.RETRY_WAIT, stage=Stage.SENDING, video=VIDEO, hints=(Hint("returned"),)),
            Fire(Trigger.RESUME),
        ),
        (
            make_job(State.RETRY_WAIT, stage=Stage.SENDING, video=VIDEO, hints=(Hint("callback", 1, "t"),)),
            Wait(NOW_MS + 10_000),
        ),
        (make_job(deadline_ms=NOW_MS), Fire(Trigger.EXPIRE)),
        (make_job(State.GENERATING, created_ms=NOW_MS - 600_000), Tell(NoticeKind.PATIENCE)),
        (
            make_job(
                State.GENERATING,
                created_ms=NOW_MS - 600_000,
                told=frozenset({NoticeKind.PATIENCE}),
            ),
            Create(1),
        ),
        *((make_job(state), Over()) for state in TERMINALS),
    ],
)
def test_next_step(job: Job, step: Step) -> None:
    assert next_step(job, NOW_MS) == step


def fired(job: Job) -> Fire:
    step = next_step(job, NOW_MS)
    assert isinstance(step, Fire)
    return step


def test_an_unanswered_create_is_waited_for_before_another_is_bought() -> None:
    step = fired(replace(GENERATING, tasks=(INTENT,)))
    assert step.trigger is Trigger.ERROR
    assert step.what.verdict is not None
    assert step.what.verdict.rule == "engine.create_unanswered"


def test_never_a_third_create_of_unknown_fate() -> None:
    two = (INTENT, replace(INTENT, n=2))
    step = fired(replace(GENERATING, tasks=two, counts=ASKED_TWICE))
    assert step.what.verdict is not None
    assert step.what.verdict.rule == "engine.create_budget"


def test_an_unanswered_create_may_turn_out_to_be_the_last_that_can_be_paid() -> None:
    """Found by the simulator: one failed for money, one went unanswered, a third was bought: all billed."""
    waiting = (FAILED_TASK, replace(INTENT, n=2))
    step = fired(replace(GENERATING, tasks=waiting, counts=ASKED_ONCE))
    assert step.what.verdict is not None
    assert step.what.verdict.rule == "engine.create_budget"
    overdue = (OVERDUE, replace(INTENT, n=2))
    assert next_step(replace(GENERATING, tasks=overdue, counts=ASKED_ONCE), NOW_MS) == Poll((OVERDUE,))


def test_an_orphan_that_reports_itself_is_adopted() -> None:
    hints = (Hint("callback", 1, "late-id"),)
    step = fired(replace(GENERATING, tasks=(INTENT,), counts=ASKED_ONCE, hints=hints))
    assert (step.trigger, step.what.task_n, step.what.task_id) == (Trigger.ACCEPTED, 1, "late-id")


def test_paid_tasks_are_bounded() -> None:
    spent = (FAILED_TASK, replace(FAILED_TASK, n=2))
    step = fired(replace(GENERATING, tasks=spent))
    assert step.what.verdict is not None
    assert step.what.verdict.rule == "engine.paid_tasks_spent"
