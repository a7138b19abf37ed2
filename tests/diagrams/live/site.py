"""A live page over real HTTP and a real store, and a reader of its stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from aiohttp import ClientResponse, ClientSession, CookieJar, web

from bot.wiring.live import EngineSource
from diagrams.live import Access, LiveSource, live_app
from engine.clock import ManualClock
from engine.config import EngineConfig
from engine.front import Engine
from engine.values import EntryKind, NewJob
from states.job import Job, Request

TOKEN = "open-sesame-open-sesame"  # noqa: S105 - of a test
OPEN = Access(open_reading=True)
SHUT = Access(token=TOKEN)


@dataclass(slots=True)
class Site:
    """A page's address and a browser without a browser."""

    url: str
    http: ClientSession

    async def get(self, path: str, **headers: str) -> ClientResponse:
        """GET below the page."""
        answer = await self.http.get(self.url + path, headers=headers, allow_redirects=False)
        if answer.content_type != "text/event-stream":
            await answer.read()
        return answer

    async def post(self, path: str, origin: str | None = "", **form: str) -> ClientResponse:
        """POST from the page itself, from another `origin`, or from nobody knows where (None)."""
        home = self.url.partition("/live")[0]
        headers = {} if origin is None else {"Origin": origin or home}
        answer = await self.http.post(self.url + path, data=form, headers=headers, allow_redirects=False)
        await answer.read()
        return answer

    async def json(self, path: str) -> Any:
        """What an address answers; it must answer."""
        answer = await self.get(path)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    @asynccontextmanager
    async def stream(self, last_id: str = "") -> AsyncIterator["Stream"]:
        """The events."""
        headers = {"Last-Event-ID": last_id} if last_id else {}
        async with self.http.get(self.url + "events", headers=headers) as answer:
            assert answer.status == 200
            yield Stream(answer)


@dataclass(slots=True)
class Stream:
    """Events as a browser takes them."""

    answer: ClientResponse
    last_id: str = ""

    async def next(self, *names: str) -> tuple[str, Any]:
        """The next event of one of these names (or any)."""
        async with asyncio.timeout(10):
            while True:
                name, data = await self._one()
                if name and (not names or name in names):
                    return name, data

    async def _one(self) -> tuple[str, Any]:
        name, data = "", ""
        while (line := (await self.answer.content.readline()).decode().rstrip("\n")) or not name:
            if not line and not self.answer.content.at_eof():
                continue
            if self.answer.content.at_eof():
                raise EOFError
            field, _, value = line.partition(": ")
            match field:
                case "event":
                    name = value
                case "data":
                    data = value
                case "id":
                    self.last_id = value
        return name, json.loads(data)


@asynccontextmanager
async def open_site(source: LiveSource, access: Access | None = None) -> AsyncIterator[Site]:
    """The page on a port of its own."""
    numbers = count(1)
    site = web.Application()
    site.add_subapp("/live", live_app(source, access=access, new_id=lambda: f"session-{next(numbers)}"))
    runner = web.AppRunner(site, shutdown_timeout=0.5)
    await runner.setup()
    try:
        place = web.TCPSite(runner, "127.0.0.1", 0)
        await place.start()
        port = runner.addresses[0][1]
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:  # loopback is an address
            yield Site(f"http://127.0.0.1:{port}/live/", http)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def open_bench(
    redis_url: str, clock: ManualClock, access: Access | None = OPEN
) -> AsyncIterator["Live"]:
    """An engine with a page over it."""
    engine = await Engine.connect(redis_url, EngineConfig(partitions=2, max_live_jobs=100), clock=clock)
    try:
        async with open_site(EngineSource(lambda: engine), access) as site:
            yield Live(engine, clock, site)
    finally:
        await engine.close()


@dataclass(slots=True)
class Live:
    """Engine, clock and page."""

    engine: Engine
    clock: ManualClock
    site: Site

    async def launched(self, n: int = 1, user: int = 7, prompt: str = "spin it") -> Job:
        """A job in line."""
        await self.engine.grant(user, 10, f"gift-{n}", EntryKind.GRANT)
        request = Request(chat_id=user, photo="secret-file-id", template="own", prompt=prompt, model="m1")
        answer = await self.engine.submit(NewJob(f"tap-{n}", user, 10, request, status_message_id=5))
        assert answer.job is not None
        return answer.job
