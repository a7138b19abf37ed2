"""Every Lua file says first what it is for; every verb says what it takes and answers."""

import re
from itertools import takewhile
from pathlib import Path

import pytest

from tests.house.tree import files, name_of

VERBS = [path for path in files(".lua", "engine") if path.parent.name == "verbs"]
SHARED = [path for path in files(".lua", "engine") if path.parent.name == "lib"]


def _header(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(takewhile(re.compile("--|#!").match, lines))


@pytest.mark.parametrize("path", VERBS, ids=name_of)
def test_a_verb_begins_with_its_contract(path: Path) -> None:
    header = _header(path)
    assert header[0].startswith("#!lua")
    assert re.match(r"-- [A-Z]", header[1]), "the second line is the purpose"
    for word in ("-- KEYS:", "-- Returns"):
        assert any(line.startswith(word) for line in header), f"{word} is missing"


@pytest.mark.parametrize("path", SHARED, ids=name_of)
def test_a_shared_part_begins_with_its_purpose(path: Path) -> None:
    assert re.match(r"-- [A-Z]", _header(path)[0])


@pytest.mark.parametrize("path", [*VERBS, *SHARED], ids=name_of)
def test_lua_has_no_clock_and_no_dice(path: Path) -> None:
    """Time and randomness are arguments, so that a step can be computed again."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"'TIME'|\"TIME\"|os\.(time|clock)|math\.random", text)
