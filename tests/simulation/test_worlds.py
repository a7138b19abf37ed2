"""Whole worlds: the same seed is the same world, no seed breaks a promise, planted bugs are found."""

import os
import re
import secrets
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from bot.commands.simulate import simulate
from bot.wiring.simulation.plants import PLANTS
from bot.wiring.simulation.play import Played, play
from bot.wiring.simulation.shrink import shrink
from bot.wiring.simulation.world import Plan
from engine.simulation.memory import Memory
from engine.simulation.wire import Wire

FOUND_WITHIN = 20_000
"""Steps, over as many seeds as it takes, within which each planted bug must be found."""


def played(wire: Wire, plan: Plan) -> Played:
    found = play(plan, wire)
    why = found.violation
    assert why is None, f"reelstate simulate --seed {plan.seed} --jobs {plan.jobs}: {why}"
    return found


@pytest.mark.parametrize("seed", [1, 7, 1001])
def test_known_seeds_keep_every_promise(wire: Wire, seed: int) -> None:
    found = played(wire, Plan(seed))
    assert found.steps > 200
    assert found.ends.total() == sum(
        n for state, n in found.ends.items() if state in ("done", "refunded", "failed")
    )


def test_fresh_seeds_keep_every_promise(wire: Wire) -> None:
    first = secrets.randbelow(10**9)
    print(f"fresh seeds {first}..{first + 2}")  # noqa: T201 - shown with a failure, to play it again
    for seed in range(first, first + 3):
        played(wire, Plan(seed))


def test_the_same_seed_is_the_same_world_to_the_byte(wire: Wire) -> None:
    here = played(wire, Plan(5, jobs=6))
    assert play(Plan(5, jobs=6), wire).digest == here.digest
    assert play(Plan(6, jobs=6), wire).digest != here.digest
    command = [sys.executable, "-m", "bot.cli", "simulate", "--seed", "5", "--jobs", "6"]
    elsewhere = subprocess.run(  # noqa: S603 - our own command, in a process with other hashes
        command, env={**os.environ, "PYTHONHASHSEED": "3"}, capture_output=True, text=True, check=True
    )
    assert re.search(r"digest (\w+)", elsewhere.stdout)[1] == here.digest  # type: ignore[index]


def test_remembered_looks_change_nothing(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = played(wire, Plan(9, jobs=6))

    def forgetful(*_: Any) -> None:
        return None

    monkeypatch.setattr(Memory, "recall", forgetful)
    assert played(wire, Plan(9, jobs=6)).digest == asked.digest


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_planted_bugs_are_found(wire: Wire, name: str) -> None:
    steps = 0
    for seed in range(1, 50):
        found = play(Plan(seed, plant=PLANTS[name]), wire)
        steps += found.steps
        if found.violation is not None:
            break
    assert found.violation is not None
    assert steps <= FOUND_WITHIN


def test_a_failing_seed_is_shrunk_and_fails_again(wire: Wire) -> None:
    plant, seeds = PLANTS["release"], iter(range(1, 50))
    found = next(p for p in (play(Plan(s, jobs=4, plant=plant), wire) for s in seeds) if p.violation)
    short = shrink(found, wire, tries=8)
    assert short.violation is not None
    assert found.violation is not None
    assert short.violation.invariant == found.violation.invariant
    assert len(short.faults) <= len(found.faults)
    again = play(replace(short.plan, keep=frozenset(short.faults)), wire)
    assert again.violation == short.violation


def test_the_command_explains_what_it_found() -> None:
    answer = CliRunner().invoke(
        simulate, ["--seed", "1", "--seeds", "9", "--plant", "release", "--shrink-s", "3"]
    )
    assert answer.exit_code == 1
    assert "VIOLATION" in answer.output
    assert "What happened" in answer.output


def test_the_command_sums_up() -> None:
    answer = CliRunner().invoke(simulate, ["--seed", "3", "--seeds", "2", "--jobs", "3"])
    assert answer.exit_code == 0
    assert "2 worlds" in answer.output
