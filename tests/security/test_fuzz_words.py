"""What operators may get wrong or paste by accident: settings, arguments, log files."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cli import COMMANDS, cli
from bot.settings import Settings, SettingsError, load_settings
from bot.wiring.parts import make_catalogue
from tests.security.hostile import DEEP, jsons, texts, wire

FIELDS = sorted(set(Settings.model_fields) - {"data_dir"})
VARIABLES = {name: str(info.validation_alias.choices[0]) for name, info in Settings.model_fields.items()}  # type: ignore[union-attr]
SECRET = "pasted-secret-0123456789"  # noqa: S105 - made up, to be looked for
words = texts.filter(lambda text: "\x00" not in text and "\ud83d" not in text) | st.sampled_from(
    (
        "name=",
        "=1",
        "a=b=c",
        "a=1,a=2",
        "redis://",
        "http://",
        "https://user:pw@x",
        "-1",
        "1e9",
        "true",
        "ru,en",
    )
)


@given(st.sampled_from(FIELDS), words)
def test_any_value_of_a_setting_is_taken_or_refused_in_one_sentence(field: str, value: str) -> None:
    try:
        found = load_settings(None, **{field: value})
        make_catalogue(found)
    except SettingsError as refused:
        said = str(refused)
        assert said.count("\n") == 0
        assert VARIABLES[field] in said or "REELSTATE_" in said
        assert len(said) < 400


@pytest.mark.parametrize(
    "field", [n for n, i in Settings.model_fields.items() if "SecretStr" in str(i.annotation)]
)
def test_a_secret_that_is_refused_is_not_quoted(field: str) -> None:
    for value in (f"{SECRET} with a space", f"{SECRET}\n", f"=={SECRET}", f"ftp://x:{SECRET}@y"):
        try:
            found = load_settings(None, public_url="https://shop.example", **{field: value})
            said = repr(found)
        except SettingsError as refused:
            said = str(refused)
        assert SECRET not in said


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(COMMANDS), st.lists(words.filter(lambda w: len(w) < 200), max_size=3))
def test_any_arguments_end_in_words_and_not_in_a_traceback(command: str, arguments: list[str]) -> None:
    given_words = [word for word in arguments if word] or ["--nonsense"]
    if command in {"demo", "run", "bot", "worker", "simulate", "check", "doctor"}:
        given_words.append("--nonsense")  # these would really begin
    environment = {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "BOT_TOKEN": "",
        "KIE_API_KEY": "",
        "PATH": os.environ["PATH"],
    }
    ran = CliRunner(env=environment).invoke(cli, [command, *given_words], input="")
    assert ran.exception is None or isinstance(ran.exception, SystemExit), (
        command,
        given_words,
        ran.exception,
    )
    assert "Traceback" not in ran.output
    assert ran.exit_code in (0, 1, 2)


ROWS = jsons(
    ("v", "job", "seq", "ts", "graph", "event", "from", "to", "edge", "in", "out", "by", "disp", "def")
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(ROWS.map(wire) | st.binary(max_size=60) | st.just(DEEP.encode()), max_size=5))
def test_any_log_is_judged_and_not_crashed_on(tmp_path: Path, lines: list[bytes]) -> None:
    log = tmp_path / "some.jsonl"
    log.write_bytes(b"\n".join(lines) + b"\n")
    for command in (["log", "verify"], ["replay"], ["classify", "--provider", "kie"]):
        ran = CliRunner().invoke(cli, [*command, str(log)])
        assert ran.exception is None or isinstance(ran.exception, SystemExit), (command, lines, ran.exception)
        assert "Traceback" not in ran.output


@settings(max_examples=60)
@given(
    jsons(
        ("stage", "http_status", "body", "exception", "message", "method", "description", "parameters", "id")
    )
)
def test_any_observation_is_classified(row: object) -> None:
    line = json.dumps(row)
    for provider in ("kie", "telegram"):
        ran = CliRunner().invoke(cli, ["classify", "--provider", provider, "-"], input=line.encode())
        assert ran.exception is None or isinstance(ran.exception, SystemExit), (row, ran.exception)
        assert "Usage" not in ran.output
