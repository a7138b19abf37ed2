"""Every trap has a test that exists, or says why it has none."""

import re

import pytest

from tests.house.tree import ROOT, functions

TABLE = (ROOT / "tests" / "faults" / "TABLE.md").read_text(encoding="utf-8")
PARTS = {"engine": 20, "product": 34}


def _rows(part: str) -> list[list[str]]:
    body = TABLE.partition(f"## The {part}\n")[2].partition("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("| T")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("part", PARTS)
def test_every_trap_has_a_row(part: str) -> None:
    named = [row[0].split()[0] for row in _rows(part)]
    assert named == [f"T{number}" for number in range(1, PARTS[part] + 1)]


@pytest.mark.parametrize("part", PARTS)
def test_a_row_names_tests_or_a_reason(part: str) -> None:
    for trap, tests, shows, runs in _rows(part):
        named = re.findall(r"`(\S+?)::(\w+)`", tests)
        assert bool(named) != (tests == "—"), trap
        assert shows, trap
        assert (runs == "—") == (not named), trap


@pytest.mark.parametrize("node", sorted(set(re.findall(r"`(tests/\S+::\w+)`", TABLE))))
def test_a_named_test_exists(node: str) -> None:
    name, _, test = node.partition("::")
    assert test in {function for function, _ in functions(ROOT / name)}
