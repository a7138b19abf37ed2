"""The promise of polling: a result is found at most 5 % of its render time late on average, with 15 looks."""

from statistics import fmean

import pytest

from adapters.kie.catalogue import MODELS, Model
from adapters.kie.lateness import SPREADS, Spread, polled, watch
from adapters.kie.schedule import Schedule

USUAL = SPREADS[:3]
RENDERS = 400
SEED = 5


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
@pytest.mark.parametrize("spread", USUAL, ids=lambda spread: spread.name)
def test_few_looks_and_little_lateness(model: Model, spread: Spread) -> None:
    found = polled(Schedule(), model, spread, RENDERS, SEED)
    assert found.late <= 0.05
    assert found.calls <= 15


def test_a_wrong_belief_in_the_duration_costs_looks_not_much_lateness() -> None:
    for spread in SPREADS[3:]:
        found = [polled(Schedule(), model, spread, RENDERS, SEED) for model in MODELS]
        assert fmean(one.late for one in found) <= 0.05
        assert fmean(one.calls for one in found) <= 20


def test_a_watch_counts_what_really_happens() -> None:
    schedule, model = Schedule(), MODELS[0]
    first = schedule.first_s(model)
    assert watch(schedule, model, first) == (first, 0.0, 1)
    _, late_s, looks = watch(schedule, model, first + 0.5)
    assert looks == 2
    assert late_s == pytest.approx(schedule.next_s(model, first) - 0.5)


def test_the_same_seed_gives_the_same_figures() -> None:
    one, two = (polled(Schedule(), MODELS[0], SPREADS[1], 50, SEED) for _ in range(2))
    other = polled(Schedule(), MODELS[0], SPREADS[1], 50, SEED + 1)
    assert one == two
    assert one != other
