import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.replay.changes import changed, parse_changes
from engine.replay.graphs import Shelf
from engine.replay.measures import Measure
from engine.replay.values import ReplayError
from engine.replay.whatif import Counterfactual, WhatIf, by_graph, by_strategy
from states.graph import GRAPH, build_graph
from states.machine import Judge
from states.strategy import STRATEGY
from states.vocabulary import ErrorClass, NoticeKind, Reason, Stage
from tests.engine.replay.make_log import make_log

ROWS = list(make_log(400, seed=7, trouble=2.0))


def asked(*words: str, rows: list[dict[str, Any]] | None = None) -> WhatIf:
    changes = tuple(change for word in words for change in parse_changes(word))
    another = by_strategy(lambda strategy: changed(strategy, changes))
    return Counterfactual(Shelf(), another).feed(ROWS if rows is None else rows)


def test_the_same_policy_moves_nothing_and_costs_nothing() -> None:
    answer = Counterfactual(Shelf(), by_graph(GRAPH)).feed(ROWS)
    assert (answer.jobs, answer.moved, answer.retimed, answer.told_otherwise) == (400, 0, 0, 0)
    assert answer.recorded == answer.certain
    assert not any(answer.undecided.values())
    assert all(delta == 0 for *_, delta, _ in answer.rows())


def test_recorded_totals_are_those_of_the_log() -> None:
    answer = asked("paid_tasks=2")
    ends = [row["to"] for row in ROWS if row.get("to") in ("done", "refunded")]
    assert answer.recorded[Measure.REFUNDS] == ends.count("refunded")
    assert answer.recorded[Measure.DELIVERED] == ends.count("done")
    assert answer.recorded[Measure.RETRIES] == sum(row.get("to") == "retry_wait" for row in ROWS)
    assert answer.recorded[Measure.PAID] == sum(row["event"] == "accepted" for row in ROWS)


def test_fewer_retries_refund_earlier_and_the_rest_would_not_have_happened() -> None:
    answer = asked("generating.unavailable.retries=2")
    assert answer.moved == sum(answer.moves.values()) > 0
    assert {new for _, new in answer.moves} <= {
        "generating/error/unavailable/exhausted",
        "generating/error/unavailable/exhausted/free",
    }
    assert answer.undecided_jobs == 0
    by = {name: delta for name, _, _, delta, _ in answer.rows()}
    assert by["refunds"] > 0 > by["retries"]
    assert by["videos delivered"] == -by["refunds"] or by["videos delivered"] >= -answer.moved
    assert by["credits released"] == -by["credits captured"]


def test_a_table_by_hand() -> None:
    """One job: three failures, then delivered. With two retries it is refunded at the third failure."""
    job = next(
        own
        for own in _by_job()
        if [row.get("edge") for row in own].count("generating/error/unavailable") >= 3
        and own[-1]["to"] == "done"
        and own[0]["in"]["cost"]
    )
    answer = asked("unavailable.retries=2", rows=job)
    cost = job[0]["in"]["cost"]
    assert answer.moved == 1
    assert answer.certain[Measure.REFUNDS] == 1
    assert answer.certain[Measure.RELEASED] == cost
    assert answer.certain[Measure.CAPTURED] == 0
    assert answer.recorded[Measure.CAPTURED] == cost
    assert answer.certain[Measure.RETRIES] <= 5
    assert "asks [may retry]: no" in answer.examples[0].why[0]


def test_more_retries_leave_undecided_what_nobody_asked_the_provider() -> None:
    answer = asked("no_product.class=transient")
    refused = sum(row.get("edge", "").startswith("generating/error/no_product") for row in ROWS)
    assert answer.moved == answer.undecided_jobs == refused > 0
    assert answer.undecided[Measure.RELEASED] == answer.undecided[Measure.CAPTURED] > 0
    assert answer.certain[Measure.RETRIES] == answer.recorded[Measure.RETRIES] + refused


def test_other_delays_move_nobody_and_their_wait_is_told() -> None:
    answer = asked("generating.unavailable.delays_s=1")
    assert answer.moved == 0
    assert answer.retimed > 0
    assert answer.waiting_ms < 0
    assert answer.recorded == answer.certain


def test_other_notices_are_counted() -> None:
    answer = asked("generating.*.told_from=1")
    by = {name: delta for name, _, _, delta, _ in answer.rows()}
    assert answer.moved == 0
    assert by["notices"] > 0
    assert answer.told_otherwise > 0


def test_one_paid_task_buys_less() -> None:
    by = {name: delta for name, _, _, delta, _ in asked("paid_tasks=1").rows()}
    assert by["paid attempts"] < 0 < by["refunds"]


