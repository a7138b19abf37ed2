from collections.abc import Callable

import pytest

from adapters.kie.catalogue import Catalogue
from adapters.kie.keys import KeyRing, LocalHealth
from adapters.kie.planner import Planner
from engine.clock import ManualClock
from engine.ports import CreatePlan, Failed
from states.vocabulary import ErrorClass, Reason, Verdict
from tests.adapters.kie.world import KEY, SEEDANCE, SPARE, a_job

LIMITED = Verdict(ErrorClass.TRANSIENT, Reason.RATE_LIMITED, "kie.code.430")
EMPTY = Verdict(ErrorClass.OPERATOR, Reason.PROVIDER_BALANCE, "kie.code.402")
CROWDED = Verdict(ErrorClass.TRANSIENT, Reason.OVERLOADED, "kie.text.overloaded")

Ask = Callable[[], CreatePlan | Failed]


@pytest.fixture
def health(clock: ManualClock) -> LocalHealth:
    return LocalHealth(clock)


@pytest.fixture
def ask(clock: ManualClock, health: LocalHealth) -> Ask:
    others = [model.id for model in Catalogue().all() if model.id != SEEDANCE]
    planner = Planner(Catalogue(disabled=others), KeyRing([KEY, SPARE]), health, clock)
    return lambda: planner.plan(a_job(clock))


def test_a_rate_limit_takes_the_other_key_first(health: LocalHealth, ask: Ask) -> None:
    health.failed(SEEDANCE, KEY.name, LIMITED)
    assert ask() == CreatePlan(SEEDANCE, SPARE.name)


def test_a_rate_limit_of_all_keys_is_no_failure_of_the_job(
    clock: ManualClock, health: LocalHealth, ask: Ask
) -> None:
    health.failed(SEEDANCE, SPARE.name, LIMITED)
    clock.advance(3)
    health.failed(SEEDANCE, KEY.name, LIMITED)
    assert ask() == CreatePlan(SEEDANCE, SPARE.name), (
        "the one that is free first; the shared gate makes it wait"
    )


def test_a_crowded_model_says_when_to_come_again(health: LocalHealth, ask: Ask) -> None:
    for _ in range(3):
        health.failed(SEEDANCE, KEY.name, CROWDED)
    resting = ask()
    assert isinstance(resting, Failed)
    assert (resting.verdict.rule, resting.verdict.retry_after_s) == ("kie.resting", 60)


def test_the_rest_of_an_incident_is_the_same_incident(health: LocalHealth, ask: Ask) -> None:
    for key in (KEY, SPARE):
        health.failed(SEEDANCE, key.name, EMPTY)
    resting = ask()
    assert isinstance(resting, Failed)
    assert (resting.verdict.cls, resting.verdict.rule) == (ErrorClass.OPERATOR, "kie.code.402")
