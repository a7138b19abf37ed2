import gzip
import json
import random
import tracemalloc
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from engine.codec import encode
from engine.replay.graphs import Shelf
from engine.replay.reading import graph_line, lines_of, opened
from engine.replay.replayer import Replayer
from engine.replay.values import Finding, Kind, Report, Verdict
from states.graph import GRAPH, build_graph
from states.machine import Judge
from states.strategy import STRATEGY
from states.vocabulary import Reason, Stage
from tests.engine.replay.make_log import make_log

Row = dict[str, Any]


def replayed(lines: Iterable[bytes], shelf: Shelf | None = None) -> Report:
    replayer = Replayer(shelf)
    replayer.feed(lines)
    return replayer.finish()


def test_a_log_of_our_own_is_the_same_to_the_last_record(log_lines: list[bytes]) -> None:
    report = replayed(log_lines)
    assert report.findings == []
    assert (report.jobs, report.ended, report.open) == ({Verdict.SAME: 400}, 400, 0)
    assert report.records == len(log_lines)
    assert report.asides > 0
    assert report.exit_code == 0


def test_the_fast_way_takes_every_move_of_a_sound_log(
    log_lines: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow: list[Row] = []
    monkeypatch.setattr(Replayer, "_judged", lambda _, row: slow.append(row))
    replayed(log_lines)
    assert slow
    assert {row["disp"] for row in slow} == {"denied"}


def test_jobs_that_have_not_ended_are_judged_too(log_lines: list[bytes]) -> None:
    report = replayed(log_lines[: len(log_lines) // 2])
    assert report.findings == []
    assert report.open > 0
    assert report.jobs[Verdict.SAME] == report.open + report.ended


def _state(row: Row) -> None:
    row["to"] = "sending" if row["to"] != "sending" else "generating"


def _from(row: Row) -> None:
    row["from"] = "queued" if row["from"] != "queued" else "sending"


def _edge(row: Row) -> None:
    row["edge"] = "generating/teleport"


def _other_edge(row: Row) -> None:
    row["edge"] = "queued/start" if row["edge"] != "queued/start" else "queued/cancel"


def _time(row: Row) -> None:
    row["ts"] += 1


def _both_times(row: Row) -> None:
    row["ts"] -= 3_600_000
    row["in"]["now_ms"] -= 3_600_000


def _credits(row: Row) -> None:
    row["in"]["held"] = not row["in"]["held"]


def _effects(row: Row) -> None:
    row["out"] = [*row["out"], "notify:patience:x:1:0"]


def _deadline(row: Row) -> None:
    row["in"]["deadline_ms"] += 60_000


@pytest.mark.parametrize(
    ("mutate", "verdict", "kind"),
    [
        (_state, Verdict.ILLEGAL, Kind.STATE),
        (_from, Verdict.ILLEGAL, Kind.STATE),
        (_edge, Verdict.ILLEGAL, Kind.EDGE),
        (_other_edge, Verdict.ILLEGAL, Kind.EDGE),
        (_time, Verdict.DIVERGED, Kind.TIME),
        (_both_times, Verdict.DIVERGED, Kind.TIME),
        (_credits, Verdict.DIVERGED, Kind.CREDITS),
        (_effects, Verdict.DIVERGED, Kind.EFFECTS),
        (_deadline, Verdict.DIVERGED, Kind.TIME),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_one_mutated_record_is_found_and_named(
    log_lines: list[bytes], mutate: Callable[[Row], None], verdict: Verdict, kind: Kind, seed: int
) -> None:
    place, row = _some_move(log_lines, random.Random(seed), bool)
    mutate(row)
    found = _one_finding(log_lines, place, encode(row) + b"\n")
    assert (found.verdict, found.kind) == (verdict, kind)
    assert (found.job, found.seq, found.line) == (row["job"], row["seq"], place + 1)


@pytest.mark.parametrize("seed", range(12))
def test_a_mutated_verdict_is_found_and_named(log_lines: list[bytes], seed: int) -> None:
    rng = random.Random(seed)
    place, row = _some_move(log_lines, rng, lambda r: "reason" in r["in"])
    row["in"]["reason"] = rng.choice([r.value for r in Reason if r.value != row["in"]["reason"]])
    found = _one_finding(log_lines, place, encode(row) + b"\n")
    assert (found.verdict, found.kind) == (Verdict.DIVERGED, Kind.VERDICT)


def test_a_mutated_retry_count_and_a_mutated_delay_are_found(log_lines: list[bytes]) -> None:
    place, row = _some_move(log_lines, random.Random(3), lambda r: r["to"] == "retry_wait")
    counted = {**row, "in": {**row["in"], "n": row["in"].get("n", 0) + 1}}
    assert _one_finding(log_lines, place, encode(counted) + b"\n").kind in (Kind.INPUTS, Kind.EDGE)
    delayed = {**row, "in": {**row["in"], "delay_ms": row["in"].get("delay_ms", 0) + 1}}
    assert _one_finding(log_lines, place, encode(delayed) + b"\n").kind is Kind.VERDICT


def test_a_missing_record_is_a_gap_and_the_rest_is_still_judged(log_lines: list[bytes]) -> None:
    place, row = _some_move(log_lines, random.Random(1), lambda r: r["to"] == "generating")
    report = replayed([*log_lines[:place], *log_lines[place + 1 :]])
    assert [(f.verdict, f.kind, f.job) for f in report.findings] == [
        (Verdict.TRUNCATED, Kind.GAP, row["job"])
    ]
    assert report.jobs == {Verdict.SAME: 399, Verdict.TRUNCATED: 1}
    assert report.exit_code == 2


def test_a_record_that_came_twice_is_a_gap(log_lines: list[bytes]) -> None:
    place, _ = _some_move(log_lines, random.Random(2), lambda r: r["to"] == "generating")
    report = replayed([*log_lines[: place + 1], *log_lines[place:]])
    assert [f.text for f in report.findings] == ["a record came twice"]


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_line_is_named_with_its_job_when_that_can_still_be_read(
    log_lines: list[bytes], cut: int
) -> None:
    place, row = _some_move(log_lines, random.Random(4), lambda r: r["to"] == "generating")
    report = replayed([*log_lines[:place], log_lines[place][:cut]])
    found = report.findings[-1]
    assert (found.verdict, found.kind, found.line) == (Verdict.TRUNCATED, Kind.TORN, place + 1)
    assert found.job == (row["job"] if cut == 200 else "")


def test_a_foreign_graph_is_said_to_be_foreign_until_it_is_given(log_lines: list[bytes]) -> None:
    other = build_graph(STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, retries=3))
    lines = [encode(row) + b"\n" for row in make_log(30, seed=3, judge=Judge(other), trouble=2)]
    report = replayed(lines)
    assert report.jobs == {Verdict.FOREIGN: 30}
    assert report.exit_code == 2
    assert replayed(lines, Shelf([other])).jobs == {Verdict.SAME: 30}
    inside = replayed([graph_line(other.digest, other.canonical_json()), *lines])
    assert inside.jobs == {Verdict.SAME: 30}


def test_a_graph_that_is_not_what_its_digest_says_is_not_learnt(log_lines: list[bytes]) -> None:
    other = build_graph(STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, retries=3))
    report = replayed([graph_line("0" * 16, other.canonical_json())])
    assert [(f.verdict, f.kind) for f in report.findings] == [(Verdict.FOREIGN, Kind.GRAPH)]


def test_a_divergence_is_explained_by_the_guards(log_lines: list[bytes]) -> None:
    place, row = _some_move(
        log_lines,
        random.Random(5),
        lambda r: r["edge"].startswith("generating/error/") and r["to"] == "retry_wait",
    )
    row["edge"] += "/exhausted"
    row["to"] = "refunded" if row["in"]["held"] else "failed"
    row["edge"] += "" if row["in"]["held"] else "/free"
    found = _one_finding(log_lines, place, encode(row) + b"\n")
    assert (found.verdict, found.kind) == (Verdict.DIVERGED, Kind.EDGE)
    assert any("asks [may retry]: yes" in why for why in found.why)
    assert any(why.startswith(f"recorded {row['edge']} asks") and why.endswith("no") for why in found.why)
    assert found.why[-1].startswith("budget:")


@pytest.mark.parametrize(
    "line",
    [
        b"null\n",
        b"[]\n",
        b"3\n",
        b"{}\n",
        b'{"v":2,"job":"a","seq":1}\n',
        b'{"v":1,"job":7,"seq":1,"disp":"transition"}\n',
        b'{"v":1,"job":"a","seq":1,"ts":1,"graph":"g","event":"start","disp":"transition"}\n',
        b'{"v":1,"job":"a","seq":1,"ts":1,"graph":"g","event":"start","disp":"dream"}\n',
        b"\xff\xfe\n",
    ],
)
def test_what_is_no_record_is_said_to_be_none(line: bytes) -> None:
    report = replayed([line])
    assert len(report.findings) == 1
    assert report.findings[0].verdict is Verdict.TRUNCATED
    assert report.exit_code == 2


@pytest.mark.parametrize("seed", range(60))
def test_no_damage_escapes_and_none_raises(log_lines: list[bytes], seed: int) -> None:
    """A byte changed anywhere: the replay goes on, and what it says stays one finding a job."""
    rng = random.Random(seed)
    place = rng.randrange(len(log_lines))
    line = bytearray(log_lines[place])
    line[rng.randrange(len(line) - 1)] = rng.randrange(32, 127)
    report = replayed([*log_lines[:place], bytes(line), *log_lines[place + 1 :]])
    assert sum(report.jobs.values()) in (400, 401)


def test_gzip_is_read_and_its_torn_end_is_named(tmp_path: Path, log_lines: list[bytes]) -> None:
    whole = tmp_path / "log.jsonl.gz"
    whole.write_bytes(gzip.compress(b"".join(log_lines)))
    with opened(str(whole)) as log:
        assert replayed(lines_of(log)).findings == []
    torn = tmp_path / "torn.gz"
    torn.write_bytes(whole.read_bytes()[:-2000])
    with opened(str(torn)) as log:
        report = replayed(lines_of(log))
    assert any(f.kind is Kind.TORN for f in report.findings)


def test_memory_stays_flat() -> None:
    def peak(jobs: int) -> int:
        replayer = Replayer()
        rows = make_log(jobs, seed=11)
        tracemalloc.start()
        replayer.feed(encode(row) for row in rows)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert not replayer.report.findings
        return found

    peak(50)
    small, large = peak(120), peak(360)
    assert large < small * 2


def _some_move(lines: list[bytes], rng: random.Random, fits: Callable[[Row], bool]) -> tuple[int, Row]:
    while True:
        place = rng.randrange(len(lines))
        row = json.loads(lines[place])
        if row["disp"] == "transition" and row["seq"] > 0 and fits(row):
            return place, row


def _one_finding(lines: list[bytes], place: int, line: bytes) -> Finding:
    report = replayed([*lines[:place], line, *lines[place + 1 :]])
    assert len(report.findings) == 1, [f.sentence() for f in report.findings]
    assert report.jobs[Verdict.SAME] == 399
    return report.findings[0]


def test_lines_of_an_open_file_are_streamed() -> None:
    told: list[int] = []
    log = BytesIO(b"{}\n" * 40_000)
    assert sum(1 for _ in lines_of(log, lambda: told.append(1))) == 40_000
    assert len(told) == 10


def test_todays_graph_reads_back_from_its_canonical_json() -> None:
    from engine.replay.graphs import parse_graph  # noqa: PLC0415 - used here only

    again = parse_graph(GRAPH.canonical_json(), "today")
    assert again.digest == GRAPH.digest
    assert again.edges == GRAPH.edges
