"""`reelstate bench`: the commands run, and expected trouble is one sentence."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import cli
from bot.wiring.bench.servers import fresh_server
from engine.bench.blast import blast
from engine.driver.pipe import encode


def test_jobs_are_measured_and_written(tmp_path: Path) -> None:
    path = tmp_path / "jobs.json"
    words = ["bench", "jobs", "--jobs", "8", "--users", "2", "--rounds", "1", "--json", str(path)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert "jobs_per_s" in done.output
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["what happened"]["transitions"] == 32
    assert "valkey" in written["machine"]["server"]


@pytest.mark.long
def test_idle_and_decide_and_size_run_in_small() -> None:
    for words in (
        ["idle", "--starts", "2", "--retries", "2", "--together", "0", "--idle-s", "0", "--crashes", "0"],
        ["decide", "--repeats", "2"],
        ["size", "--most", "20", "--crowd", "10", "--users", "5", "--calls", "5"],
    ):
        done = CliRunner().invoke(cli, ["bench", *words])
        assert done.exit_code == 0, done.output


def test_a_server_in_use_is_not_touched() -> None:
    with fresh_server("no") as url:
        first = CliRunner().invoke(cli, ["bench", "raw", "--jobs", "2", "--rounds", "1", "--redis", url])
        assert first.exit_code == 0, first.output
        _put(url)
        second = CliRunner().invoke(cli, ["bench", "jobs", "--jobs", "2", "--rounds", "1", "--redis", url])
    assert second.exit_code == 2
    assert "wants an empty one" in second.output


def _put(url: str) -> None:
    blast(url, [encode(("SET", "somebody's", "key"))])


@pytest.mark.parametrize("text", ["{broken", "[1, 2"])
def test_observations_that_are_no_json_lines(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(cli, ["bench", "decide", "--observations", str(path)])
    assert done.exit_code == 2
    assert "does not hold JSON lines" in done.output
