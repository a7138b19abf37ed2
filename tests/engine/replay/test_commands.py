"""`reelstate replay` and `reelstate log` as people call them."""

import asyncio
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import cli
from engine.clock import ManualClock
from engine.codec import encode
from engine.config import EngineConfig
from engine.front import Engine
from engine.randomness import SeededRandomness
from engine.values import EntryKind, NewJob
from states.graph import GRAPH, build_graph
from states.strategy import STRATEGY
from states.vocabulary import Reason, Stage
from tests.factories import make_request

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    def called(*words: str | Path, code: int = 0, stdin: bytes | None = None) -> Result:
        result = CliRunner().invoke(cli, [str(word) for word in words], input=stdin)
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    return called


@pytest.fixture
def broken(tmp_path: Path, log_lines: list[bytes]) -> Path:
    lines = list(log_lines)
    place = next(n for n, line in enumerate(log_lines) if n > 30 and b'"edge":"queued/start"' in line)
    lines[place] = log_lines[place].replace(b"queued/start", b"queued/stop")
    path = tmp_path / "broken.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def test_replay_says_same(run: Run, log_file: Path, tmp_path: Path) -> None:
    packed = tmp_path / "log.jsonl.gz"
    packed.write_bytes(gzip.compress(log_file.read_bytes()))
    for log in (log_file, packed):
        result = run("replay", log)
        assert "same" in result.output
        assert "400 jobs" in result.output
    run("log", "verify", log_file)
    run("replay", "-", stdin=log_file.read_bytes())
    run("replay", "-", stdin=packed.read_bytes())


def test_how_fast_it_was_is_told_apart_from_the_results(run: Run, log_file: Path) -> None:
    first, again = (run("log", "verify", log_file, "--pace") for _ in range(2))
    assert first.stdout == again.stdout
    assert "records a second of one core" in first.stderr
    assert "times as long" in first.stderr
    told = run("replay", "-", "--pace", stdin=log_file.read_bytes(), code=2)
    assert "read only once" in told.output


def test_replay_of_a_broken_log_says_where_and_why(run: Run, broken: Path, tmp_path: Path) -> None:
    result = run(
        "replay",
        broken,
        "--junit",
        tmp_path / "j.xml",
        "--md",
        tmp_path / "r.md",
        "--html",
        tmp_path / "p.html",
        code=1,
    )
    assert "illegal (edge)" in result.output
    assert "queued/stop" in result.output
    assert 'failures="1"' in (tmp_path / "j.xml").read_text()
    assert "illegal" in (tmp_path / "r.md").read_text()
    assert "data-state" in (tmp_path / "p.html").read_text()
    assert "illegal (edge)" in run("log", "verify", broken, code=1).output


def test_a_torn_log_exits_with_2(run: Run, log_file: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(log_file.read_bytes()[:-40])
    assert "torn line" in run("replay", torn, code=2).output


def test_what_if_prints_the_money_table(run: Run, log_file: Path, tmp_path: Path) -> None:
    result = run("replay", log_file, "--what-if", "generating.unavailable.retries=2", code=1)
    for word in ("jobs moved", "refunds", "notices", "retries", "credits released", "paid attempts"):
        assert word in result.output
    data = tmp_path / "c.json"
    data.write_text('{"paid_tasks": 2}')
    run("replay", log_file, "--what-if", data)


def test_another_graph_judges_by_file(run: Run, log_file: Path, tmp_path: Path) -> None:
    mine, stricter = tmp_path / "mine.json", tmp_path / "stricter.json"
    mine.write_text(GRAPH.canonical_json())
    stricter.write_text(
        build_graph(STRATEGY.changed(Stage.GENERATING, Reason.UNAVAILABLE, retries=1)).canonical_json()
    )
    run("replay", log_file, "--graph", mine)
    result = run("replay", log_file, "--graph", stricter, code=1)
    assert "jobs moved" in result.output
    run("replay", log_file, "--graphs", tmp_path)


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (["replay", "nowhere.jsonl"], "Cannot read nowhere.jsonl"),
        (["replay", "LOG", "--graph", "nowhere.json"], "Cannot read nowhere.json"),
        (["replay", "LOG", "--graph", "no-such-revision"], "neither a graph file nor a git revision"),
        (["replay", "LOG", "--what-if", "x"], "is no change"),
        (["replay", "LOG", "--graph", "a", "--what-if", "b"], "not both"),
        (["log", "to-test", "LOG"], "name one with --job"),
        (["log", "to-test", "LOG", "--job", "0-x"], "no records of job 0-x"),
        (["log", "shrink", "LOG"], "nothing to shrink"),
        (["replay", "LOG", "--md", "/nowhere/at/all.md"], "Cannot write"),
    ],
)
def test_trouble_is_one_sentence(run: Run, log_file: Path, words: list[str], mend: str) -> None:
    result = run(*[str(log_file) if word == "LOG" else word for word in words], code=2)
    assert mend in result.output
    assert "Traceback" not in result.output


