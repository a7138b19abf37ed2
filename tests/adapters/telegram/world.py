"""What the Telegram adapter's tests share: a sandbox, a courier on it, a wire that breaks on purpose."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiogram import Bot
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from adapters.sandbox.telegram_server import SandboxTelegram
from adapters.telegram.client import Timeouts, make_bot
from adapters.telegram.courier import TelegramCourier
from adapters.telegram.ladder import Facts, Limits, Stock
from adapters.telegram.quiet import Quiet
from engine.clock import SystemClock
from engine.ports import Delivered, Delivery, Failed
from engine.randomness import SeededRandomness
from states.job import Job, Request, Video
from states.vocabulary import Failure, State
from tests.adapters.sandbox.telegram_world import picture

TOKEN = "4242:" + "a-token-that-must-never-be-seen"
USER = 1001
BRISK = Timeouts(connect_s=0.3, call_s=1.0, answer_s=0.3, upload_s=1.5, poll_s=1)


def keys(*rows: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=row, callback_data=row)] for row in rows]
    )


def job_with(message_id: int | None, job_id: str = "j1", chat_id: int = USER) -> Job:
    return Job(
        id=job_id,
        user_id=USER,
        state=State.SENDING,
        graph="g",
        request=Request(chat_id, "photo", "own", "", "model"),
        cost=1,
        created_ms=0,
        deadline_ms=1,
        status_message_id=message_id,
    )


@dataclass(frozen=True, slots=True)
class Words:
    """Caption and buttons, as the bot hands them in."""

    caption_html: str
    keyboard: InlineKeyboardMarkup | None = None


@dataclass
class Scene:
    """One user with a status message, a video on disk, and a courier. `noted` holds the checkpoints."""

    telegram: SandboxTelegram
    bot: Bot
    file: Path
    message_id: int
    dress: Words = field(default_factory=lambda: Words("<b>Ready</b>", keys("again")))
    url: str = ""
    limits: Limits = field(default_factory=Limits)
    noted: list[dict[str, int | str]] = field(default_factory=list)
    reported: list[Failure] = field(default_factory=list)
    video: Video = field(
        default_factory=lambda: Video("", 1, size=900, width=144, height=256, duration_s=1.0)
    )
    job_id: str = "j1"
    quiet: Quiet | None = None

    async def deliver(self, *, again: bool = False, gone: bool = False) -> Delivered | Failed:
        """One attempt; checkpoints change what the next attempt is given, as the engine does."""

        async def report(failure: Failure) -> None:
            self.reported.append(failure)

        async def note(facts: Mapping[str, int | str]) -> None:
            self.noted.append(dict(facts))
            if "file_id" in facts:
                self.video = replace(
                    self.video, file_id=str(facts["file_id"]), file_kind=str(facts["file_kind"])
                )
            self.message_id = int(facts.get("status_message_id", self.message_id))

        courier = TelegramCourier(
            self.bot,
            Stock(lambda *_: self.dress, self._fetch, self._inspect, lambda *_: self.url),
            SeededRandomness(len(self.telegram.world.calls)),
            timeouts=BRISK,
            limits=self.limits,
            report=report,
            quiet=self.quiet,
        )
        job = job_with(None if gone else self.message_id, self.job_id)
        return await courier.deliver(Delivery(job, self.video, again), note)

    async def _fetch(self, _video: Video) -> Path | Failure:
        return self.file

    async def _inspect(self, _path: Path) -> Facts | None:
        return Facts(144, 256, 1.0, picture(90, 160))

    @property
    def videos(self) -> int:
        """Messages in the chat that show media: two copies would be two."""
        return sum(message.kind != "text" for message in self.telegram.person(USER).chat.by_bot())

    @property
    def calls(self) -> list[str]:
        return [record.method for record in self.telegram.world.calls]

    @property
    def buttons(self) -> list[str]:
        message = self.telegram.person(USER).chat.messages[self.message_id]
        return [str(button["text"]) for row in message.buttons for button in row]


@asynccontextmanager
async def scene(tmp_path: Path, film: bytes) -> AsyncIterator[Scene]:
    file = tmp_path / "video.mp4"
    file.write_bytes(film)
    async with SandboxTelegram(TOKEN, SystemClock()) as telegram:
        bot = make_bot(TOKEN, telegram.url, BRISK)
        try:
            await telegram.person(USER).start()
            status = await bot.send_message(USER, "making it", reply_markup=keys("cancel"))
            telegram.world.calls.clear()
            yield Scene(telegram, bot, file, status.message_id)
        finally:
            await bot.session.close()


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def wire(script: Script) -> AsyncIterator[str]:
    """A raw TCP server that does exactly what the script says; ends everything at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Headers and the whole body, chunked or with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b"chunked" in head.lower():
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return head + body
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return head + (await reader.readexactly(int(length.group(1))) if length else b"")


def answering(
    status: int, body: str, kind: str = "application/json", extra: str = "", cut: int = 0
) -> Script:
    """Reads the request, then answers; `cut` bytes of the body are promised but never sent."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        data = body.encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{extra}\r\n"
        writer.write(head.encode() + data[: len(data) - cut])
        await writer.drain()

    return script


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads everything and never answers."""
    await read_request(reader)
    await asyncio.Event().wait()


async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the headers, then no more of the body."""
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.Event().wait()


async def close_after_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads everything, then closes without a word."""
    await read_request(reader)


async def close_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes before a byte of the body was read."""
    await reader.readuntil(b"\r\n\r\n")
