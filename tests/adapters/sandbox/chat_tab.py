"""What the chat page's tests share: a server with a page, and a browser tab without a browser."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiogram import Bot

from adapters.sandbox.chat_page import ChatPage, PageOptions, mount
from adapters.sandbox.telegram_server import SandboxTelegram
from tests.adapters.sandbox.telegram_world import TOKEN, TestClock, bot_of

Json = dict[str, Any]


class Tab:
    """A browser tab without a browser."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self.http = http
        self.base = base

    async def state(self, query: str = "") -> Json:
        async with self.http.get(f"{self.base}/sandbox/state{query}") as answer:
            found: Json = await answer.json()
            return found

    async def act(self, name: str, body: Json | aiohttp.FormData | None = None) -> Json:
        form = isinstance(body, aiohttp.FormData)
        url = f"{self.base}/sandbox/act/{name}"
        async with self.http.post(
            url, data=body if form else None, json=None if form else body or {}
        ) as answer:
            assert answer.status == 200, await answer.text()
            found: Json = await answer.json()
            return found

    async def get(self, path: str, **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
        async with self.http.get(self.base + path, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Json]]:
        async with self.http.get(f"{self.base}/sandbox/events") as answer:
            assert answer.content_type == "text/event-stream"
            assert await answer.content.readline() == b": hello\n"

            async def read() -> AsyncIterator[Json]:
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        yield json.loads(line.removeprefix(b"data: "))

            async with asyncio.timeout(10):
                yield read()


@asynccontextmanager
async def opened(
    options: PageOptions | None = None,
) -> AsyncIterator[tuple[SandboxTelegram, Bot, Tab, ChatPage]]:
    telegram = SandboxTelegram(TOKEN, TestClock())
    page = mount(telegram, options)
    async with telegram, aiohttp.ClientSession() as http:
        bot = bot_of(telegram)
        yield telegram, bot, Tab(http, telegram.url), page
        await bot.session.close()


def form(**files: bytes) -> aiohttp.FormData:
    made = aiohttp.FormData({"caption": "my mug"})
    for name, data in files.items():
        made.add_field(name, data, filename=f"{name}.jpg", content_type="image/jpeg")
    return made
