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
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import Update as TelegramUpdate
from aiogram.types.update import UpdateTypeLookupError

from bot.ports import Inbox
from engine.errors import StoreUnavailable
from engine.ports import Alert, Clock
from engine.values import Update
from states.classify import classify_telegram_error
from states.vocabulary import ErrorClass, Failure

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
        """Pump until `stop`; what is in hand then is finished. A store that is away is waited for."""
        hands: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            try:
                # with full hands it takes none, but what is held stays held
                for update in await self._inbox.take_updates(self._reader, self._limit - len(hands)):
                    hands.add(asyncio.create_task(self._serve(update)))
                await _first(hands, stop.wait(), self._inbox.wait_updates(idle_s))
            except StoreUnavailable:
                await _first(set(), stop.wait(), self._clock.sleep(_STORE_PAUSE_S))
            hands = self._busy(hands)
        if hands:
            await asyncio.wait(hands)
            self._busy(hands)

    def _busy(self, hands: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """The hands that are not done. A store lost at an acknowledgement means: handled once more."""
        for task in hands:
            error = task.exception() if task.done() and not task.cancelled() else None
            if error is not None and not isinstance(error, StoreUnavailable):
                raise error
        return {task for task in hands if not task.done()}

    async def turn(self) -> int:
        """One round: take what is there and handle it to the end; answers how many updates there were."""
        updates = await self._inbox.take_updates(self._reader, self._limit)
        async with asyncio.TaskGroup() as group:
            for update in updates:
                group.create_task(self._serve(update))
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
        except TelegramBadRequest as refused:
            return self._unheard(update) if _nobody_there(refused) else self._bug(update, refused)
        except Exception as error:  # noqa: BLE001  (a bug in a handler must not stop the other chats)
            return self._bug(update, error)
        return HANDLED

    def _parsed(self, update: Update) -> TelegramUpdate | Verdict:
        try:
            parsed = TelegramUpdate.model_validate(_json_of(update.raw), context={"bot": self._bot})
            # aiogram would print an update of a kind it does not know, the texts of people and all
            return parsed if parsed.event_type else Verdict()
        except (ValueError, RecursionError, OverflowError, UpdateTypeLookupError) as error:
            if self._on_crash is not None:
                self._on_crash("update.undecodable", error)
            text = f"update {update.update_id} cannot be read ({type(error).__name__}); it was skipped"
            return Verdict(alert=Alert("update.undecodable", "update", text))

    def _unheard(self, update: Update) -> Verdict:
        """Telegram does not know the chat: it may again in a moment (tdlib#219); else nobody is there."""
        return HANDLED if update.attempts >= BUG_ATTEMPTS else Verdict(again_s=_backoff_s(update.attempts))

    def _bug(self, update: Update, error: Exception) -> Verdict:
        if self._on_crash is not None:
            self._on_crash("update.failed", error)
        if update.attempts < BUG_ATTEMPTS:
            return Verdict(again_s=_backoff_s(update.attempts))
        name = type(error).__name__
        text = f"update {update.update_id} failed {update.attempts} times ({name}); it was given up"
        return Verdict(alert=Alert(f"update.failed:{name}", "update", text))


def _nobody_there(refused: TelegramBadRequest) -> bool:
    failure = Failure(source="telegram", step="send", http_status=400, code="400", message=refused.message)
    return classify_telegram_error(failure).cls is ErrorClass.PARKED


def _backoff_s(attempts: int) -> float:
    return BACKOFF_S[min(max(attempts, 1), len(BACKOFF_S)) - 1]


async def _first(tasks: set[asyncio.Task[None]], *waits: Coroutine[Any, Any, Any]) -> None:
    """Until one of them is over. The waits are ended, the tasks go on; a wait's own error is raised."""
    waiting = {asyncio.ensure_future(wait) for wait in waits}
    try:
        done, _ = await asyncio.wait({*tasks, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        for task in done & waiting:
            task.result()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


def _json_of(raw: bytes) -> Any:
    """An update as sent. Half characters, which no store and no chat takes, have become question marks."""
    found = json.loads(raw)
    text = json.dumps(found, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode("utf-8", "replace"))
    return found
