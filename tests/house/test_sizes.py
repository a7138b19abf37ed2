"""What is small may not grow. Whoever needs more splits the file, or raises a line here and says why."""

from statistics import quantiles

import pytest

from tests.house.tree import ROOMS, SOURCE, files, functions, name_of

FILE_LINES = 300
FUNCTION_LINES = 60
LUA_LINES = 80

LONG_FILES = {
    # the whole rule of a step in one place: edge, snapshot, money, notices; halves would pass ten values
    "states/decide.py": 330,
    # one constructor after another: splitting it would hide what an installation is made of
    "bot/wiring/app.py": 320,
    "engine/replay/explain.py": 330,
    "engine/replay/whatif.py": 340,
    # the whole simulated world is handed out by one object, so that a seed finds everything in one order
    "bot/wiring/simulation/world.py": 340,
    # one test file a module, and these modules have the most ways to end
    "tests/engine/test_worker.py": 700,
    "tests/engine/test_executor.py": 540,
    "tests/engine/test_late.py": 320,
    "tests/engine/test_front.py": 470,
    "tests/engine/test_relay.py": 340,
    "tests/engine/test_committer.py": 310,
    "tests/adapters/kie/test_kie_client.py": 350,
    "tests/adapters/kie/test_kie_maker.py": 400,
    "tests/adapters/telegram/test_courier.py": 380,
}
LONG_FUNCTIONS: dict[str, int] = {}


def test_no_file_outgrows_its_room() -> None:
    sizes = {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files(".py", *ROOMS)
    }
    grown = {name: lines for name, lines in sizes.items() if lines > LONG_FILES.get(name, FILE_LINES)}
    assert grown == {}, "split these, or raise their line in LONG_FILES with the reason"


def test_no_function_outgrows_a_page() -> None:
    grown = {
        f"{name_of(path)}:{name}": lines
        for path in files(".py", *ROOMS)
        for name, lines in functions(path)
        if lines > LONG_FUNCTIONS.get(f"{name_of(path)}:{name}", FUNCTION_LINES)
    }
    assert grown == {}


def test_most_functions_are_a_few_lines() -> None:
    lengths = [lines for path in files(".py", *SOURCE) for _, lines in functions(path)]
    deciles = quantiles(lengths, n=10)
    assert deciles[4] <= 8
    assert deciles[8] <= 25


@pytest.mark.parametrize("listed", [*LONG_FILES, *LONG_FUNCTIONS])
def test_the_exceptions_still_exist(listed: str) -> None:
    name, _, function = listed.partition(":")
    known = {name_of(path): path for path in files(".py", *ROOMS)}
    assert name in known
    assert not function or function in dict(functions(known[name]))


def test_lua_files_are_one_screen() -> None:
    long = [
        name_of(path)
        for path in files(".lua", "engine")
        if len(path.read_text(encoding="utf-8").splitlines()) > LUA_LINES
    ]
    assert long == []
