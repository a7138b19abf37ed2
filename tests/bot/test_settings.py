import re
from pathlib import Path

import pytest
from pydantic import AliasChoices

from bot.settings import Settings, SettingsError, load_settings

TOKEN = "123456:" + "a" * 35
EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _variables():
        monkeypatch.delenv(name, raising=False)


def _variables() -> list[str]:
    aliases = [field.validation_alias for field in Settings.model_fields.values()]
    return [str(alias.choices[0]) for alias in aliases if isinstance(alias, AliasChoices)]


def _load(monkeypatch: pytest.MonkeyPatch, **env: str) -> Settings:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return load_settings(env_file=None)


def test_a_fresh_machine_needs_nothing() -> None:
    settings = load_settings(env_file=None)
    assert settings.embedded
    assert settings.store_partitions == 1
    assert settings.trial_credits == 2
    assert not settings.webhook


def test_the_example_lists_every_variable_and_loads_as_it_is() -> None:
    listed = re.findall(r"(?m)^([A-Z_]+)=", EXAMPLE.read_text())
    assert sorted(listed) == sorted(_variables())
    assert load_settings(env_file=EXAMPLE) == load_settings(env_file=None)


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(
        monkeypatch,
        BOT_TOKEN=TOKEN,
        KIE_API_KEY="solo",
        KIE_API_KEYS="a=one, b=two",
        REDIS_URL="redis://localhost:6379/0",
        REELSTATE_ADMIN_IDS="1, 22",
        REELSTATE_PRICES="veo3_fast=3, veo3_lite = 1",
        REELSTATE_MODELS_DISABLED="kling-3.0/video",
    )
    assert [(name, key.get_secret_value()) for name, key in settings.api_keys] == [
        ("a", "one"),
        ("b", "two"),
        ("main", "solo"),
    ]
    assert settings.admin_ids == (1, 22)
    assert settings.prices == {"veo3_fast": 3, "veo3_lite": 1}
    assert settings.models_disabled == ("kling-3.0/video",)
    assert settings.store_partitions == 16


def test_secrets_never_print(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(
        monkeypatch, BOT_TOKEN=TOKEN, KIE_API_KEYS="a=very-secret-key", REDIS_URL="redis://:pw0@h"
    )
    for shown in (repr(settings), str(settings), repr(settings.api_keys)):
        assert not any(secret in shown for secret in (TOKEN, "very-secret-key", "pw0"))


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        (
            {"BOT_TOKEN": "nonsense"},
            "BOT_TOKEN does not look like a bot token: copy it whole from @BotFather.",
        ),
        ({"KIE_API_KEYS": "keyonly"}, "KIE_API_KEYS must be name=key pairs with commas between them."),
        ({"KIE_API_KEYS": "a=1,a=2"}, "KIE_API_KEYS names a key twice"),
        ({"KIE_API_KEY": "with space"}, "KIE_API_KEY holds an empty key or characters no key has"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL must begin with redis://"),
        ({"REDIS_URL": "redis+sentinel://h"}, "REDIS_URL names no service: write redis+sentinel://"),
        (
            {"REELSTATE_DURABILITY": "sure"},
            "REELSTATE_DURABILITY cannot be used: input should be 'fast', 'safe'",
        ),
        (
            {"REELSTATE_DURABILITY": "strict"},
            "REELSTATE_DURABILITY cannot be strict with the embedded Valkey",
        ),
        ({"REELSTATE_TRIAL_CREDITS": "-1"}, "REELSTATE_TRIAL_CREDITS cannot be used"),
        ({"REELSTATE_TRIAL_CREDITS": "two"}, "REELSTATE_TRIAL_CREDITS cannot be used"),
        ({"REELSTATE_LOG_LEVEL": "LOUD"}, "REELSTATE_LOG_LEVEL cannot be used"),
        ({"REELSTATE_PARTITIONS": "17"}, "REELSTATE_PARTITIONS cannot be used"),
        ({"REELSTATE_PRICES": "veo3_fast"}, "REELSTATE_PRICES cannot be used: write name=value pairs"),
        ({"REELSTATE_PUBLIC_URL": "example.org"}, "REELSTATE_PUBLIC_URL must be a whole address"),
        ({"REELSTATE_PUBLIC_URL": "https://example.org"}, "REELSTATE_CALLBACK_SECRET is not set"),
        (
            {"REELSTATE_WEBHOOK_SECRET": "x" * 20},
            "REELSTATE_WEBHOOK_SECRET needs an https REELSTATE_PUBLIC_URL",
        ),
        ({"REELSTATE_CALLBACK_SECRET": "short"}, "REELSTATE_CALLBACK_SECRET must be 16 to 256"),
        ({"REELSTATE_SUPPORT": "help"}, "REELSTATE_SUPPORT must be a Telegram handle"),
    ],
)
def test_what_cannot_work_is_one_sentence_with_the_variable(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(monkeypatch, **env)
    text = str(caught.value)
    assert text.startswith(sentence)
    assert "\n" not in text
    assert not any(value in text for name, value in env.items() if "TOKEN" in name or "KEY" in name)


def test_a_missing_value_is_told_when_it_is_needed() -> None:
    settings = load_settings(env_file=None)
    with pytest.raises(SettingsError, match="BOT_TOKEN is not set"):
        settings.require("bot_token")
    with pytest.raises(SettingsError, match="KIE_API_KEY is not set"):
        settings.require("api_keys")
    load_settings(env_file=None, bot_token=TOKEN, kie_api_key="k").require("bot_token", "api_keys")
