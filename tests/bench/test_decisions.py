"""Every case that is timed is a case of the graph."""

from dataclasses import replace

import pytest

from bot.wiring.bench.studies import decide_study
from engine.bench.decisions import FAILURES, GENERATING, Undecided, failure_costs, move_costs
from states.vocabulary import Reason, State


def test_failures_are_classified_and_decided() -> None:
    costs = failure_costs(FAILURES, 3)
    assert len(costs) == len(FAILURES)
    assert all(cost.decide_us > 0 for cost in costs)
    named = " ".join(cost.what for cost in costs)
    assert {Reason.IMAGE_TOO_DARK, Reason.RATE_LIMITED, Reason.USER_GONE} <= {
        reason for reason in Reason if f" {reason} " in named
    }


def test_moves_are_those_of_a_whole_job() -> None:
    assert [cost.what for cost in move_costs(3)] == [
        "move: start",
        "move: accepted",
        "move: rendered",
        "move: delivered",
    ]


def test_a_refusal_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.bench.decisions.GENERATING", replace(GENERATING, state=State.DONE))
    with pytest.raises(Undecided):
        failure_costs(FAILURES[:1], 1)


def test_recorded_lines_can_be_timed_instead() -> None:
    row = {"stage": "create", "http_status": 429, "body": {"code": 429, "msg": "slow down"}}
    (title, rows), *_ = decide_study(2, [row])
    assert title == "classify + decide, us"
    assert [name for name in rows if "rate_limited" in name] == list(rows)
