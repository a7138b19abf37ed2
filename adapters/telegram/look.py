"""Looking at a message without changing what the user reads: an edit of its keyboard returns it as it is.

The Bot API cannot read messages, but editMessageReplyMarkup answers with the whole Message. The keyboard
must differ from the present one (else: "message is not modified"), so a one-use button is put on and then
taken off again. An edit also cancels an older edit of the same message that is still running (td:
"Canceled by new edit message request"), so what is seen is final.
"""

from dataclasses import dataclass

from aiogram import Bot
from aiogram.methods import EditMessageReplyMarkup
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

from adapters.telegram.client import Timeouts, call
from states.vocabulary import Failure

LOOK_PREFIX = "look:"
"""callback_data of the one-use button begins so; a tap on it needs no more than an answer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message shows: `kind` video, document, animation, or "" for text."""

    message_id: int
    kind: str = ""
    file_id: str = ""


def shown_by(message: Message) -> Shown:
    """Kind and file id of a message's media. A silent short clip may come back as an animation."""
    for kind in ("video", "animation", "document"):
        media = getattr(message, kind)
        if media is not None:
            return Shown(message.message_id, kind, media.file_id)
    return Shown(message.message_id)


async def look(bot: Bot, timeouts: Timeouts, chat_id: int, message_id: int, nonce: str) -> Shown | Failure:
    """What the message shows now. Leaves the one-use button on it: call `dress_up` afterwards."""
    button = InlineKeyboardButton(text="…", callback_data=f"{LOOK_PREFIX}{nonce}"[:64])
    method = EditMessageReplyMarkup(
        chat_id=chat_id,
        message_id=message_id,
        reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]),
    )
    answer = await call(bot, method, timeout=timeouts.small())
    if isinstance(answer, Failure):
        return answer
    return shown_by(answer) if isinstance(answer, Message) else Shown(message_id)


async def dress_up(
    bot: Bot, timeouts: Timeouts, chat_id: int, message_id: int, keyboard: InlineKeyboardMarkup | None
) -> Failure | None:
    """Put the proper keyboard (None: no keyboard) on after a look; one repeat, since it is harmless."""
    method = EditMessageReplyMarkup(chat_id=chat_id, message_id=message_id, reply_markup=keyboard)
    answer = await call(bot, method, timeout=timeouts.small())
    if isinstance(answer, Failure) and answer.may_have_arrived is not False:
        answer = await call(bot, method, timeout=timeouts.small())
    return answer if isinstance(answer, Failure) else None
