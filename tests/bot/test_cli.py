"""Every expected trouble of the command line is one sentence and exit code 2."""

import json
import socket
from pathlib import Path

import pytest

from bot.cli import COMMANDS
from tests.bot.commands.conftest import TOKEN, Run, sentence
from tests.bot.commands.conftest import run as run  # noqa: PLC0414 - the fixture

COFFEE = Path(__file__).parents[1] / "data" / "coffee.jpg"
KEYS = {"BOT_TOKEN": TOKEN, "KIE_API_KEY": "a-key"}


def test_help_lists_every_command(run: Run) -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in shown.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(run: Run, name: str) -> None:
    shown = run(name, "--help")
    assert shown.exit_code == 0
    assert shown.output.startswith("Usage:")


def test_version_is_told(run: Run) -> None:
    assert "version" in run("--version").output


def test_an_unknown_command_is_refused(run: Run) -> None:
    result = run("dance")
    assert result.exit_code == 2
    assert "No such command 'dance'" in result.stderr


@pytest.mark.parametrize("name", ["run", "bot", "worker"])
def test_missing_keys_are_told_one_by_one(run: Run, name: str) -> None:
    assert sentence(run(name)).startswith("BOT_TOKEN is not set: ")
    assert sentence(run(name, BOT_TOKEN=TOKEN)).startswith("KIE_API_KEY is not set: ")


def test_a_wrong_setting_is_told_with_its_variable(run: Run) -> None:
    told = sentence(run("run", **KEYS, REELSTATE_PARTITIONS="many"))
    assert told.startswith("REELSTATE_PARTITIONS cannot be used")


def test_settings_come_from_the_env_file_too(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BOT_TOKEN=12\n")
    assert sentence(run("run")).startswith("BOT_TOKEN does not look like a bot token")


def test_a_server_that_does_not_answer_is_told(run: Run) -> None:
    told = sentence(run("run", **KEYS, REDIS_URL="redis://:pw-in-url@127.0.0.1:1/0"))
    assert "did not answer" in told
    assert "pw-in-url" not in told


def test_a_store_of_another_shape_is_told(run: Run, redis_url: str) -> None:
    env = {**KEYS, "REDIS_URL": redis_url}
    assert run("job", "list", **env, REELSTATE_PARTITIONS="2").exit_code == 0
    assert "partitions" in sentence(run("job", "list", **env, REELSTATE_PARTITIONS="4"))


def test_a_data_directory_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in sentence(run("run", **KEYS, REELSTATE_DATA_DIR="file/var"))


def test_a_busy_callback_port_is_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        told = sentence(
            run(
                "run",
                **KEYS,
                REELSTATE_PUBLIC_URL="https://example.org",
                REELSTATE_CALLBACK_SECRET="s" * 20,
                REELSTATE_LISTEN_PORT=port,
            )
        )
    assert told.startswith(f"Port {port} on 127.0.0.1 is taken: ")


def test_a_busy_demo_port_is_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert sentence(run("demo", "--port", port)).startswith(f"Port {port} is taken: ")


def test_demo_refuses_what_it_cannot_play(run: Run) -> None:
    assert "cannot be read" in sentence(run("demo", "--photo", "none.jpg"))
    assert sentence(run("demo", "--photo", str(COFFEE), "--scenario", "dance")).startswith(
        "There is no scenario dance"
    )
    assert "needs a photo" in sentence(run("demo", "--scenario", "ok"))


@pytest.mark.parametrize(
    "given",
    [("--port", "99999"), ("--port", "-1"), ("--scale", "0"), ("--scale", "nan"), ("--log-level", "x")],
)
def test_demo_refuses_numbers_it_cannot_use(run: Run, given: tuple[str, str]) -> None:
    refused = run("demo", *given)
    assert refused.exit_code == 2
    assert f"Error: Invalid value for '{given[0]}'" in refused.output


def test_demo_lists_its_scenarios(run: Run) -> None:
    shown = run("demo", "--scenario", "list")
    assert shown.exit_code == 0
    for name in ("ok", "photo_too_dark", "send_timeout_delivered", "worker_killed"):
        assert name in shown.output


def test_demo_plays_a_photo_from_end_to_end(run: Run, tmp_path: Path) -> None:
    played = run("demo", "--photo", str(COFFEE), "--lang", "en", "--out", "clip.mp4")
    assert played.exit_code == 0, played.output
    assert "queued → generating" in played.output
    assert "as the scenario says" in played.output
    assert (tmp_path / "clip.mp4").stat().st_size > 10_000


def test_classify_answers_line_by_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "seen.jsonl").write_text(
        '{"id": "a", "step": "create", "http_status": 200, "code": 429, "message": "too many requests"}\n\n'
    )
    shown = run("classify", "--provider", "kie", "seen.jsonl")
    assert shown.exit_code == 0
    answer = json.loads(shown.output)
    assert (answer["id"], answer["reason"]) == ("a", "rate_limited")


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"{broken", "line 1: not JSON"), (b"[1]", "a JSON object is needed"), (b"\xff\xfe", "not UTF-8")],
)
def test_classify_names_the_broken_line(run: Run, tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "bad.jsonl").write_bytes(content)
    assert told in sentence(run("classify", "--provider", "kie", "bad.jsonl"))


def test_classify_needs_a_file_that_is_there(run: Run) -> None:
    assert sentence(run("classify", "--provider", "telegram", "none.jsonl")).startswith("Cannot read")
