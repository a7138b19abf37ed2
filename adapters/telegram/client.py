"""The Bot API client: aiogram's Bot, and a call that answers with a value instead of raising."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import AiogramError, TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.types import InputFile
from aiohttp import ClientError, ClientTimeout

from adapters.outside import json_of
from adapters.telegram.failures import Exchange, failure_of
from states.vocabulary import Failure

T = TypeVar("T")

_CHUNK = 256 * 1024

_seen: ContextVar[Exchange | None] = ContextVar("telegram_seen", default=None)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Real seconds. Telegram waits silently through flood waits of up to 60 s, hence a long `answer_s`."""

    connect_s: float = 10.0
    call_s: float = 30.0
    """A call without a file, in all."""
    answer_s: float = 90.0
    """Silence after the whole upload was sent."""
    upload_s: float = 300.0
    """A call with a file, in all."""
    poll_s: float = 30.0
    """How long getUpdates may hang at the server (at most 50)."""

    def small(self) -> ClientTimeout:
        """For calls without a file."""
        return ClientTimeout(total=self.call_s, sock_connect=self.connect_s)

    def heavy(self) -> ClientTimeout:
        """For uploads, and for sends whose file Telegram fetches itself."""
        return ClientTimeout(total=self.upload_s, sock_connect=self.connect_s, sock_read=self.answer_s)

    def poll(self) -> ClientTimeout:
        """For getUpdates: the server's own wait and a margin."""
        return ClientTimeout(total=self.poll_s + self.call_s, sock_connect=self.connect_s)


class Upload(InputFile):
    """A file for multipart upload that remembers whether its last chunk was taken by the socket.

    `drained` False after a failure proves that the request was incomplete (files smaller than the
    socket's buffers always read as drained). Source: measured with aiohttp 3.14 on loopback.
    """

    def __init__(self, source: Path | bytes, filename: str) -> None:
        super().__init__(filename=filename)
        self.source = source
        self.drained = False

    async def read(self, bot: Bot) -> AsyncGenerator[bytes, None]:  # noqa: ARG002  (aiogram's signature)
        """Yield the chunks, then set the flag."""
        self.drained = False
        if isinstance(self.source, bytes):
            yield self.source
        else:
            offset = 0
            while chunk := await asyncio.to_thread(_slice, self.source, offset):
                offset += len(chunk)
                yield chunk
        self.drained = True


def _slice(path: Path, offset: int) -> bytes:
    """One chunk. Opened anew each time: aiohttp abandons the generator of a cut upload, file and all."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(_CHUNK)


class Session(AiohttpSession):
    """aiogram's session that also notes HTTP status and Retry-After, which its exceptions drop."""

    async def make_request(self, bot: Bot, method: TelegramMethod[T], timeout: Any = None) -> T:  # noqa: ASYNC109
        """One POST. Takes an aiohttp `ClientTimeout` or seconds; raises as aiogram's own session does."""
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        seen = _seen.get() or Exchange(method.__api_method__, bot.token)
        limit = (
            timeout if isinstance(timeout, ClientTimeout) else ClientTimeout(total=timeout or self.timeout)
        )
        try:
            async with session.post(url, data=form, timeout=limit) as answer:
                seen.status = answer.status
                with contextlib.suppress(ValueError):  # an HTTP-date, or no header at all
                    seen.retry_after_s = float(answer.headers.get("Retry-After", ""))
                text = await answer.text(errors="replace")
        except TimeoutError as exc:
            raise TelegramNetworkError(method=method, message="Request timeout error") from exc
        except ClientError as exc:
            raise TelegramNetworkError(method=method, message=f"{type(exc).__name__}: {exc}") from exc
        with contextlib.suppress(ValueError):  # check_response below reports what is not JSON
            body = json_of(text)
            seen.body = body if isinstance(body, dict) else None
        if seen.raw and answer.ok and seen.body is not None and seen.body.get("ok") is True:
            return cast("T", seen.body.get("result"))
        checked = self.check_response(bot=bot, method=method, status_code=answer.status, content=text)
        return cast("T", checked.result)

    async def close(self) -> None:
        """Close at once on plain HTTP (loopback); aiogram's grace time is for TLS."""
        if self.api.base.startswith("http://") and self._session is not None:
            await self._session.close()
            return
        await super().close()


def make_bot(token: str, api_base: str = "https://api.telegram.org", timeouts: Timeouts | None = None) -> Bot:
    """A bot for the real Bot API or for one that speaks the same HTTP (sandbox). Texts are HTML."""
    limits = timeouts or Timeouts()
    session = Session(api=TelegramAPIServer.from_base(api_base), timeout=limits.call_s, json_loads=json_of)
    return Bot(token, session=session, default=DefaultBotProperties(parse_mode=ParseMode.HTML))


async def call(
    bot: Bot,
    method: TelegramMethod[T],
    *,
    timeout: ClientTimeout,  # noqa: ASYNC109  (the HTTP client's own, it tells connect from read)
    drained: Callable[[], bool] | None = None,
    step: str = "send",
) -> T | Failure:
    """Call and answer the result, or the facts of what went wrong. Never raises for the outside's faults."""
    return await _exchange(bot, method, timeout, Exchange(method.__api_method__, bot.token, step, drained))


async def call_raw(
    bot: Bot,
    method: TelegramMethod[Any],
    *,
    timeout: ClientTimeout,  # noqa: ASYNC109
    drained: Callable[[], bool] | None = None,
) -> dict[str, Any] | Failure:
    """As `call`, with the result's plain JSON ({} when it is no object).

    A Message that aiogram's models refuse was sent all the same: a delivery must not be lost to that.
    """
    seen = Exchange(method.__api_method__, bot.token, "send", drained, raw=True)
    answer = await _exchange(bot, method, timeout, seen)
    return answer if isinstance(answer, dict | Failure) else {}


async def _exchange(
    bot: Bot,
    method: TelegramMethod[T],
    timeout: ClientTimeout,  # noqa: ASYNC109
    seen: Exchange,
) -> T | Failure:
    mark = _seen.set(seen)
    try:
        return await bot(method, request_timeout=cast("Any", timeout))
    except (AiogramError, ClientError, OSError, TypeError) as exc:  # OSError covers time-outs
        return failure_of(exc, seen)
    finally:
        _seen.reset(mark)
