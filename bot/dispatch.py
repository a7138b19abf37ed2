"""Stored updates to handlers: taken in order per chat, handled, and only then acknowledged.

An update that fails is given back and handled again later, so handlers are harmless when run twice. What
cannot be read at all is told to the operator and acknowledged: one bad update must not stop a chat.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from aiogram import Bot, Dispatcher
from aiogram.exceptions import (
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import Update as TelegramUpdate
from pydantic import ValidationError

from bot.ports import Inbox
from engine.errors import StoreUnavailable
from engine.ports import Alert, Clock
from engine.values import Update

BACKOFF_S: Final = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Pauses before an update is handled again; the last one repeats."""
BUG_ATTEMPTS: Final = 5
"""How often an update may fail by a bug of ours before it is given up and told to the operator."""
_STORE_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a handled update: acknowledge it (`again_s` None), or handle it again after so long."""

    again_s: float | None = None
    alert: Alert | None = None


HANDLED: Final = Verdict()


class UpdatePump:
    """Feeds stored updates to a dispatcher until stopped. Several may run, in several processes."""

    def __init__(
        self,
        inbox: Inbox,
        dispatcher: Dispatcher,
        bot: Bot,
        clock: Clock,
        *,
        reader: str,
        limit: int = 10,
        on_crash: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self._inbox = inbox
        self._dispatcher = dispatcher
        self._bot = bot
        self._clock = clock
        self._reader = reader
        self._limit = limit
        self._on_crash = on_crash

    async def run(self, stop: asyncio.Event, idle_s: float = 30.0) -> None:
        """Pump until `stop`. A store that is away is waited for; what was taken is finished first."""
        while not stop.is_set():
            try:
                if await self.turn() == 0:
                    await _unless(stop, self._inbox.wait_updates(idle_s))
            except StoreUnavailable:
                await _unless(stop, self._clock.sleep(_STORE_PAUSE_S))

    async def turn(self) -> int:
        """Take what is there and handle it, chats side by side; answers how many updates there were."""
        updates = await self._inbox.take_updates(self._reader, self._limit)
        results = await asyncio.gather(*(self._serve(update) for update in updates), return_exceptions=True)
        for error in results:
            if isinstance(error, BaseException):
                raise error
        return len(updates)

    async def _serve(self, update: Update) -> None:
        verdict = await self._handle(update)
        if verdict.alert is not None:
            await self._inbox.alert(verdict.alert)
        if verdict.again_s is None:
            await self._inbox.ack_update(update)
        else:
            await self._inbox.nack_update(update, verdict.again_s)

    async def _handle(self, update: Update) -> Verdict:
        parsed = self._parsed(update)
        if isinstance(parsed, Verdict):
            return parsed
        try:
            await self._dispatcher.feed_update(self._bot, parsed)
        except TelegramForbiddenError:
            return HANDLED  # blocked meanwhile: nobody is there to be answered
        except TelegramRetryAfter as told:
            return Verdict(again_s=float(told.retry_after))
        except (TelegramNetworkError, TelegramServerError, StoreUnavailable):
            return Verdict(again_s=_backoff_s(update.attempts))
        except Exception as error:  # noqa: BLE001  (a bug in a handler must not stop the other chats)
            return self._bug(update, error)
        return HANDLED

    def _parsed(self, update: Update) -> TelegramUpdate | Verdict:
        try:
            return TelegramUpdate.model_validate(json.loads(update.raw), context={"bot": self._bot})
        except (ValueError, ValidationError) as error:
            if self._on_crash is not None:
                self._on_crash("update.undecodable", error)
            text = f"update {update.update_id} cannot be read ({type(error).__name__}); it was skipped"
            return Verdict(alert=Alert("update.undecodable", "unknown", text))

    def _bug(self, update: Update, error: Exception) -> Verdict:
        if self._on_crash is not None:
            self._on_crash("update.failed", error)
        if update.attempts < BUG_ATTEMPTS:
            return Verdict(again_s=_backoff_s(update.attempts))
        name = type(error).__name__
        text = f"update {update.update_id} failed {update.attempts} times ({name}); it was given up"
        return Verdict(alert=Alert(f"update.failed:{name}", "gave_up", text))


def _backoff_s(attempts: int) -> float:
    return BACKOFF_S[min(max(attempts, 1), len(BACKOFF_S)) - 1]


async def _unless(stop: asyncio.Event, waiting: Coroutine[Any, Any, None]) -> None:
    """Wait, but not beyond `stop`. Errors of the waiting are raised."""
    tasks = {asyncio.ensure_future(waiting), asyncio.ensure_future(stop.wait())}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
