"""Bugs planted in the scripts on purpose: the model of `test_store_machine` must object to each."""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.wiring.simulation.plants import PLANTS
from tests.engine.store_model import Ground
from tests.engine.test_store_machine import CHECKS, Machine

SEARCH = settings(
    CHECKS, max_examples=100, phases=(Phase.generate,), report_multiple_bugs=False, database=None
)


@pytest.mark.parametrize("name", ["epoch", "release", "capture", "hint", "timer"])
def test_the_model_objects_to_a_planted_bug(server_url: str, name: str) -> None:
    Ground.here = Ground(server_url, *PLANTS[name].changes)
    try:
        with pytest.raises(AssertionError):
            run_state_machine_as_test(Machine, settings=SEARCH)
    finally:
        Ground.here.close()
