"""Lines recognised by their bytes: quicker, and never of another opinion than the judge that parses."""

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from engine.codec import encode
from engine.replay import recognition
from engine.replay.graphs import Shelf
from engine.replay.replayer import Replayer
from engine.replay.values import Kind, Report, Verdict
from states.graph import build_graph
from states.machine import Judge
from states.strategy import STRATEGY
from states.vocabulary import Reason, Stage
from tests.engine.replay.make_log import make_log

Row = dict[str, Any]


def replayed(lines: Iterable[bytes], *, by_form: bool, shelf: Shelf | None = None) -> Report:
    replayer = Replayer(shelf, by_form=by_form)
    replayer.feed(lines)
    return replayer.finish()


def both(lines: list[bytes]) -> Report:
    """The report, after making sure that it is the parsing judge's to the last field."""
    found = replayed(lines, by_form=True)
    assert found == replayed(lines, by_form=False)
    return found


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """A log as an engine writes it, jobs mixed."""
    return [encode(row) + b"\n" for row in make_log(500, seed=17, trouble=3)]


def test_most_lines_of_a_sound_log_are_not_parsed(
    lines: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []
    whole = Replayer._parsed

    def counted(self: Replayer, line: bytes, number: int) -> bool:
        parsed.append(number)
        return whole(self, line, number)

    monkeypatch.setattr(Replayer, "_parsed", counted)
    report = replayed(lines, by_form=True)
    assert report.findings == []
    assert report.jobs == {Verdict.SAME: 500}
    second_half = sum(1 for number in parsed if number > len(lines) // 2)
    assert second_half < len(lines) // 2 * 0.3
    assert len(parsed) < len(lines) // 2


def test_a_sound_log_and_its_first_half_are_the_same_both_ways(lines: list[bytes]) -> None:
    assert both(lines).findings == []
    assert both(lines[: len(lines) // 2]).open > 0


def _byte(line: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(line))
    return line[:place] + bytes([rng.randrange(256)]) + line[place + 1 :]


def _digit(line: bytes, rng: random.Random) -> bytes:
    places = [n for n, c in enumerate(line) if 48 <= c <= 57]
    place = rng.choice(places)
    return line[:place] + b"%d" % rng.randrange(10) + line[place + 1 :]


def _cut(line: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(line))
    return line[:start] + line[start + rng.randrange(1, 4) :]


def _added(line: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(line))
    return (
        line[:place]
        + rng.choice([b"\x00", b"\x05", b" ", b"0", b'"', b"\\", b",", b"-", b"_"])
        + line[place:]
    )


def _doubled(line: bytes, rng: random.Random) -> bytes:
    """A key that stands twice: the last one counts."""
    pairs = [
        b'"rnd":0.5',
        b'"seq":3',
        b'"now_ms":7',
        b'"job":"0-other"',
        b'"n":1',
        b'"out":[]',
        b'"op":"1:1:a"',
    ]
    pair = rng.choice(pairs)
    where = rng.choice([b',"rnd"', b',"disp"', b',"edge"', b'"cfg"', b"}"])
    joined = b"," + pair + where if where[:1] in b",}" else pair + b"," + where
    return line.replace(where, joined, 1)


def _field(line: bytes, rng: random.Random) -> bytes:
    row = json.loads(line)
    facts = row["in"]
    strange = [0, 1, -1, 1.5, "", "generating", None, True, False, [], {}, row["ts"], row["job"]]
    into = rng.choice([row, facts])
    into[rng.choice([*into, "n", "told", "delay_ms", "alternative"])] = rng.choice(strange)
    return encode(row) + b"\n"


def _number(line: bytes, rng: random.Random) -> bytes:
    row = json.loads(line)
    facts = row["in"]
    name = rng.choice([k for k, v in facts.items() if type(v) in (int, float)])
    facts[name] += rng.choice([-1, 1, 1000, 0.25])
    if rng.random() < 0.5:
        row["ts"] = facts.get("now_ms", row["ts"])
    return encode(row) + b"\n"


def _effect(line: bytes, rng: random.Random) -> bytes:
    row = json.loads(line)
    key = f"{row['job']}:{row['seq']}"
    row["out"] = rng.choice(
        [
            [],
            [*row["out"], f"notify:bell:{key}:0"],
            row["out"][::-1],
            [key],
            [w.replace("1", "2") for w in row["out"]],
        ]
    )
    return encode(row) + b"\n"


@pytest.mark.parametrize("damage", [_byte, _digit, _cut, _added, _doubled, _field, _number, _effect])
def test_whatever_is_changed_both_ways_say_the_same(
    lines: list[bytes], damage: Callable[[bytes, random.Random], bytes]
) -> None:
    rng, told = random.Random(damage.__name__), 0
    for _ in range(4):
        hurt = list(lines)
        for _ in range(60):
            place = rng.randrange(len(hurt) // 3, len(hurt))
            hurt[place] = damage(lines[place], rng)
        told += len(both(hurt).findings)
    assert told > 40


def test_lines_moved_lost_or_doubled_are_the_same_both_ways(lines: list[bytes]) -> None:
    rng = random.Random(8)
    for _ in range(4):
        hurt = list(lines)
        for _ in range(20):
            one, other = rng.randrange(len(hurt)), rng.randrange(len(hurt))
            what = rng.randrange(3)
            if what == 0:
                hurt[one], hurt[other] = hurt[other], hurt[one]
            elif what == 1:
                del hurt[one]
            else:
                hurt.insert(one, hurt[other])
        assert both(hurt).findings


def test_ids_that_look_like_other_parts_of_a_line_change_nothing(lines: list[bytes]) -> None:
    """Ids that are numbers, words of the record, parts of each other."""
    odd = [
        "1",
        "10",
        "start",
        "v",
        "job",
        ":",
        "0",
        "retry",
        "12",
        "1:1",
        "é",
        'a"b',
        "a\\b",
        "@graph",
        "worker",
    ]
    found = []
    for line in lines:
        row = json.loads(line)
        old = row["job"]
        new = odd[hash_of(old) % len(odd)] + (str(hash_of(old)) if hash_of(old) % 3 else "")
        row["job"], row["out"] = new, [word.replace(old, new) for word in row["out"]]
        found.append(json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    both(found)


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return sum(ord(c) * (n + 7) for n, c in enumerate(text))


def test_two_graphs_in_one_log_are_kept_apart(lines: list[bytes]) -> None:
    other = build_graph(STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, retries=3))
    more = [encode(row) + b"\n" for row in make_log(200, seed=18, judge=Judge(other), trouble=2)]
    mixed = [line for pair in zip(lines, more, strict=False) for line in pair]
    shelf = Shelf([other])
    found = replayed(mixed, by_form=True, shelf=shelf)
    assert found == replayed(mixed, by_form=False, shelf=shelf)
    assert len(found.graphs) == 2
    assert both(mixed).jobs[Verdict.FOREIGN] > 0


def test_a_log_without_two_lines_alike_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "FORMS_MAX", 40)
    replayer = Replayer()
    rows = list(make_log(400, seed=5, trouble=6))
    for row in rows:
        if "rule" in row["in"]:
            row["in"]["rule"] = row["in"]["rule"] + str(hash_of(row["job"]) % 5)
    changed = [encode(row) + b"\n" for row in rows]
    replayer.feed(changed)
    assert replayer.finish() == replayed(changed, by_form=False)
    kept = replayer._known
    assert kept is not None
    assert kept.kept() <= 40


@pytest.mark.parametrize(
    ("fits", "change"),
    [
        (lambda row: row["seq"] == 0, lambda row: row["in"].pop("cost")),
        (lambda row: row["seq"] == 0, lambda row: row.update(to=[])),
        (lambda row: row["disp"] == "denied", lambda row: row.pop("in")),
    ],
    ids=["submit without cost", "state that is a list", "denial without inputs"],
)
def test_a_record_without_what_it_needs_is_a_finding(
    log_lines: list[bytes], fits: Callable[[Row], bool], change: Callable[[Row], object]
) -> None:
    rows = [json.loads(line) for line in log_lines]
    last: dict[str, int] = {}
    place = -1
    for number, row in enumerate(rows):
        if place < 0 and fits(row) and (row["seq"] == 0 or row["seq"] == last.get(row["job"])):
            place = number
        last[row["job"]] = row["seq"]
    row = rows[place]
    change(row)
    report = both([*log_lines[:place], encode(row) + b"\n", *log_lines[place + 1 :]])
    assert [(f.verdict, f.kind, f.line) for f in report.findings] == [
        (Verdict.TRUNCATED, Kind.SHAPE, place + 1)
    ]
