"""What we install: every file of it by its hash, every direct need within a range, every licence known."""

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from itertools import chain

import pytest

from tests.house.tree import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt")
LICENCES: dict[str, str] = json.loads((ROOT / "tests/house/licences.json").read_text(encoding="utf-8"))
FREE = {
    "MIT",
    "MIT-CMU",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "Apache-2.0",
    "PSF-2.0",
    "Zlib",
    "CC0-1.0",
    "MPL-2.0",
}
"""What an MIT project may use and pass on. (MPL: changes to their own files would have to be published.)"""
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([^\s;\\]+)(?:\s*;[^\\]+)?\s*\\$")
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
UNBOUND = {"types-jsonschema", "reelstate"}
"""Stubs follow what they describe; the project's own extra."""


def _pins(lock: str) -> dict[str, int]:
    """How many hashes each pinned requirement has."""
    found: dict[str, int] = {}
    name = ""
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        pin = _PIN.match(line)
        if pin:
            name = pin[1]
            found[name] = found.get(name, 0)
        elif _HASH.match(line):
            found[name] += 1
        else:
            assert line.lstrip().startswith("#") or not line.strip(), (
                f"{lock}: {line!r} is neither pin nor hash"
            )
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_has_its_hashes(lock: str) -> None:
    pins = _pins(lock)
    assert len(pins) > 25
    assert [name for name, hashes in pins.items() if not hashes] == []


def test_the_programs_lock_is_a_part_of_its_tests_lock() -> None:
    assert set(_pins(LOCKS[0])) <= set(_pins(LOCKS[1]))


def test_every_direct_need_has_a_floor_and_a_ceiling() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.split(r"[\[<>=;]", need)[0]: need for need in needs}
    unbound = {name for name, need in names.items() if not (">=" in need and "<" in need)}
    assert unbound <= UNBOUND
    locked = set(_pins(LOCKS[1]))
    assert {name.replace(".", "-") for name in names} - {"reelstate"} <= locked


def test_every_licence_is_known_and_free() -> None:
    assert set(LICENCES) == set(_pins(LOCKS[1])), "name the licence of what came, drop what went"
    words = {
        name: set(re.findall(r"[A-Za-z0-9.-]+", licence)) - {"AND", "OR"}
        for name, licence in LICENCES.items()
    }
    assert {name: found - FREE for name, found in words.items() if found - FREE} == {}


def test_licences_are_those_that_the_packages_tell() -> None:
    """Where a package says its licence in the standard's words, ours are the same."""
    told = {}
    for name in LICENCES:
        try:
            told[name] = metadata(name).json.get("license_expression")
        except PackageNotFoundError:  # for another system or an older Python
            continue
    assert {n: said for n, said in told.items() if said and said != LICENCES[n]} == {}
    assert sum(said is not None for said in told.values()) > 20
