import asyncio
from typing import Any

import pytest

from engine.connection import Connection
from engine.dispatch import Dispatcher
from engine.errors import ScriptBroken, ScriptFailed
from engine.script_files import library, parse_library, parse_verb, read_sources
from states.vocabulary import State

T = "{1768}"
HEAD = "#!lua\n-- Says what it does.\n-- KEYS: prefix\n"


def _verb(argv: str, body: str, includes: str = "", returns: str = "words") -> str:
    return f"{HEAD}-- ARGV: {argv}\n-- Returns: {returns}\n{includes}{body}\n"


def test_every_shipped_file_is_used_and_short() -> None:
    sources = read_sources()
    verbs = library().verbs.values()
    used = {path for verb in verbs for path, _ in verb.includes}
    assert {path for path in sources if path.startswith("lib/")} == used
    assert {path: text.count("\n") for path, text in sources.items() if text.count("\n") > 80} == {}


def test_every_verb_says_what_it_answers_and_reads_no_clock() -> None:
    for verb in library().verbs.values():
        assert verb.purpose, verb.name
        assert verb.returns, verb.name
        assert "'TIME'" not in verb.function(), verb.name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("return 1", "first line must be"),
        ("#!lua\n-- KEYS: prefix\n-- ARGV:\n-- Returns: x\n", "nothing of purpose"),
        ("#!lua\n-- Does.\n-- ARGV:\n-- Returns: x\n", "nothing of KEYS"),
        ("#!lua\n-- Does.\n-- KEYS: prefix\n-- Returns: x\n", "nothing of ARGV"),
        ("#!lua\n-- Does.\n-- KEYS: prefix\n-- ARGV:\n", "nothing of Returns"),
        ("#!lua\n-- Does.\n-- KEYS: a b\n-- ARGV:\n-- Returns: x\n", "only key of a verb"),
        (_verb("Name", ""), "cannot read the argument 'Name'"),
        (_verb("a:float", ""), "cannot read the argument 'a:float'"),
        (_verb("a b a", ""), "named twice"),
        (_verb("rest* a", ""), "only the last argument"),
        (_verb("", "", "--@include lib/none.lua\n"), "does not exist"),
        (_verb("", "", "--@include lib/a.lua\n--@include lib/a.lua\n"), "the same part twice"),
        (_verb("", "", "--@include lib/round.lua\n"), "in a circle"),
    ],
)
def test_a_broken_file_is_refused_with_its_name(text: str, says: str) -> None:
    sources = {"verbs/v.lua": text, "lib/a.lua": "", "lib/round.lua": "--@include lib/round.lua\n"}
    with pytest.raises(ScriptBroken, match=says) as caught:
        parse_verb("v", sources)
    assert ".lua" in str(caught.value)


def test_parts_are_included_once_and_before_their_users() -> None:
    sources = {
        "lib/ground.lua": "local function ground() return 1 end",
        "lib/left.lua": "--@include lib/ground.lua\nlocal function left() return ground() end",
        "lib/right.lua": "--@include lib/ground.lua\nlocal function right() return ground() end",
        "verbs/v.lua": _verb(
            "", "return left() + right()", "--@include lib/left.lua\n--@include lib/right.lua\n"
        ),
    }
    text = parse_library(sources).single("v")
    assert text.count("function ground") == 1
    assert text.index("ground()") < text.index("left()") < text.index("right()")


KINDS = {
    "verbs/kinds.lua": _verb(
        "text number:int maybe:int? yes:flag rest*",
        "return { text, tostring(number), tostring(maybe), tostring(yes), #rest, rest[1] }",
    ),
    "verbs/fails.lua": _verb("", "return redis.call('HGET', T .. ':s', 'x')"),
    "verbs/peek.lua": _verb("", "return redis.call('EXISTS', T)").replace("#!lua", "#!lua no-writes"),
    "verbs/poke.lua": _verb("", "return redis.call('DEL', T .. ':s')").replace("#!lua", "#!lua no-writes"),
}


async def test_arguments_arrive_as_what_the_header_says(connection: Connection) -> None:
    calls = Dispatcher(connection, verbs=parse_library(KINDS))
    given: dict[str, Any] = {
        "text": b"\x00raw",
        "number": 1_800_000_000_000,
        "yes": True,
        "rest": ["a", b"b"],
    }
    assert await calls.call(T, "kinds", maybe=None, **given) == [
        b"\x00raw",
        b"1800000000000",
        b"nil",
        b"true",
        2,
        b"a",
    ]
    given |= {"yes": False, "rest": []}
    assert await calls.call(T, "kinds", maybe=-5, **given) == [
        b"\x00raw",
        b"1800000000000",
        b"-5",
        b"false",
        0,
    ]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("text", 1, "text is text, got int"),
        ("number", True, "number is int, got bool"),
        ("number", None, "number is int, got NoneType"),
        ("maybe", "5", "maybe is int\\?, got str"),
        ("yes", 1, "yes is flag, got int"),
        ("rest", "abc", "rest is rest, got str"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name: str, value: object, says: str) -> None:
    given: dict[str, object] = {"text": "", "number": 1, "maybe": None, "yes": True, "rest": []}
    with pytest.raises(ScriptBroken, match=says):
        parse_library(KINDS).encode("kinds", {**given, name: value})  # type: ignore[dict-item]


def test_an_unknown_verb_is_refused() -> None:
    with pytest.raises(ScriptBroken, match="no verb 'walk'"):
        parse_library(KINDS).encode("walk", {})


async def test_a_raising_verb_takes_no_other_call_with_it(connection: Connection) -> None:
    calls = Dispatcher(connection, verbs=parse_library(KINDS))
    await calls.load()
    await connection.command("SET", f"{T}:s", "not a hash", "PX", 1000)
    with pytest.raises(ScriptFailed, match="WRONGTYPE"):
        await calls.call(T, "fails")
    bad, good = calls.call(T, "fails"), calls.call(T, "peek")
    answers = await asyncio.gather(bad, good, return_exceptions=True)
    assert isinstance(answers[0], ScriptFailed)
    assert "WRONGTYPE" in str(answers[0])
    assert answers[1] == 0


async def test_a_reading_verb_cannot_write(connection: Connection) -> None:
    calls = Dispatcher(connection, verbs=parse_library(KINDS))
    with pytest.raises(ScriptFailed, match="rite commands are not allowed"):
        await calls.call(T, "poke")


def test_a_word_of_an_enum_travels_as_its_text() -> None:
    verb = library().verbs["queue_close"]
    for _ in range(2):  # looked at, then looked up
        assert verb.encode({"name": State.QUEUED, "till": 5}) == ["queued", 5]