def test_cover_lists_what_was_taken_and_gates(run: Run, log_file: Path) -> None:
    found = json.loads(run("log", "cover", log_file, "--json").output)
    assert found["fired"]["queued/start"] > 300
    assert "never" in run("log", "cover", log_file).output
    run("log", "cover", log_file, "--gate", "100", code=1)


def test_shrink_and_to_test(run: Run, broken: Path, log_lines: list[bytes], tmp_path: Path) -> None:
    small = tmp_path / "small.jsonl"
    run("log", "shrink", broken, "-o", small)
    assert 0 < len(small.read_bytes().splitlines()) <= 3
    job = json.loads(log_lines[0])["job"]
    made = run("log", "to-test", broken, "--job", job).output
    assert "def test_job_" in made
    compile(made, "made.py", "exec")


def test_xes_is_written(run: Run, log_file: Path, tmp_path: Path) -> None:
    run("log", "xes", log_file, "-o", tmp_path / "log.xes")
    assert (tmp_path / "log.xes").read_text().endswith("</log>\n")


async def _filled(url: str, clock: ManualClock, randomness: SeededRandomness) -> list[str]:
    engine = await Engine.connect(url, EngineConfig(partitions=2), clock=clock, randomness=randomness)
    ids = []
    try:
        for user in range(1, 8):
            await engine.grant(user, 50, "ext", EntryKind.GRANT)
            made = await engine.submit(NewJob("tap", user, 10, make_request(user)))
            assert made.job is not None
            ids.append(made.job.id)
            if user % 2:
                await engine.cancel(made.job.id, user)
    finally:
        await engine.close()
    return ids


def test_export_and_tail_read_a_live_store(
    redis_url: str,
    clock: ManualClock,
    randomness: SeededRandomness,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = asyncio.run(_filled(redis_url, clock, randomness))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("REELSTATE_PARTITIONS", "2")
    monkeypatch.setattr("bot.commands.counting.LINE_EVERY", 1)
    told = run("log", "export", "-o", tmp_path / "all.jsonl.gz").stderr
    assert re.search(r"^[\d,]+ of [\d,]+ keys$", told, re.MULTILINE)
    result = run("log", "verify", tmp_path / "all.jsonl.gz")
    assert "7 jobs, 3 of them unfinished" in result.output
    run("log", "export", "-o", tmp_path / "one.jsonl", "--job", ids[0], "--pseudonyms")
    text = (tmp_path / "one.jsonl").read_text()
    assert ids[0] not in text
    assert len(text.splitlines()) == 3
    run("replay", tmp_path / "one.jsonl")
    (tmp_path / "salt").write_bytes(b"0123456789abcdef")
    for name in ("a", "b"):
        run("log", "export", "-o", tmp_path / name, "--salt", tmp_path / "salt", "--job", ids[1])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    (tmp_path / "salt").write_bytes(b"short")
    run("log", "export", "-o", tmp_path / "c", "--salt", tmp_path / "salt", code=2)
    run("log", "export", "--job", "0-nobody", "-o", tmp_path / "none.jsonl", code=2)
    tail = ("log", "tail", "--since", "0", "--count", "11")
    assert len(run(*tail).output.splitlines()) == 11
    rows = [json.loads(line) for line in run(*tail, "--json").output.splitlines()]
    assert {row["job"] for row in rows} == set(ids)
    assert encode(rows[0]).startswith(b'{"v":1')
