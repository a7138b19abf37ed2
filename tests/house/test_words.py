"""One word for one thing, one clock, no silenced error, no machine's path, no secret."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOMS, ROOT, SOURCE, committed_texts, files, name_of, parsed

SYNONYMS = {
    "ticket": "job",
    "deduct": "capture",
    "debit": "capture",
    "charge": "capture",
    "rollback": "release",
    "lock": "lease",
    "mutex": "lease",
    "manager": "its own name",
    "helper": "its own name",
    "util": "its own name",
    "utils": "its own name",
}
"""What nobody calls it -> what it is called. (README, glossary.)"""
WORDS_OF_OTHERS = {"adapters/embedded_parts.py:try_lock"}  # a lock of the file system

CLOCKS = {
    "time.time": {"engine/clock.py"},
    # the sandbox is a world of its own: what real people tap in a browser ages in real time
    "time.monotonic": {
        "engine/clock.py",
        "bot/commands/simulate.py",  # how long the run took, for its last line
        "adapters/sandbox/telegram_webhook.py",
        "adapters/sandbox/telegram_methods_bot.py",
        "adapters/sandbox/telegram_person.py",
    },
    "time.sleep": {"tests/bench/peers/frame.py"},  # a peer's job now and then: a measurement, no test
    "time.perf_counter": {
        "engine/check/sweep.py",  # tells how long a check took, decides nothing
        "engine/bench/meter.py",  # measuring is all it does
    },
    "datetime.now": set[str](),
    "datetime.utcnow": set[str](),
    "datetime.today": set[str](),
    "date.today": set[str](),
    "uuid.uuid4": set[str](),
    "secrets.token_urlsafe": {
        "engine/randomness.py",
        "adapters/embedded.py",  # the password of a new server
        "bot/wiring/sandbox.py",  # made-up keys of a made-up world
    },
    "secrets.token_hex": {"bot/wiring/sandbox.py"},
}
"""Calls that read a clock or throw dice, and where they may be. Everybody else is handed one."""


def _defined(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def test_nothing_has_two_names() -> None:
    found = {
        f"{name_of(path)}:{name}"
        for path in files(".py", *SOURCE)
        for name in _defined(path)
        for word in re.findall(r"[A-Z]?[a-z]+", name)
        if word.lower() in SYNONYMS
    }
    assert found - WORDS_OF_OTHERS == set(), f"the house says: {SYNONYMS}"


@pytest.mark.parametrize("call", CLOCKS)
def test_time_and_chance_come_by_the_port(call: str) -> None:
    owner, _, method = call.partition(".")
    found = set()
    # a test may measure, but not even a test may wait by the clock
    for path in files(".py", *(ROOMS if call == "time.sleep" else SOURCE)):
        for node in ast.walk(parsed(path)):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=who), attr=what)):
                    if (who, what) == (owner, method):
                        found.add(name_of(path))
    assert found <= CLOCKS[call]


def test_dice_are_thrown_by_the_port_or_from_a_seed() -> None:
    for path in files(".py", *SOURCE):
        for node in ast.walk(parsed(path)):
            match node:
                case ast.ImportFrom(module="random", names=names):
                    assert [alias.name for alias in names] == ["Random"], name_of(path)
                case ast.Call(func=ast.Attribute(value=ast.Name(id="random"), attr="Random"), args=seeds):
                    assert seeds, f"{name_of(path)}: Random needs a seed"
                case ast.Call(func=ast.Name(id="Random"), args=seeds):
                    assert seeds, f"{name_of(path)}: Random needs a seed"
                case ast.Call(func=ast.Attribute(value=ast.Name(id="random"), attr=what)):
                    assert name_of(path) == "engine/randomness.py", f"{name_of(path)} calls random.{what}"


def test_no_error_is_silenced() -> None:
    silent = {
        f"{name_of(path)}:{node.lineno}"
        for path in files(".py", *ROOMS)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or _only_passes(node))
    }
    assert silent == set(), "name the error, and say with contextlib.suppress what may be missing"


def _only_passes(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(line, ast.Pass) for line in handler.body)


def test_no_stub_is_left() -> None:
    mark = re.compile(
        r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "raise " + "NotImplemented")) + r")\b"
    )
    left = [
        f"{name_of(path)}:{number}"
        for ending in (".py", ".lua", ".js")
        for path in files(ending, *ROOMS)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert left == []


# Put together here, so that this file does not find itself.
SLASH = "/"
FOREIGN = {
    "a machine's path": re.compile(rf"(?<![\w.]){SLASH}(?:root|work|home|tmp|opt|Users){SLASH}\w"),
    "a bot token": re.compile(r"\b[1-9]\d{7,9}:" + r"AA[\w-]{33}"),
    "an API key": re.compile(r"\b(?:sk|pk|ghp|gho|xox[bp])[-_][A-Za-z0-9]{20,}"),
    "a bearer token": re.compile(r"Bearer [A-Za-z0-9_-]{20,}"),
    "a private key": re.compile("-----BEGIN " + "[A-Z ]*PRIVATE KEY"),
    "a password in an address": re.compile(r"\b(?:redis|rediss|https?)://[^\s/:@{]*:[^\s/@{]{12,}@"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_nothing_foreign_is_committed(what: str) -> None:
    found = [
        f"{name_of(path)}:{number}"
        for path in committed_texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if FOREIGN[what].search(line)
    ]
    assert found == []


def test_the_locks_name_no_address() -> None:
    """A lock with an index of one workplace would not install at another."""
    for lock in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert not re.search(r"https?:|file:|--(?:index|extra|find)", text)
        assert text.count("--hash=sha256:") > text.count("==")
