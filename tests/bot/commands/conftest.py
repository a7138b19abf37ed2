"""The command line in an empty folder, with nothing of this machine's environment."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from bot.cli import cli
from engine.config import EngineConfig
from engine.front import Engine

T = TypeVar("T")
Run = Callable[..., Result]
TOKEN = "424242:" + "a" * 35


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line; keywords are environment variables."""
    for name in os.environ:
        if name.startswith(("REELSTATE_", "BOT_", "KIE_", "REDIS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def ran(*words: str, **env: str) -> Result:
        result = CliRunner().invoke(cli, list(words), env=env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return ran


def with_engine(url: str, work: Callable[[Engine], Awaitable[T]]) -> T:
    """What some work with the front door of that store gives, from a test that is not a coroutine."""

    async def whole() -> T:
        engine = await Engine.connect(url, EngineConfig(partitions=1))
        try:
            return await work(engine)
        finally:
            await engine.close()

    return asyncio.run(whole())


def sentence(result: Result) -> str:
    """The one line on stderr with which a command gave up, exit code 2."""
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert "Traceback" not in result.output
    return lines[0].removeprefix("Error: ")
