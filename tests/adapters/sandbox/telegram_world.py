"""What the Telegram sandbox's tests share: a clock, a server, a real aiogram client, a film and a picture."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import av
import numpy as np
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from PIL import Image

from adapters.sandbox.faults import FaultPlan
from adapters.sandbox.telegram_server import SandboxTelegram

TOKEN = "4242:" + "sandbox-token-of-a-test"


class TestClock:
    """Real time that a test may push on."""

    __test__ = False

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.ahead_ms

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def bot_of(telegram: SandboxTelegram, token: str = TOKEN) -> Bot:
    session = AiohttpSession(api=TelegramAPIServer.from_base(telegram.url))
    return Bot(token, session=session)


@asynccontextmanager
async def sandbox(
    faults: FaultPlan | None = None, clock: TestClock | None = None, min_gap_s: float = 0.0
) -> AsyncIterator[tuple[SandboxTelegram, Bot]]:
    telegram = SandboxTelegram(TOKEN, clock or TestClock(), faults=faults, min_gap_s=min_gap_s)
    async with telegram:
        bot = bot_of(telegram)
        try:
            yield telegram, bot
        finally:
            await bot.session.close()


@cache
def film(seconds: int = 1, width: int = 144, height: int = 256) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(seconds * 10):
            grey = np.full((height, width, 3), 20 + number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()


@cache
def picture(width: int = 800, height: int = 600, colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG")
    return out.getvalue()


def keys(*rows: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=row, callback_data=row)] for row in rows]
    )
