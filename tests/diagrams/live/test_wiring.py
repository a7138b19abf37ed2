"""Where the page is put: beside the demo's chat, on the installation's own port, by a command of its own."""

import asyncio
import secrets
from pathlib import Path

import pytest
from aiohttp import ClientSession
from click.testing import CliRunner

from bot.cli import cli
from bot.settings import Settings, load_settings
from bot.wiring.app import open_app
from bot.wiring.sandbox import free_port
from bot.wiring.show import open_page
from tests.diagrams.live.site import TOKEN


async def test_the_demo_shows_it_beside_the_chat() -> None:
    async with open_page(port=0, scale=20, lang="en") as world, ClientSession(world.url) as http:
        async with http.get("/live/") as page:
            text = await page.text()
            assert (page.status, 'data-state="queued"' in text, 'class="home" href="/"' in text) == (
                200,
                True,
                True,
            )
        async with http.get("/live/jobs") as jobs:
            assert (await jobs.json())["live"] == 0
        async with http.get("/sandbox/state") as chat:
            state = await chat.json()
            assert (state["live"], state["person"]["language_code"]) == ("/live/", "en")
        async with http.get("/live/events") as events:
            assert events.status == 200
            await events.content.readuntil(b"event: snapshot")


def _settings(folder: Path, **more: object) -> Settings:
    api = f"http://127.0.0.1:{free_port()}"  # nobody there: nothing is asked before `run`
    token = f"123456:{secrets.token_hex(20)}"
    return load_settings(
        None,
        bot_token=token,
        kie_api_key="key",
        data_dir=folder,
        listen_port=free_port(),
        telegram_api=api,
        kie_api=api,
        kie_files=api,
        **more,
    )


async def test_an_installation_shows_it_to_who_has_the_token(tmp_path: Path) -> None:
    settings = _settings(tmp_path, live_token=TOKEN)
    async with open_app(settings), ClientSession(f"http://127.0.0.1:{settings.listen_port}") as http:
        async with http.get("/live/") as page:
            assert page.status == 401
        async with http.get("/live/jobs") as jobs:
            assert jobs.status == 401
        async with http.post("/kie/callback") as other:
            assert other.status == 404  # no address is known under which anybody could call back


async def test_an_installation_without_a_token_opens_no_port(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    async with open_app(settings) as app:
        assert app.site is None
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", settings.listen_port)


def test_the_command_is_listed_and_refuses_strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("REELSTATE_LIVE_TOKEN", "REELSTATE_LIVE_OPEN", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    runner = CliRunner()
    assert "serve" in runner.invoke(cli, ["diagram", "--help"]).output
    refused = runner.invoke(cli, ["diagram", "serve", "--host", "0.0.0.0", "--port", "0"])  # noqa: S104 - refused
    assert refused.exit_code == 2
    assert "REELSTATE_LIVE_TOKEN is not set" in refused.output
