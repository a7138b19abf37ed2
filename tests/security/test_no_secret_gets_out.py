"""An installation with recognisable secrets, good and bad stories, a search through all it says and keeps."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, CookieJar, web
from click.testing import CliRunner

from adapters.embedded import EmbeddedConfig, EmbeddedServer
from adapters.sandbox.faults import Answer, Cut, Fault, FaultPlan, Server
from adapters.sandbox.kie_server import SandboxKie
from adapters.sandbox.telegram_server import SandboxTelegram
from bot.cli import cli
from bot.settings import Settings, load_settings
from bot.taps import Verb
from bot.wiring.app import App, open_app
from bot.wiring.customer import Customer
from bot.wiring.sandbox import ADMIN, PERSON, free_port, sandbox_tuning
from bot.wiring.waiting import until, until_async
from engine import logbook
from engine.clock import ScaledClock, SystemClock
from engine.connection import Connection
from engine.randomness import SystemRandomness
from engine.store_export import histories
from states.vocabulary import TERMINALS
from tests.bot.hall import coffee

SECRETS: Final = {
    "bot token": "424242424:RECOGNISABLE-bot-token-0123456789",
    "KIE key": "RECOGNISABLE-kie-key-0123456789abcdef",
    "callback secret": "RECOGNISABLE-callback-secret-0123",
    "KIE webhook key": "RECOGNISABLE-kie-webhook-key-0123",
    "live token": "RECOGNISABLE-live-token-012345678",
}
SCALE, SOON_S = 60.0, 90.0
UNKNOWN = "a text nobody has ever seen, with https://api.telegram.org/bot{} in it".format(
    SECRETS["bot token"]
)
STORIES: Final = {
    "all goes well": (),
    "the provider's answers quote what they were asked": (
        Fault(
            Server.KIE, "createTask", answer=Answer(200, {"code": 500, "msg": f"x {SECRETS['KIE key']} y"})
        ),
        Fault(Server.KIE, "createTask", answer=Answer(502, f"<html>Bearer {SECRETS['KIE key']}</html>")),
    ),
    "connections break everywhere": (
        Fault(Server.TELEGRAM, "file", close=Cut.MID),
        Fault(Server.KIE, "upload", close=Cut.BEFORE),
        Fault(Server.KIE, "recordInfo", close=Cut.MID),
        Fault(Server.KIE, "download", close=Cut.MID),
        Fault(Server.TELEGRAM, "editMessageMedia", close=Cut.AFTER, act=True),
        Fault(Server.TELEGRAM, "sendMessage", close=Cut.AFTER),
        Fault(Server.TELEGRAM, "getUpdates", close=Cut.AFTER),
    ),
    "the key is refused": (
        Fault(Server.KIE, "createTask", 2, answer=Answer(200, {"code": 401, "msg": "Unauthorized"})),
    ),
}


@dataclass(slots=True)
class Heard:
    """Everything that came out, by where."""

    texts: dict[str, list[str]] = field(default_factory=dict)

    def add(self, where: str, text: Any) -> None:
        self.texts.setdefault(where, []).append(str(text))

    def leaks(self, secrets: dict[str, str]) -> list[str]:
        return [
            f"{name} in {where}: {text[:200]}"
            for where, texts in self.texts.items()
            for text in texts
            for name, secret in secrets.items()
            if secret in text
        ]


class _Listener(logging.Handler):
    def __init__(self, heard: Heard) -> None:
        super().__init__(logging.DEBUG)
        self._heard = heard
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.add("the libraries' logs", self.format(record))


def _overheard(app: web.Application, heard: Heard, name: str) -> None:
    """Note addresses and bodies of every request; who is asked knows the secret it is asked with."""

    @web.middleware
    async def listen(request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.read() if request.content_length and request.content_length < 100_000 else b""
        path = request.path_qs if name != "telegram" else request.path_qs.replace(SECRETS["bot token"], "")
        heard.add(f"addresses seen by {name}", path)
        heard.add(f"bodies seen by {name}", body.decode("utf-8", "replace"))
        response: web.StreamResponse = await handler(request)
        return response

    app.middlewares.append(listen)


@dataclass(slots=True)
class House:
    app: App
    telegram: SandboxTelegram
    kie: SandboxKie
    faults: FaultPlan
    settings: Settings
    server: EmbeddedServer
    heard: Heard


@asynccontextmanager
async def house(folder: Path, heard: Heard) -> AsyncIterator[House]:
    clock, faults, port = ScaledClock(SystemClock(), SCALE, SystemClock().now_ms()), FaultPlan(), free_port()
    telegram = SandboxTelegram(SECRETS["bot token"], clock, faults=faults)
    keys = {SECRETS["KIE key"]: 5000.0}
    webhook_key = SECRETS["KIE webhook key"]
    kie = SandboxKie(clock, SystemRandomness(), keys, faults=faults, film_s=1.0, webhook_key=webhook_key)
    _overheard(telegram.app, heard, "telegram")
    _overheard(kie.app, heard, "kie")
    telegram.person(ADMIN).chat.started = True
    with EmbeddedServer(EmbeddedConfig(folder / "valkey", port=0)) as server:
        async with telegram, kie:
            settings = load_settings(
                None,
                bot_token=SECRETS["bot token"],
                kie_api_key=SECRETS["KIE key"],
                redis_url=server.url,
                data_dir=folder,
                telegram_api=telegram.url,
                kie_api=kie.url,
                kie_files=kie.url,
                public_url=f"http://127.0.0.1:{port}",
                listen_port=port,
                callback_secret=SECRETS["callback secret"],
                kie_webhook_key=SECRETS["KIE webhook key"],
                live_token=SECRETS["live token"],
                admin_chat_id=ADMIN,
                partitions=1,
                trial_credits=50,
            )
            async with open_app(settings, tuning=sandbox_tuning(SCALE), clock=clock) as app:
                yield House(app, telegram, kie, faults, settings, server, heard)


async def test_no_secret_is_in_anything_that_gets_out(tmp_path: Path) -> None:
    heard, log = Heard(), io.StringIO()
    listener = _Listener(heard)
    logging.getLogger().addHandler(listener)
    levels = {name: logging.getLogger(name).level for name in ("", "httpx", "httpcore", "aiogram", "aiohttp")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logbook.open_logbook("DEBUG", log)
    try:
        async with house(tmp_path, heard) as here:
            running = asyncio.create_task(here.app.run())
            try:
                for story in STORIES.values():
                    await _lived_through(here, story)
                await _looked_at(here)
            finally:
                here.app.stop.set()
                await running
            await _kept(here)
            secrets = {**SECRETS, "Redis password": urlsplit(here.server.url).password or "none"}
            assert len(secrets["Redis password"]) > 15
            await _commands(here)
    finally:
        logging.getLogger().removeHandler(listener)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        logbook.open_logbook()
    heard.add("our log", log.getvalue())
    assert "job.moved" in log.getvalue()
    for where in ("the store", "exported histories", "pages", "chats", "bodies seen by kie", "commands"):
        assert heard.texts[where], f"nothing was heard from {where}"
    # who signs in sends the token once, and our callback address carries a signature, not the secret
    assert heard.leaks(secrets) == []


async def _lived_through(here: House, faults: tuple[Fault, ...]) -> None:
    """One customer's whole way, to its end."""
    customer = Customer(here.telegram.person(PERSON))
    await customer.begin("ru")
    await customer.person.send_photo(coffee())
    assert await until(lambda: customer.button(Verb.LAUNCH), SOON_S), "no proposal"
    jobs = len(await here.app.engine.jobs_of(PERSON, 10))
    here.faults.extend(faults)
    assert await customer.launch()

    async def over() -> bool:
        found = await here.app.engine.jobs_of(PERSON, 10)
        depth = await here.app.relay.outbox.depth()
        return len(found) > jobs and found[0].state in TERMINALS and not depth.entries

    assert await until_async(over, SOON_S), await here.app.engine.jobs_of(PERSON, 1)
    here.faults.clear()
    await here.app.engine.unpause()


