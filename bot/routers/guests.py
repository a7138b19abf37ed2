"""Before each handler: who is this, in which language, is a video parked; after it: the tap is answered."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, Chat, Message, TelegramObject, User

from bot.desk import Desk, Guest
from bot.talk import Toast

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class Reception(BaseMiddleware):
    """Puts `guest` (and for taps `toast`) into a handler's arguments."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Serve one update; a tap is always answered, also when its handler fails."""
        user: User | None = data.get("event_from_user")
        chat: Chat | None = data.get("event_chat")
        if user is None:  # channel posts and the like: nobody to serve
            return None
        guest = Guest(
            user_id=user.id,
            chat_id=chat.id if chat else user.id,
            lang=await self._desk.language(user.id, user.language_code),
            desk=self._desk,
        )
        private = chat is None or chat.type == ChatType.PRIVATE
        if private and isinstance(event, Message | CallbackQuery):
            # someone who writes can be written to: a video parked for them goes out now
            await self._desk.engine.user_returned(user.id)
        if isinstance(event, CallbackQuery):
            return await _answered(handler, event, {**data, "guest": guest})
        return await handler(event, {**data, "guest": guest})


async def _answered(handler: Handler, query: CallbackQuery, data: dict[str, Any]) -> Any:
    toast = Toast(query)
    try:
        return await handler(query, {**data, "toast": toast})
    except Exception:  # it goes on to the pump; but whoever tapped waits for a word
        await toast.show(data["guest"].say("toast-later"))
        raise
    finally:
        await toast.show()
