"""Speaking: sending, editing and answering taps, with the refusals that mean "already so" taken as such.

Other refusals and network faults are raised: the update stays stored and is handled again later.
"""

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from bot.texts import Html

_SAME = ("message is not modified", "canceled by new edit message request")
_GONE = (
    "message to edit not found",
    "message can't be edited",
    "no text in the message",
    "message_id_invalid",
)
_LATE = ("query is too old", "query id is invalid")
_TOAST_LIMIT = 200


async def send(bot: Bot, chat_id: int, text: Html, keyboard: InlineKeyboardMarkup | None = None) -> int:
    """A new message; answers its id."""
    message = await bot.send_message(chat_id, text, parse_mode="HTML", reply_markup=keyboard)
    return message.message_id


async def edit(
    bot: Bot, chat_id: int, message_id: int, text: Html, keyboard: InlineKeyboardMarkup | None = None
) -> bool:
    """Make a message say this; False when it can no longer be edited (deleted, or a video by now)."""
    try:
        await bot.edit_message_text(
            text, chat_id=chat_id, message_id=message_id, parse_mode="HTML", reply_markup=keyboard
        )
    except TelegramBadRequest as refused:
        return _same_or_gone(refused)
    return True


async def undress(bot: Bot, chat_id: int, message_id: int | None) -> None:
    """Take the buttons off a message that is out of date. Nobody misses them if it fails."""
    if message_id is None:
        return
    try:
        await bot.edit_message_reply_markup(chat_id=chat_id, message_id=message_id)
    except TelegramBadRequest as refused:
        _same_or_gone(refused)


async def show(
    bot: Bot, chat_id: int, message_id: int | None, text: Html, keyboard: InlineKeyboardMarkup | None = None
) -> int:
    """In that message when it can be edited, else in a new one; answers the id of what shows it."""
    if message_id is not None and await edit(bot, chat_id, message_id, text, keyboard):
        return message_id
    return await send(bot, chat_id, text, keyboard)


def _same_or_gone(refused: TelegramBadRequest) -> bool:
    words = refused.message.lower()
    if any(text in words for text in _SAME):
        return True
    if any(text in words for text in _GONE):
        return False
    raise refused


class Toast:
    """The answer to one tap: given exactly once, at the latest when its handler ends."""

    def __init__(self, query: CallbackQuery) -> None:
        self._query = query
        self.given = False

    async def show(self, text: str = "", *, alert: bool = False) -> None:
        """Answer now; a second call is ignored. Too late is not an error: the person has moved on."""
        if self.given:
            return
        self.given = True
        try:
            await self._query.answer(text[:_TOAST_LIMIT] or None, show_alert=alert or None)
        except TelegramBadRequest as refused:
            if not any(words in refused.message.lower() for words in _LATE):
                raise
