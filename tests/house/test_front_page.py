"""What the README promises exists, and its two languages say the same."""

import re
import tomllib

import pytest

from adapters.sandbox.scenarios import SCENARIOS
from bot.admin import make_router
from bot.cli import COMMANDS
from bot.settings import Settings
from tests.house.tree import ROOT

ENGLISH, RUSSIAN = "README.md", "README.ru.md"
LINES = 180


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _links(text: str) -> list[str]:
    """Where a page leads inside the repository, fragments left out."""
    found = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)
    targets = (one or other for one, other in found)
    return [target.partition("#")[0] for target in targets if "://" not in target]


@pytest.mark.parametrize("page", [ENGLISH, RUSSIAN, "CHANGELOG.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    assert [link for link in _links(_text(page)) if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", [ENGLISH, RUSSIAN])
def test_a_page_stays_readable(page: str) -> None:
    assert len(_text(page).splitlines()) <= LINES


@pytest.mark.parametrize("page", [ENGLISH, RUSSIAN])
def test_every_command_and_target_exists(page: str) -> None:
    text = _written(page)
    named = set(re.findall(r"reelstate (?!demo is)([a-z]+)", text))
    table = text.partition("reelstate …`")[2].partition("\n\n")[0]
    for row in table.splitlines()[2:]:
        named |= set(re.findall(r"`([a-z]+)", row.split("|")[1]))
    assert {"doctor", "run", "worker", "job"} <= named <= set(COMMANDS)
    targets = set(re.findall(r"(?m)^([a-z]+):", _text("Makefile")))
    assert set(re.findall(r"make ([a-z]+)", text)) <= targets


def _written(page: str) -> str:
    """What was written by hand: the printed blocks are checked by `reelstate diagram check`."""
    return re.sub(r"(?s)<!-- graph:(\w+) -->.*?<!-- /graph:\1 -->", "", _text(page))


@pytest.mark.parametrize("page", [ENGLISH, RUSSIAN])
def test_every_setting_scenario_and_proof_exists(page: str) -> None:
    text = _text(page)
    variables = {str(field.validation_alias) for field in Settings.model_fields.values()}
    for name in re.findall(r"`([A-Z]+_[A-Z_]+)`", text):
        assert any(f"'{name}'" in variable for variable in variables), name
    assert set(re.findall(r"--scenario ([a-z_]+)", text)) - {"list"} <= set(SCENARIOS)
    for name, path in re.findall(r"\[(test_\w+)\]\(([^)]+)\)", text):
        assert path.endswith(f"/{name}.py"), "a proof is called by its file"


def test_the_operators_commands_are_those_of_the_bot() -> None:
    source = (ROOT / (make_router.__module__.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    registered = set(re.findall(r'Command\("([a-z]+)"\)', source))
    assert registered
    for page in (ENGLISH, RUSSIAN):
        told = next(line for line in _text(page).splitlines() if "`/alerts`" in line)
        assert set(re.findall(r"`/([a-z]+)`", told)) == registered


def test_both_languages_say_the_same() -> None:
    english, russian = _text(ENGLISH), _text(RUSSIAN)
    swapped = {ENGLISH: RUSSIAN, RUSSIAN: ENGLISH}
    assert sorted(_links(english)) == sorted(swapped.get(link, link) for link in _links(russian))
    for mark in ("## ", "| ", "- **", "```", "$ "):
        assert _count(english, mark) == _count(russian, mark), mark
    assert len(re.findall(" · ", english)) == len(re.findall(" · ", russian))


def _count(text: str, mark: str) -> int:
    return sum(line.startswith(mark) for line in text.splitlines())


def test_the_changes_are_told() -> None:
    version = tomllib.loads(_text("pyproject.toml"))["project"]["version"]
    headings = re.findall(r"(?m)^## \[?([^\]\s]+)", _text("CHANGELOG.md"))
    assert headings[0] in ("Unreleased", version)
    entries = _text("CHANGELOG.md").partition(f"## {headings[0]}")[2].partition("\n## ")[0]
    assert re.search(r"(?m)^- \S", entries), "the newest heading has an entry"


def test_the_gate_runs_lint_and_tests() -> None:
    gate = ROOT / ".ci" / "run"
    assert gate.stat().st_mode & 0o111
    steps = re.findall(r"(?m)^step (\S+)", gate.read_text(encoding="utf-8"))
    assert steps[-2:] == ["lint", "test"]
    assert "set -euo pipefail" in gate.read_text(encoding="utf-8")
    assert "run: .ci/run" in _text(".github/workflows/ci.yml")
