"""Sending a video to a chat by address, by upload and by file id: milliseconds, and memory while 50 MB leave.

Chat server and file server run in a process of their own, so that the measured process holds only what the
courier itself holds.
"""

import asyncio
import multiprocessing
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from aiogram import Bot
from aiohttp import web

from adapters.sandbox.telegram_server import SandboxTelegram
from adapters.telegram.client import Timeouts, make_bot
from adapters.telegram.courier import TelegramCourier
from adapters.telegram.ladder import Dress, Facts, Stock
from bot.wiring.running import Trouble
from engine.bench.meter import rss_bytes, wall_s
from engine.bench.ports import request_of
from engine.clock import SystemClock
from engine.ports import Delivered, Delivery
from engine.randomness import SystemRandomness
from states.job import Job, Video
from states.vocabulary import State

USER: Final = 1001
TOKEN: Final = "4242:" + "a-token-of-a-benchmark"
SMALL_BYTES: Final = 3_000_000
"""As large as a clip of ten seconds."""
LARGE_BYTES: Final = 50 * 1_000_000
"""Just below what the Bot API takes."""
PATIENCE_S: Final = 120.0
_SAMPLE_S: Final = 0.002


@dataclass(frozen=True, slots=True)
class Sent:
    """One way of sending: milliseconds of each delivery, and how far memory rose meanwhile (bytes)."""

    way: str
    size: int
    ms: list[float]
    memory: int


async def send_all(rounds: int) -> list[Sent]:
    """Measure every way. Raises Trouble when a delivery fails."""
    with TemporaryDirectory(prefix="reelbench") as folder:
        small, large = (
            _file(Path(folder) / "small.mp4", SMALL_BYTES),
            _file(Path(folder) / "large.mp4", LARGE_BYTES),
        )
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(str(small), theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            if not await asyncio.to_thread(ours.poll, PATIENCE_S):
                raise Trouble("The chat server of the benchmark did not start.")
            telegram, address = ours.recv()
            bot = make_bot(TOKEN, telegram, Timeouts())
            try:
                return await _Sender(bot, address).all(small, large, rounds)
            finally:
                await bot.session.close()
        finally:
            ours.close()
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()


def _file(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)  # nobody looks into it: measures and thumbnail come from elsewhere
    return path


@dataclass(slots=True)
class _Sender:
    bot: Bot
    address: str

    async def all(self, small: Path, large: Path, rounds: int) -> list[Sent]:
        by_url = await self._way("by URL", small, rounds, Video(self.address, 1, size=SMALL_BYTES))
        plain = Video("", 1, size=SMALL_BYTES)
        uploaded = await self._way("by upload", small, rounds, plain)
        heavy = await self._way(
            "by upload, 50 MB", large, max(2, rounds // 3), replace(plain, size=LARGE_BYTES)
        )
        known = (await self._deliver(small, plain)).file_id
        kind = (await self._deliver(small, plain)).file_kind
        by_id = await self._way("by file id", small, rounds, replace(plain, file_id=known, file_kind=kind))
        return [by_url, uploaded, heavy, by_id]

    async def _way(self, way: str, file: Path, rounds: int, video: Video) -> Sent:
        await self._deliver(file, video)  # connections are open, modules loaded
        times, most = [], 0
        for _ in range(rounds):
            before, high = rss_bytes(), [0]
            watch = asyncio.create_task(_highest(high))
            began_s = wall_s()
            await self._deliver(file, video)
            times.append((wall_s() - began_s) * 1000)
            watch.cancel()
            most = max(most, high[0] - before)
        return Sent(way, video.size, times, max(0, most))

    async def _deliver(self, file: Path, video: Video) -> Delivered:
        status = await self.bot.send_message(USER, "making it")

        async def fetch(_: Video) -> Path:
            return file

        async def inspect(_: Path) -> Facts:
            return Facts(720, 1280, 10.0)

        async def note(_: Mapping[str, int | str]) -> None:
            return None

        stock = Stock(lambda *_: Dress("<b>Ready</b>", None, ""), fetch, inspect, lambda seen: seen.url)
        courier = TelegramCourier(self.bot, stock, SystemRandomness())
        outcome = await courier.deliver(Delivery(_job(status.message_id), video, verify_first=False), note)
        if not isinstance(outcome, Delivered):
            raise Trouble(f"A video was not delivered: {outcome}.")
        return outcome


async def _highest(high: list[int]) -> None:
    while True:
        high[0] = max(high[0], rss_bytes())
        await asyncio.sleep(_SAMPLE_S)


def _job(message_id: int) -> Job:
    return Job(
        id="0-bench",
        user_id=USER,
        state=State.SENDING,
        graph="g",
        request=request_of(USER),
        cost=1,
        created_ms=0,
        deadline_ms=1,
        status_message_id=message_id,
    )


# --- the other process --------------------------------------------------------------------------


def _serve(small: str, pipe: Pipe) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(_served(Path(small), pipe))


async def _served(small: Path, pipe: Pipe) -> None:
    """Chat and files, until the measuring side hangs up."""
    site = web.Application()
    site.router.add_get("/video.mp4", _handler(small))
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: Any = runner.addresses[0][1]
    async with SandboxTelegram(TOKEN, SystemClock()) as telegram:
        await telegram.person(USER).start()
        pipe.send((telegram.url, f"http://127.0.0.1:{port}/video.mp4"))
        with suppress(EOFError):
            await asyncio.to_thread(pipe.recv)
    await runner.cleanup()


def _handler(small: Path) -> Callable[[web.Request], Any]:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(small, headers={"Content-Type": "video/mp4"})

    return handle
