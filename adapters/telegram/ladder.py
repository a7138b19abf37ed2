"""The delivery ladder: file id, URL, upload, document, link button; and the Bot API calls of each rung."""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from aiogram.methods import (
    EditMessageMedia,
    EditMessageText,
    SendAnimation,
    SendDocument,
    SendMessage,
    SendVideo,
    TelegramMethod,
)
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaAnimation,
    InputMediaDocument,
    InputMediaVideo,
    Message,
)

from adapters.telegram.client import Upload
from states.job import Job, Video
from states.vocabulary import Failure

_TAG = re.compile(r"<[^>]*>")
_CAPTION_LIMIT = 1024


class Rung(StrEnum):
    """Ways to show a video, best first."""

    FILE_ID = "file_id"
    URL = "url"
    UPLOAD = "upload"
    DOCUMENT = "document"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes. Source: core.telegram.org/bots/api#sending-files."""

    url_bytes: int = 20 << 20
    upload_bytes: int = 50 << 20


def plain_words(text_html: str, limit: int) -> str:
    """The text without its markup, cut to `limit` characters."""
    return html.unescape(_TAG.sub("", text_html))[:limit]


class Dressed(Protocol):
    """What goes with a video, as the bot words it."""

    @property
    def caption_html(self) -> str:
        """The caption, HTML as the Bot API knows it."""
        ...

    @property
    def keyboard(self) -> InlineKeyboardMarkup | None:
        """The buttons below the video."""
        ...


@dataclass(frozen=True, slots=True)
class Dress:
    """What goes with the video. `link_label` names the button of the last rung."""

    caption_html: str
    keyboard: InlineKeyboardMarkup | None
    link_label: str
    html: bool = True
    """False: the caption is plain text."""

    def plain(self) -> "Dress":
        """The same words without markup or keyboard: Telegram cannot refuse those."""
        if not self.html:
            return self
        words = plain_words(self.caption_html, _CAPTION_LIMIT)
        return replace(self, caption_html=words, keyboard=None, html=False)

    @property
    def parse_mode(self) -> str | None:
        """For the Bot API."""
        return "HTML" if self.html else None


@dataclass(frozen=True, slots=True)
class Facts:
    """A probed file: pixels, seconds, and a JPEG thumbnail (≤ 320 px, < 200 kB) or None."""

    width: int
    height: int
    duration_s: float
    thumbnail: bytes | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """One rung made ready: a file id, a URL or a file, and its measurements."""

    rung: Rung
    kind: str
    source: str | Upload
    width: int | None = None
    height: int | None = None
    duration: int | None = None
    thumbnail: Upload | None = None

    @property
    def drained(self) -> Callable[[], bool] | None:
        """Tells whether the whole upload left this process; None when nothing is uploaded."""
        files = [file for file in (self.source, self.thumbnail) if isinstance(file, Upload)]
        return (lambda: all(file.drained for file in files)) if files else None


@dataclass(frozen=True, slots=True)
class Stock:
    """Where the ladder gets its things. All are handed in: adapters do not know their siblings.

    `dress` gives caption and keyboard. `fetch_video` gives the video's file. `inspect` measures it and
    makes the thumbnail (None: it cannot). `open_url` is the address that Telegram and the user may
    fetch, "" when there is none that may be shown.
    """

    dress: Callable[[Job, Video], Dressed]
    fetch_video: Callable[[Video], Awaitable[Path | Failure]]
    inspect: Callable[[Path], Awaitable[Facts | None]]
    open_url: Callable[[Video], str]
    link_label: str = "⬇️ MP4"


