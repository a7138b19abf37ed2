import shutil
import socket
from pathlib import Path

import pytest

from adapters.sandbox.faults import FaultPlan
from adapters.sandbox.kie_server import SandboxKie
from adapters.sandbox.telegram_server import SandboxTelegram
from bot.commands import doctor
from bot.settings import Settings, load_settings
from bot.wiring.checks import ask_kie, ask_telegram
from engine.clock import ManualClock
from engine.fitness import Level
from engine.randomness import SeededRandomness
from tests.bot.commands.conftest import TOKEN, Run

KEYS = {"BOT_TOKEN": TOKEN, "KIE_API_KEY": "a-key"}


def test_a_fresh_machine_is_told_what_is_missing(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 2
    for variable in ("BOT_TOKEN is not set", "KIE_API_KEY is not set"):
        assert variable in result.output


def test_a_fit_set_up_passes_with_the_embedded_server(run: Run) -> None:
    result = run("doctor", **KEYS, REELSTATE_ADMIN_CHAT_ID="5")
    assert result.exit_code == 0, result.output
    for line in ("the embedded Valkey works", "the state graph is sound", "every write reaches the disk"):
        assert line in result.output
    assert "fit to run: 0 errors, 0 warnings" in result.output


def test_warnings_do_not_fail(run: Run) -> None:
    result = run("doctor", **KEYS)
    assert result.exit_code == 0
    assert "nobody is told of incidents" in result.output
    assert "users have nobody to write to" in result.output


def test_a_server_that_forgets_is_refused(run: Run, redis_url: str) -> None:
    """The tests' own server keeps no append-only file."""
    result = run("doctor", **KEYS, REDIS_URL=redis_url)
    assert result.exit_code == 2
    assert "a restart loses credits" in result.output


def test_a_dead_server_is_told_without_its_password(run: Run) -> None:
    result = run("doctor", **KEYS, REDIS_URL="redis://:pw-in-url@127.0.0.1:1/0")
    assert result.exit_code == 2
    assert "does not answer" in result.output
    assert "pw-in-url" not in result.output


def test_a_setting_that_cannot_work_is_told(run: Run) -> None:
    result = run("doctor", BOT_TOKEN="12")  # noqa: S106 - no password, and not even a token
    assert result.exit_code == 2
    assert "BOT_TOKEN does not look like a bot token" in result.output
    assert "copy it whole from @BotFather" in result.output


def test_an_unwritable_data_directory_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = run("doctor", **KEYS, REELSTATE_DATA_DIR=str(tmp_path / "file" / "var"))
    assert result.exit_code == 2
    assert "cannot be written" in result.output


def test_a_catalogue_without_models_is_told(run: Run) -> None:
    assert "which is not in the catalogue" in run("doctor", **KEYS, REELSTATE_PRICES="nothing=1").output


def test_little_room_warns_and_no_room_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for free, level in ((1e9, Level.WARN), (1e6, Level.ERROR), (1e12, Level.OK)):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, usage=usage: usage)
        assert [finding.level for finding in doctor._disk(tmp_path)] == [level]


def test_a_public_address_is_looked_at() -> None:
    settings = load_settings(
        None,
        public_url="http://example.org",
        callback_secret="s" * 20,
        listen_port=0,
        listen_host="127.0.0.1",
    )
    found = [finding.what for finding in doctor._reached(settings)]
    assert found == [
        "REELSTATE_PUBLIC_URL is not https",
        "KIE's callbacks are not signed",
        "127.0.0.1:0 is free for callbacks",
    ]


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert doctor._taken("127.0.0.1", other.getsockname()[1])


def _settings(**given: str) -> Settings:
    return load_settings(None, kie_api_keys="", **given)


async def test_online_telegram_names_the_bot(clock: ManualClock) -> None:
    async with SandboxTelegram(TOKEN, clock, faults=FaultPlan()) as telegram:
        known = await ask_telegram(_settings(bot_token=TOKEN, telegram_api=telegram.url))
        other = await ask_telegram(_settings(bot_token=TOKEN[:-1] + "b", telegram_api=telegram.url))
    assert known.level is Level.OK
    assert known.what.startswith("Telegram knows the bot as @")
    assert (other.level, other.what) == (Level.ERROR, "Telegram refuses BOT_TOKEN")


async def test_online_kie_tells_the_balance(clock: ManualClock, randomness: SeededRandomness) -> None:
    balances = {"key-full": 120.5, "key-empty": 0.0}
    async with SandboxKie(clock, randomness, balances, faults=FaultPlan()) as kie:
        settings = load_settings(
            None, kie_api_key="", kie_api_keys="full=key-full,empty=key-empty,odd=wrong", kie_api=kie.url
        )
        full, empty, odd = await ask_kie(settings)
    assert (full.level, full.what) == (Level.OK, "KIE key full: 120.5 credits")
    assert (empty.level, empty.what) == (Level.WARN, "KIE key empty: 0 credits")
    assert (odd.level, odd.what) == (Level.ERROR, "KIE refuses the key odd")


async def test_online_nobody_there_is_the_networks_fault() -> None:
    nowhere = "http://127.0.0.1:1"
    telegram = await ask_telegram(_settings(bot_token=TOKEN, telegram_api=nowhere))
    (kie,) = await ask_kie(_settings(kie_api_key="one", kie_api=nowhere))
    assert telegram.what == "Telegram does not answer (network)"
    assert kie.what == "KIE does not answer the key main (network)"
    assert TOKEN not in telegram.what
