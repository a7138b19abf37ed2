"""Fetching a user's photo by its file id. The file's address holds the bot token and never leaves here."""

from contextlib import aclosing
from typing import Any, cast

from aiogram import Bot
from aiogram.methods import GetFile
from aiohttp import ClientError, ClientResponseError

from adapters.telegram.client import Timeouts, call
from adapters.telegram.failures import Exchange, failure_of
from engine.ports import Clock
from states.vocabulary import Failure

DOWNLOAD_BYTES = 20 << 20
"""Telegram serves no larger file to a bot (core.telegram.org/bots/api#getfile)."""

_PAUSES_S = (1.0, 3.0)
_TOO_BIG = "Bad Request: file is too big"
"""Telegram's own words, so that the classifier needs no second rule."""


async def fetch_photo(
    bot: Bot, file_id: str, *, clock: Clock, timeouts: Timeouts | None = None
) -> bytes | Failure:
    """The photo's bytes (at most 20 MB), or why not. Passing troubles are retried twice within the call.

    getFile's "wrong file_id or the file is temporarily unavailable" also stands for all 5xx and 429 inside
    Telegram (telegram-bot-api Client.cpp), so it is asked again before anybody is blamed.
    """
    limits = timeouts or Timeouts()
    outcome = await _fetch_once(bot, file_id, limits)
    for pause_s in _PAUSES_S:
        if isinstance(outcome, bytes) or not _passing(outcome):
            return outcome
        await clock.sleep(max(pause_s, outcome.retry_after_s or 0.0))
        outcome = await _fetch_once(bot, file_id, limits)
    return outcome


def _passing(failure: Failure) -> bool:
    """May the next try fare better? A long flood wait is the caller's to schedule."""
    if (failure.retry_after_s or 0.0) > _PAUSES_S[-1]:
        return False
    unavailable = "temporarily unavailable" in failure.message
    return (
        unavailable or failure.http_status is None or failure.http_status >= 500 or failure.http_status == 429
    )


async def _fetch_once(bot: Bot, file_id: str, limits: Timeouts) -> bytes | Failure:
    file = await call(bot, GetFile(file_id=file_id), timeout=limits.small(), step="photo")
    if isinstance(file, Failure):
        return file
    if (file.file_size or 0) > DOWNLOAD_BYTES:
        return _too_big()
    if not file.file_path:
        return Failure(
            source="telegram",
            step="photo",
            method="getFile",
            http_status=200,
            message="Bad Request: wrong file_id or the file is temporarily unavailable",
        )
    return await _download(bot, file.file_path, limits)


async def _download(bot: Bot, path: str, limits: Timeouts) -> bytes | Failure:
    """Stream the file, giving up beyond the limit."""
    seen = Exchange("download", bot.token, "photo")
    content = bytearray()
    url = bot.session.api.file_url(bot.token, path)
    stream = bot.session.stream_content(url, timeout=cast("Any", limits.heavy()))
    try:
        async with aclosing(stream):
            async for chunk in stream:
                content += chunk
                if len(content) > DOWNLOAD_BYTES:
                    return _too_big()
    except (ClientError, OSError) as exc:
        seen.status = exc.status if isinstance(exc, ClientResponseError) else None
        return failure_of(exc, seen)
    return bytes(content)


def _too_big() -> Failure:
    return Failure(
        source="telegram",
        step="photo",
        method="getFile",
        http_status=400,
        code="400",
        message=_TOO_BIG,
        may_have_arrived=False,
    )