class Ladder:
    """Makes the rungs of one delivery ready, in order; fetches the file at most once."""

    def __init__(self, stock: Stock, limits: Limits, video: Video) -> None:
        self._stock = stock
        self._limits = limits
        self._video = video
        self._file: Path | None = None
        self._facts: Facts | None = None

    def rungs(self, *, again: bool) -> list[Rung]:
        """The rungs worth trying. `again`: an earlier attempt failed, a URL that failed once never helps."""
        rungs = [Rung.UPLOAD, Rung.DOCUMENT]
        url = self._stock.open_url(self._video)
        if url and not again and 0 < self._video.size <= self._limits.url_bytes:
            rungs.insert(0, Rung.URL)
        if self._video.file_id and self._video.file_kind != Rung.LINK:  # after a link the old id is stale
            rungs.insert(0, Rung.FILE_ID)
        return [*rungs, Rung.LINK] if url else rungs

    async def load(self, rung: Rung) -> Load | Failure | None:
        """The rung made ready; None when the video does not fit it."""
        if rung is Rung.FILE_ID:
            return self._measured(Load(rung, self._video.file_kind or "video", self._video.file_id))
        if rung is Rung.URL:
            return self._measured(Load(rung, "video", self._stock.open_url(self._video)))
        if rung is Rung.LINK:
            return Load(rung, "link", self._stock.open_url(self._video))
        if self._video.size > self._limits.upload_bytes:
            return None
        return await self._from_file(rung)

    async def _from_file(self, rung: Rung) -> Load | Failure | None:
        if self._file is None:
            path = await self._stock.fetch_video(self._video)
            if isinstance(path, Failure):
                return path
            self._file, self._facts = path, await self._stock.inspect(path)
        try:
            size = (await asyncio.to_thread(self._file.stat)).st_size
        except OSError as exc:  # a missing file would look like Telegram's network to the client
            return Failure(source="engine", step="store", exception=f"{type(exc).__name__}: {exc.strerror}")
        if size > self._limits.upload_bytes:
            return None
        kind = "video" if rung is Rung.UPLOAD else "document"
        load = self._measured(Load(rung, kind, Upload(self._file, "video.mp4")))
        thumbnail = self._facts.thumbnail if self._facts else None
        return replace(load, thumbnail=Upload(thumbnail, "thumb.jpg")) if thumbnail else load

    def _measured(self, load: Load) -> Load:
        facts = self._facts or Facts(self._video.width, self._video.height, self._video.duration_s)
        seconds = max(1, round(facts.duration_s)) if facts.duration_s else None
        return replace(load, width=facts.width or None, height=facts.height or None, duration=seconds)


def link_parts(load: Load, dress: Dress) -> tuple[str, InlineKeyboardMarkup | None]:
    """Text and keyboard of the last rung; without markup the address stands in the text."""
    if not dress.html:
        return f"{dress.caption_html}\n{load.source}", None
    button = InlineKeyboardButton(text=dress.link_label, url=str(load.source))
    rows = dress.keyboard.inline_keyboard if dress.keyboard else []
    return dress.caption_html, InlineKeyboardMarkup(inline_keyboard=[[button], *rows])


def _media(load: Load, dress: Dress) -> InputMediaVideo | InputMediaDocument | InputMediaAnimation:
    if load.kind == "document":
        return InputMediaDocument(
            media=load.source,
            thumbnail=load.thumbnail,
            caption=dress.caption_html,
            parse_mode=dress.parse_mode,
            # Otherwise the server makes a video of it again, which is what was refused.
            disable_content_type_detection=True if load.rung is Rung.DOCUMENT else None,
        )
    kind = InputMediaAnimation if load.kind == "animation" else InputMediaVideo
    media = kind(
        media=load.source,
        thumbnail=load.thumbnail,
        caption=dress.caption_html,
        parse_mode=dress.parse_mode,
        width=load.width,
        height=load.height,
        duration=load.duration,
    )
    return media.model_copy(update={"supports_streaming": True}) if kind is InputMediaVideo else media


def to_edit(load: Load, dress: Dress, chat_id: int, message_id: int) -> TelegramMethod[Message | bool]:
    """The call that turns an existing message into the video. Repeating it never makes a second message."""
    if load.kind == "link":
        text, keyboard = link_parts(load, dress)
        return EditMessageText(
            chat_id=chat_id,
            message_id=message_id,
            text=text,
            parse_mode=dress.parse_mode,
            reply_markup=keyboard,
        )
    return EditMessageMedia(
        chat_id=chat_id, message_id=message_id, media=_media(load, dress), reply_markup=dress.keyboard
    )


def to_send(load: Load, dress: Dress, chat_id: int) -> TelegramMethod[Message]:
    """The call that shows the video in a new message. Not repeatable: its outcome must be known."""
    if load.kind == "link":
        text, keyboard = link_parts(load, dress)
        return SendMessage(chat_id=chat_id, text=text, parse_mode=dress.parse_mode, reply_markup=keyboard)
    if load.kind == "document":
        return SendDocument(
            chat_id=chat_id,
            document=load.source,
            thumbnail=load.thumbnail,
            caption=dress.caption_html,
            parse_mode=dress.parse_mode,
            reply_markup=dress.keyboard,
            disable_content_type_detection=True if load.rung is Rung.DOCUMENT else None,
        )
    if load.kind == "animation":
        return SendAnimation(
            chat_id=chat_id,
            animation=load.source,
            caption=dress.caption_html,
            parse_mode=dress.parse_mode,
            reply_markup=dress.keyboard,
        )
    return SendVideo(
        chat_id=chat_id,
        video=load.source,
        thumbnail=load.thumbnail,
        caption=dress.caption_html,
        parse_mode=dress.parse_mode,
        width=load.width,
        height=load.height,
        duration=load.duration,
        supports_streaming=True,
        reply_markup=dress.keyboard,
    )
