"""The user's nine rows, held fixed; and the shape of the whole table."""

from dataclasses import replace

import pytest

from states.decide import Decision, decide, error
from states.graph import GRAPH
from states.strategy import SOURCE_ROWS, STRATEGY, Row, SourceRow
from states.vocabulary import ErrorClass, Hold, Money, NoticeKind, Reason, Stage, State, Trigger
from tests.states.samples import NOW_MS, OPEN_TASK, make_job, verdict

FIRST = [pytest.param(row, id=row.name.replace(" ", "_")) for row in SOURCE_ROWS]
ALL = [pytest.param(row, id=f"{row.stage}-{row.reason}") for row in STRATEGY.rows]


def first_failure(row: SourceRow | Row, **changes: object) -> Decision:
    state = State.SENDING if row.stage is Stage.SENDING else State.GENERATING
    job = make_job(state, **({"tasks": (OPEN_TASK,)} if state is State.GENERATING else {}), **changes)
    made = decide(job, Trigger.ERROR, error(verdict(row.reason, row.cls)), now_ms=NOW_MS, rnd=0.5)
    assert isinstance(made, Decision)
    return made


@pytest.mark.parametrize("row", FIRST)
def test_source_row_first_failure(row: SourceRow) -> None:
    made = first_failure(row)
    assert (made.after.state is State.RETRY_WAIT) is row.retry
    assert bool(made.notices) is row.notify_at_once
    assert (made.money is Money.RELEASE) is row.refund_at_once


@pytest.mark.parametrize("row", FIRST)
def test_source_row_end_is_told_and_refunded(row: SourceRow) -> None:
    strategy_row = STRATEGY.row(row.stage, row.reason)
    spent = {strategy_row.counter: strategy_row.retries or 0}
    made = first_failure(row, counts=spent)
    assert made.after.state is State.REFUNDED
    assert made.money is Money.RELEASE
    assert made.after.hold is Hold.RELEASED
    kinds = [notice.kind for notice in made.notices]
    assert kinds == [strategy_row.ends, NoticeKind.BELL]


def test_nine_rows() -> None:
    assert len(SOURCE_ROWS) == 9
    assert {row.cls for row in SOURCE_ROWS} == {ErrorClass.TRANSIENT, ErrorClass.USER, ErrorClass.SYSTEM}


def test_counts_of_the_source() -> None:
    assert STRATEGY.row(Stage.GENERATING, Reason.UNAVAILABLE).retries == 5
    assert STRATEGY.row(Stage.SENDING, Reason.SEND_TIMEOUT).retries == 2  # three attempts in all
    assert STRATEGY.row(Stage.GENERATING, Reason.UNAVAILABLE).delays_s[-1] == 300


@pytest.mark.parametrize("row", ALL)
def test_every_row_ends_with_a_notice_and_no_credits_held(row: Row) -> None:
    spent = {row.counter: row.retries if row.retries is not None else 0}
    made = first_failure(row, counts=spent, deadline_ms=NOW_MS, rendered_ms=NOW_MS - 86_400_000)
    assert made.after.state is State.REFUNDED
    assert made.notices[0].kind is row.ends
    assert made.money is Money.RELEASE


@pytest.mark.parametrize("row", ALL)
def test_a_free_job_fails_without_money(row: Row) -> None:
    spent = {row.counter: row.retries if row.retries is not None else 0}
    made = first_failure(
        row, counts=spent, deadline_ms=NOW_MS, rendered_ms=NOW_MS - 86_400_000, hold=Hold.NONE, cost=0
    )
    assert made.after.state is State.FAILED
    assert made.money is None


def test_a_reason_nobody_lists_at_a_stage_is_treated_as_unknown() -> None:
    assert STRATEGY.row(Stage.SENDING, Reason.IMAGE_TOO_DARK).reason is Reason.UNKNOWN


def test_a_changed_number_changes_both_digests() -> None:
    changed = STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, retries=2)
    assert changed.digest != STRATEGY.digest
    assert replace(GRAPH, strategy=changed).digest != GRAPH.digest
