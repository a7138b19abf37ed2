import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.commands.classify import classify
from tests.states.observed import DATA

SIX = ["id", "label", "class", "reason", "rule", "retry_after_s"]


def test_the_command_answers_line_by_line_in_order() -> None:
    file = DATA / "kie_errors.jsonl"
    run = CliRunner().invoke(classify, ["--provider", "kie", str(file)])
    ids = [json.loads(line)["id"] for line in file.read_text("utf-8").splitlines()]
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.exit_code == 0
    assert [line["id"] for line in answers] == ids
    assert all(list(line) == SIX for line in answers)


def test_the_command_reads_standard_input() -> None:
    run = CliRunner().invoke(
        classify, ["--provider", "telegram", "-"], input='\n{"id": 7, "error_code": 401}\n'
    )
    assert json.loads(run.stdout)["reason"] == "provider_auth"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"id": 1}\nnot json\n', "line 2: not JSON"),
        ("[1]\n", "line 1: a JSON object"),
        ("3\n", "line 1: a JSON"),
    ],
)
def test_a_bad_line_is_one_clear_sentence(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(content, "utf-8")
    run = CliRunner().invoke(classify, ["--provider", "kie", str(file)])
    assert run.exit_code == 2
    assert said in run.stderr
    assert str(file) in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_what_was_read_before_a_torn_line_is_still_answered(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(
        '\ufeff{"id": 1, "message": "nsfw"}\r\n\n  \n{"id": 2, "exception": "ReadTimeout"}\n{"id": 3, "mess',
        "utf-8",
    )
    run = CliRunner().invoke(classify, ["--provider", "kie", str(file)])
    assert [json.loads(line)["label"] for line in run.stdout.splitlines()] == ["user_error", "transient"]
    assert (run.exit_code, "line 5: not JSON" in run.stderr) == (2, True)


def test_a_gzipped_file_is_unpacked_and_a_torn_one_named(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl.gz"
    packed = gzip.compress(b'{"id": 1, "message": "nsfw"}\n' * 2_000)
    file.write_bytes(packed)
    run = CliRunner().invoke(classify, ["--provider", "kie", str(file)])
    assert (run.exit_code, len(run.stdout.splitlines())) == (0, 2_000)
    file.write_bytes(packed[:-12])
    run = CliRunner().invoke(classify, ["--provider", "kie", str(file)])
    assert (run.exit_code, "gzip data is torn" in run.stderr) == (2, True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": NaN}', "NaN is no JSON value"),
        ("[" * 100_000, "nested too deeply"),
        ('{"id": ' + "9" * 5_000 + "}", "not JSON"),
        ("null", "a JSON object is needed"),
        ('{"id": 1} {"id": 2}', "Extra data"),
    ],
)
def test_what_json_does_not_allow_is_said_in_one_line(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(line, "utf-8")
    run = CliRunner().invoke(classify, ["--provider", "telegram", str(file)])
    assert (run.exit_code, len(run.stderr.splitlines())) == (2, 1)
    assert said in run.stderr


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    run = CliRunner().invoke(classify, ["--provider", "kie", str(tmp_path)])
    assert (run.exit_code, "Cannot read" in run.stderr, "Traceback" in run.output) == (2, True, False)


def test_an_id_that_is_half_a_character_is_answered() -> None:
    run = CliRunner().invoke(
        classify, ["--provider", "kie", "-"], input='{"id": "\\ud800", "message": "nsfw"}\n'
    )
    assert (run.exit_code, json.loads(run.stdout)["label"]) == (0, "user_error")


def test_a_missing_file_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    run = CliRunner().invoke(classify, ["--provider", "kie", str(tmp_path / "none")])
    assert (run.exit_code, "Cannot read" in run.stderr) == (2, True)
    file = tmp_path / "binary"
    file.write_bytes(b"\xff\xfe\x00")
    run = CliRunner().invoke(classify, ["--provider", "kie", str(file)])
    assert (run.exit_code, "UTF-8" in run.stderr) == (2, True)