def test_a_shorter_deadline_expires_and_a_longer_one_leaves_it_open() -> None:
    short = asked("deadline_s=120")
    assert any(new.endswith("/expire") for _, new in short.moves)
    assert short.undecided_jobs == 0
    long = asked("deadline_s=86400")
    assert all(old.split("/")[1] == "expire" or "exhausted" in old for old, _ in long.moves)


def test_a_graph_of_another_policy_can_judge_as_well() -> None:
    stricter = build_graph(STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, retries=2))
    by_change = asked("generating.unavailable.retries=2")
    by_file = Counterfactual(Shelf(), by_graph(stricter)).feed(ROWS)
    assert by_file.moves == by_change.moves
    assert by_file.certain == by_change.certain


def test_jobs_that_begin_in_the_middle_are_not_judged() -> None:
    answer = Counterfactual(Shelf(), by_graph(GRAPH)).feed([row for row in ROWS if row["seq"] > 3])
    assert answer.unjudged > 0


def _by_job() -> list[list[dict[str, Any]]]:
    jobs: dict[str, list[dict[str, Any]]] = {}
    for row in ROWS:
        jobs.setdefault(row["job"], []).append(row)
    return list(jobs.values())


# --- the grammar of changes -----------------------------------------------------------------------


def one(words: str) -> Callable[[Stage, Reason], Any]:
    strategy = changed(STRATEGY, parse_changes(words))
    return strategy.row


def test_a_row_a_reason_everywhere_and_a_whole_stage_can_be_changed() -> None:
    assert one("generating.unavailable.retries=2")(Stage.GENERATING, Reason.UNAVAILABLE).retries == 2
    both = one("unavailable.delays_s=5,10")
    assert both(Stage.GENERATING, Reason.UNAVAILABLE).delays_s == (5.0, 10.0)
    assert both(Stage.SENDING, Reason.UNAVAILABLE).delays_s == (5.0, 10.0)
    assert one("sending.*.retries=none")(Stage.SENDING, Reason.NETWORK).retries is None


def test_a_reason_moved_to_another_class_takes_over_its_row() -> None:
    row = one("no_product.class=transient")(Stage.GENERATING, Reason.NO_PRODUCT)
    assert (row.cls, row.retries, row.counter) == (ErrorClass.TRANSIENT, 5, "generating.transient")
    assert row.ends is NoticeKind.OVERLOADED


def test_several_changes_and_files(tmp_path: Path) -> None:
    words = parse_changes("paid_tasks=1; generating.unavailable.retries=2 deadline_s=600")
    assert [str(change) for change in words] == [
        "paid_tasks=1",
        "generating.unavailable.retries=2",
        "deadline_s=600",
    ]
    path = tmp_path / "changes.json"
    path.write_text(
        json.dumps({"paid_tasks": 1, "generating": {"unavailable": {"retries": 2}}, "deadline_s": 600})
    )
    assert parse_changes(str(path)) == words


@pytest.mark.parametrize(
    "words",
    [
        "", "retries=2", "unavailable", "generating.unavailable.retries=", "generating.unavailable.retries=x",
        "generating.unavailable.retries=1.5", "generating.unavailable.retries=-1", "a.b.c.d=1",
        "baking.unavailable.retries=1", "generating.hunger.retries=1", "generating.unavailable.colour=1",
        "generating.unavailable.class=lazy", "generating.unavailable.ends=sadly", "patience_s=1",
        "generating.unavailable.delays_s=nan", "nowhere.json",
    ],
)  # fmt: skip
def test_what_is_no_change_is_refused_with_a_sentence(words: str) -> None:
    with pytest.raises(ReplayError, match=r"\."):
        parse_changes(words)


@pytest.mark.parametrize(
    "words", ["sending.no_product.retries=1", "generating.unavailable.class=parked", "sending.*.class=user"]
)
def test_a_change_that_fits_no_row_is_refused(words: str) -> None:
    with pytest.raises(ReplayError):
        asked(words)


def test_a_policy_that_is_not_sound_is_refused() -> None:
    with pytest.raises(ReplayError, match="not sound"):
        asked("generating.unavailable.ends=bell")
    with pytest.raises(ReplayError, match="not sound"):
        asked("paid_tasks=0")


def test_the_judges_of_a_changed_policy_are_made_once_a_graph() -> None:
    made: list[Judge] = []

    def another(judge: Judge) -> Judge:
        made.append(judge)
        return judge

    Counterfactual(Shelf(), another).feed(ROWS)
    assert len(made) == 1