async def _looked_at(here: House) -> None:
    """The live page as an operator sees it, and as a stranger tries it; errors of every kind of call."""
    root = f"{here.settings.public_url}/live/"
    jobs = await here.app.engine.jobs_of(PERSON, 10)
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
        async with http.get(root) as answer:
            here.heard.add("pages", await answer.text())
        home = {"Origin": here.settings.public_url}
        token = here.settings.live_token.get_secret_value()
        async with http.post(f"{root}login", data={"token": token}, headers=home) as answer:
            assert answer.status == 200
            here.heard.add("pages", await answer.text() + str(answer.headers) + str(answer.url))
        for path in ("", "jobs?limit=100", *(f"jobs/{job.id}" for job in jobs)):
            async with http.get(root + path) as answer:
                assert answer.status == 200
                here.heard.add("pages", await answer.text())
        for path in ("kie?job=x&n=1&sig=y", "telegram", "live/static/..%2f..%2fenv", "nothing"):
            async with http.post(f"{here.settings.public_url}/{path}", data=b"{}") as answer:
                here.heard.add("pages", f"{answer.status} {await answer.text()} {answer.headers}")
    people = (here.telegram.person(PERSON), here.telegram.person(ADMIN))
    assert await until(people[1].chat.by_bot, SOON_S), "the operator heard nothing of a refused key"
    for person in people:
        for message in person.chat.messages.values():
            here.heard.add("chats", [version.body for version in message.versions])


async def _kept(here: House) -> None:
    """Every key and value of the store, and what an export of its histories would hold."""
    async with Connection(here.server.url) as link:
        for key in await link.command("KEYS", "*"):
            kind = (await link.command("TYPE", key)).decode()
            read = {
                "string": ("GET", key),
                "hash": ("HGETALL", key),
                "list": ("LRANGE", key, 0, -1),
                "zset": ("ZRANGE", key, 0, -1),
                "set": ("SMEMBERS", key),
                "stream": ("XRANGE", key, "-", "+"),
            }[kind]
            here.heard.add("the store", f"{key!r} {await link.command(*read)!r}")
    async for rows in histories(here.app.engine.store):
        here.heard.add("exported histories", rows)


async def _commands(here: House) -> None:
    """What the command line shows of it, good and bad."""
    variables = {
        "BOT_TOKEN": SECRETS["bot token"],
        "KIE_API_KEY": SECRETS["KIE key"],
        "REDIS_URL": here.server.url,
        "REELSTATE_LIVE_TOKEN": SECRETS["live token"],
        "REELSTATE_TELEGRAM_API": here.telegram.url,
        "REELSTATE_KIE_API": here.kie.url,
    }
    broken = {**variables, "REDIS_URL": here.server.url.replace("127.0.0.1:", "127.0.0.1:1"), "BOT_TOKEN": ""}
    for environment in (variables, broken):
        for words in (["doctor", "--online"], ["check", "--json"], ["job", "list"], ["run"]):
            if words == ["run"] and environment is variables:
                continue  # it would run
            runner = CliRunner(env=environment)
            result = await asyncio.to_thread(runner.invoke, cli, words)
            here.heard.add("commands", f"{result.output} {result.exception}")


@pytest.mark.parametrize("name", SECRETS)
def test_the_search_finds_a_secret_when_there_is_one(name: str) -> None:
    heard = Heard({"somewhere": [f"... {SECRETS[name]} ..."]})
    assert len(heard.leaks(SECRETS)) == 1
